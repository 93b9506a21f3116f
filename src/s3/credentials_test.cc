#include "s3/credentials.h"

#include <gmock/gmock.h>

#include "s3/s3_xml.h"

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

TEST(CredentialsJson, ReadsBothEndpointsForm) {
  const auto found = parse_credentials_json(kGood);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->access_key, "ASIA");
  EXPECT_EQ(found->secret_key.reveal(), "s/e+c");
  EXPECT_EQ(found->session_token.reveal(), "tok==");
  EXPECT_EQ(found->expires, parse_iso_time("2026-11-24T20:00:00Z"));
}

TEST(CredentialsJson, RefusesOtherDocumentsWithoutRepeatingThem) {
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

TEST(CredentialsJson, ReportsTheEndpointsOwnFailure) {
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
}

}  // namespace
}  // namespace vodlift::s3
