#include "s3/iam_policy.h"

#include <fmt/format.h>

#include <string_view>

namespace vodlift::s3 {
namespace {

// The statement that allows the use of the KMS keys that encrypt objects: of the key that is set, or of those of the
// region that the condition selects.
std::string kms_statement(const BucketAccess& access, std::string_view partition) {
  const std::string& key = access.encryption.kms_key;
  const std::size_t alias = key.find("alias/");
  std::string resource = key;
  std::string condition;
  if (alias != std::string::npos) {
    // These actions do not take an alias as their resource. An alias's ARN at least contains the account.
    resource =
        alias == 0 ? fmt::format("arn:{}:kms:{}:*:key/*", partition, access.region) : key.substr(0, alias) + "key/*";
    condition = fmt::format(R"("ForAnyValue:StringEquals": {{"kms:ResourceAliases": "{}"}})", key.substr(alias));
  } else if (key.empty()) {
    resource = fmt::format("arn:{}:kms:{}:*:key/*", partition, access.region);
    condition = fmt::format(R"("StringEquals": {{"kms:ViaService": "s3.{}.amazonaws.com{}"}})", access.region,
                            partition == "aws-cn" ? ".cn" : "");
  } else if (!key.starts_with("arn:")) {
    resource = fmt::format("arn:{}:kms:{}:*:key/{}", partition, access.region, key);
  }
  return fmt::format(R"(,
    {{
      "Effect": "Allow",
      "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
      "Resource": "{}"{}
    }})",
                     resource, condition.empty() ? "" : fmt::format(",\n      \"Condition\": {{{}}}", condition));
}

}  // namespace

std::string iam_policy(const BucketAccess& access, bool public_read) {
  std::string_view partition = "aws";
  if (access.region.starts_with("cn-")) partition = "aws-cn";
  if (access.region.starts_with("us-gov-")) partition = "aws-us-gov";
  return fmt::format(R"({{
  "Version": "2012-10-17",
  "Statement": [
    {{
      "Effect": "Allow",
      "Action": ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"{0}],
      "Resource": "arn:{1}:s3:::{2}/*"
    }},
    {{
      "Effect": "Allow",
      "Action": "s3:ListBucketMultipartUploads",
      "Resource": "arn:{1}:s3:::{2}"
    }}{3}
  ]
}}
)",
                     public_read ? ", \"s3:PutObjectAcl\", \"s3:GetObjectAcl\"" : "", partition, access.bucket,
                     access.encryption.mode == EncryptionMode::sse_kms ? kms_statement(access, partition) : "");
}

}  // namespace vodlift::s3
