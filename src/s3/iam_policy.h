// The IAM policy that uploads to a bucket need.
#pragma once

#include <string>

#include "core/bucket_access.h"

namespace vodlift::s3 {

// The smallest policy as JSON, to be attached to the key's user or role. Where objects are encrypted with a KMS key, it
// allows the use of that key too. `public_read`: it allows acl=public-read too. Pure.
std::string iam_policy(const BucketAccess& access, bool public_read);

}  // namespace vodlift::s3
