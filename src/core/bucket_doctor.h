// Port: whether a bucket can take uploads, found out by trying.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/bucket_access.h"

namespace vodlift {

enum class Finding { ok, warn, fail };
std::string_view to_string(Finding finding);  // "ok", "warn", "FAIL"

// The result of one examination.
struct BucketFinding {
  std::string topic;  // one word: "credentials"
  Finding finding = Finding::ok;
  std::string message;         // a customer may read it, as of Error::message
  std::string fix{};           // what a customer can do, at the store; empty: nothing is to be done, or by the operator
  std::string operator_fix{};  // what the operator can do; empty: the same
  std::string detail{};        // the rest of the message, for the operator alone; empty: nothing
};

struct BucketReport {
  std::vector<BucketFinding>
      findings;                // in the order of the checks; checks that make no sense after a failure are left out
  bool access_denied = false;  // a permission is missing, which policy() would grant

  [[nodiscard]] Finding worst() const;
};

// A bucket that takes no uploads at present, as its own requests show. Known since the start of the process only.
struct BucketTrouble {
  AccountId cdn = 0;
  std::string bucket;
  std::string endpoint;
  // s3_credential and s3_unavailable: its uploads wait. s3_access_denied, s3_no_such_bucket and s3_full: its last
  // request that writes was refused for that, and its uploads fail.
  Errc code{};
  std::string reason;             // one clause, for operators: it may name services of the server
  bool whole_endpoint = false;    // with s3_unavailable: it is so for all buckets there
  std::chrono::seconds lasts{0};  // since it was noticed
};

// What is wrong with the stores.
struct StoreTroubles {
  std::vector<BucketTrouble> buckets;    // of those that were asked for, in their order
  std::chrono::seconds clock_offset{0};  // how far the store whose time differs most is ahead of us
  std::string clock_endpoint;            // that store; empty: none refuses our time
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

  // Why the bucket, with these settings, takes no uploads at present; nothing: nothing is known against it. Any thread;
  // does not block.
  [[nodiscard]] virtual std::optional<BucketTrouble> trouble(const BucketAccess& access) const = 0;

  // trouble() of each of these, and what is wrong with the time of any store. Any thread; does not block.
  [[nodiscard]] virtual StoreTroubles troubles(std::span<const std::shared_ptr<const BucketAccess>> buckets) const = 0;

  // The smallest access policy that uploads need, as text to paste. `public_read`: it allows acl=public-read too. Any
  // thread.
  [[nodiscard]] virtual std::string policy(const BucketAccess& access, bool public_read) const = 0;
};

}  // namespace vodlift
