#include "admin/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace vodlift::admin {
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
  for (const char* bad : {"", "SHORT", "WITH SPACE", "QUOTE\"MARK"}) EXPECT_FALSE(check_api_key(bad)) << bad;
  EXPECT_FALSE(check_api_key(std::string(129, 'A')));

  EXPECT_TRUE(check_api_secret("8fc8c48da81e6a2a06a9556379bf798af508dc0792497c678b4c3532ba8b637f"));
  const auto refused = check_api_secret("too-short");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, Not(HasSubstr("too-short")));
  EXPECT_FALSE(check_api_secret("a secret with spaces"));
  EXPECT_FALSE(check_api_secret("a-secret-with-newline\n"));
}

TEST(Rules, Endpoint) {
  for (const char* good : {"https://s3.eu-west-1.amazonaws.com", "http://127.0.0.1:9000", "http://[::1]:7480",
                           "https://[fd00::1]", "http://localhost", "https://A.example:65535"}) {
    EXPECT_TRUE(check_endpoint(good)) << good;
  }
  for (const char* bad : {"",
                          "s3.amazonaws.com",
                          "ftp://host",
                          "HTTP://host",
                          "http://",
                          "http://host/",
                          "http://host/p",
                          "http://user@host",
                          "http://host:0",
                          "http://host:65536",
                          "http://host:",
                          "http://host:8x",
                          "http://[::1",
                          "http://[zz]",
                          "http://[::1]x",
                          "http://ho st",
                          "http://host?x",
                          "http://host#x",
                          "http://-host",
                          "http://a..b",
                          "http://host:80:80",
                          "http://host\r\nX: y"}) {
    EXPECT_FALSE(check_endpoint(bad)) << bad;
  }
}

TEST(Rules, S3Credentials) {
  EXPECT_TRUE(check_region("eu-west-1"));
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
}  // namespace vodlift::admin
