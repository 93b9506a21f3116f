#include "worker/dispatcher.h"

#include <pthread.h>

#include <algorithm>

#include "base/log.h"

namespace vodlift::worker {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr milliseconds kLease = 60s;
// Runs shorter than this are worth having the next one at hand when a slot gets free.
constexpr milliseconds kShortRun = 500ms;
// Claimed ahead and not begun by then: the runs are not that short; others may have the better right to be next.
constexpr milliseconds kLongestAhead = 2s;
constexpr milliseconds kShortestWait = 50ms;
// After a claim that failed or found nothing though something is due: a callback, or an upload waiting for its turn.
constexpr milliseconds kFruitlessWait = 1s;
// How long a run that lost its lease gets to end before the same upload may be claimed again.
constexpr milliseconds kTimeToLetGo = 5s;
// How often is looked whether a large upload has to make room.
constexpr milliseconds kLookForTurns = 1s;
// Ends on their way into the database, for each slot.
constexpr std::size_t kUnrecordedForEachSlot = 16;
// Accounts that wait, as far as they are looked at for that; those of the highest priority come first.
constexpr int kReadyAccounts = 64;

RunningTurn turn_of(const ActiveRun& active, steady_clock::time_point now) {
  const Upload& upload = active.claimed.upload;
  return {upload.id,
          upload.account,
          upload.request.priority,
          active.claimed.weight,
          active.large(),
          active.control.ended().has_value(),
          std::chrono::floor<milliseconds>(now - active.since)};
}

}  // namespace

Dispatcher::Dispatcher(WorkQueue& queue, CallbackQueue& callback_queue, MultipartJournal& journal, ChangeFeed& feed,
                       const AccountStore& accounts, Storages& storages, ObjectStore& objects,
                       CallbackSender& callbacks, const Clock& clock, const Options& options)
    : queue_(queue),
      objects_(objects),
      options_(options),
      context_{queue, accounts, storages, objects, journal, clock, options.parts_per_upload, options.readiness},
      callback_run_(callback_queue, accounts, callbacks),
      ends_(queue, kUnrecordedForEachSlot * static_cast<std::size_t>(options.uploads),
            [this](const ActiveRun& active) { forget(active); }),
      last_run_(kShortRun) {
  subscriptions_ = {
      feed.subscribe(Change::Kind::uploads_due, [this](const Change&) { wake(); }),
      feed.subscribe(Change::Kind::callbacks_due, [this](const Change&) { callback_run_.wake(); }),
      feed.subscribe(Change::Kind::upload_recalled, [this](const Change& change) { recall(change.upload); }),
  };
}

Dispatcher::~Dispatcher() { stop(0ms); }

void Dispatcher::start() {
  leases_good_until_ = steady_clock::now() + kLease;
  ends_.start();
  for (int i = 0; i < options_.uploads; ++i) {
    slots_.emplace_back([this] { slot(); });
    pthread_setname_np(slots_.back().native_handle(), "upload");
  }
  loop_ = std::thread([this] { loop(); });
  pthread_setname_np(loop_.native_handle(), "dispatcher");
  callback_run_.start();
}

void Dispatcher::stop(milliseconds grace) {
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    for (auto& [id, active] : active_) active->control.end({Errc::interrupted, "the server is stopping"});
  }
  work_.notify_all();
  assigned_.notify_all();
  if (loop_.joinable()) loop_.join();
  // The slots may have left already: what the loop's last claim brought has nobody else to take it.
  give_back_waiting();
  {
    std::unique_lock lock(mutex_);
    idle_.wait_for(lock, grace, [this] { return std::ssize(active_) == completed_; });
  }
  objects_.interrupt();
  for (std::thread& thread : slots_) {
    if (thread.joinable()) thread.join();
  }
  ends_.stop();
  callback_run_.stop();
}

void Dispatcher::recall(UploadId id) {
  const std::lock_guard lock(mutex_);
  if (const auto at = active_.find(id); at != active_.end()) at->second->control.recall();
}

void Dispatcher::wake() {
  bool waits = false;
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    waits = wants_work_;
  }
  if (waits) work_.notify_one();
}

void Dispatcher::loop() {
  for (;;) {
    if (steady_clock::now() >= housekeeping_due_) {
      housekeeping();
      housekeeping_due_ = steady_clock::now() + options_.housekeeping;
    }
    give_back_stale();
    const int claimed = claim_for_free_slots();
    make_room();
    const milliseconds patience = time_to_next(claimed);
    std::unique_lock lock(mutex_);
    wants_work_ = claimed >= 0;
    work_.wait_for(lock, patience, [this] { return woken_ || stopping_; });
    wants_work_ = false;
    woken_ = false;
    if (stopping_) return;
  }
}

Places Dispatcher::free_places() {
  const std::lock_guard lock(mutex_);
  Places places{free_slots(), places_for_large(options_.uploads)};
  for (const auto& [id, active] : active_) places.large -= active->large() && !active->completed ? 1 : 0;
  return places;
}

// Under the lock: how many uploads may be claimed, of them none or several where runs are short.
int Dispatcher::free_slots() const {
  const int ahead = last_run_ < kShortRun ? options_.uploads : 0;
  const int free = options_.uploads + ahead - (static_cast<int>(active_.size()) - completed_);
  // One commit for many claims: not worth it for a single place while others are about to get free.
  return ahead > 0 && free <= options_.uploads / 2 ? 0 : free;
}

// Claims as many as there are places; answers how many that were, -1 when no place is left.
int Dispatcher::claim_for_free_slots() {
  const Places places = free_places();
  if (places.all <= 0) return -1;
  if (steady_clock::now() < claim_not_before_) return 0;
  auto claimed = queue_.claim(places, kLease);
  if (!claimed) {
    claim_not_before_ = steady_clock::now() + kFruitlessWait;
    log::error("uploads cannot be claimed", {{"reason", claimed.error().message}});
    return 0;
  }
  for (ClaimedUpload& upload : *claimed) {
    if (assign(upload)) continue;
    log::warn("an upload was claimed while an older run of it goes on here", {{"upload", upload.lease.id}});
    give_back(upload, {.delay = kTimeToLetGo});
  }
  return std::ssize(*claimed) < places.all ? static_cast<int>(claimed->size()) : -1;
}

// Ends the turn of a large upload where others wait for its place; at most one in each look, so that the place it
// leaves is filled before the next is asked for.
void Dispatcher::make_room() {
  const auto now = steady_clock::now();
  if (now < room_due_) return;
  room_due_ = now + kLookForTurns;
  const Places free = free_places();
  if (free.all > 0 && free.large > 0) return;
  std::vector<RunningTurn> running;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, active] : active_) {
      if (!active->completed) running.push_back(turn_of(*active, now));
    }
  }
  const auto over = [this](const RunningTurn& run) { return run.large && run.since_begin >= options_.turn; };
  if (std::ranges::none_of(running, over)) return;
  const auto ready = queue_.ready_accounts(kReadyAccounts);
  if (!ready) return;
  const auto id = who_makes_room(running, *ready, free, options_.turn);
  if (!id) return;
  log::info("an upload makes room for others and goes on when it is its turn again", {{"upload", *id}});
  const std::lock_guard lock(mutex_);
  if (const auto at = active_.find(*id); at != active_.end()) {
    at->second->control.end({Errc::interrupted, "others have a turn"});
  }
}

// Answers false when the same upload still runs here, under a lease that is lost by now; that run is told to end.
bool Dispatcher::assign(ClaimedUpload upload) {
  auto active = std::make_shared<ActiveRun>();
  active->claimed = std::move(upload);
  {
    const std::lock_guard lock(mutex_);
    const auto [at, is_new] = active_.try_emplace(active->claimed.lease.id, active);
    if (!is_new) {
      at->second->control.end({Errc::lease_lost, "the lease ran out"});
      return false;
    }
    if (stopping_) active->control.end({Errc::interrupted, "the server is stopping"});
    waiting_.push_back(std::move(active));
  }
  assigned_.notify_one();
  return true;
}

// Longer runs than expected hold the slots: what waits for one must not be out of the queue meanwhile.
void Dispatcher::give_back_stale() {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty() || steady_clock::now() < waiting_.front()->since + kLongestAhead) return;
    last_run_ = kShortRun;  // nothing is claimed ahead until a short run ends
  }
  give_back_waiting();
}

void Dispatcher::give_back_waiting() {
  std::deque<std::shared_ptr<ActiveRun>> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(waiting_);
  }
  for (const auto& active : waiting) {
    give_back(active->claimed, {});
    forget(*active);
  }
}

milliseconds Dispatcher::time_to_next(int claimed) {
  const auto now = steady_clock::now();
  auto until = housekeeping_due_;
  {
    const std::lock_guard lock(mutex_);
    if (!waiting_.empty()) until = std::min(until, waiting_.front()->since + kLongestAhead);
    if (claimed < 0) until = std::min(until, room_due_);
  }
  const milliseconds patience = std::max(std::chrono::ceil<milliseconds>(until - now), 0ms);
  if (claimed < 0) return patience;  // a slot that gets free wakes the loop
  if (now < claim_not_before_) return std::min(patience, std::chrono::ceil<milliseconds>(claim_not_before_ - now));
  const auto due = queue_.next_due();
  if (!due || !*due) return std::max(patience, kShortestWait);
  const milliseconds shortest = claimed == 0 && **due <= 0ms ? kFruitlessWait : kShortestWait;
  return std::min(std::max(patience, kShortestWait), std::max(**due, shortest));
}

void Dispatcher::housekeeping() {
  // Rows that could not be renewed may look abandoned though they still run here.
  const auto rescued = renew_leases() ? queue_.rescue(kMaxCrashes) : Result<int>(0);
  if (rescued && *rescued > 0) {
    log::warn("took back uploads whose worker is gone", {{"uploads", *rescued}});
  }
}

// Answers whether the store could be asked.
bool Dispatcher::renew_leases() {
  std::vector<Lease> leases;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, active] : active_) leases.push_back(active->claimed.lease);
  }
  const auto asked = steady_clock::now();
  std::vector<HeldLease> held;
  bool done = true;
  if (!leases.empty()) {
    auto renewed = queue_.renew(leases, kLease);
    if (renewed) {
      held = std::move(*renewed);
    } else {
      done = false;
      log::error("leases cannot be renewed", {{"reason", renewed.error().message}});
      // Until they run out they are still ours.
      if (asked < leases_good_until_) return false;
    }
  }
  leases_good_until_ = asked + kLease;
  const std::lock_guard lock(mutex_);
  for (const Lease& lease : leases) {
    const auto kept = std::find_if(held.begin(), held.end(), [&](const HeldLease& other) {
      return other.lease.id == lease.id && other.lease.fence == lease.fence;
    });
    const auto at = active_.find(lease.id);
    if (at == active_.end()) continue;
    if (kept == held.end()) {
      at->second->control.end({Errc::lease_lost, "the lease ran out"});
    } else if (kept->recalled) {
      at->second->control.recall();
    }
  }
  return done;
}

void Dispatcher::slot() {
  for (;;) {
    std::shared_ptr<ActiveRun> active;
    {
      std::unique_lock lock(mutex_);
      assigned_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      active = std::move(waiting_.front());
      waiting_.pop_front();
    }
    const auto started = steady_clock::now();
    run(active);
    bool room = false;
    {
      const std::lock_guard lock(mutex_);
      last_run_ = std::chrono::ceil<milliseconds>(steady_clock::now() - started);
      // While it waits for work, only places for large uploads can be news to the loop.
      room = free_slots() > 0 && (!wants_work_ || active->large());
      woken_ = woken_ || room;
    }
    if (room) work_.notify_one();
  }
}

void Dispatcher::run(const std::shared_ptr<ActiveRun>& active) {
  std::optional<UploadEnding> ending;
  if (active->control.ended()) {
    // Told to end before it began: an attempt that never was.
    give_back(active->claimed, {});
  } else {
    ending = UploadRun(context_, active->claimed, active->control).run();
  }
  if (!ending) return forget(*active);
  {
    const std::lock_guard lock(mutex_);
    active->completed = true;
    ++completed_;
    if (std::ssize(active_) == completed_) idle_.notify_all();
  }
  ends_.record(active, std::move(*ending));
}

void Dispatcher::forget(const ActiveRun& active) {
  const std::lock_guard lock(mutex_);
  active_.erase(active.claimed.lease.id);
  if (active.completed) --completed_;
  if (std::ssize(active_) == completed_) idle_.notify_all();
}

void Dispatcher::give_back(const ClaimedUpload& claimed, const Requeue& how) {
  const auto back = queue_.requeue(claimed.lease, how);
  if (!back)
    log::warn("a claimed upload was not given back", {{"upload", claimed.lease.id}, {"reason", back.error().message}});
}

}  // namespace vodlift::worker
