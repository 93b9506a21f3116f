#include "core/bucket_doctor.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/words.h"

namespace vodlift {
namespace {

constexpr Words<Finding> kFindings = {{Finding::ok, "ok"}, {Finding::warn, "warn"}, {Finding::fail, "FAIL"}};

}  // namespace

std::string_view to_string(Finding finding) { return kFindings.word(finding); }

Finding BucketReport::worst() const {
  Finding worst = Finding::ok;
  for (const BucketFinding& one : findings) worst = std::max(worst, one.finding);
  return worst;
}

namespace {

// The KMS keys that encrypt objects: the named one, or those of the region that the condition selects.
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

std::string bucket_policy(const BucketAccess& access, bool public_read) {
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
                     public_read ? ", \"s3:PutObjectAcl\"" : "", partition, access.bucket,
                     access.encryption.mode == EncryptionMode::sse_kms ? kms_statement(access, partition) : "");
}

}  // namespace vodlift
