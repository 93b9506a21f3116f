// Port: whether a bucket will take uploads, tried out on the bucket itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/bucket_access.h"

namespace vodlift {

enum class Finding { ok, warn, fail };
std::string_view to_string(Finding finding);  // "ok", "warn", "FAIL"

// One thing that was looked at.
struct BucketFinding {
  std::string topic;  // "credentials", one word
  Finding finding = Finding::ok;
  std::string message;
  std::string fix;  // what to do; empty with ok
};

struct BucketReport {
  std::vector<BucketFinding>
      findings;                // in the order of the checks; checks that make no sense after a failure are left out
  bool access_denied = false;  // a permission is missing: the policy is the fix

  [[nodiscard]] Finding worst() const;
};

// The least IAM policy that uploads need, as JSON to paste. It allows the use of the KMS key if objects are encrypted
// with one. `public_read`: it also allows acl=public-read.
std::string bucket_policy(const BucketAccess& access, bool public_read);

class BucketDoctor {
 public:
  BucketDoctor() = default;
  BucketDoctor(const BucketDoctor&) = delete;
  BucketDoctor& operator=(const BucketDoctor&) = delete;
  virtual ~BucketDoctor() = default;

  // Writes small objects under a random key that names the check, and removes them again. Reports objects that it could
  // not remove. Blocks for at most a minute. Any thread that may block. Never fails: a failure is a finding.
  virtual BucketReport check(const BucketAccess& access) = 0;
};

}  // namespace vodlift
