#include "postgres/node_news.h"

#include <gtest/gtest.h>

namespace vodlift::postgres {
namespace {

bool same(const Change& a, const Change& b) {
  return a.kind == b.kind && a.account == b.account && a.upload == b.upload && a.callback == b.callback;
}

TEST(NodeNews, AreReadAsTheyWereWritten) {
  const NodeNews news{77,
                      {{Change::Kind::uploads_due, 158, 9}, {.kind = Change::Kind::callback_changed, .callback = 3}}};
  const auto read = node_news_from(news_text(news));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->sender, 77);
  ASSERT_EQ(read->changes.size(), 2U);
  EXPECT_TRUE(same(read->changes[0], news.changes[0]));
  EXPECT_TRUE(same(read->changes[1], news.changes[1]));
  EXPECT_TRUE(node_news_from(news_text({1, {}}))->changes.empty());
}

TEST(NodeNews, WhatDoesNotFitIsToldTogether) {
  NodeNews news{1, {}};
  for (UploadId id = 1; id <= 5000; ++id) news.changes.push_back({.kind = Change::Kind::upload_changed, .upload = id});
  const std::string text = news_text(news);
  EXPECT_LE(text.size(), kMostNewsBytes);
  const auto read = node_news_from(text);
  ASSERT_TRUE(read);
  EXPECT_GT(read->changes.size(), 100U);
  EXPECT_TRUE(same(read->changes.back(), {.kind = Change::Kind::upload_changed}));
}

TEST(NodeNews, OtherTextsAreRefusedAndOtherKindsLeftOut) {
  for (const char* text :
       {"", "x", "1x", "1 due", "1 due,1", "1 due,1,2", "1 due,1,2,", "1 due,a,2,3", "1  due,1,2,3"}) {
    EXPECT_FALSE(node_news_from(text)) << text;
  }
  EXPECT_FALSE(node_news_from("1 " + std::string(10'000, 'x')));
  const auto later = node_news_from("1 something,1,2,3 due,4,5,6");
  ASSERT_TRUE(later);
  ASSERT_EQ(later->changes.size(), 1U);
  EXPECT_EQ(later->changes[0].account, 4);
}

}  // namespace
}  // namespace vodlift::postgres
