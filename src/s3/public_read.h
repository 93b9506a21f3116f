// Whether objects that were sent with acl=public-read can be read by everyone: how a store is asked, and what is known
// of each bucket.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "core/bucket_access.h"
#include "net/http_client.h"

namespace vodlift::s3 {

// How long a store may take for an answer that an upload can do without.
inline constexpr std::chrono::seconds kQuestionTime{10};

// The two questions about one object. Each is asked at most once.
struct PublicReadQuestions {
  std::function<Result<net::HttpResponse>()> grants;     // GetObjectAcl
  std::function<Result<net::HttpResponse>()> anonymous;  // HEAD of the object without a signature
  std::string etag;                                      // of the object, without quotes
};

// Whether everyone can read the object. A grant to everyone proves it, and an answer to the anonymous HEAD with the
// object's ETag. That it is not so is proved by grants without everyone, or by 401 or 403 to the anonymous HEAD.
// Nothing: neither is proved. Blocks as the questions do.
std::optional<bool> find_public_read(const PublicReadQuestions& questions);

// What is known of acl=public-read, in memory only. A bucket is identified by account, endpoint, region and name.
// Internally locked.
class PublicReadFacts {
 public:
  // A fact is forgotten after the first of these times, and that nothing could be found out after the second one.
  static constexpr std::chrono::hours kKeptFor{1};
  static constexpr std::chrono::minutes kUnknownFor{5};
  // Buckets that are remembered. When there are more, all that nobody asks about are forgotten.
  static constexpr std::size_t kMaxBuckets = 4096;

  explicit PublicReadFacts(SteadyClock steady) : steady_(std::move(steady)) {}

  // What is known of the bucket with these settings. If that is nothing, calls `ask`, without the lock, and keeps the
  // answer. Blocks while another thread asks about the same bucket.
  std::optional<bool> find(const BucketAccess& access, const std::function<std::optional<bool>()>& ask);
  // It was found out elsewhere.
  void note(const BucketAccess& access, std::optional<bool> can_be_read);

 private:
  struct Bucket {
    std::int64_t version = 0;  // of the settings
    std::optional<bool> can_be_read;
    std::optional<SteadyTime> until;  // nothing: not asked yet
    bool asking = false;
  };

  Bucket& bucket_of(const BucketAccess& access);
  void settle(Bucket& bucket, std::int64_t version, std::optional<bool> can_be_read);

  const SteadyClock steady_;
  std::mutex mutex_;  // guards the rest
  std::condition_variable answered_;
  std::map<std::string, Bucket> buckets_;
};

}  // namespace vodlift::s3
