#include "s3/aws_configuration.h"

#include <gmock/gmock.h>

namespace vodlift::s3 {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Ini, ReadsWhatTheAwsToolsWrite) {
  const auto file = parse_ini(
      "\xEF\xBB\xBF# a comment\r\n"
      "[default]\r\n"
      "aws_access_key_id=AKIA\n"
      "  \n"
      "AWS_Secret_Access_Key = a/b+c=#;d   ; after a space it is a comment\n"
      "[ profile\t media ] # note\n"
      "s3 =\n"
      "  max_concurrent_requests = 20\n"
      "role_arn = arn:aws:iam::123456789012:role/up\n"
      "[default]\n"
      "region = eu-west-1\n");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->at("default").at("aws_access_key_id").reveal(), "AKIA");
  EXPECT_EQ(file->at("default").at("aws_secret_access_key").reveal(), "a/b+c=#;d");
  EXPECT_EQ(file->at("default").at("region").reveal(), "eu-west-1");
  EXPECT_EQ(file->at("profile media").at("role_arn").reveal(), "arn:aws:iam::123456789012:role/up");
  EXPECT_FALSE(file->at("profile media").contains("max_concurrent_requests"));
}

TEST(Ini, ReportsTheLineOfAFaultAndNotItsText) {
  for (const auto& [text, line] :
       std::initializer_list<std::pair<std::string, std::string>>{{"[default]\nsecretwithoutname\n", "line 2"},
                                                                  {"key = secret\n", "line 1"},
                                                                  {"[default\n", "line 1"},
                                                                  {"[]\n", "line 1"},
                                                                  {"[a] secret\n", "line 1"},
                                                                  {"[a]\n= secret\n", "line 2"}}) {
    const auto file = parse_ini(text);
    ASSERT_FALSE(file) << text;
    EXPECT_EQ(file.error().code, Errc::config_invalid);
    EXPECT_THAT(file.error().message, HasSubstr(line));
    EXPECT_THAT(file.error().message, Not(HasSubstr("secret")));
  }
}

}  // namespace
}  // namespace vodlift::s3
