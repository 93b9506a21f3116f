#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/encoding.h"
#include "memory/memory_queue.h"

namespace vodlift::memory {

using std::chrono::milliseconds;

namespace {

constexpr std::size_t kMaxErrorBytes = 512;

}  // namespace

Result<std::vector<AccountId>> MemoryCallbackQueue::due_accounts(AccountId from, int limit) {
  const MemoryDatabase::Transaction transaction(database_);
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
  const MemoryDatabase::Transaction transaction(database_);
  std::map<std::string, std::multimap<WallTime, std::int64_t>> due;
  for (const auto& [id, callback] : database_.callbacks_) {
    if (callback.claimed.account != account || !callback.due(database_.clock_.now())) continue;
    due[callback.claimed.receiver].emplace(callback.next_attempt, id);
  }
  std::vector<DueReceiver> found;
  for (const auto& [receiver, callbacks] : due) {
    DueReceiver one{receiver, {}};
    const auto sums = database_.receivers_.find({account, receiver});
    if (sums != database_.receivers_.end()) one.failing = sums->second.failing(database_.clock_.now());
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
  const MemoryDatabase::Transaction transaction(database_);
  const WallTime now = database_.clock_.now();
  std::vector<ClaimedCallback> claimed;
  for (const std::int64_t id : ids) {
    const auto at = database_.callbacks_.find(id);
    if (at == database_.callbacks_.end() || !at->second.due(now) || claimed.size() == kMaxClaim) continue;
    MemoryDatabase::Callback& callback = at->second;
    database_.changed_callbacks_.insert(id);
    ++callback.claimed.fence;
    callback.next_attempt = now + lease;
    callback.hold = {now + lease, self_};
    claimed.push_back(callback.claimed);
    claimed.back().trace = database_.uploads_.at(callback.claimed.upload).upload.trace;
  }
  return claimed;
}

Result<std::vector<std::int64_t>> MemoryCallbackQueue::record(const std::vector<RecordedAttempt>& attempts) {
  std::vector<std::int64_t> lost;
  {
    const MemoryDatabase::Transaction transaction(database_);
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
      auto& tries = at->second.tries;
      tries.push_back({++at->second.attempts, database_.clock_.now() - attempt.took, attempt.took, attempt.http_status,
                       printable(attempt.error, kMaxErrorBytes)});
      if (std::ssize(tries) > kKeptCallbackAttempts) tries.erase(tries.begin());
      database_.sums_of(at->second).count(attempt, tries.back().error, database_.clock_.now());
      at->second.state = attempt.next;
      at->second.hold.reset();
      at->second.next_attempt = database_.clock_.now() + attempt.delay;
      database_.uploads_.at(callback.upload).upload.callback_state = attempt.next;
      database_.changed_callbacks_.insert(callback.id);
    }
  }
  for (const auto& [callback, attempt] : attempts) {
    database_.feed_.publish({Change::Kind::callbacks_due, callback.account, callback.upload});
  }
  return lost;
}

Result<int> MemoryCallbackQueue::refuse(AccountId account, const std::string& receiver, const std::string& reason,
                                        int limit) {
  std::vector<UploadId> uploads;
  {
    const MemoryDatabase::Transaction transaction(database_);
    const WallTime now = database_.clock_.now();
    std::multimap<WallTime, std::int64_t> due;
    for (const auto& [id, callback] : database_.callbacks_) {
      const bool is_asked_for = callback.claimed.attempts == 0 && callback.attempts > 0;
      if (callback.claimed.account != account || callback.claimed.receiver != receiver || is_asked_for) continue;
      if (callback.due(now)) due.emplace(callback.next_attempt, id);
    }
    for (const auto& [time, id] : due) {
      if (std::ssize(uploads) >= limit) break;
      MemoryDatabase::Callback& callback = database_.callbacks_.at(id);
      ++callback.claimed.attempts;
      callback.tries.push_back({++callback.attempts, now, milliseconds(0), 0, printable(reason, kMaxErrorBytes)});
      if (std::ssize(callback.tries) > kKeptCallbackAttempts) callback.tries.erase(callback.tries.begin());
      database_.sums_of(callback).count_refused(now);
      callback.state = CallbackState::failed;
      callback.hold.reset();
      callback.next_attempt = now;
      uploads.push_back(callback.claimed.upload);
      database_.uploads_.at(uploads.back()).upload.callback_state = CallbackState::failed;
      database_.changed_callbacks_.insert(id);
    }
  }
  for (const UploadId upload : uploads) database_.feed_.publish({Change::Kind::callbacks_due, account, upload});
  return static_cast<int>(uploads.size());
}

Result<> MemoryCallbackQueue::reclaim() {
  {
    const MemoryDatabase::Transaction transaction(database_);
    for (auto& [id, callback] : database_.callbacks_) {
      if (!callback.hold || callback.hold->owner.node != self_.node || callback.hold->owner.term >= self_.term)
        continue;
      database_.changed_callbacks_.insert(id);
      callback.hold.reset();
      callback.next_attempt = database_.clock_.now();
    }
  }
  database_.feed_.publish({.kind = Change::Kind::callbacks_due});
  return {};
}

Result<std::optional<milliseconds>> MemoryCallbackQueue::next_due() {
  const MemoryDatabase::Transaction transaction(database_);
  std::optional<milliseconds> first;
  for (const auto& [id, callback] : database_.callbacks_) {
    if (callback.state != CallbackState::pending) continue;
    const milliseconds due = database_.until(callback.next_attempt);
    first = std::min(first.value_or(due), due);
  }
  return first;
}

// --- How the receivers do

bool MemoryDatabase::has_room_for_receiver(AccountId account) const {
  const auto own = std::ranges::count_if(receivers_, [&](const auto& one) { return one.first.first == account; });
  return std::ssize(receivers_) - 1 < kMostReceivers && own < kMostReceiversOfOne;
}

bool MemoryDatabase::count_waiting(AccountId account, const std::string& receiver) {
  const WallTime now = clock_.now();
  if (!receivers_.contains({account, receiver})) {
    if (!has_room_for_receiver(account) && now - receivers_swept_ >= kReceiverSweep) {
      receivers_swept_ = now;
      std::erase_if(receivers_,
                    [&](const auto& one) { return one.first.first != kOtherReceivers && one.second.is_idle(now); });
    }
    if (!has_room_for_receiver(account)) {
      receivers_.at({kOtherReceivers, ""}).add_waiting(now);
      return false;
    }
  }
  receivers_[{account, receiver}].add_waiting(now);
  return true;
}

ReceiverSums& MemoryDatabase::sums_of(const Callback& callback) {
  if (!callback.own_sums) return receivers_.at({kOtherReceivers, ""});
  return receivers_.at({callback.claimed.account, callback.claimed.receiver});
}

Result<std::vector<CallbackReceiver>> MemoryCallbackHistory::receivers(AccountId account) {
  const MemoryDatabase::Transaction transaction(database_);
  std::vector<CallbackReceiver> receivers;
  for (const auto& [place, sums] : database_.receivers_) {
    if (!sums.used || (account != 0 && place.first != account)) continue;
    receivers.push_back({place.first, place.second, sums});
    receivers.back().sums.turn_to(database_.clock_.now());
  }
  std::ranges::stable_sort(receivers, {}, [](const CallbackReceiver& one) {
    const WallTime since = one.sums.failing_since.value_or(WallTime::max());
    return std::pair(since, -one.sums.waiting);
  });
  if (std::ssize(receivers) > kMostReceiversListed) receivers.resize(kMostReceiversListed);
  return receivers;
}

// --- What the doors see of them

Result<CallbackPage> MemoryCallbackHistory::list(const CallbackQuery& query) {
  const MemoryDatabase::Transaction transaction(database_);
  CallbackSearch search(query);
  for (auto at = database_.callbacks_.rbegin(); at != database_.callbacks_.rend(); ++at) {
    const auto& [id, callback] = *at;
    const bool is_older = query.before <= 0 || id < query.before;
    if (!is_older || (query.account != 0 && callback.claimed.account != query.account)) continue;
    if (!search.look(id, callback.created, callback.state, callback.claimed.receiver)) break;
  }
  CallbackPage page = search.page();
  for (const std::int64_t id : search.ids()) page.callbacks.push_back(story_of(id).callback);
  return page;
}

CallbackStory MemoryCallbackHistory::story_of(std::int64_t id) {
  const MemoryDatabase::Callback& stored = database_.callbacks_.at(id);
  const ClaimedCallback& claimed = stored.claimed;
  CallbackStory story;
  CallbackView& callback = story.callback;
  callback.id = id;
  callback.upload = claimed.upload;
  callback.account = claimed.account;
  callback.webhook_id = claimed.webhook_id;
  callback.url = claimed.url;
  callback.receiver = claimed.receiver;
  callback.state = stored.state;
  callback.attempts = stored.attempts;
  callback.under_way = stored.hold && stored.hold->until > database_.clock_.now();
  callback.created = stored.created;
  if (stored.state == CallbackState::pending && !callback.under_way) callback.next_attempt = stored.next_attempt;
  if (!stored.tries.empty()) callback.last = stored.tries.back();
  story.body = claimed.body;
  story.attempts = stored.tries;
  return story;
}

Result<CallbackStory> MemoryCallbackHistory::find(std::int64_t id) {
  const MemoryDatabase::Transaction transaction(database_);
  if (!database_.callbacks_.contains(id)) return no_such_callback(id);
  return story_of(id);
}

Result<CallbackStory> MemoryCallbackHistory::find_of(UploadId upload) {
  const MemoryDatabase::Transaction transaction(database_);
  for (const auto& [id, callback] : database_.callbacks_) {
    if (callback.claimed.upload == upload) return story_of(id);
  }
  return no_callback_of(upload);
}

Result<> MemoryCallbackHistory::send_again(std::int64_t id) {
  Change news{.kind = Change::Kind::callbacks_due};
  {
    const MemoryDatabase::Transaction transaction(database_);
    const auto at = database_.callbacks_.find(id);
    if (at == database_.callbacks_.end()) return no_such_callback(id);
    if (auto may = may_send_again(story_of(id).callback.under_way); !may) return may;
    MemoryDatabase::Callback& callback = at->second;
    if (callback.state != CallbackState::pending) {
      callback.own_sums = database_.count_waiting(callback.claimed.account, callback.claimed.receiver);
    }
    callback.state = CallbackState::pending;
    callback.hold.reset();
    ++callback.claimed.fence;
    callback.claimed.attempts = 0;
    callback.next_attempt = database_.clock_.now();
    news.account = callback.claimed.account;
    news.upload = callback.claimed.upload;
    database_.uploads_.at(news.upload).upload.callback_state = CallbackState::pending;
    database_.changed_callbacks_.insert(id);
  }
  database_.feed_.publish(news);
  return {};
}

}  // namespace vodlift::memory
