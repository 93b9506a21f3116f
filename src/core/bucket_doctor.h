// Port: whether a bucket can take uploads, found out by trying.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/bucket_access.h"

namespace vodlift {

enum class Finding { ok, warn, fail };
std::string_view to_string(Finding finding);  // "ok", "warn", "FAIL"

// The result of one examination.
struct BucketFinding {
  std::string topic;  // one word: "credentials"
  Finding finding = Finding::ok;
  std::string message;
  std::string fix;  // what to do; empty with ok
};

struct BucketReport {
  std::vector<BucketFinding>
      findings;                // in the order of the checks; checks that make no sense after a failure are left out
  bool access_denied = false;  // a permission is missing, which policy() would grant

  [[nodiscard]] Finding worst() const;
};

class BucketDoctor {
 public:
  BucketDoctor() = default;
  BucketDoctor(const BucketDoctor&) = delete;
  BucketDoctor& operator=(const BucketDoctor&) = delete;
  virtual ~BucketDoctor() = default;

  // Writes small objects and one with a part of the usual size under a random key that names the check, and removes
  // them again. Reports objects that it could not remove. Blocks for at most a minute. Any thread that may block. Never
  // fails: a failure is a finding.
  virtual BucketReport check(const BucketAccess& access) = 0;

  // Why uploads to the bucket wait at present, as one clause; empty: they do not. Any thread; does not block.
  [[nodiscard]] virtual std::string trouble(const BucketAccess& access) const = 0;

  // The smallest access policy that uploads need, as text to paste. `public_read`: it allows acl=public-read too. Any
  // thread.
  [[nodiscard]] virtual std::string policy(const BucketAccess& access, bool public_read) const = 0;
};

}  // namespace vodlift
