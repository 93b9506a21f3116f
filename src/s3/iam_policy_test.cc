#include "s3/iam_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vodlift::s3 {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string policy(EncryptionMode mode, std::string kms_key) {
  BucketAccess access;
  access.bucket = "videos";
  access.region = "eu-west-1";
  access.encryption = {mode, std::move(kms_key), false};
  return iam_policy(access, false);
}

TEST(IamPolicy, AllowsTheSearchForMultipartUploadsOnTheBucket) {
  EXPECT_THAT(policy(EncryptionMode::bucket_default, ""), HasSubstr(R"(
      "Action": "s3:ListBucketMultipartUploads",
      "Resource": "arn:aws:s3:::videos"
    })"));
}

TEST(IamPolicy, AllowsPublicObjectsOnlyOnRequest) {
  BucketAccess access;
  access.bucket = "videos";
  EXPECT_THAT(iam_policy(access, true), HasSubstr(R"("s3:PutObjectAcl", "s3:GetObjectAcl")"));
  EXPECT_THAT(iam_policy(access, false), Not(HasSubstr("s3:PutObjectAcl")));
}

TEST(IamPolicy, AllowsKmsOnlyWhereItIsUsed) {
  EXPECT_THAT(policy(EncryptionMode::bucket_default, ""), Not(HasSubstr("kms:")));
  EXPECT_THAT(policy(EncryptionMode::sse_s3, ""), Not(HasSubstr("kms:")));
  EXPECT_THAT(policy(EncryptionMode::sse_kms, "k"), HasSubstr(R"("Action": ["kms:GenerateDataKey", "kms:Decrypt"])"));
}

TEST(IamPolicy, NamesTheKmsKeyAsPreciselyAsItIsKnown) {
  const std::string arn = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd";
  EXPECT_THAT(policy(EncryptionMode::sse_kms, arn), HasSubstr("\"Resource\": \"" + arn + "\"\n"));
  EXPECT_THAT(policy(EncryptionMode::sse_kms, "1234abcd"), HasSubstr("\"arn:aws:kms:eu-west-1:*:key/1234abcd\"\n"));
  const std::string by_alias = policy(EncryptionMode::sse_kms, "arn:aws:kms:eu-west-1:123456789012:alias/films");
  EXPECT_THAT(by_alias, HasSubstr("\"arn:aws:kms:eu-west-1:123456789012:key/*\""));
  EXPECT_THAT(by_alias, HasSubstr(R"({"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/films"}})"));
  EXPECT_THAT(policy(EncryptionMode::sse_kms, "alias/films"), HasSubstr("\"arn:aws:kms:eu-west-1:*:key/*\""));
  EXPECT_THAT(policy(EncryptionMode::sse_kms, ""), HasSubstr(R"("kms:ViaService": "s3.eu-west-1.amazonaws.com")"));
}

}  // namespace
}  // namespace vodlift::s3
