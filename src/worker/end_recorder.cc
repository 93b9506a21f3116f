#include "worker/end_recorder.h"

#include <pthread.h>

#include <utility>

#include "base/log.h"
#include "worker/attempt.h"

namespace vodlift::worker {

using std::chrono::steady_clock;

namespace {

constexpr std::chrono::milliseconds kLookTogether{5};

}  // namespace

EndRecorder::EndRecorder(WorkQueue& queue, std::size_t most, Settled settled)
    : queue_(queue), most_(most), settled_(std::move(settled)) {}

EndRecorder::~EndRecorder() { stop(); }

void EndRecorder::start() {
  thread_ = std::thread([this] { loop(); });
  pthread_setname_np(thread_.native_handle(), "ends");
}

void EndRecorder::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  news_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void EndRecorder::record(std::shared_ptr<ActiveRun> run, UploadEnding ending) {
  auto end = std::make_shared<End>();
  end->run = std::move(run);
  end->ending = std::move(ending);
  {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return unsettled_ < most_; });
    ++unsettled_;
  }
  hand_over(end);
}

void EndRecorder::hand_over(const std::shared_ptr<End>& end) {
  end->last_try = end->run->control.ended().has_value();
  queue_.finish_soon(end->run->claimed.lease, end->ending,
                     [this, end](Result<> outcome) { answered(end, std::move(outcome)); });
}

// On a thread of the store, which must not wait for the log: the recorder's own thread goes on with it.
void EndRecorder::answered(const std::shared_ptr<End>& end, Result<> outcome) {
  const std::lock_guard lock(mutex_);
  const bool no_room =
      !outcome && (outcome.error().code == Errc::store_failed || outcome.error().code == Errc::overloaded);
  end->outcome = std::move(outcome);
  const bool again = no_room && !end->last_try;
  if (again && refused_.empty()) again_ = steady_clock::now() + kBetweenRecordings;
  auto& list = again ? refused_ : answered_;
  list.push_back(end);
  // Under the lock: once the last one is settled, the recorder may be gone.
  if (list.size() == 1) news_.notify_one();
}

void EndRecorder::loop() {
  for (;;) {
    std::vector<std::shared_ptr<End>> answered;
    std::vector<std::shared_ptr<End>> again;
    {
      std::unique_lock lock(mutex_);
      const auto ready = [this] { return !answered_.empty() || (stopping_ && unsettled_ == 0); };
      if (refused_.empty()) {
        news_.wait(lock, [&] { return ready() || !refused_.empty(); });
      } else if (!news_.wait_until(lock, again_, ready)) {
        again.swap(refused_);
      }
      // Nobody waits for what is left to do: once for many.
      if (!answered_.empty()) news_.wait_for(lock, kLookTogether, [this] { return stopping_; });
      answered.swap(answered_);
      if (stopping_ && unsettled_ == 0) return;
    }
    for (const auto& end : again) hand_over(end);
    for (const auto& end : answered) settle(*end);
    if (answered.empty()) continue;
    {
      const std::lock_guard lock(mutex_);
      unsettled_ -= answered.size();
    }
    room_.notify_all();
  }
}

void EndRecorder::settle(const End& end) {
  const ClaimedUpload& claimed = end.run->claimed;
  if (end.outcome) {
    log::info("upload completed", {{"upload", claimed.lease.id},
                                   {"bytes", end.ending.size},
                                   {"object", object_name(claimed.upload)},
                                   {"checksum", end.ending.verification.checksum}});
  } else {
    // The lease runs out and the next attempt finds the object by its token, or sends a small one again.
    log::error("a completed upload could not be recorded",
               {{"upload", claimed.lease.id}, {"reason", end.outcome.error().message}});
  }
  settled_(*end.run);
}

}  // namespace vodlift::worker
