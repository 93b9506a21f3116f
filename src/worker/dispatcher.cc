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
constexpr milliseconds kHousekeeping = 15s;
// Signatures are kept for longer than a request can be valid on either side of the clock.
constexpr milliseconds kKeepSignatures = 1h;
// Runs shorter than this are worth having the next one at hand when a slot gets free.
constexpr milliseconds kShortRun = 500ms;
// Never sooner again when nothing could be claimed: what is due may be a callback, or wait for its turn.
constexpr milliseconds kShortestWait = 50ms;

}  // namespace

Dispatcher::Dispatcher(UploadStore& uploads, const AccountStore& accounts, Storages& storages, ObjectStore& objects,
                       CallbackSender& callbacks, const Clock& clock, Options options)
    : uploads_(uploads),
      objects_(objects),
      clock_(clock),
      options_(options),
      context_{uploads, accounts, storages, objects, clock, options.parts_per_upload},
      callback_run_(uploads, accounts, callbacks, clock),
      last_run_(kShortRun) {
  uploads_.on_work([this] {
    wake();
    callback_run_.wake();
  });
}

Dispatcher::~Dispatcher() { stop(0ms); }

void Dispatcher::start() {
  leases_good_until_ = steady_clock::now() + kLease;
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
  {
    std::unique_lock lock(mutex_);
    idle_.wait_for(lock, grace, [this] { return active_.empty(); });
  }
  objects_.interrupt();
  for (std::thread& thread : slots_) {
    if (thread.joinable()) thread.join();
  }
  callback_run_.stop();
}

void Dispatcher::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  work_.notify_one();
}

void Dispatcher::loop() {
  for (;;) {
    if (steady_clock::now() >= housekeeping_due_) {
      housekeeping();
      housekeeping_due_ = steady_clock::now() + kHousekeeping;
    }
    const int claimed = claim_for_free_slots();
    const milliseconds patience = time_to_next(claimed);
    std::unique_lock lock(mutex_);
    work_.wait_for(lock, patience, [this] { return woken_ || stopping_; });
    woken_ = false;
    if (stopping_) return;
  }
}

// Claims as many as there are places; answers how many that were, -1 when there was no place.
int Dispatcher::claim_for_free_slots() {
  int places = 0;
  {
    const std::lock_guard lock(mutex_);
    const int ahead = last_run_ < kShortRun ? options_.uploads : 0;
    places = options_.uploads + ahead - static_cast<int>(active_.size());
    // One commit for many claims: not worth it for a single place while others are about to get free.
    if (ahead > 0 && places <= options_.uploads / 2) places = 0;
  }
  if (places <= 0) return -1;
  auto claimed = uploads_.claim(places, kLease);
  if (!claimed) {
    log::error("uploads cannot be claimed", {{"reason", claimed.error().message}});
    return 0;
  }
  const std::lock_guard lock(mutex_);
  for (ClaimedUpload& upload : *claimed) {
    auto active = std::make_shared<Active>();
    active->claimed = std::move(upload);
    if (stopping_) active->control.end({Errc::interrupted, "the server is stopping"});
    active_.emplace(active->claimed.lease.id, active);
    waiting_.push_back(std::move(active));
  }
  if (!claimed->empty()) assigned_.notify_all();
  return static_cast<int>(claimed->size());
}

milliseconds Dispatcher::time_to_next(int claimed) {
  const auto to_housekeeping = std::chrono::ceil<milliseconds>(housekeeping_due_ - steady_clock::now());
  milliseconds patience = std::max(to_housekeeping, 0ms);
  if (claimed < 0) return patience;  // a slot that gets free wakes the loop
  const auto due = uploads_.next_due();
  if (due && *due) patience = std::min(patience, std::chrono::ceil<milliseconds>(**due - clock_.now()));
  return std::max(patience, kShortestWait);
}

void Dispatcher::housekeeping() {
  renew_leases();
  if (const auto rescued = uploads_.rescue(/*all=*/false, kMaxCrashes); rescued && *rescued > 0) {
    log::warn("took back uploads whose worker is gone", {{"uploads", *rescued}});
  }
  if (const auto forgotten = uploads_.forget_signatures(clock_.now() - kKeepSignatures); !forgotten) {
    log::error("old signatures cannot be forgotten", {{"reason", forgotten.error().message}});
  }
}

void Dispatcher::renew_leases() {
  std::vector<Lease> leases;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, active] : active_) leases.push_back(active->claimed.lease);
  }
  const auto asked = steady_clock::now();
  std::vector<Lease> held;
  if (!leases.empty()) {
    auto renewed = uploads_.renew(leases, kLease);
    if (renewed) {
      held = std::move(*renewed);
    } else {
      log::error("leases cannot be renewed", {{"reason", renewed.error().message}});
      // Until they run out they are still ours.
      if (asked < leases_good_until_) return;
    }
  }
  leases_good_until_ = asked + kLease;
  const std::lock_guard lock(mutex_);
  for (const Lease& lease : leases) {
    const bool kept = std::any_of(held.begin(), held.end(), [&](const Lease& other) {
      return other.id == lease.id && other.fence == lease.fence;
    });
    const auto at = active_.find(lease.id);
    if (!kept && at != active_.end()) at->second->control.end({Errc::lease_lost, "the lease ran out"});
  }
}

void Dispatcher::slot() {
  for (;;) {
    std::shared_ptr<Active> active;
    {
      std::unique_lock lock(mutex_);
      assigned_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      active = std::move(waiting_.front());
      waiting_.pop_front();
    }
    const auto started = steady_clock::now();
    run(*active);
    {
      const std::lock_guard lock(mutex_);
      active_.erase(active->claimed.lease.id);
      last_run_ = std::chrono::ceil<milliseconds>(steady_clock::now() - started);
      woken_ = true;
      if (active_.empty()) idle_.notify_all();
    }
    work_.notify_one();
  }
}

void Dispatcher::run(Active& active) {
  // Told to end before it began: an attempt that never was.
  if (active.control.ended()) return give_back(active);
  UploadRun(context_, active.claimed, active.control).run();
}

void Dispatcher::give_back(const Active& active) {
  const auto back = uploads_.requeue(active.claimed.lease, clock_.now(), std::nullopt, /*counts=*/false);
  if (!back)
    log::warn("a claimed upload was not given back",
              {{"upload", active.claimed.lease.id}, {"reason", back.error().message}});
}

}  // namespace vodlift::worker
