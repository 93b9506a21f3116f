#include "s3/public_read.h"

#include <algorithm>

#include "core/object_store.h"
#include "s3/bucket_state.h"
#include "s3/s3_xml.h"

namespace vodlift::s3 {

std::optional<bool> find_public_read(const PublicReadQuestions& questions) {
  const auto grants = questions.grants();
  const auto granted = grants && grants->is_success() ? parse_public_read(grants->body) : std::nullopt;
  if (granted.value_or(false)) return true;
  // A bucket policy may open what no grant opens.
  const auto answer = questions.anonymous();
  if (!answer) return granted;
  // A sign-in page before the store answers 200 as well.
  const bool same =
      answer->is_success() && !questions.etag.empty() && unquoted_etag(answer->header("etag")) == questions.etag;
  if (same) return true;
  const bool refused = answer->status == 401 || answer->status == 403;
  return refused ? std::optional(false) : granted;
}

std::optional<bool> PublicReadFacts::find(const BucketAccess& access, const std::function<std::optional<bool>()>& ask) {
  // Also after an exception, others may ask. A bucket that is asked about stays in its place.
  struct Asking {
    PublicReadFacts& facts;
    Bucket& bucket;
    std::int64_t version;
    std::optional<bool> answer{};
    ~Asking() {
      const std::lock_guard lock(facts.mutex_);
      facts.settle(bucket, version, answer);
    }
  };
  std::unique_lock lock(mutex_);
  answered_.wait(lock, [&] { return !bucket_of(access).asking; });
  Bucket& bucket = bucket_of(access);
  const bool known = bucket.version == access.version && bucket.until && steady_() < *bucket.until;
  if (known) return bucket.can_be_read;
  bucket.asking = true;
  lock.unlock();
  Asking asking{*this, bucket, access.version};
  const std::optional<bool> answer = ask();
  asking.answer = answer;
  return answer;
}

void PublicReadFacts::note(const BucketAccess& access, std::optional<bool> can_be_read) {
  const std::lock_guard lock(mutex_);
  Bucket& bucket = bucket_of(access);
  if (!bucket.asking) settle(bucket, access.version, can_be_read);
}

void PublicReadFacts::settle(Bucket& bucket, std::int64_t version, std::optional<bool> can_be_read) {
  const SteadyTime now = steady_();
  bucket = {version, can_be_read, can_be_read ? now + kKeptFor : now + kUnknownFor, false};
  answered_.notify_all();
}

PublicReadFacts::Bucket& PublicReadFacts::bucket_of(const BucketAccess& access) {
  const std::string key = bucket_key(access);
  if (!buckets_.contains(key) && buckets_.size() >= kMaxBuckets) {
    std::erase_if(buckets_, [](const auto& entry) { return !entry.second.asking; });
  }
  return buckets_[key];
}

}  // namespace vodlift::s3
