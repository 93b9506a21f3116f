#include "s3/credential_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "base/await.h"
#include "base/log.h"

namespace vodlift::s3 {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr std::size_t kThreads = 4;
// Credentials are renewed in the background this long before they expire, or at half of their lifetime if that is
// later.
constexpr milliseconds kRenewBefore = 10min;
// Credentials that expire so soon are not used while others can be loaded. They are used if the load fails.
constexpr milliseconds kTooShort = 30s;
// Credentials from files are loaded again after this time, in case the files have changed.
constexpr milliseconds kRereadAfter = 10s;
constexpr milliseconds kRetryWhileValid = 10s;
constexpr milliseconds kRetryWithout = 1s;

std::string key_of(const BucketAccess& access) {
  const CredentialOrigin& origin = access.credentials;
  const std::string pair = origin.source == CredentialSource::fixed
                               ? fmt::format("{}\n{}\n{}", access.cdn, access.bucket, access.version)
                               : "";
  // The region selects the endpoint of STS, too.
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", to_string(origin.source), pair, origin.profile, origin.role_arn,
                     origin.external_id, access.region);
}

// Where credentials come from, and why they do not come, is the operator's affair: files, profiles, roles and endpoints
// of this host.
Error for_customer(const Error& failure) {
  if (failure.code == Errc::interrupted) return failure;
  return {failure.code, "the server has no usable credentials for this bucket at present; its operator can see why",
          failure.for_operator()};
}

Error stopped() { return {Errc::interrupted, "the server is stopping"}; }

}  // namespace

bool is_fixed_pair(const BucketAccess& access) {
  return access.credentials.source == CredentialSource::fixed && access.credentials.role_arn.empty();
}

CredentialCache::CredentialCache(CredentialLoader& loader, const Clock& clock)
    : loader_(loader), clock_(clock), pool_("credentials", kThreads, kMaxCachedCredentials) {}

CredentialCache::~CredentialCache() { stop(); }

void CredentialCache::get(const BucketAccess& access, Done done) {
  if (is_fixed_pair(access)) {
    return done(Credentials{access.access_key, access.secret_key, Secret(), std::nullopt, false, "static"});
  }
  const WallTime now = clock_.now();
  Result<Credentials> answer = stopped();
  {
    const std::lock_guard lock(mutex_);
    const auto entry = entry_of(access);
    const auto& current = entry->current;
    const bool valid = current && !entry->rejected && (!current->expires || *current->expires > now);
    const bool lasting = valid && (!current->expires || *current->expires - now > kTooShort);
    // A time further off than any that is ever set means that the clock was set back since. Such a time is ignored.
    const bool renew_at_is_off = current && current->may_change && entry->renew_at > now + kRereadAfter;
    const bool retry_at_is_off = entry->retry_at > now + kRetryWhileValid;
    const bool wanted = !valid || now >= entry->renew_at || renew_at_is_off;
    const bool held_back = entry->failure && now < entry->retry_at && !retry_at_is_off;
    if (wanted && !held_back && !entry->loading) entry->loading = start_load(access, entry);
    if (entry->loading && !lasting) {
      entry->waiting.push_back(std::move(done));
      return;
    }
    if (valid) {
      answer = *current;
    } else if (entry->failure) {
      answer = *entry->failure;
    } else if (!stopping_) {
      answer = Error{Errc::overloaded, "too many credentials are being looked up at once"};
    }
  }
  done(std::move(answer));
}

Result<Credentials> CredentialCache::get(const BucketAccess& access) {
  return await<Result<Credentials>>([&](auto done) { get(access, std::move(done)); });
}

bool CredentialCache::refused(const BucketAccess& access, const Credentials& used) {
  if (is_fixed_pair(access)) return false;
  const std::lock_guard lock(mutex_);
  const auto entry = entry_of(access);
  if (entry->current && entry->current->same_as(used)) {
    entry->rejected = true;
    entry->failure.reset();
  }
  return true;
}

std::shared_ptr<CredentialCache::Entry> CredentialCache::entry_of(const BucketAccess& access) {
  std::string key = key_of(access);
  const auto at = entries_.find(key);
  if (at != entries_.end()) return at->second;
  if (entries_.size() >= kMaxCachedCredentials) {
    std::erase_if(entries_, [](const auto& one) { return !one.second->loading; });
  }
  return entries_.emplace(std::move(key), std::make_shared<Entry>()).first->second;
}

bool CredentialCache::start_load(const BucketAccess& access, const std::shared_ptr<Entry>& entry) {
  return !stopping_ && pool_.post([this, access, entry] { run_load(access, entry); });
}

// Ends the load in any case, and answers all who wait for it.
void CredentialCache::run_load(const BucketAccess& access, const std::shared_ptr<Entry>& entry) {
  Result<Credentials> answer = Error{Errc::internal, "no memory"};
  try {
    answer = take(*entry, load(access));
  } catch (const std::exception& failure) {
    log::error("credentials were looked up in vain", {{"bucket", access.bucket}, {"reason", failure.what()}});
  }
  std::vector<Done> waiting;
  {
    const std::lock_guard lock(mutex_);
    entry->loading = false;
    waiting.swap(entry->waiting);
  }
  for (const Done& done : waiting) {
    try {
      done(answer);
    } catch (const std::exception& failure) {
      log::error("a completion threw", {{"reason", failure.what()}});
    }
  }
}

Result<Credentials> CredentialCache::load(const BucketAccess& access) {
  Result<Credentials> loaded = stopped();
  try {
    const bool stopping = [this] {
      const std::lock_guard lock(mutex_);
      return stopping_;
    }();
    if (!stopping) loaded = loader_.load(access);
  } catch (const std::exception& failure) {
    log::error("unexpected error while credentials were looked up",
               {{"bucket", access.bucket}, {"reason", failure.what()}});
    loaded = Error{Errc::internal, "unexpected error while looking up credentials; the server's log has the details"};
  }
  if (loaded && loaded->expires && *loaded->expires <= clock_.now()) {
    loaded = Error{
        Errc::s3_credential,
        fmt::format("the credentials of {} have expired already; is this machine's clock right?", loaded->origin)};
  }
  if (!loaded) return for_customer(loaded.error());
  return loaded;
}

// Notes what was loaded, and answers what is to be used. The current credentials stay valid until they expire, even if
// the renewal failed.
Result<Credentials> CredentialCache::take(Entry& entry, const Result<Credentials>& loaded) {
  const WallTime now = clock_.now();
  const std::lock_guard lock(mutex_);
  note(entry, loaded, now);
  const auto& current = entry.current;
  if (!loaded && current && !entry.rejected && current->expires && *current->expires > now) return *current;
  return loaded;
}

void CredentialCache::note(Entry& entry, const Result<Credentials>& loaded, WallTime now) {
  if (!loaded) {
    const bool valid = entry.current && !entry.rejected && (!entry.current->expires || *entry.current->expires > now);
    if (valid) {
      log::warn("credentials could not be renewed; the current ones are used until they expire",
                {{"credentials", entry.current->origin}, {"reason", loaded.error().for_operator()}});
    }
    const bool is_news = !entry.failure || entry.failure->detail != loaded.error().detail;
    if (!valid && is_news && loaded.error().code != Errc::interrupted) {
      log::warn("credentials cannot be looked up", {{"reason", loaded.error().detail}});
    }
    entry.retry_at = now + (valid ? kRetryWhileValid : kRetryWithout);
    entry.failure = loaded.error();
    return;
  }
  entry.renew_at = WallTime::max();
  if (loaded->may_change) entry.renew_at = now + kRereadAfter;
  if (loaded->expires) {
    const milliseconds left = *loaded->expires - now;
    entry.renew_at = std::min(entry.renew_at, *loaded->expires - std::min(kRenewBefore, left / 2));
  }
  entry.current = *loaded;
  entry.rejected = false;
  entry.failure.reset();
}

void CredentialCache::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  loader_.interrupt();
  pool_.stop();
}

}  // namespace vodlift::s3
