#include "core/upload_options.h"

#include <gtest/gtest.h>

#include <functional>

#include "core/upload_fields.h"

namespace vodlift {
namespace {

Result<UploadOptions> validated(const std::function<void(UploadOptions&)>& change) {
  UploadOptions options;
  change(options);
  return validate_options(std::move(options));
}

void expect_refused(const std::function<void(UploadOptions&)>& change, std::string_view field) {
  const auto result = validated(change);
  ASSERT_FALSE(result) << field;
  EXPECT_EQ(result.error().code, Errc::invalid_value);
  EXPECT_TRUE(result.error().message.starts_with(field)) << result.error().message;
}

TEST(UploadOptions, NothingAskedForIsRight) {
  const auto options = validated([](UploadOptions&) {});
  ASSERT_TRUE(options);
  EXPECT_EQ(*options, UploadOptions{});
}

TEST(UploadOptions, HeadersGoAsTheyAreWithoutSpacesAround) {
  const auto options = validated([](UploadOptions& o) {
    o.content_type = " text/vtt; charset=utf-8 ";
    o.cache_control = "max-age=31536000, immutable";
    o.content_disposition = "attachment; filename*=UTF-8''f%C3%BCr.mp4";
    o.storage_class = "STANDARD_IA";
  });
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->content_type, "text/vtt; charset=utf-8");
  EXPECT_EQ(options->content_disposition, "attachment; filename*=UTF-8''f%C3%BCr.mp4");
}

TEST(UploadOptions, NothingThatCouldEndAHeaderIsTaken) {
  const std::vector<std::string> line_breakers = {"a\r\nx-amz-acl: public-read", "a\nb", "a\rb", std::string("a\0b", 3),
                                                  "a\x7F"};
  for (const std::string& bad : line_breakers) {
    expect_refused([&](UploadOptions& o) { o.content_type = "video/mp4; " + bad; }, "content_type: ");
    expect_refused([&](UploadOptions& o) { o.cache_control = bad; }, "cache_control: ");
    expect_refused([&](UploadOptions& o) { o.content_disposition = bad; }, "content_disposition: ");
    expect_refused([&](UploadOptions& o) { o.storage_class = bad; }, "storage_class: ");
    expect_refused([&](UploadOptions& o) { o.tags = {{"name", bad}}; }, "tags.name: ");
  }
}

TEST(UploadOptions, AContentTypeIsAMediaType) {
  for (const std::string good : {"video/mp4", "application/vnd.apple.mpegurl", "a/b;c=d"}) {
    EXPECT_TRUE(validated([&](UploadOptions& o) { o.content_type = good; })) << good;
  }
  for (const std::string bad : {"video", "video/", "/mp4", "video /mp4", "video/mp4/x", "mp4;a/b", "vidéo/mp4"}) {
    expect_refused([&](UploadOptions& o) { o.content_type = bad; }, "content_type: ");
  }
}

TEST(UploadOptions, LengthsAreLimited) {
  EXPECT_TRUE(validated([](UploadOptions& o) { o.content_disposition = std::string(1024, 'a'); }));
  expect_refused([](UploadOptions& o) { o.content_disposition = std::string(1025, 'a'); }, "content_disposition: 1025");
  expect_refused([](UploadOptions& o) { o.cache_control = std::string(256, 'a'); }, "cache_control: 256");
  expect_refused([](UploadOptions& o) { o.content_type = "a/" + std::string(254, 'a'); }, "content_type: 256");
  expect_refused([](UploadOptions& o) { o.storage_class = std::string(65, 'A'); }, "storage_class: 65");
}

TEST(UploadOptions, TenTagsOfS3sCharactersAreTheMost) {
  Metadata tags;
  for (int i = 0; i < 10; ++i) tags["tag " + std::to_string(i)] = "a+b-c=d.e_f:g/h@i";
  EXPECT_TRUE(validated([&](UploadOptions& o) { o.tags = tags; }));
  tags["one more"] = "";
  expect_refused([&](UploadOptions& o) { o.tags = tags; }, "tags: 11 tags");
  expect_refused([](UploadOptions& o) { o.tags = {{"", "x"}}; }, "tags: ");
  expect_refused([](UploadOptions& o) { o.tags = {{"aws:x", "x"}}; }, "tags.aws:x: ");
  expect_refused([](UploadOptions& o) { o.tags = {{"x", "a&b=c"}}; }, "tags.x: ");
  expect_refused([](UploadOptions& o) { o.tags = {{"x", "\xFF"}}; }, "tags.x: ");
}

TEST(UploadOptions, TagsAreMeasuredAsS3CountsCharacters) {
  std::string umlauts;
  for (int i = 0; i < 128; ++i) umlauts += "ü";
  std::string clefs;  // outside of the basic plane: two units each
  for (int i = 0; i < 128; ++i) clefs += "\U0001D11E";
  EXPECT_TRUE(validated([&](UploadOptions& o) { o.tags = {{umlauts, clefs}}; }));
  expect_refused([&](UploadOptions& o) { o.tags = {{umlauts + "x", ""}}; }, "tags.");
  expect_refused([&](UploadOptions& o) { o.tags = {{"x", clefs + "x"}}; }, "tags.x: ");
}

TEST(UploadOptions, AChecksumHasOneForm) {
  const std::string sha = "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08";
  EXPECT_EQ(validated([&](UploadOptions& o) { o.checksum = "sha256:" + sha; })->checksum,
            "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
  EXPECT_EQ(validated([](UploadOptions& o) { o.checksum = "crc32c:yZRlqg=="; })->checksum, "crc32c:yZRlqg==");
  EXPECT_EQ(validated([](UploadOptions& o) { o.checksum = "md5:D41D8CD98F00B204E9800998ECF8427E"; })->checksum,
            "md5:d41d8cd98f00b204e9800998ecf8427e");
  for (const std::string bad : {"yZRlqg==", "crc32c:", "crc32c:yZRlqg", "crc32c:c99465aa", "md5:d41d",
                                "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709", "SHA256:9f86",
                                "md5:z41d8cd98f00b204e9800998ecf8427e", ":", "md5"}) {
    expect_refused([&](UploadOptions& o) { o.checksum = bad; }, "checksum: ");
  }
}

}  // namespace
}  // namespace vodlift
