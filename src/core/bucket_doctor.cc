#include "core/bucket_doctor.h"

#include <fmt/format.h>

#include <algorithm>

namespace vodlift {

std::string_view to_string(Finding finding) {
  switch (finding) {
    case Finding::ok:
      return "ok";
    case Finding::warn:
      return "warn";
    case Finding::fail:
      return "FAIL";
  }
  return "FAIL";
}

Finding BucketReport::worst() const {
  Finding worst = Finding::ok;
  for (const BucketFinding& one : findings) worst = std::max(worst, one.finding);
  return worst;
}

std::string bucket_policy(const BucketAccess& access, bool public_read) {
  std::string_view partition = "aws";
  if (access.region.starts_with("cn-")) partition = "aws-cn";
  if (access.region.starts_with("us-gov-")) partition = "aws-us-gov";
  return fmt::format(R"({{
  "Version": "2012-10-17",
  "Statement": [
    {{
      "Effect": "Allow",
      "Action": ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"{}],
      "Resource": "arn:{}:s3:::{}/*"
    }}
  ]
}}
)",
                     public_read ? ", \"s3:PutObjectAcl\"" : "", partition, access.bucket);
}

}  // namespace vodlift
