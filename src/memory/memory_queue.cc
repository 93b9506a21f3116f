#include "memory/memory_queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "base/encoding.h"
#include "base/random.h"

namespace vodlift::memory {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr int kMaxFound = 100;
constexpr std::size_t kMaxClaim = 1000;
constexpr std::size_t kMaxMessageBytes = 1024;
constexpr milliseconds kKeepSignatures = 1h;
constexpr milliseconds kBetweenForgettings = 15s;

std::optional<UploadError> kept(const std::optional<UploadError>& error, const std::optional<UploadError>& before) {
  if (!error) return before;
  return UploadError{error->code, printable(error->message, kMaxMessageBytes), error->retryable};
}

bool is_whole(const UploadEnding& ending) {
  if (!is_end(ending.state)) return false;
  if (ending.state == UploadState::failed) return ending.error.has_value();
  return ending.state != UploadState::completed || !ending.error;
}

}  // namespace

MemoryDatabase::MemoryDatabase(const Clock& clock, CallbackBody body, ClockWatch::Uptime uptime, WeightOf weight_of)
    : clock_(clock),
      body_(std::move(body)),
      uptime_(std::move(uptime)),
      weight_of_(std::move(weight_of)),
      clock_watch_(clock, uptime_) {}

milliseconds MemoryDatabase::until(WallTime time) const { return std::max(time - clock_.now(), milliseconds(0)); }

bool MemoryDatabase::Row::ready(WallTime now) const {
  return upload.state == UploadState::queued && !waiting_on && (!delayed || next_attempt <= now);
}

MemoryDatabase::Row* MemoryDatabase::find(UploadId id) {
  const auto at = uploads_.find(id);
  return at == uploads_.end() ? nullptr : &at->second;
}

MemoryDatabase::Row* MemoryDatabase::held(const Lease& lease) {
  Row* row = find(lease.id);
  return row != nullptr && row->hold && row->fence == lease.fence ? row : nullptr;
}

std::optional<UploadId> MemoryDatabase::repeat_of(std::int64_t key_id, const RequestSignature& signature) const {
  if (signature.mac.empty()) return std::nullopt;
  const auto at = signatures_.find({signature.timestamp, key_id, signature.mac});
  return at == signatures_.end() ? std::nullopt : std::optional(at->second);
}

void MemoryDatabase::forget_signatures_if_due() {
  const milliseconds now = uptime_();
  if (now < forget_due_) return;
  forget_due_ = now + kBetweenForgettings;
  clock_watch_.look();
  if (clock_watch_.steady_for() < kKeepSignatures) return;
  const std::int64_t before = to_unix_seconds(clock_.now() - kKeepSignatures);
  signatures_.erase(signatures_.begin(), signatures_.lower_bound({before, 0, {}}));
}

std::vector<Upload> MemoryDatabase::all_uploads() {
  const std::lock_guard lock(mutex_);
  std::vector<Upload> all;
  for (const auto& [id, row] : uploads_) all.push_back(row.upload);
  return all;
}

void MemoryDatabase::publish(const std::vector<Change>& news) {
  for (const Change& one : news) feed_.publish(one);
}

void MemoryDatabase::end(Row& row, UploadState state, std::vector<Change>& news) {
  Upload& upload = row.upload;
  const WallTime now = clock_.now();
  upload.state = state;
  upload.finished = now;
  upload.next_attempt.reset();
  row.hold.reset();
  row.wanted = Wanted::nothing;
  for (auto& [id, other] : uploads_) {
    if (other.waiting_on != upload.id) continue;
    other.waiting_on = row.waiting_on;
    news.push_back({.kind = Change::Kind::uploads_due});
  }
  row.waiting_on.reset();
  if (state == UploadState::completed) remove_journaled_entry(row);
  abandon_all(upload.id);
  row.journal = {};
  if (upload.request.callback.empty()) return;
  upload.callback_state = CallbackState::pending;
  Callback callback;
  callback.claimed = {++last_callback_, 0, upload.id, upload.account, "msg_" + random_hex(16), upload.request.callback,
                      body_(upload),    0};
  callback.next_attempt = now;
  callbacks_.emplace(last_callback_, std::move(callback));
  news.push_back({Change::Kind::callbacks_due, upload.account, upload.id});
}

Result<> MemoryDatabase::finish(const Lease& lease, const UploadEnding& ending, std::vector<Change>& news) {
  if (!is_whole(ending)) return Error{Errc::internal, fmt::format("upload {}: the ending is not whole", lease.id)};
  Row* row = held(lease);
  if (row == nullptr) return lease_lost(lease);
  Upload& upload = row->upload;
  const bool completed = ending.state == UploadState::completed;
  if (completed) upload.size = upload.bytes_sent = ending.size;
  upload.acl_applied = ending.acl_applied;
  upload.verification = ending.verification;
  upload.error = completed ? std::nullopt : kept(ending.error, upload.error);
  end(*row, ending.state, news);
  return {};
}

Result<> MemoryDatabase::requeue(const Lease& lease, const Requeue& how, bool crashed, std::vector<Change>& news) {
  Row* row = held(lease);
  if (row == nullptr) return lease_lost(lease);
  const UploadState next = decide_requeue(row->wanted);
  if (next == UploadState::cancelled) {
    UploadEnding cancelled;
    cancelled.state = UploadState::cancelled;
    cancelled.error = how.error;
    return finish(lease, cancelled, news);
  }
  row->upload.state = next;
  row->hold.reset();
  row->wanted = Wanted::nothing;
  row->delayed = how.delay.value_or(0ms) > 0ms;
  row->next_attempt = row->delayed ? clock_.now() + *how.delay : row->upload.created;
  row->upload.error = kept(how.error, row->upload.error);
  row->interrupted = !how.failed_attempt;
  if (crashed) ++row->crashes;
  abandon_intent(lease.id);
  news.push_back({Change::Kind::uploads_due, row->upload.account, lease.id});
  return {};
}

int MemoryDatabase::take_back(const std::vector<UploadId>& orphans, int max_crashes, std::vector<Change>& news) {
  for (const UploadId id : orphans) {
    const Row& row = uploads_.at(id);
    const Lease lease{id, row.fence};
    const int crashes = row.crashes + 1;
    if (decide_rescue(row.wanted, crashes, max_crashes) == UploadState::failed) {
      UploadEnding failed;
      failed.state = UploadState::failed;
      failed.error = crashed_repeatedly(crashes);
      (void)finish(lease, failed, news);
    } else {
      (void)requeue(lease, {}, /*crashed=*/true, news);
    }
  }
  return static_cast<int>(orphans.size());
}

// --- Doors

void MemoryUploadStore::insert(NewUpload upload, InsertDone done) {
  InsertOutcome outcome;
  {
    const std::lock_guard lock(database_.mutex_);
    if (const auto first = database_.repeat_of(upload.key_id, upload.signature)) {
      outcome = {*first, true};
    } else {
      MemoryDatabase::Row row;
      row.upload.id = database_.uploads_.empty() ? 1 : database_.uploads_.rbegin()->first + 1;
      row.upload.account = upload.account;
      row.upload.request = std::move(upload.request);
      row.upload.size = upload.size;
      row.upload.retry_of = upload.retry_of;
      row.upload.created = row.next_attempt = database_.clock_.now();
      row.upload.callback_state = row.upload.request.callback.empty() ? CallbackState::none : CallbackState::waiting;
      row.token = std::move(upload.token);
      for (const auto& [id, other] : database_.uploads_) {
        const UploadRequest& theirs = other.upload.request;
        const bool same = other.upload.account == row.upload.account && theirs.bucket == row.upload.request.bucket &&
                          theirs.destination_path == row.upload.request.destination_path;
        if (same && !is_end(other.upload.state)) row.waiting_on = id;
      }
      outcome.id = row.upload.id;
      if (!upload.signature.mac.empty()) {
        database_.signatures_[{upload.signature.timestamp, upload.key_id, upload.signature.mac}] = outcome.id;
      }
      database_.uploads_.emplace(outcome.id, std::move(row));
      database_.forget_signatures_if_due();
    }
  }
  done(outcome);
  if (!outcome.repeated) database_.feed_.publish({Change::Kind::uploads_due, upload.account, outcome.id});
}

Result<std::optional<UploadId>> MemoryUploadStore::find_repeat(std::int64_t key_id, const RequestSignature& signature) {
  const std::lock_guard lock(database_.mutex_);
  return database_.repeat_of(key_id, signature);
}

Result<std::vector<Upload>> MemoryUploadStore::find(AccountId account, const UploadQuery& query) {
  const std::lock_guard lock(database_.mutex_);
  std::vector<Upload> found;
  std::int64_t skip = query.ids.empty() ? std::max<std::int64_t>(query.offset, 0) : 0;
  const auto limit = static_cast<std::size_t>(std::clamp(query.limit, 1, kMaxFound));
  for (auto at = database_.uploads_.rbegin(); at != database_.uploads_.rend(); ++at) {
    Upload upload = at->second.upload;
    const bool asked = query.ids.empty() || std::ranges::find(query.ids, upload.id) != query.ids.end();
    const bool in_state = query.states.empty() || std::ranges::find(query.states, upload.state) != query.states.end();
    if (upload.account != account || !asked || !in_state || !query.scope.holds(upload.request)) continue;
    if (skip-- > 0) continue;
    if (query.ids.empty() && found.size() == limit) break;
    const bool for_later = upload.state == UploadState::queued && at->second.next_attempt > upload.created;
    if (for_later) upload.next_attempt = at->second.next_attempt;
    found.push_back(std::move(upload));
  }
  return found;
}

Result<ChangeOutcome> MemoryUploadStore::change(const ChangeRequest& request) {
  std::vector<Change> news;
  ChangeOutcome outcome;
  {
    const std::lock_guard lock(database_.mutex_);
    const auto first = database_.repeat_of(request.key_id, request.signature);
    MemoryDatabase::Row* row = database_.find(first.value_or(request.id));
    if (row == nullptr || row->upload.account != request.account || !request.scope.holds(row->upload.request)) {
      return no_such_upload();
    }
    if (first) return ChangeOutcome{row->upload};
    const auto decision = decide_change(row->upload.state, row->wanted, request.change);
    if (const auto* refusal = std::get_if<ChangeRefusal>(&decision)) return ChangeOutcome{row->upload, *refusal};
    switch (std::get<ChangeStep>(decision)) {
      case ChangeStep::cancel:
        database_.end(*row, UploadState::cancelled, news);
        break;
      case ChangeStep::pause:
        row->upload.state = UploadState::paused;
        break;
      case ChangeStep::resume:
      case ChangeStep::run_now:
        row->upload.state = UploadState::queued;
        row->next_attempt = row->upload.created;
        row->delayed = false;
        break;
      case ChangeStep::want_cancel:
        row->wanted = Wanted::cancel;
        news.push_back({Change::Kind::upload_recalled, request.account, request.id});
        break;
      case ChangeStep::want_pause:
        row->wanted = Wanted::pause;
        news.push_back({Change::Kind::upload_recalled, request.account, request.id});
        break;
      case ChangeStep::want_nothing:
        row->wanted = Wanted::nothing;
        break;
    }
    if (!request.signature.mac.empty()) {
      database_.signatures_[{request.signature.timestamp, request.key_id, request.signature.mac}] = request.id;
    }
    outcome.upload = row->upload;
    news.push_back({Change::Kind::uploads_due, request.account, request.id});
  }
  database_.publish(news);
  return outcome;
}

// --- Workers

Result<Candidates> MemoryWorkQueue::candidates(const CandidateQuery& query) {
  const std::lock_guard lock(database_.mutex_);
  const WallTime now = database_.clock_.now();
  Candidates answer;
  int listed = 0;
  for (int priority = kMaxPriority; priority >= 0; --priority) {
    std::map<AccountId, Candidate> ready;
    std::vector<const MemoryDatabase::Row*> rows;
    for (const auto& [id, row] : database_.uploads_) {
      if (row.upload.request.priority == priority && row.ready(now)) rows.push_back(&row);
    }
    std::ranges::stable_sort(rows, {}, &MemoryDatabase::Row::next_attempt);
    for (const MemoryDatabase::Row* row : rows) {
      const Upload& upload = row->upload;
      const bool large = upload.size > kLargeUploadBytes;
      if (large && query.places.large <= 0) continue;
      Candidate& candidate = ready[upload.account];
      candidate.priority = priority;
      candidate.account = upload.account;
      candidate.weight = database_.weight_of_(upload.account);
      auto& heads = large ? candidate.large : candidate.small;
      const int places = large ? std::min(query.places.large, query.places.all) : query.places.all;
      if (std::ssize(heads) < std::min(query.depth, places)) {
        heads.push_back({upload.id, upload.size - upload.bytes_sent});
      } else {
        (large ? candidate.more_large : candidate.more_small) = true;
      }
    }
    // From the first account of the order on, then those below it.
    std::vector<Candidate> ordered;
    const auto from = ready.lower_bound(query.from[static_cast<std::size_t>(priority)]);
    for (auto at = from; at != ready.end(); ++at) ordered.push_back(std::move(at->second));
    for (auto at = ready.begin(); at != from; ++at) ordered.push_back(std::move(at->second));
    for (Candidate& one : ordered) {
      if (listed >= query.uploads) {
        answer.more_accounts = true;
        return answer;
      }
      listed += static_cast<int>(one.small.size() + one.large.size());
      answer.accounts.push_back(std::move(one));
    }
  }
  return answer;
}

Result<std::vector<ClaimedUpload>> MemoryWorkQueue::claim(const std::vector<UploadId>& ids, milliseconds lease) {
  const std::lock_guard lock(database_.mutex_);
  const WallTime now = database_.clock_.now();
  std::vector<ClaimedUpload> claimed;
  for (const UploadId id : ids) {
    MemoryDatabase::Row* row = database_.find(id);
    if (row == nullptr || !row->ready(now) || claimed.size() == kMaxClaim) continue;
    Upload& upload = row->upload;
    upload.state = UploadState::uploading;
    if (!row->interrupted) ++upload.attempts;
    row->interrupted = false;
    row->delayed = false;
    if (!upload.started) upload.started = now;
    upload.attempt_started = now;
    upload.attempt_first_byte = upload.bytes_sent;
    row->hold = {now + lease, self_};
    ++row->fence;
    claimed.push_back({{id, row->fence}, upload, row->token, row->journal, database_.weight_of_(upload.account)});
  }
  return claimed;
}

Result<std::vector<HeldLease>> MemoryWorkQueue::renew(const std::vector<Lease>& leases, milliseconds lease) {
  const std::lock_guard lock(database_.mutex_);
  std::vector<HeldLease> still_held;
  for (const Lease& one : leases) {
    MemoryDatabase::Row* row = database_.held(one);
    if (row == nullptr) continue;
    row->hold->until = database_.clock_.now() + lease;
    still_held.push_back({one, row->wanted != Wanted::nothing});
  }
  return still_held;
}

void MemoryWorkQueue::finish(const Lease& lease, UploadEnding ending, Done done) {
  std::vector<Change> news;
  Result<> outcome;
  {
    const std::lock_guard lock(database_.mutex_);
    outcome = database_.finish(lease, ending, news);
  }
  database_.publish(news);
  done(std::move(outcome));
}

void MemoryWorkQueue::requeue(const Lease& lease, Requeue how, Done done) {
  std::vector<Change> news;
  Result<> outcome;
  {
    const std::lock_guard lock(database_.mutex_);
    outcome = database_.requeue(lease, how, /*crashed=*/false, news);
  }
  database_.publish(news);
  done(std::move(outcome));
}

Result<int> MemoryWorkQueue::rescue(int max_crashes) {
  std::vector<Change> news;
  int taken = 0;
  {
    const std::lock_guard lock(database_.mutex_);
    std::vector<UploadId> orphans;
    for (const auto& [id, row] : database_.uploads_) {
      if (row.hold && row.hold->until <= database_.clock_.now()) orphans.push_back(id);
    }
    taken = database_.take_back(orphans, max_crashes, news);
  }
  database_.publish(news);
  return taken;
}

Result<int> MemoryWorkQueue::reclaim(int max_crashes) {
  std::vector<Change> news;
  int taken = 0;
  {
    const std::lock_guard lock(database_.mutex_);
    std::vector<UploadId> orphans;
    for (const auto& [id, row] : database_.uploads_) {
      const bool ours = row.hold && row.hold->owner.node == self_.node && row.hold->owner.term < self_.term;
      if (ours) orphans.push_back(id);
    }
    taken = database_.take_back(orphans, max_crashes, news);
  }
  database_.publish(news);
  return taken;
}

Result<std::optional<milliseconds>> MemoryWorkQueue::next_due() {
  const std::lock_guard lock(database_.mutex_);
  const WallTime now = database_.clock_.now();
  std::optional<milliseconds> first;
  for (const auto& [id, row] : database_.uploads_) {
    if (row.upload.state != UploadState::queued || row.waiting_on) continue;
    const milliseconds due = row.ready(now) ? 0ms : database_.until(row.next_attempt);
    first = std::min(first.value_or(due), due);
  }
  return first;
}

// --- Callbacks

Result<std::vector<ClaimedCallback>> MemoryCallbackQueue::claim(int limit, milliseconds lease) {
  const std::lock_guard lock(database_.mutex_);
  const WallTime now = database_.clock_.now();
  std::vector<MemoryDatabase::Callback*> due;
  for (auto& [id, callback] : database_.callbacks_) {
    if (callback.state == CallbackState::pending && callback.next_attempt <= now) due.push_back(&callback);
  }
  std::ranges::stable_sort(due, {}, [](const auto* callback) { return callback->next_attempt; });
  std::vector<ClaimedCallback> claimed;
  for (MemoryDatabase::Callback* callback : due) {
    if (std::ssize(claimed) >= limit) break;
    ++callback->claimed.fence;
    callback->next_attempt = now + lease;
    callback->hold = {now + lease, self_};
    claimed.push_back(callback->claimed);
  }
  return claimed;
}

Result<> MemoryCallbackQueue::record(const ClaimedCallback& callback, const CallbackAttempt& attempt) {
  {
    const std::lock_guard lock(database_.mutex_);
    if (attempt.next == CallbackState::none || attempt.next == CallbackState::waiting) {
      return Error{Errc::internal, fmt::format("callback {} must not become {}", callback.id, to_string(attempt.next))};
    }
    const auto at = database_.callbacks_.find(callback.id);
    if (at == database_.callbacks_.end() || !at->second.hold || at->second.claimed.fence != callback.fence) {
      return Error{Errc::lease_lost, fmt::format("callback {} is no longer leased", callback.id)};
    }
    ++at->second.claimed.attempts;
    at->second.state = attempt.next;
    at->second.hold.reset();
    at->second.next_attempt = database_.clock_.now() + attempt.delay;
    database_.uploads_.at(callback.upload).upload.callback_state = attempt.next;
  }
  database_.feed_.publish({Change::Kind::callbacks_due, callback.account, callback.upload});
  return {};
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
