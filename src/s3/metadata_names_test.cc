#include "s3/metadata_names.h"

#include <gtest/gtest.h>

namespace vodlift::s3 {
namespace {

TEST(MetadataNames, OfAnAnswer) {
  const net::HttpResponse response{200,
                                   {{"content-type", "video/mp4"},
                                    {"x-amz-meta-a-b", "1"},
                                    {"x-amz-meta-vodlift-upload", "token"},
                                    {"x-amz-meta-title", ""}},
                                   ""};
  EXPECT_EQ(metadata_of(response), (Metadata{{"a-b", "1"}, {"title", ""}}));
}

TEST(MetadataNames, WhatBecomesOfOne) {
  const Metadata kept = {{"a-b", ""}, {"a.c", ""}, {"title", ""}, {"x_y", ""}, {"x-y", ""}};
  EXPECT_EQ(kept_as(kept, "title"), "title");
  EXPECT_EQ(kept_as(kept, "a_b"), "a-b");
  EXPECT_EQ(kept_as(kept, "a|b"), "a-b");
  EXPECT_EQ(kept_as(kept, "x_y"), "x_y");
  EXPECT_EQ(kept_as(kept, "a_d"), "") << "dropped";
  EXPECT_EQ(kept_as(kept, "a_bb"), "");
  EXPECT_EQ(kept_as(kept, "ab"), "");
  EXPECT_EQ(kept_as({}, "a_b"), "");
}

}  // namespace
}  // namespace vodlift::s3
