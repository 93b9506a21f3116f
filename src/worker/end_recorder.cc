#include "worker/end_recorder.h"

#include <exception>
#include <iterator>
#include <utility>

#include "base/log.h"
#include "base/surely_called.h"
#include "base/until_memory.h"
#include "core/upload_log.h"

namespace vodlift::worker {

using std::chrono::steady_clock;

namespace {

bool lacks_room(const Result<>& outcome) {
  return !outcome && (outcome.error().code == Errc::store_failed || outcome.error().code == Errc::overloaded);
}

void log_end(const ActiveRun& run, const RunEnd& end, const Result<>& outcome) {
  const UploadId id = run.claimed.lease.id;
  if (!outcome) {
    // The lease expires. The next attempt finds the object by its token, or sends a small file again.
    log::error("the end of an attempt could not be recorded",
               {{"upload", id}, {"reason", outcome.error().for_operator()}});
    return;
  }
  const auto* ending = std::get_if<UploadEnding>(&end);
  if (ending != nullptr) tell_end(run.claimed, *ending, steady_clock::now() - run.since);
}

// Parts were noted when they were confirmed; what is left of a completed upload was sent whole.
void note(StatisticsCollector& statistics, const ActiveRun& run, const RunEnd& end) {
  const Upload& upload = run.claimed.upload;
  const std::string& bucket = upload.request.bucket;
  if (const auto* requeue = std::get_if<Requeue>(&end)) {
    if (requeue->error) statistics.failed(upload.account, bucket, requeue->error->code, /*for_good=*/false);
    return;
  }
  const auto& ending = std::get<UploadEnding>(end);
  if (ending.state == UploadState::failed && ending.error) {
    statistics.failed(upload.account, bucket, ending.error->code, /*for_good=*/true);
  }
  if (ending.state == UploadState::completed) statistics.completed(upload.account, bucket);
  if (ending.state != UploadState::completed || !ending.acl_applied) return;  // an object that was kept was not sent
  const std::int64_t whole = ending.size - upload.bytes_sent - run.control.bytes_sent();
  if (whole > 0) statistics.sent(upload.account, bucket, whole);
}

Span span_of(const ClaimedUpload& claimed, std::string_view name) {
  const Upload& upload = claimed.upload;
  Span span{.trace = upload.trace, .name = std::string(name)};
  span.attributes = {{"vodlift.upload", claimed.lease.id},
                     {"vodlift.cdn", upload.account},
                     {"vodlift.bucket", upload.request.bucket},
                     {"vodlift.source", upload.request.path},
                     {"vodlift.destination_path", upload.request.destination_path}};
  return span;
}

// The run's span, and the upload's if the run ended it.
void tell_spans(SpanSink& sink, const ActiveRun& run, const RunEnd& end, WallTime now) {
  const Upload& upload = run.claimed.upload;
  const std::string whole = span_id(upload.trace, "upload");
  Span attempt = span_of(run.claimed, "attempt");
  attempt.id = span_of_run(run.claimed);
  attempt.parent = whole;
  attempt.end = now;
  attempt.begin = now - std::chrono::floor<std::chrono::milliseconds>(steady_clock::now() - run.since);
  attempt.attributes.emplace_back("vodlift.attempt", std::int64_t{upload.attempts});
  attempt.attributes.emplace_back("vodlift.bytes_sent", run.control.bytes_sent());
  const auto* ending = std::get_if<UploadEnding>(&end);
  const std::optional<UploadError>& error = ending != nullptr ? ending->error : std::get<Requeue>(end).error;
  if (error) {
    attempt.error = error->message;
    attempt.attributes.emplace_back("vodlift.code", std::string(info(error->code).name));
  }
  sink.add(std::move(attempt));
  if (ending == nullptr) return;
  Span all = span_of(run.claimed, "upload");
  all.id = whole;
  all.parent = upload.trace.parent;
  all.begin = upload.created;
  all.end = now;
  all.attributes.emplace_back("vodlift.state", std::string(to_string(ending->state)));
  all.attributes.emplace_back("vodlift.bytes", ending->size);
  if (error) {
    all.error = error->message;
    all.attributes.emplace_back("vodlift.code", std::string(info(error->code).name));
  }
  sink.add(std::move(all));
}

// The account of a large upload is charged for what the run sent beyond the charge at the claim.
void settle_turn(FairShare& share, const ActiveRun& run) {
  if (!run.large()) return;
  const Upload& upload = run.claimed.upload;
  share.settle(upload.request.priority, upload.account,
               run.control.bytes_sent() - charge_for(upload.size - upload.bytes_sent));
}

}  // namespace

EndRecorder::EndRecorder(WorkQueue& queue, LeaseKeeper& leases, FairShare& share, std::size_t most,
                         std::function<void()> wake, StatisticsCollector* statistics, SpanOutput spans)
    : queue_(queue),
      leases_(leases),
      share_(share),
      wake_(std::move(wake)),
      statistics_(statistics),
      spans_(spans),
      most_(most) {}

void EndRecorder::record(std::shared_ptr<const ActiveRun> run, RunEnd end) {
  Ends recorded = until_memory([] { return Ends(1); });
  const auto at = recorded.begin();
  at->run = std::move(run);
  at->end = std::move(end);
  {
    const std::lock_guard lock(mutex_);
    ++under_way_;
    handed_over_.splice(handed_over_.end(), recorded);
  }
  hand_over(at);
}

void EndRecorder::wait_for_room() {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [this] { return under_way_ < most_; });
}

void EndRecorder::use(std::size_t most) {
  {
    const std::lock_guard lock(mutex_);
    most_ = most;
  }
  room_.notify_all();
}

void EndRecorder::hand_over(Ends::iterator end) {
  end->last_try = end->run->control.has_ended();
  const Lease& lease = end->run->claimed.lease;
  // Whatever becomes of it in the queue, an answer comes. Without one the lease would be renewed for ever.
  const auto note = [this, end](Result<> outcome) { answered(end, std::move(outcome)); };
  auto done = until_memory([&] { return surely_called<void>(note, Errc::store_failed); });
  try {
    if (const auto* ending = std::get_if<UploadEnding>(&end->end)) {
      queue_.finish(lease, *ending, std::move(done));
    } else {
      queue_.requeue(lease, std::get<Requeue>(end->end), std::move(done));
    }
  } catch (const std::exception&) {  // answered with store_failed, and handed over again
  }
}

// On a thread of the store, which must not wait for the log: serve() does the rest.
void EndRecorder::answered(Ends::iterator end, Result<> outcome) {
  const std::lock_guard lock(mutex_);
  end->outcome = std::move(outcome);
  answered_.splice(answered_.end(), handed_over_, end);
  // Under the lock: when the last end is released, the recorder may be gone.
  if (answered_.size() == 1) wake_();
}

steady_clock::time_point EndRecorder::serve(steady_clock::time_point now) {
  if (now >= again_) {
    for (auto left = refused_.size(); left > 0; --left) {
      const auto end = refused_.begin();
      {
        const std::lock_guard lock(mutex_);
        handed_over_.splice(handed_over_.end(), refused_, end);
      }
      hand_over(end);
    }
  }
  Ends answered;
  {
    const std::lock_guard lock(mutex_);
    answered.swap(answered_);
  }
  for (auto end = answered.begin(); end != answered.end();) {
    const auto next = std::next(end);
    if (lacks_room(end->outcome) && !end->last_try) {
      if (refused_.empty()) again_ = now + kBetweenRecordings;
      refused_.splice(refused_.end(), answered, end);
    } else {
      settle(*end);
    }
    end = next;
  }
  {
    const std::lock_guard lock(mutex_);
    under_way_ -= answered.size();
  }
  room_.notify_all();
  return refused_.empty() ? steady_clock::time_point::max() : again_;
}

void EndRecorder::settle(const End& end) noexcept {
  try {
    log_end(*end.run, end.end, end.outcome);
    if (end.outcome && statistics_ != nullptr) note(*statistics_, *end.run, end.end);
    if (end.outcome) settle_turn(share_, *end.run);
    const bool traced = spans_.sink != nullptr && spans_.sink->wanted() && end.run->claimed.upload.trace.sampled;
    if (end.outcome && traced) tell_spans(*spans_.sink, *end.run, end.end, spans_.clock->now());
  } catch (const std::exception&) {  // no memory: the line, the sum or the charge is missing
  }
  leases_.release(*end.run);
}

bool EndRecorder::idle() const {
  const std::lock_guard lock(mutex_);
  return under_way_ == 0;
}

}  // namespace vodlift::worker
