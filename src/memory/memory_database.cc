#include "memory/memory_database.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/random.h"
#include "core/callback_url.h"

namespace vodlift::memory {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr std::size_t kMaxMessageBytes = 1024;
constexpr milliseconds kKeepSignatures = 1h;
constexpr milliseconds kBetweenForgettings = 15s;

std::optional<UploadError> kept(const std::optional<UploadError>& error, const std::optional<UploadError>& before) {
  if (!error) return before;
  return UploadError{error->code, printable(error->message, kMaxMessageBytes), error->retryable,
                     printable(error->detail, kMaxMessageBytes)};
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

void MemoryDatabase::set_most_open_uploads(std::int64_t most) {
  const std::lock_guard lock(mutex_);
  most_open_uploads_ = most;
}

std::int64_t MemoryDatabase::open_uploads(AccountId account) const {
  return std::ranges::count_if(uploads_, [&](const auto& one) {
    return one.second.upload.account == account && !is_end(one.second.upload.state);
  });
}

milliseconds MemoryDatabase::until(WallTime time) const { return std::max(time - clock_.now(), milliseconds(0)); }

bool MemoryDatabase::Row::may_run(WallTime now) const {
  return upload.state == UploadState::queued && !waiting_on && (!delayed || next_attempt <= now);
}

MemoryDatabase::Transaction::~Transaction() {
  const auto uploads = std::exchange(database_.changed_uploads_, {});
  const auto callbacks = std::exchange(database_.changed_callbacks_, {});
  lock_.unlock();
  for (const UploadId id : uploads) database_.feed_.publish({.kind = Change::Kind::upload_changed, .upload = id});
  for (const std::int64_t id : callbacks) {
    database_.feed_.publish({.kind = Change::Kind::callback_changed, .callback = id});
  }
}

MemoryDatabase::Row* MemoryDatabase::find(UploadId id) {
  const auto at = uploads_.find(id);
  return at == uploads_.end() ? nullptr : &at->second;
}

MemoryDatabase::Row* MemoryDatabase::held(const Lease& lease) {
  Row* row = find(lease.id);
  if (row == nullptr || !row->hold || row->fence != lease.fence) return nullptr;
  changed_uploads_.insert(lease.id);
  return row;
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
  changed_uploads_.insert(upload.id);
  upload.state = state;
  upload.finished = now;
  upload.next_attempt.reset();
  row.hold.reset();
  row.wanted = Wanted::nothing;
  for (auto& [id, other] : uploads_) {
    if (other.waiting_on != upload.id) continue;
    other.waiting_on = row.waiting_on;
    changed_uploads_.insert(id);
    news.push_back({.kind = Change::Kind::uploads_due});
  }
  row.waiting_on.reset();
  if (state == UploadState::completed) remove_journaled_entry(row);
  abandon_all(upload.id);
  row.journal = {};
  if (upload.request.callback.empty()) return;
  upload.callback_state = CallbackState::pending;
  Callback callback;
  callback.claimed = {++last_callback_,
                      0,
                      upload.id,
                      upload.account,
                      "msg_" + random_hex(16),
                      upload.request.callback,
                      callback_receiver(upload.request.callback),
                      body_(upload),
                      0};
  callback.next_attempt = callback.created = now;
  callback.own_sums = count_waiting(upload.account, callback.claimed.receiver);
  callbacks_.emplace(last_callback_, std::move(callback));
  changed_callbacks_.insert(last_callback_);
  news.push_back({Change::Kind::callbacks_due, upload.account, upload.id});
}

void MemoryDatabase::record_attempt(Row& row, AttemptEnd how, const std::optional<UploadError>& error,
                                    std::optional<std::int64_t> size) {
  const Upload& upload = row.upload;
  UploadAttempt run;
  run.number = upload.attempts;
  run.how = how;
  run.error = kept(error, std::nullopt);
  run.started = upload.attempt_started.value_or(WallTime());
  run.ended = clock_.now();
  run.first_byte = upload.attempt_first_byte;
  run.last_byte = size.value_or(upload.bytes_sent);
  run.node = row.hold->owner.node;
  const auto last = row.attempts.empty() ? std::nullopt : std::optional(row.attempts.back());
  switch (keep_attempt(last, run)) {
    case KeepAttempt::nothing:
      return;
    case KeepAttempt::merged:
      row.attempts.back() = join(*last, run);
      return;
    case KeepAttempt::apart:
      row.attempts.push_back(std::move(run));
      make_room(row.attempts);
  }
}

Result<> MemoryDatabase::finish(const Lease& lease, const UploadEnding& ending, AttemptEnd how,
                                std::vector<Change>& news) {
  if (!is_whole(ending)) return Error{Errc::internal, fmt::format("upload {}: the ending is not whole", lease.id)};
  Row* row = held(lease);
  if (row == nullptr) return lease_lost(lease);
  Upload& upload = row->upload;
  const bool completed = ending.state == UploadState::completed;
  record_attempt(*row, how, ending.error, completed ? std::optional(ending.size) : std::nullopt);
  if (completed) upload.size = upload.bytes_sent = ending.size;
  upload.acl_applied = ending.acl_applied;
  upload.verification = ending.verification;
  upload.error = completed ? std::nullopt : kept(ending.error, upload.error);
  end(*row, ending.state, news);
  return {};
}

Result<> MemoryDatabase::requeue(const Lease& lease, const Requeue& how, Crash crash, std::vector<Change>& news) {
  Row* row = held(lease);
  if (row == nullptr) return lease_lost(lease);
  const UploadState next = decide_requeue(row->wanted);
  const AttemptEnd run_ended = end_of_run(how, next, crash != Crash::none);
  if (next == UploadState::cancelled) {
    UploadEnding cancelled;
    cancelled.state = UploadState::cancelled;
    cancelled.error = how.error;
    return finish(lease, cancelled, run_ended, news);
  }
  record_attempt(*row, run_ended, how.error, std::nullopt);
  row->upload.state = next;
  row->hold.reset();
  row->wanted = Wanted::nothing;
  row->delayed = how.delay.value_or(0ms) > 0ms;
  row->next_attempt = row->delayed ? clock_.now() + *how.delay : row->upload.created;
  row->upload.error = kept(how.error, row->upload.error);
  row->interrupted = !how.failed_attempt;
  const bool given_back =
      !how.error && !how.failed_attempt && crash == Crash::none && !how.unanswered && row->upload.bytes_sent == 0;
  if (given_back && row->upload.started == row->upload.attempt_started) row->upload.started.reset();
  if (crash != Crash::none) ++row->crashes;
  if (crash == Crash::alone) ++row->crashes_alone;
  row->suspect = crash != Crash::none && row->crashes >= kSuspectCrashes;
  if (how.unanswered) row->unanswered = Unanswered{clock_.now(), how.sent};
  row->only_look |= how.only_look;
  abandon_intent(lease.id);
  news.push_back({Change::Kind::uploads_due, row->upload.account, lease.id});
  return {};
}

int MemoryDatabase::take_back(const std::vector<UploadId>& orphans, int max_crashes, std::vector<Change>& news) {
  std::map<std::pair<std::int64_t, std::int64_t>, int> leases;
  for (const auto& [id, row] : uploads_) {
    if (row.hold) ++leases[{row.hold->owner.node, row.hold->owner.term}];
  }
  for (const UploadId id : orphans) {
    const Row& row = uploads_.at(id);
    const Lease lease{id, row.fence};
    const bool alone = leases[{row.hold->owner.node, row.hold->owner.term}] == 1;
    const int crashes = row.crashes_alone + (alone ? 1 : 0);
    const bool gives_up = decide_rescue(row.wanted, crashes, max_crashes) == UploadState::failed;
    if (gives_up && row.only_look) {
      UploadEnding failed;
      failed.state = UploadState::failed;
      failed.error = crashed_repeatedly(crashes);
      (void)finish(lease, failed, AttemptEnd::failed, news);
    } else {
      (void)requeue(lease, requeue_after_crash(crashes, gives_up, row.only_look),
                    alone ? Crash::alone : Crash::in_company, news);
    }
  }
  return static_cast<int>(orphans.size());
}

}  // namespace vodlift::memory
