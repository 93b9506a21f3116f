#include "worker/dispatcher.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/until_memory.h"
#include "core/upload_decisions.h"

namespace vodlift::worker {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

// How long an upload that was claimed ahead may wait for a slot. After that the runs are not short after all, and
// another upload may have the stronger claim to be next.
constexpr milliseconds kLongestAhead = 2s;
constexpr milliseconds kShortestWait = 50ms;
// After a claim that failed, or that found nothing although something is due: an upload that waits for its turn.
constexpr milliseconds kFruitlessWait = 1s;
// How long an upload cannot be claimed again while an earlier run of it, which lost its lease, is still active here.
constexpr milliseconds kTimeToLetGo = 5s;
// Before an upload is claimed again whose run met an exception: there was no memory.
constexpr milliseconds kAfterException = 1s;
// How often the loop checks whether an upload must yield.
constexpr milliseconds kLookForTurns = 1s;
// After a look for a spare place that found nothing, the loop waits so many times as long as the look took, and not
// longer than this, before the next one: looking takes a small share of its time, and a place that becomes free is soon
// taken.
constexpr int kSpareRest = 10;
constexpr milliseconds kLongestSpareRest = 100ms;
// How long parts that are under way when a run must yield may still take. What is cut off then is sent again later.
constexpr milliseconds kGrace = 5s;
// For a spare place so many uploads that wait are considered, and so many small and large ones of each account.
constexpr int kSpareUploads = 512;
constexpr int kSpareDepth = 8;
constexpr std::size_t kMostFruitless = 1024;
// A reading takes some hundred bytes. Where there are more, the one of the oldest upload begins anew.
constexpr std::size_t kMostUnfinished = 256;
// While suspects run alone, the loop looks this often whether the next one may begin. A suspect waits at most so long
// for the runs under way, and then begins beside them: a crash then does not count as one alone.
constexpr milliseconds kLookForSuspects = 100ms;
constexpr milliseconds kLongestDrain = 10s;
// Ends on their way into the database, for each slot.
constexpr std::size_t kUnrecordedForEachSlot = 16;
// How many uploads that wait are considered when one may have to yield: the first small and the first large one of each
// account, from the highest priority on.
constexpr int kReadyUploads = 128;
constexpr auto kNever = steady_clock::time_point::max();

}  // namespace

Dispatcher::Dispatcher(const Ports& ports, const Options& options)
    : queue_(ports.queue),
      objects_(ports.objects),
      uploads_(options.uploads),
      turn_(options.turn),
      housekeeping_(options.housekeeping),
      leases_(ports.queue),
      places_(ports.accounts, ports.renew_places),
      ends_(
          ports.queue, leases_, share_, kUnrecordedForEachSlot * static_cast<std::size_t>(options.uploads),
          [this] { loop_.wake(); }, ports.statistics, SpanOutput{ports.spans, &ports.clock}),
      context_{ports.accounts,           ports.storages,    ports.objects,    ports.journal, ports.clock,
               options.parts_per_upload, options.readiness, ports.statistics, ports.spans},
      ahead_(options.uploads),
      due_(ports.feed.subscribe(Change::Kind::uploads_due, [this](const Change&) { upload_may_be_due(); })),
      recalled_(ports.feed.subscribe(Change::Kind::upload_recalled,
                                     [this](const Change& change) { leases_.recall(change.upload); })) {}

Dispatcher::~Dispatcher() { stop(0ms); }

void Dispatcher::start() {
  begin_slots();
  loop_.start("dispatcher", [this] { loop(); });
}

// A slot that is not needed any more has nothing to do, and waits.
void Dispatcher::begin_slots() {
  const int uploads = uploads_;
  const int wanted = uploads + spare_places(uploads);
  while (std::ssize(slots_) < wanted) slots_.push_back(named_thread("upload", [this] { slot(); }));
}

void Dispatcher::use(const Options& options) {
  turn_ = options.turn;
  ends_.use(kUnrecordedForEachSlot * static_cast<std::size_t>(options.uploads));
  {
    const std::lock_guard lock(mutex_);
    uploads_ = options.uploads;
    ahead_.use(options.uploads);
    context_.parts_per_upload = options.parts_per_upload;
    context_.readiness = options.readiness;
    may_claim_ = true;
  }
  begin_slots();
  assigned_.notify_all();
  loop_.wake();
}

void Dispatcher::stop(milliseconds grace) {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  assigned_.notify_all();
  leases_.end_all({Errc::interrupted, "the server is stopping"});
  leases_.wait_for_empty_slots(grace);
  objects_.interrupt();
  for (std::thread& thread : slots_) {
    if (thread.joinable()) thread.join();
  }
  loop_.stop();
}

// At the start, and after an exception: what a step was about to find out is not known.
void Dispatcher::look_at_everything() {
  housekeeping_due_ = ends_due_ = claim_due_ = claim_not_before_ = room_due_ = spare_due_ = Instant();
  suspects_ = look_for_spare_ = true;
}

void Dispatcher::loop() {
  look_at_everything();
  for (;;) {
    if (steady_clock::now() >= housekeeping_due_) do_housekeeping();
    ends_due_ = ends_.serve(steady_clock::now());
    give_back_stale();
    if (!runs_alone()) {
      claim();
      claim_spare();
      make_room();
    }
    cut_off_late();
    // When the slots have ended, the last ends are still to be recorded.
    if (loop_.stopping() && ends_.idle()) return;
    wait_for_work();
  }
}

void Dispatcher::wait_for_work() {
  auto until = std::min({housekeeping_due_, ends_due_, claim_due_});
  if (claim_due_ == kNever) until = std::min(until, room_due_);
  if (yielding_) until = std::min(until, cut_due_);
  if (suspects_) until = std::min(until, steady_clock::now() + kLookForSuspects);
  if (look_for_spare_) until = std::min(until, spare_due_);
  {
    const std::lock_guard lock(mutex_);
    if (!waiting_.empty()) until = std::min(until, waiting_.front()->since + kLongestAhead);
    if (may_claim_) until = Instant();
    has_places_ = claim_due_ != kNever;
    // While runs are short, places become free all the time.
    has_spare_ = !look_for_spare_ && !ahead_.runs_are_short() && spare_places(uploads_) > 0;
  }
  loop_.wait_until(until);
  const std::lock_guard lock(mutex_);
  has_places_ = has_spare_ = false;
  if (std::exchange(may_claim_, false)) {
    claim_due_ = std::min(claim_due_, claim_not_before_);
    look_for_spare_ = true;
  }
  if (stopping_) claim_due_ = room_due_ = kNever;
}

void Dispatcher::do_housekeeping() {
  housekeeping_due_ = steady_clock::now() + housekeeping_;
  suspects_ = true;
  // Rows that could not be renewed may look abandoned although their runs are active here.
  const auto rescued = leases_.renew() ? queue_.rescue(kMaxCrashes) : Result<int>(0);
  if (rescued && *rescued > 0) log::warn("took back uploads whose worker is gone", {{"uploads", *rescued}});
}

// Gives uploads back that were claimed ahead if they have waited too long for a slot.
void Dispatcher::give_back_stale() {
  std::deque<std::shared_ptr<ActiveRun>> stale;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty() || steady_clock::now() < waiting_.front()->since + kLongestAhead) return;
    ahead_.stop();
    stale.swap(waiting_);
  }
  for (const auto& run : stale) give_back(run, std::nullopt);
}

// Claims as many uploads as there are places, if one may be due. Sets when to claim next; kNever: when a slot is free.
void Dispatcher::claim() {
  if (steady_clock::now() < claim_due_) return;
  claim_due_ = kNever;
  const Places free = free_places();
  if (free.all <= 0) return;
  const auto claiming = places_.claiming();
  auto claimed = claim_next(queue_, share_, free, kLease, places_.room(under_way()));
  if (!claimed) {
    claim_due_ = claim_not_before_ = steady_clock::now() + kFruitlessWait;
    return log::error("uploads cannot be claimed", {{"reason", claimed.error().for_operator()}});
  }
  for (ClaimedUpload& upload : *claimed) assign(std::move(upload), /*spare=*/false);
  if (std::ssize(*claimed) < free.all) claim_due_ = next_claim(claimed->empty());
}

// Runs suspects one at a time, alone. False: nothing is in the way of other claims.
bool Dispatcher::runs_alone() {
  if (!suspects_) return false;
  const auto now = steady_clock::now();
  const auto running = leases_.in_slots();
  const bool alone_runs = std::ranges::find(running, alone_) != running.end();
  if (alone_runs && alone_->control.bytes_sent() == 0 && now < alone_until_) return true;
  const auto next = queue_.next_suspect();
  if (is_stopping() || !next || !*next) {
    suspects_ = false;
    alone_ = nullptr;
    claim_due_ = std::min(claim_due_, claim_not_before_);
    return false;
  }
  if (alone_runs) {
    leases_.end(alone_->claimed.lease.id, {Errc::interrupted, "another upload must run alone"});
    leases_.cut_off(alone_->claimed.lease.id);
  }
  alone_ = nullptr;
  if (drain_until_ == Instant()) drain_until_ = now + kLongestDrain;
  if (running.empty() || now >= drain_until_) begin_alone(**next);
  return true;
}

void Dispatcher::begin_alone(const WorkQueue::Suspect& suspect) {
  drain_until_ = Instant();
  auto claimed = queue_.claim({suspect.id}, kLease);
  if (!claimed) {
    suspects_ = false;  // until the next housekeeping
    return log::error("uploads cannot be claimed", {{"reason", claimed.error().message}});
  }
  if (claimed->empty()) {
    suspects_ = false;  // it waits for something; others need not
    return;
  }
  log::warn("the server died several times while this upload was under way: it runs alone at first",
            {{"upload", suspect.id}, {"crashes", suspect.crashes}});
  assign(std::move(claimed->front()), /*spare=*/false);
  for (const auto& run : leases_.in_slots()) {
    if (run->claimed.lease.id == suspect.id) alone_ = run;
  }
  const int doublings = std::clamp(suspect.crashes - kSuspectCrashes - kMaxCrashes, 0, kMostAloneDoublings);
  alone_until_ = steady_clock::now() + kAlone * (1 << doublings);
}

bool Dispatcher::is_stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

// Claims an upload for a spare place, if all usual places are taken and one waits that may have it.
void Dispatcher::claim_spare() {
  const auto now = steady_clock::now();
  if (!look_for_spare_ || now < spare_due_) return;
  look_for_spare_ = false;
  const Places free = free_places();
  if (free.all > 0 && free.large > 0) return;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || ahead_.runs_are_short()) return;
  }
  const auto claiming = places_.claiming();
  const auto ready =
      queue_.candidates({{kSpareDepth, kSpareDepth}, kSpareUploads, kSpareDepth, {}, true, without_room()});
  const auto pick = ready ? pick_for_spare_place(*ready, spare_query(free)) : std::nullopt;
  if (!pick) {
    const auto end = steady_clock::now();
    spare_due_ = end + std::min<steady_clock::duration>(kLongestSpareRest, kSpareRest * (end - now));
    return;
  }
  auto claimed = queue_.claim({pick->id}, kLease);
  if (!claimed || claimed->empty()) spare_due_ = steady_clock::now() + kLongestSpareRest;
  if (!claimed) return log::error("uploads cannot be claimed", {{"reason", claimed.error().for_operator()}});
  look_for_spare_ = true;  // another one may have the other place
  last_spare_ = pick->account;
  for (ClaimedUpload& upload : *claimed) assign(std::move(upload), /*spare=*/true);
  if (pick->large) share_.settle(pick->priority, pick->account, pick->charge);
}

SpareQuery Dispatcher::spare_query(const Places& free) const {
  SpareQuery query;
  for (const auto& run : leases_.in_slots()) {
    const Upload& upload = run->claimed.upload;
    const std::string& bucket = upload.request.bucket;
    query.holders.push_back({upload.account, bucket, endpoint_of(upload.account, bucket), run->spare});
  }
  query.free = free;
  query.uploads = uploads_;
  query.last_turn = last_spare_;
  query.endpoint_of = [this](AccountId account, const std::string& bucket) { return endpoint_of(account, bucket); };
  return query;
}

std::string Dispatcher::endpoint_of(AccountId account, const std::string& bucket) const {
  const auto access = context_.accounts.find_bucket(account, bucket);
  return access == nullptr ? "" : access->endpoint;
}

Places Dispatcher::free_places() {
  const Places taken = leases_.taken();
  const std::lock_guard lock(mutex_);
  return {ahead_.places(taken.all), places_for_large(uploads_) - taken.large};
}

// What is claimed ahead counts too.
AccountPlaces::Running Dispatcher::under_way() const {
  AccountPlaces::Running running;
  for (const auto& run : leases_.in_slots()) ++running[run->claimed.upload.account];
  return running;
}

std::function<bool(AccountId)> Dispatcher::without_room() {
  return [room = places_.room(under_way())](AccountId account) { return room(account).value_or(1) <= 0; };
}

std::vector<BandwidthWish> Dispatcher::wishes_for_accounts() {
  return places_.wishes([this] { return under_way(); });
}

void Dispatcher::grant_to_accounts(const std::vector<BandwidthShare>& shares, SteadyTime until) {
  if (places_.grant(shares, until)) upload_may_be_due();
}

// Nobody else knows of a claim until it is assigned: it must not be lost where there is no memory.
void Dispatcher::assign(ClaimedUpload claimed, bool spare) {
  const auto run = until_memory([] { return std::make_shared<ActiveRun>(); });
  run->claimed = std::move(claimed);
  run->spare = spare;
  if (!until_memory([&] { return leases_.add(run); })) {
    log::warn("an upload was claimed while an earlier run of it is still active here",
              {{"upload", run->claimed.lease.id}});
    run->control.end({Errc::interrupted, "not begun"});  // nobody renews its lease: one try
    return give_back(run, kTimeToLetGo);
  }
  bool wakes = false;
  const bool waits = until_memory([&] {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    (spare ? waiting_spare_ : waiting_).push_back(run);
    wakes = has_run_for_a_slot();
    return true;
  });
  if (!waits) {  // the slots may have ended already
    run->control.end({Errc::interrupted, "not begun"});
    return give_back(run, std::nullopt);
  }
  if (wakes) assigned_.notify_one();
}

// When to claim next while there are places.
Dispatcher::Instant Dispatcher::next_claim(bool found_nothing) const {
  const auto now = steady_clock::now();
  const Instant latest = std::max(housekeeping_due_, now + kShortestWait);
  const auto due = queue_.next_due();
  if (!due || !*due) return latest;
  const milliseconds shortest = found_nothing && **due <= 0ms ? kFruitlessWait : kShortestWait;
  return std::min(latest, now + std::max(**due, shortest));
}

// Ends the turn of an upload if others wait for its place. At most one at each look, so that its place is filled
// before the next one yields.
void Dispatcher::make_room() {
  const auto now = steady_clock::now();
  if (now < room_due_) return;
  room_due_ = now + kLookForTurns;
  look_for_spare_ = true;
  const Places free = free_places();
  if (free.all > 0 && free.large > 0) return;
  std::vector<RunningTurn> running;
  for (const auto& run : leases_.in_slots()) running.push_back(turn_of(*run, now));
  const milliseconds turn = turn_;
  const auto over = [turn](const RunningTurn& run) { return run.in_parts && run.since_begin >= turn; };
  if (std::ranges::none_of(running, over)) return;
  const auto claiming = places_.claiming();
  const auto ready = queue_.candidates({{1, 1}, kReadyUploads, 1, {}, false, without_room()});
  if (!ready) return;
  const auto id = who_yields(running, ready->accounts, free, turn);
  if (!id) return;
  log::info("an upload yields to others and resumes when it is its turn again", {{"upload", *id}});
  leases_.end(*id, {Errc::interrupted, "others have a turn"});
  yielding_ = id;
  cut_due_ = now + kGrace;
}

// Cuts off what a run that must yield still sends.
void Dispatcher::cut_off_late() {
  if (!yielding_ || steady_clock::now() < cut_due_) return;
  leases_.cut_off(*std::exchange(yielding_, std::nullopt));
}

RunningTurn Dispatcher::turn_of(const ActiveRun& run, Instant now) {
  const Upload& upload = run.claimed.upload;
  const std::lock_guard lock(mutex_);
  const auto fruitless = fruitless_.find(upload.id);
  return {upload.id,
          upload.account,
          upload.request.priority,
          run.claimed.weight,
          run.large(),
          run.control.has_ended(),
          std::chrono::floor<milliseconds>(now - run.since),
          run.in_parts(),
          fruitless == fruitless_.end() ? 0 : fruitless->second};
}

void Dispatcher::slot() {
  while (const auto run = next_run()) {
    const auto started = steady_clock::now();
    carry_out(run);
    slot_is_free(*run, std::chrono::ceil<milliseconds>(steady_clock::now() - started));
    ends_.wait_for_room();
  }
}

// Nothing: the dispatcher stops.
std::shared_ptr<ActiveRun> Dispatcher::next_run() {
  std::unique_lock lock(mutex_);
  assigned_.wait(lock, [this] { return stopping_ || has_run_for_a_slot(); });
  if (waiting_spare_.empty() && waiting_.empty()) return nullptr;
  auto& queue = waiting_spare_.empty() ? waiting_ : waiting_spare_;
  auto run = std::move(queue.front());
  queue.pop_front();
  if (!run->spare) ++in_usual_places_;
  // This thread may have left a usual place, which another thread must fill then.
  const bool wakes = run->spare && has_run_for_a_slot();
  lock.unlock();
  if (wakes) assigned_.notify_one();
  return run;
}

Dispatcher::Occupied Dispatcher::occupied() const {
  const auto runs = leases_.in_slots();
  Occupied occupied;
  {
    const std::lock_guard lock(mutex_);
    occupied.usual = in_usual_places_;
    occupied.ahead = static_cast<int>(std::ssize(waiting_));
    occupied.spare = -static_cast<int>(std::ssize(waiting_spare_));
  }
  occupied.spare += static_cast<int>(std::ranges::count_if(runs, [](const auto& run) { return run->spare; }));
  occupied.spare = std::max(occupied.spare, 0);
  return occupied;
}

// With the lock.
bool Dispatcher::has_run_for_a_slot() const {
  return !waiting_spare_.empty() || (!waiting_.empty() && in_usual_places_ < uploads_);
}

// Whatever happens, the run leaves its slot with an end.
void Dispatcher::carry_out(const std::shared_ptr<ActiveRun>& run) {
  auto end = attempt(*run);
  leases_.leave_slot(*run);
  if (end) {
    ends_.record(run, std::move(*end));
  } else {
    leases_.release(*run);
  }
}

RunContext Dispatcher::context() const {
  const std::lock_guard lock(mutex_);
  return context_;
}

std::optional<RunEnd> Dispatcher::attempt(ActiveRun& run) noexcept {
  std::optional<RunEnd> end = Requeue();
  // Ended before it began: this does not count as an attempt.
  if (run.control.has_ended()) return end;
  std::get<Requeue>(*end).delay = kAfterException;
  try {
    take_reading(run);
    end = UploadRun(context(), run.claimed, run.control).run();
    note_turn(run);
  } catch (const std::exception& failure) {
    log::error("unexpected error beside an upload", {{"upload", run.claimed.lease.id}, {"reason", failure.what()}});
  }
  return end;
}

void Dispatcher::slot_is_free(const ActiveRun& run, milliseconds took) {
  const int taken = leases_.taken().all;
  const bool makes_room = run.large() || places_.cap(run.claimed.upload.account) > 0;
  {
    const std::lock_guard lock(mutex_);
    if (!run.spare) {
      --in_usual_places_;
      ahead_.ran(took);
      // While the loop waits with places free, only a place for a large upload, or room of its account,
      // changes what a claim finds.
      if ((has_places_ && !makes_room) || ahead_.places(taken) == 0) return;
    }
    may_claim_ = true;
  }
  loop_.wake();
}

void Dispatcher::upload_may_be_due() {
  bool waits = false;
  {
    const std::lock_guard lock(mutex_);
    may_claim_ = true;
    waits = has_places_ || has_spare_;
  }
  if (waits) loop_.wake();
}

void Dispatcher::take_reading(ActiveRun& run) {
  const std::lock_guard lock(mutex_);
  auto kept = unfinished_.extract(run.claimed.lease.id);
  if (kept.empty()) return;
  run.control.reading() = std::move(kept.mapped());
  run.control.reading().advanced = false;
}

// Keeps what the run has read, and counts turns that brought it no further: a part that takes longer than a turn must
// get through in the end, though others wait.
void Dispatcher::note_turn(ActiveRun& run) {
  const UploadId id = run.claimed.lease.id;
  UnfinishedReading& reading = run.control.reading();
  const bool ended_early = run.control.has_ended();
  if (!ended_early && !run.in_parts()) return;  // only what is sent in parts is counted
  const bool fruitless = run.in_parts() && run.control.bytes_sent() == 0 && !reading.advanced;
  const std::lock_guard lock(mutex_);
  if (ended_early && reading.any()) {
    unfinished_.insert_or_assign(id, std::move(reading));
    if (unfinished_.size() > kMostUnfinished) unfinished_.erase(unfinished_.begin());
  }
  if (!ended_early || !fruitless) {
    fruitless_.erase(id);
    return;
  }
  if (fruitless_.size() >= kMostFruitless) fruitless_.clear();
  ++fruitless_[id];
}

// Puts a run that has not begun back into the queue: in its old place, or after `delay`.
void Dispatcher::give_back(const std::shared_ptr<ActiveRun>& run, std::optional<milliseconds> delay) {
  leases_.leave_slot(*run);
  ends_.record(run, Requeue{delay, std::nullopt, /*failed_attempt=*/false});
}

}  // namespace vodlift::worker
