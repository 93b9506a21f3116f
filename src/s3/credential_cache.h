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

// So many different origins of credentials are kept; more make room by dropping those that are not being loaded.
inline constexpr std::size_t kMaxCachedCredentials = 4096;

// Internally locked. Loads run on threads of its own, one at a time for each origin: while valid credentials are at
// hand every caller gets those, and whoever comes when there are none waits for the one load.
class CredentialCache {
 public:
  using Done = std::function<void(Result<Credentials>)>;

  // Both must outlive it.
  CredentialCache(CredentialLoader& loader, const Clock& clock);
  CredentialCache(const CredentialCache&) = delete;
  CredentialCache& operator=(const CredentialCache&) = delete;
  // Like stop().
  ~CredentialCache();

  // Never blocks. `done` is called once, at once where credentials are at hand, else on a thread of the cache, and must
  // not block. Errors: those of CredentialLoader, overloaded, interrupted.
  void get(const BucketAccess& access, Done done);
  // The same, waiting. Not from a thread that must not block.
  Result<Credentials> get(const BucketAccess& access);

  // The store refused `used`: the next get() loads anew, unless somebody has already. False where nothing else could be
  // had: a static pair.
  bool refused(const BucketAccess& access, const Credentials& used);

  // Everybody who waits, and every later get() that needs a load, gets `interrupted`. May be called twice.
  void stop();

 private:
  struct Entry {
    std::optional<Credentials> current;
    bool loading = false;
    bool rejected = false;  // `current` was refused by the store
    WallTime renew_at;      // from then on a get() starts a load
    std::optional<Error> failure;
    WallTime retry_at;  // after a failure no load begins before
    std::vector<Done> waiting;
  };
  using Entries = std::map<std::string, std::shared_ptr<Entry>>;

  std::shared_ptr<Entry> entry_of(const BucketAccess& access);
  bool start_load(const BucketAccess& access, const std::shared_ptr<Entry>& entry);
  void run_load(const BucketAccess& access, const std::shared_ptr<Entry>& entry);
  static void take(Entry& entry, Result<Credentials> loaded, WallTime now);

  CredentialLoader& loader_;
  const Clock& clock_;
  std::mutex mutex_;  // guards the entries and what is in them
  bool stopping_ = false;
  Entries entries_;
  ThreadPool pool_;
};

// Whether `access` needs no cache: a static pair, used as it is.
bool is_fixed_pair(const BucketAccess& access);

}  // namespace vodlift::s3
