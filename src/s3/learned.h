// What stores taught by their answers, so that none has to say it twice: how they confirm bytes, where a bucket lies,
// what time it is there.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "core/account_store.h"
#include "core/object_store.h"
#include "s3/s3_errors.h"

namespace vodlift::s3 {

// So many endpoints and buckets are remembered; when more come, what was learned is forgotten and learned again.
inline constexpr std::size_t kMaxLearned = 4096;

// `access` for the bucket in `region`. An endpoint of AWS has the region in its name and becomes the one of `region`;
// any other stays, so that credentials go only where the operator said.
BucketAccess in_region(BucketAccess access, std::string_view region);

// How an endpoint confirms bytes.
struct Checksums {
  ChecksumMode whole = ChecksumMode::unknown;      // of an object in one request: crc32c or md5
  ChecksumMode multipart = ChecksumMode::unknown;  // crc32c, crc32c_composite or md5
  std::optional<bool> refuses_wrong_md5{};
  std::optional<bool> trailing{};  // takes a part's CRC32C after its bytes
  std::optional<bool> on_head{};   // HEAD may ask for an object's checksum

  bool operator==(const Checksums&) const = default;
};

// Internally locked. Kept in memory only.
class Learned {
 public:
  [[nodiscard]] Checksums checksums(const BucketAccess& access) const;
  // What is not known in `seen` stays as it was.
  void learn_checksums(const BucketAccess& access, const Checksums& seen);

  // True when nobody knows yet whether the endpoint takes trailing checksums, and nobody else is trying: the caller
  // then tries, and says how it went, nothing where that is still unknown.
  bool begin_trailing_trial(const BucketAccess& access);
  void end_trailing_trial(const BucketAccess& access, std::optional<bool> takes_them);

  // `access` with the region and the endpoint that the bucket is known to have by now.
  [[nodiscard]] BucketAccess located(const BucketAccess& access) const;
  // What the store's clock says while ours says `now`. Like everything here by the access as it was configured, not by
  // located().
  [[nodiscard]] WallTime time_at(const BucketAccess& configured, WallTime now) const;

  // Takes in what the refusal of a request tells that was made for located(configured) at `now`. `date` is the answer's
  // Date header. True when the same request, made anew, is worth a try: the bucket's region or the store's time is
  // another than the one it was signed for.
  bool learn_from(const BucketAccess& configured, const Failure& failure, std::string_view date, WallTime now);

 private:
  bool learn_region(const BucketAccess& configured, const std::string& region);
  bool learn_time(const BucketAccess& configured, std::string_view date, WallTime now);

  mutable std::mutex mutex_;
  std::map<std::string, Checksums> checksums_;                 // by endpoint
  std::set<std::string> trailing_trials_;                      // endpoints at which one is under way
  std::map<std::string, std::chrono::seconds> clock_offsets_;  // by endpoint: its time less ours
  std::map<std::string, std::string> regions_;                 // by endpoint, configured region and bucket
};

}  // namespace vodlift::s3
