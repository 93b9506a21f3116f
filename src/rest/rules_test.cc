#include "rest/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace vodlift::rest {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Rules, User) {
  for (const char* good : {"jb", "_a", "9x", "A.b-c_d"}) EXPECT_TRUE(check_user(good)) << good;
  EXPECT_TRUE(check_user(std::string(64, 'a')));
  for (const char* bad : {"", ".", "..", ".a", "-a", "a/b", "a b", "\xc3\xa4"}) EXPECT_FALSE(check_user(bad)) << bad;
  EXPECT_FALSE(check_user(std::string(65, 'a')));
}

TEST(Rules, ApiKeyAndSecret) {
  EXPECT_TRUE(check_api_key("APX4GKLM0RKQLSP2FBO1ROPKSSW47DZE"));
  for (const char* bad : {"", "SHORT", " OLD-KEY-1", "OLD-KEY-1 ", "OLD\tKEY-01", "ÖLD-KEY-01"})
    EXPECT_FALSE(check_api_key(bad)) << bad;
  for (const char* odd : {"WITH SPACE", "QUOTE\"MARK", "a/b?c=d&e%20", "'{}[]<>,;:|"})
    EXPECT_TRUE(check_api_key(odd)) << odd;
  EXPECT_FALSE(check_api_key(std::string(129, 'A')));

  EXPECT_TRUE(check_api_secret("8fc8c48da81e6a2a06a9556379bf798af508dc0792497c678b4c3532ba8b637f"));
  const auto refused = check_api_secret("too-short");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, Not(HasSubstr("too-short")));
  EXPECT_TRUE(check_api_secret("a secret, with \"spaces\""));
  EXPECT_FALSE(check_api_secret("a-secret-with-newline\n"));
}

TEST(Rules, Endpoint) {
  for (const char* good :
       {"https://s3.eu-west-1.amazonaws.com", "http://127.0.0.1:9000", "http://[::1]:7480", "https://[fd00::1]",
        "http://localhost", "https://a.example:65535", "http://object_store:9000", "http://_gateway.example",
        "https://xn--bcher-kva.example", "https://host/storage/v1/s3", "http://[::1]:9000/a_b/~c.d"}) {
    const auto taken = normal_endpoint(good);
    EXPECT_TRUE(taken) << good;
    if (taken) {
      EXPECT_EQ(*taken, good);
    }
  }
  for (const auto& [given, kept] : std::initializer_list<std::pair<const char*, const char*>>{
           {"HTTPS://S3.Example.ORG", "https://s3.example.org"},
           {"https://s3.example.org.", "https://s3.example.org"},
           {"https://s3.example.org.:8443/", "https://s3.example.org:8443"},
           {"http://host/", "http://host"},
           {"http://host//", "http://host"},
           {"https://HOST/Storage/v1/s3/", "https://host/Storage/v1/s3"},
           {"http://[FD00::1]:80", "http://[fd00::1]:80"}}) {
    const auto taken = normal_endpoint(given);
    ASSERT_TRUE(taken) << given;
    EXPECT_EQ(*taken, kept);
  }
  for (const char* bad : {"",
                          "s3.amazonaws.com",
                          "ftp://host",
                          "http://",
                          "http:///path",
                          "http://user@host",
                          "http://host:0",
                          "http://host:65536",
                          "http://host:",
                          "http://host:8x",
                          "http://[::1",
                          "http://[zz]",
                          "http://[::1]x",
                          "http://[::1].",
                          "http://ho st",
                          "http://host?x",
                          "http://host#x",
                          "http://host/a?x",
                          "http://host/a%2fb",
                          "http://host/a b",
                          "http://host/../x",
                          "http://host/a/..",
                          "http://host/./x",
                          "http://host/a//b",
                          "http://-host",
                          "http://a..b",
                          "http://.",
                          "http://host..",
                          "http://b\xc3\xbc"
                          "cher.example",
                          "http://host:80:80",
                          "http://host\r\nX: y"}) {
    EXPECT_FALSE(normal_endpoint(bad)) << bad;
  }
}

TEST(Rules, S3Credentials) {
  for (const char* region : {"eu-west-1", "RegionOne", "dc1.example", "default:ssd", "eu_central"}) {
    EXPECT_TRUE(check_region(region)) << region;
  }
  EXPECT_FALSE(check_region(""));
  EXPECT_FALSE(check_region("eu/west"));
  EXPECT_TRUE(check_access_key("AKIAIOSFODNN7EXAMPLE"));
  EXPECT_FALSE(check_access_key("AKIA/x"));
  EXPECT_FALSE(check_access_key("AKIA,x"));
  EXPECT_TRUE(check_secret_key("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"));
  EXPECT_FALSE(check_secret_key("two words"));
  EXPECT_FALSE(check_secret_key(""));
}

}  // namespace
}  // namespace vodlift::rest
