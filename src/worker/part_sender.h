// Sends the parts of one upload, several at once.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "core/object_store.h"
#include "core/part_plan.h"
#include "worker/run_control.h"

namespace vodlift::worker {

// A part whose bytes are sent and that waits for the store's answer leaves its place to the next part, so that a
// distant store is kept as busy as a near one. At most this many parts are in flight for each that may be sending.
inline constexpr int kInFlightForEachSending = 4;
// Under a bandwidth limit no more parts are sent at once than can have this rate each, and always one: many at a few
// bytes a second would hold connections, and lose much when they are cut off.
inline constexpr std::int64_t kLeastPartBytesPerSecond = 1'000'000;

// Used by one thread; completions come from transfer threads. While parts are in flight, the thread prepares the next
// one: it computes its checksum or, if the store takes the checksum after the bytes, brings the bytes into memory. At
// most kInFlightForEachSending * `parallel` parts are in flight, `parallel` of them still sending, and one more is
// prepared.
class PartSender {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  // Called on the sender's thread for each confirmed part; an error ends the sending.
  using Confirmed = std::function<Result<>(const Part&)>;

  struct Job {
    ObjectTarget target;
    Multipart multipart;
    std::shared_ptr<const SourceFile> source;
    PartPlan plan;
    int parallel = 4;       // parts whose bytes are being sent, 1..64; a bandwidth limit allows fewer
    std::string storage{};  // the storage that holds the source
    // Called on the sender's thread when the store has answered a try of a part, or it has failed; may be empty.
    std::function<void(int number, Instant began, const Result<StoredBytes>& result)> tried{};
  };

  PartSender(ObjectStore& store, Job job, RunControl& control, Confirmed confirmed)
      : store_(store),
        job_(std::move(job)),
        control_(control),
        confirmed_(std::move(confirmed)),
        events_(std::make_shared<Events>()) {}

  // Sends the parts in `numbers`, in this order; each is retried by request_retry_delay(). Blocks until all are
  // confirmed or one failed for good. In that case it waits for the parts in flight, and confirms those that succeed.
  // Errors: those of ObjectStore::upload_part and SourceFile, of `confirmed`, and the control's reason.
  Result<> send(const std::vector<int>& numbers);

 private:
  struct Prepared {
    int number = 0;
    std::optional<RangeChecksum> checksum;  // nothing: computed while the bytes are sent
    int tries = 0;                          // made so far
    Instant began{};                        // the last of them
    bool sent = false;                      // all bytes are sent
  };
  // The bytes of a part are sent, or its answer is there.
  struct Event {
    int number = 0;
    std::optional<Result<StoredBytes>> result;
  };
  // Shared with completions, which may come after the sender is gone.
  struct Events {
    std::mutex mutex;
    std::condition_variable arrived;
    std::list<Event> queue;
  };
  // Adds the events of one part. Its answer always comes: where an exception has taken it, as an error.
  class Reporter;

  Result<> prepare_next(std::deque<int>& waiting);
  [[nodiscard]] bool sums_while_sending() const;
  Result<RangeChecksum> checksum_of_part(int number) const;
  Result<> start(Prepared part);
  Result<> start_what_is_due();
  Result<> take_events(std::optional<std::chrono::milliseconds> patience);
  [[nodiscard]] bool has_room() const;
  [[nodiscard]] int parallel() const;
  Result<> handle(Event event);
  std::chrono::milliseconds patience() const;

  ObjectStore& store_;
  const Job job_;
  RunControl& control_;
  const Confirmed confirmed_;
  const std::shared_ptr<Events> events_;
  std::deque<Prepared> ready_;                // waiting for a place
  std::multimap<Instant, Prepared> delayed_;  // to be sent again, not before then
  std::map<int, Prepared> in_flight_;
};

}  // namespace vodlift::worker
