#include "core/upload_request.h"

#include <gtest/gtest.h>

#include <functional>

namespace vodlift {
namespace {

UploadRequest good() {
  UploadRequest request;
  request.path = "sestore4/jb/path/to/file.mp4";
  request.destination_path = "path/to/file.mp4";
  request.bucket = "my_bucket";
  request.metadata = {{"param1", "value1"}};
  request.callback = "www.mycallbackurl.com/";
  return request;
}

Result<UploadRequest> validated(const std::function<void(UploadRequest&)>& change) {
  UploadRequest request = good();
  change(request);
  return validate(std::move(request), "jb");
}

void expect_refused(const std::function<void(UploadRequest&)>& change, Errc code, std::string_view field) {
  const auto result = validated(change);
  ASSERT_FALSE(result) << field;
  EXPECT_EQ(result.error().code, code) << result.error().message;
  EXPECT_TRUE(result.error().message.starts_with(field)) << result.error().message;
}

TEST(SourcePath, IsTakenApart) {
  const auto path = parse_source_path("sestore4/jb/path/to/file.mp4");
  ASSERT_TRUE(path);
  EXPECT_EQ(path->storage, "sestore4");
  EXPECT_EQ(path->user, "jb");
  EXPECT_EQ(path->file, "path/to/file.mp4");
  EXPECT_TRUE(parse_source_path("s/u/f"));
  EXPECT_TRUE(parse_source_path("sestore4/jb/%2e%2e/..\\x/\n;\"é"));  // C07, C21: literal names
  EXPECT_TRUE(parse_source_path("sestore4/jb/" + std::string(255, 'a')));
}

TEST(SourcePath, RefusesByTextAlone) {
  std::string long_path = "sestore4/jb";
  while (long_path.size() < 4096) long_path += "/abcdefgh";
  const std::vector<std::string> bad = {"",
                                        "sestore4",
                                        "sestore4/jb",
                                        "sestore4/jb/",
                                        "/sestore4/jb/x",
                                        "sestore4//x",
                                        "sestore4/jb/a//b",
                                        "sestore4/jb/x/",
                                        "sestore4/jb/../other/x",
                                        "sestore4/jb/./x",
                                        "sestore4/jb/..",
                                        "../jb/x",
                                        "sestore4/../x",
                                        "/etc/passwd",
                                        "file:///etc/passwd",
                                        std::string("sestore4/jb/a\0b", 15),
                                        "sestore4/jb/\xC0\xAE\xC0\xAE/x",
                                        "sestore4/jb/" + std::string(256, 'a'),
                                        long_path};
  for (const std::string& path : bad) {
    const auto parsed = parse_source_path(path);
    ASSERT_FALSE(parsed) << path;
    EXPECT_EQ(parsed.error().code, Errc::invalid_value) << path;
    EXPECT_TRUE(parsed.error().message.starts_with("path: ")) << parsed.error().message;
  }
}

TEST(SourcePath, SendsThePlaceholderToGetstorage) {
  for (const std::string_view path : {"sestore{#}/jb/path/to/file.mp4", "sestore{#}"}) {
    const auto parsed = parse_source_path(path);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().code, Errc::storage_unavailable);
    EXPECT_NE(parsed.error().message.find("files.getstorage"), std::string::npos);
  }
}

TEST(UploadRequest, PassesThePagesExample) {
  const auto request = validate(good(), "jb");
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->callback, "http://www.mycallbackurl.com/");
  EXPECT_EQ(request->metadata, (Metadata{{"param1", "value1"}}));
}

TEST(UploadRequest, C05TellsAnotherUsersFolderAsAbsent) {
  const auto result = validated([](UploadRequest& r) { r.path = "sestore4/other/file.mp4"; });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::source_not_found);
  EXPECT_EQ(result.error().message, "file sestore4/other/file.mp4 does not exist");
}

TEST(UploadRequest, A56TakesKeysByteExact) {
  for (const std::string& key :
       {std::string("/x"), std::string("a//b"), std::string("a b?#%+&=é.mp4"), std::string("..."),
        std::string("a/..b/c"), std::string(1024, 'k'), std::string("a:\\b\"'<>")}) {
    const auto result = validated([&](UploadRequest& r) { r.destination_path = key; });
    ASSERT_TRUE(result) << key << result.error().message;
    EXPECT_EQ(result->destination_path, key);
  }
}

TEST(UploadRequest, RefusesKeysThatWouldNotArriveAsTheyAre) {
  for (const std::string& key :
       {std::string(), std::string("."), std::string(".."), std::string("../x"), std::string("a/../b"),
        std::string("a/."), std::string("folder/"), std::string("/"), std::string(1025, 'k'), std::string("a\nb"),
        std::string("a\0b", 3), std::string("a\x7F"), std::string("a\xFF")}) {
    expect_refused([&](UploadRequest& r) { r.destination_path = key; }, Errc::invalid_value, "destination_path: ");
  }
}

TEST(BucketName, A54TakesWhatStoresHave) {
  for (const std::string_view name :
       {"my_bucket", "a.b", "abc", "My-Bucket.2024", "1234", "a-1.b_2", "_ab", "ab_", "ab-"}) {
    EXPECT_TRUE(check_bucket_name(name)) << name;
  }
  EXPECT_TRUE(check_bucket_name(std::string(255, 'b'))) << "old buckets of AWS";
  for (const char* name : {"tenant:films", "tenant:2024-films"}) EXPECT_TRUE(check_bucket_name(name)) << name;
}

TEST(BucketName, A55RefusesWhatCouldReachAnotherHost) {
  const std::vector<std::string> bad = {"",
                                        "ab",
                                        std::string(256, 'b'),
                                        std::string(300, 'b'),
                                        "x/../y",
                                        "evil.com/",
                                        "a@b",
                                        "a?b",
                                        "A%2f",
                                        "a#b",
                                        "a:80",
                                        "192.168.5.4",
                                        "1.2.3",
                                        "--x-s3",
                                        "films--x-s3",
                                        "a..b",
                                        ".ab",
                                        "ab.",
                                        "-ab",
                                        "ab:",
                                        "_a..",
                                        "a b",
                                        "a\nb",
                                        "b\xC3\xBC"
                                        "cket"};
  for (const std::string& name : bad) {
    const auto result = check_bucket_name(name);
    ASSERT_FALSE(result) << name;
    EXPECT_EQ(result.error().code, Errc::invalid_value);
    EXPECT_TRUE(result.error().message.starts_with("bucket: "));
  }
}

TEST(UploadMetadata, FoldsNamesAndTrimsValues) {
  const auto result = validated([](UploadRequest& r) {
    r.metadata = {{"Title", "  Ünïcode =?x?=  "}, {"a.b_c-d", ""}, {"5", "five"}};
  });
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->metadata, (Metadata{{"5", "five"}, {"a.b_c-d", ""}, {"title", "Ünïcode =?x?="}}));
}

TEST(UploadMetadata, RefusesNamesThatAreNoHeadersOrNotTheClients) {
  for (const std::string_view name : {"", "a b", "a:b", "a\r\nx-amz-acl", "é", "a/b", "a\"b", "a\tb", "vodlift-upload",
                                      "Vodlift-Upload", "x-amz-acl", "X-Amz-Meta-title"}) {
    expect_refused([&](UploadRequest& r) { r.metadata = {{std::string(name), "v"}}; }, Errc::invalid_value, "metadata");
  }
  // A39: S3 would see one name.
  expect_refused(
      [](UploadRequest& r) {
        r.metadata = {{"Title", "a"}, {"title", "b"}};
      },
      Errc::invalid_value, "metadata");
}

TEST(UploadMetadata, A52RefusesHeaderInjection) {
  for (const std::string& value :
       {std::string("a\r\nx-amz-acl: public-read"), std::string("a\nb"), std::string("a\rb"), std::string("a\0b", 3),
        std::string("a\tb"), std::string("a\x7F"), std::string("\xFF")}) {
    expect_refused([&](UploadRequest& r) { r.metadata = {{"title", value}}; }, Errc::invalid_value, "metadata.title: ");
  }
}

TEST(UploadMetadata, CountsWhatIsSentToTheByte) {
  constexpr std::size_t kOwn = 46;  // vodlift-upload and its token
  const std::size_t left = kMaxMetadataBytes - kOwn - 1;
  const auto ascii = [&](std::size_t bytes) {
    return validated([&](UploadRequest& r) { r.metadata = {{"t", std::string(bytes, 'v')}}; });
  };
  EXPECT_TRUE(ascii(left));
  EXPECT_FALSE(ascii(left + 1));

  // "é" is two bytes; a word holds 22 of them: 44 bytes, 60 in base64, 72 with its frame and 73 with the space before.
  const auto words = [&](std::size_t count, std::size_t more) {
    std::string value;
    for (std::size_t i = 0; i < count * 22; ++i) value += "é";
    return validated([&](UploadRequest& r) { r.metadata = {{"t", value}, {"u", std::string(more, 'v')}}; });
  };
  const std::size_t sent = 27 * 73 - 1;
  const std::size_t rest = kMaxMetadataBytes - kOwn - 2 - sent;
  EXPECT_TRUE(words(27, rest));
  EXPECT_FALSE(words(27, rest + 1));
}

TEST(UploadMetadata, HoldsAtMostHundredPairs) {
  Metadata metadata;
  for (int i = 0; i < 100; ++i) metadata["n" + std::to_string(i)] = "v";
  EXPECT_TRUE(validated([&](UploadRequest& r) { r.metadata = metadata; }));
  metadata["one-more"] = "v";
  expect_refused([&](UploadRequest& r) { r.metadata = metadata; }, Errc::invalid_value, "metadata: ");
}

TEST(UploadRequest, ChecksCallbackAndPriority) {
  expect_refused([](UploadRequest& r) { r.callback = "ftp://host/"; }, Errc::invalid_value, "callback: ");
  EXPECT_EQ(validated([](UploadRequest& r) { r.callback = ""; })->callback, "");
  expect_refused([](UploadRequest& r) { r.priority = 10; }, Errc::invalid_value, "priority: ");
  expect_refused([](UploadRequest& r) { r.priority = -1; }, Errc::invalid_value, "priority: ");
}

TEST(FolderPath, NamesTheUsersFolderOrOneBeneath) {
  for (const std::string_view text : {"sestore4/jb", "sestore4/jb/"}) {
    const auto path = parse_folder_path(text);
    ASSERT_TRUE(path) << text;
    EXPECT_EQ(path->storage + "|" + path->user + "|" + path->file, "sestore4|jb|");
  }
  EXPECT_EQ(parse_folder_path("sestore4/jb/a")->file, "a");
  EXPECT_EQ(parse_folder_path("sestore4/jb/a/b/")->file, "a/b");
}

TEST(FolderPath, RefusesWhatASourcePathMayNotHold) {
  for (const std::string& text :
       {std::string(), std::string("/"), std::string("//"), std::string("sestore4"), std::string("sestore4/"),
        std::string("sestore4//"), std::string("/sestore4/jb"), std::string("sestore4/jb//"),
        std::string("sestore4/.."), std::string("sestore4/jb/../x"), std::string("sestore4/jb/\xff"),
        "sestore4/jb/" + std::string(256, 'x'), "sestore4/jb/" + std::string(4096, 'x')}) {
    EXPECT_EQ(parse_folder_path(text).error().code, Errc::invalid_value) << text;
  }
  EXPECT_EQ(parse_folder_path("sestore{#}/jb").error().code, Errc::storage_unavailable);
}

}  // namespace
}  // namespace vodlift
