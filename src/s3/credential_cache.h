// Credentials shared between uploads and renewed before they expire.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "s3/credentials.h"

namespace vodlift::s3 {

// At most this many different credentials are kept. When there are more, those that are not being loaded are forgotten.
inline constexpr std::size_t kMaxCachedCredentials = 4096;

// Internally locked. Loads run on threads of the cache, one at a time for each origin. While credentials are valid,
// every caller gets those. While there are none, all callers wait for the one load.
class CredentialCache {
 public:
  using Done = std::function<void(Result<Credentials>)>;

  // Both must outlive it.
  CredentialCache(CredentialLoader& loader, const Clock& clock);
  CredentialCache(const CredentialCache&) = delete;
  CredentialCache& operator=(const CredentialCache&) = delete;
  // Like stop().
  ~CredentialCache();

  // Never blocks. `done` is called once and must not block: at once if there are valid credentials, otherwise on a
  // thread of the cache. Errors: those of CredentialLoader, overloaded, interrupted.
  void get(const BucketAccess& access, Done done);
  // The same; blocks until the answer is there.
  Result<Credentials> get(const BucketAccess& access);

  // The store refused `used`: the next get() loads again, unless that has happened already. False for a fixed key pair,
  // which a load would not change.
  bool refused(const BucketAccess& access, const Credentials& used);

  // All waiting callers, and every later get() that needs a load, get `interrupted`. May be called twice.
  void stop();

 private:
  struct Entry {
    std::optional<Credentials> current;
    bool loading = false;
    bool rejected = false;  // `current` was refused by the store
    WallTime renew_at;      // from this time on, a get() starts a load
    std::optional<Error> failure;
    WallTime retry_at;  // after a failure, no load begins before this time
    std::vector<Done> waiting;
  };
  using Entries = std::map<std::string, std::shared_ptr<Entry>>;

  std::shared_ptr<Entry> entry_of(const BucketAccess& access);
  bool start_load(const BucketAccess& access, const std::shared_ptr<Entry>& entry);
  void run_load(const BucketAccess& access, const std::shared_ptr<Entry>& entry);
  Result<Credentials> load(const BucketAccess& access);
  Result<Credentials> take(Entry& entry, const Result<Credentials>& loaded);
  static void note(Entry& entry, const Result<Credentials>& loaded, WallTime now);

  CredentialLoader& loader_;
  const Clock& clock_;
  std::mutex mutex_;  // guards the entries and what is in them
  bool stopping_ = false;
  Entries entries_;
  ThreadPool pool_;
};

// Whether `access` has a fixed key pair without a role, which needs no load.
bool is_fixed_pair(const BucketAccess& access);

}  // namespace vodlift::s3
