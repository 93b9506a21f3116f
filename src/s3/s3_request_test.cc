#include "s3/s3_request.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/encoding.h"

namespace vodlift::s3 {
namespace {

Address address(std::string bucket, std::string endpoint, bool path_style = false) {
  BucketAccess access;
  access.bucket = std::move(bucket);
  access.endpoint = std::move(endpoint);
  access.path_style = path_style;
  return address_of(access);
}

TEST(Addressing, VirtualHostWhereTheNameFits) {
  const Address a = address("films", "https://s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(a.origin, "https://films.s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(a.host, "films.s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(a.prefix, "");
}

TEST(Addressing, PathStyleWhereTheNameDoesNotFit) {
  EXPECT_EQ(address("my_bucket", "https://s3.amazonaws.com").prefix, "/my_bucket");
  EXPECT_EQ(address("Films", "https://s3.amazonaws.com").prefix, "/Films");
  EXPECT_EQ(address("a.b", "https://s3.amazonaws.com").prefix, "/a.b") << "a wildcard certificate covers one label";
  EXPECT_EQ(address("a.b", "http://s3.example.org").host, "a.b.s3.example.org");
  EXPECT_EQ(address("films", "http://127.0.0.1:7480").origin, "http://127.0.0.1:7480");
  EXPECT_EQ(address("films", "http://[::1]:7480").prefix, "/films");
  EXPECT_EQ(address("films", "http://localhost:7480").prefix, "/films");
  EXPECT_EQ(address("films", "https://s3.amazonaws.com", true).prefix, "/films");
}

TEST(Addressing, AnEndpointsPathComesBeforeTheBucket) {
  const Address a = address("films", "https://host.example/storage/v1/s3");
  EXPECT_EQ(a.origin, "https://host.example");
  EXPECT_EQ(a.host, "host.example");
  EXPECT_EQ(a.prefix, "/storage/v1/s3/films");
  EXPECT_EQ(address("films", "http://[::1]:9000/s3/").prefix, "/s3/films");
  EXPECT_EQ(address("films", "https://host.example:443/s3").host, "host.example");
  EXPECT_EQ(address("my_bucket", "https://host.example/s3", true).prefix, "/s3/my_bucket");
}

TEST(Addressing, NamesOfOldAndOfTenants) {
  EXPECT_EQ(address(std::string(63, 'b'), "https://s3.example").prefix, "");
  EXPECT_EQ(address(std::string(64, 'b'), "https://s3.example").prefix, "/" + std::string(64, 'b'));
  EXPECT_EQ(address("tenant:films", "http://s3.example").prefix, "/tenant:films");
}

TEST(Addressing, DefaultPortsAreNotInTheHostHeader) {
  EXPECT_EQ(address("films", "https://s3.example.org:443/").host, "films.s3.example.org");
  EXPECT_EQ(address("films", "http://s3.example.org:80").host, "films.s3.example.org");
  EXPECT_EQ(address("films", "http://s3.example.org:443").host, "films.s3.example.org:443");
}

TEST(MetadataHeaderValue, AsciiGoesAsItIs) { EXPECT_EQ(metadata_header_value("a b=c;?"), "a b=c;?"); }

TEST(MetadataHeaderValue, OtherTextIsEncodedByRfc2047) {
  EXPECT_EQ(metadata_header_value("caf\xC3\xA9"), "=?UTF-8?B?Y2Fmw6k=?=");
}

TEST(MetadataHeaderValue, LongTextBecomesSeveralWordsCutBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 40; ++i) text += "\xE2\x82\xAC";  // 120 bytes of euro signs
  const std::string value = metadata_header_value(text);
  std::size_t start = 0;
  while (start < value.size()) {
    const std::size_t end = std::min(value.find(' ', start), value.size());
    EXPECT_LE(end - start, 75U);
    const auto bytes = from_base64(std::string_view(value).substr(start + 10, end - start - 12));
    ASSERT_TRUE(bytes);
    EXPECT_TRUE(is_valid_utf8(*bytes));
    start = end + 1;
  }
}

TEST(ObjectHeaders, PrivateSendsNoAclHeader) {
  const ObjectProperties properties{{{"title", "x"}}, "abc", Acl::private_acl, "video/mp4", "", "", "", {}};
  for (const auto& [name, value] : object_headers(properties)) EXPECT_NE(name, "x-amz-acl");
}

TEST(ObjectHeaders, PublicReadSendsIt) {
  const ObjectProperties properties{{}, "abc", Acl::public_read, "video/mp4", "", "", "", {}};
  const auto headers = object_headers(properties);
  const std::pair<std::string, std::string> acl{"x-amz-acl", "public-read"};
  const std::pair<std::string, std::string> token{"x-amz-meta-vodlift-upload", "abc"};
  EXPECT_NE(std::find(headers.begin(), headers.end(), acl), headers.end());
  EXPECT_NE(std::find(headers.begin(), headers.end(), token), headers.end());
}

TEST(ObjectHeaders, OptionsThatAreNotSetAreNotSent) {
  const ObjectProperties properties{{}, "abc", Acl::private_acl, "video/mp4", "", "", "", {}};
  EXPECT_EQ(object_headers(properties), (std::vector<std::pair<std::string, std::string>>{
                                            {"content-type", "video/mp4"}, {"x-amz-meta-vodlift-upload", "abc"}}));
}

TEST(ObjectHeaders, OptionsThatAreSetAreSentAndTagsAreAQuery) {
  const ObjectProperties properties{{},
                                    "abc",
                                    Acl::private_acl,
                                    "video/mp4",
                                    "no-store",
                                    "attachment; filename=\"a b.mp4\"",
                                    "STANDARD_IA",
                                    {{"Show", "a b&c=d"}, {"caf\xC3\xA9", ""}}};
  EXPECT_EQ(object_headers(properties), (std::vector<std::pair<std::string, std::string>>{
                                            {"content-type", "video/mp4"},
                                            {"cache-control", "no-store"},
                                            {"content-disposition", "attachment; filename=\"a b.mp4\""},
                                            {"x-amz-storage-class", "STANDARD_IA"},
                                            {"x-amz-tagging", "Show=a%20b%26c%3Dd&caf%C3%A9="},
                                            {"x-amz-meta-vodlift-upload", "abc"}}));
}

TEST(EncryptionHeaders, AskOnlyForWhatIsConfigured) {
  using Headers = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(encryption_headers({}), Headers{});
  EXPECT_EQ(encryption_headers({EncryptionMode::sse_s3, "", false}),
            (Headers{{"x-amz-server-side-encryption", "AES256"}}));
  EXPECT_EQ(encryption_headers({EncryptionMode::sse_kms, "", false}),
            (Headers{{"x-amz-server-side-encryption", "aws:kms"}}));
  EXPECT_EQ(encryption_headers({EncryptionMode::sse_kms, "alias/films", true}),
            (Headers{{"x-amz-server-side-encryption", "aws:kms"},
                     {"x-amz-server-side-encryption-aws-kms-key-id", "alias/films"},
                     {"x-amz-server-side-encryption-bucket-key-enabled", "true"}}));
}

}  // namespace
}  // namespace vodlift::s3
