#include "s3/credential_documents.h"

#include <gmock/gmock.h>

namespace vodlift::s3 {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kGood =
    R"({"Code":"Success","AccessKeyId":"ASIA","SecretAccessKey":"s/e+c","Token":"tok==",)"
    R"("Expiration":"2026-11-24T20:00:00Z"})";

std::string with(std::string_view from, std::string_view to) {
  std::string text(kGood);
  return text.replace(text.find(from), from.size(), to);
}

TEST(IsoTime, ReadsUtcAndNothingElse) {
  EXPECT_EQ(parse_iso_time("2026-11-24T20:00:01Z"), from_unix_ms(1795550401000));
  EXPECT_EQ(parse_iso_time("2026-11-24T20:00:01.123Z"), from_unix_ms(1795550401000));
  for (const std::string_view bad :
       {"", "2026-11-24T20:00:01", "2026-11-24 20:00:01Z", "2026-02-30T00:00:00Z", "2026-11-24T24:00:00Z",
        "2026-11-24T20:00:01.Z", "2026-11-24T20:00:01+01:00", "1969-12-31T23:59:59Z", "2026-11-24T20:00:0xZ",
        "2026-11-24T20:00:01.1234567890123Z"}) {
    EXPECT_FALSE(parse_iso_time(bad)) << bad;
  }
}

TEST(CredentialsJson, ReadsBothEndpointsForm) {
  const auto found = parse_credentials_json(kGood);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->access_key, "ASIA");
  EXPECT_EQ(found->secret_key.reveal(), "s/e+c");
  EXPECT_EQ(found->session_token.reveal(), "tok==");
  EXPECT_EQ(found->expires, parse_iso_time("2026-11-24T20:00:00Z"));
}

TEST(CredentialsJson, RefusesWhatIsNoneWithoutRepeatingIt) {
  for (const std::string& bad :
       {std::string("not json"), std::string("[]"), with("ASIA", ""), with("ASIA", "A,B"), with("s/e+c", "two words"),
        with("tok==", ""), with("tok==", "a\\r\\nX-Evil: 1"), with("tok==", std::string(17000, 't')),
        with("2026-11-24T20:00:00Z", "tomorrow"), with("\"ASIA\"", "17"), std::string(100000, ' ')}) {
    const auto found = parse_credentials_json(bad);
    ASSERT_FALSE(found) << bad.substr(0, 200);
    EXPECT_EQ(found.error().code, Errc::s3_credential);
    EXPECT_THAT(found.error().message, Not(HasSubstr("s/e+c")));
  }
}

TEST(CredentialsJson, TellsTheEndpointsOwnFailure) {
  const auto found = parse_credentials_json(R"({"code":"AssumeRoleUnauthorizedAccess","message":"no trust"})");
  EXPECT_THAT(found.error().message, HasSubstr("AssumeRoleUnauthorizedAccess (no trust)"));
}

TEST(StsAnswer, ReadsTheActionsResult) {
  const std::string xml =
      "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>"
      "<AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
      "<Expiration>2026-11-24T20:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";
  const auto found = parse_sts_answer(xml, "AssumeRole");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->session_token.reveal(), "t");
  EXPECT_FALSE(parse_sts_answer(xml, "AssumeRoleWithWebIdentity"));
  EXPECT_FALSE(parse_sts_answer(xml.substr(0, xml.size() - 10), "AssumeRole"));
  EXPECT_FALSE(parse_sts_error(xml));
}

TEST(StsAnswer, TellsARefusal) {
  const auto told = parse_sts_error(
      "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></"
      "ErrorResponse>");
  ASSERT_TRUE(told);
  EXPECT_EQ(told->code, "AccessDenied");
  EXPECT_EQ(told->message, "no");
}

TEST(Ini, ReadsWhatTheAwsToolsWrite) {
  const auto file = parse_ini(
      "# a comment\r\n"
      "[default]\r\n"
      "aws_access_key_id=AKIA\n"
      "  \n"
      "AWS_Secret_Access_Key = a/b+c=#;d   ; behind a space it is a comment\n"
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

TEST(Ini, TellsTheLineOfAFaultAndNotItsText) {
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
