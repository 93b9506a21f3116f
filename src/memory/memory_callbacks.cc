#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "memory/memory_queue.h"

namespace vodlift::memory {

using std::chrono::milliseconds;

Result<std::vector<AccountId>> MemoryCallbackQueue::due_accounts(AccountId from, int limit) {
  const std::lock_guard lock(database_.mutex_);
  std::set<AccountId> due;
  for (const auto& [id, callback] : database_.callbacks_) {
    if (callback.due(database_.clock_.now())) due.insert(callback.claimed.account);
  }
  std::vector<AccountId> found(due.lower_bound(from), due.end());
  found.insert(found.end(), due.begin(), due.lower_bound(from));
  found.resize(std::min(found.size(), static_cast<std::size_t>(limit)));
  return found;
}

Result<std::vector<DueReceiver>> MemoryCallbackQueue::due_receivers(AccountId account, const std::string& after,
                                                                    int limit, int depth) {
  const std::lock_guard lock(database_.mutex_);
  std::map<std::string, std::multimap<WallTime, std::int64_t>> due;
  for (const auto& [id, callback] : database_.callbacks_) {
    if (callback.claimed.account != account || !callback.due(database_.clock_.now())) continue;
    due[callback.claimed.receiver].emplace(callback.next_attempt, id);
  }
  std::vector<DueReceiver> found;
  for (const auto& [receiver, callbacks] : due) {
    DueReceiver one{receiver, {}};
    for (const auto& [time, id] : callbacks) {
      if (std::ssize(one.ids) < depth) one.ids.push_back(id);
    }
    found.push_back(std::move(one));
  }
  std::rotate(found.begin(), std::ranges::upper_bound(found, after, {}, &DueReceiver::receiver), found.end());
  found.resize(std::min(found.size(), static_cast<std::size_t>(limit)));
  return found;
}

Result<std::vector<ClaimedCallback>> MemoryCallbackQueue::claim(const std::vector<std::int64_t>& ids,
                                                                milliseconds lease) {
  const std::lock_guard lock(database_.mutex_);
  const WallTime now = database_.clock_.now();
  std::vector<ClaimedCallback> claimed;
  for (const std::int64_t id : ids) {
    const auto at = database_.callbacks_.find(id);
    if (at == database_.callbacks_.end() || !at->second.due(now) || claimed.size() == kMaxClaim) continue;
    MemoryDatabase::Callback& callback = at->second;
    ++callback.claimed.fence;
    callback.next_attempt = now + lease;
    callback.hold = {now + lease, self_};
    claimed.push_back(callback.claimed);
  }
  return claimed;
}

Result<std::vector<std::int64_t>> MemoryCallbackQueue::record(const std::vector<RecordedAttempt>& attempts) {
  std::vector<std::int64_t> lost;
  {
    const std::lock_guard lock(database_.mutex_);
    for (const auto& [callback, attempt] : attempts) {
      if (attempt.next != CallbackState::none && attempt.next != CallbackState::waiting) continue;
      return Error{Errc::internal, fmt::format("callback {} must not become {}", callback.id, to_string(attempt.next))};
    }
    for (const auto& [callback, attempt] : attempts) {
      const auto at = database_.callbacks_.find(callback.id);
      if (at == database_.callbacks_.end() || !at->second.hold || at->second.claimed.fence != callback.fence) {
        lost.push_back(callback.id);
        continue;
      }
      ++at->second.claimed.attempts;
      at->second.state = attempt.next;
      at->second.hold.reset();
      at->second.next_attempt = database_.clock_.now() + attempt.delay;
      database_.uploads_.at(callback.upload).upload.callback_state = attempt.next;
    }
  }
  for (const auto& [callback, attempt] : attempts) {
    database_.feed_.publish({Change::Kind::callbacks_due, callback.account, callback.upload});
  }
  return lost;
}

Result<> MemoryCallbackQueue::reclaim() {
  {
    const std::lock_guard lock(database_.mutex_);
    for (auto& [id, callback] : database_.callbacks_) {
      if (!callback.hold || callback.hold->owner.node != self_.node || callback.hold->owner.term >= self_.term)
        continue;
      callback.hold.reset();
      callback.next_attempt = database_.clock_.now();
    }
  }
  database_.feed_.publish({.kind = Change::Kind::callbacks_due});
  return {};
}

Result<std::optional<milliseconds>> MemoryCallbackQueue::next_due() {
  const std::lock_guard lock(database_.mutex_);
  std::optional<milliseconds> first;
  for (const auto& [id, callback] : database_.callbacks_) {
    if (callback.state != CallbackState::pending) continue;
    const milliseconds due = database_.until(callback.next_attempt);
    first = std::min(first.value_or(due), due);
  }
  return first;
}

}  // namespace vodlift::memory
