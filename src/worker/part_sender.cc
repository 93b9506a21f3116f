#include "worker/part_sender.h"

#include <algorithm>

#include "worker/source_check.h"

namespace vodlift::worker {
namespace {

using std::chrono::milliseconds;

// How long the thread waits for a completion before it checks whether the run was told to end.
constexpr milliseconds kLookUp{200};

}  // namespace

class PartSender::Reporter {
 public:
  Reporter(std::shared_ptr<Events> events, int number)
      : events_(std::move(events)), sent_{{number, std::nullopt}}, answer_{{number, std::nullopt}} {}
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;
  ~Reporter() {
    if (!answer_.empty()) answer(Error{Errc::internal, "no memory"});
  }

  void sent() { add(sent_); }
  void answer(Result<StoredBytes> result) {
    if (answer_.empty()) return;
    answer_.front().result = std::move(result);
    add(answer_);
  }

 private:
  // The events were made beforehand: to add them needs no memory.
  void add(std::list<Event>& event) {
    {
      const std::lock_guard lock(events_->mutex);
      events_->queue.splice(events_->queue.end(), event);
    }
    events_->arrived.notify_one();
  }

  const std::shared_ptr<Events> events_;
  std::list<Event> sent_;
  std::list<Event> answer_;
};

Result<> PartSender::send(const std::vector<int>& numbers) {
  std::deque<int> waiting(numbers.begin(), numbers.end());
  Result<> outcome;
  const auto keep_first = [&outcome](Result<> result) {
    if (outcome && !result) outcome = std::move(result);
  };
  while (outcome && !(waiting.empty() && ready_.empty() && delayed_.empty() && in_flight_.empty())) {
    if (auto reason = control_.ended()) {
      keep_first(*reason);
      break;
    }
    keep_first(start_what_is_due());
    if (ready_.empty() && !waiting.empty()) {
      keep_first(prepare_next(waiting));
      keep_first(take_events(std::nullopt));
      continue;
    }
    keep_first(take_events(patience()));
  }
  // A part that still arrives need not be sent by the next attempt.
  while (!in_flight_.empty()) keep_first(take_events(kLookUp));
  return outcome;
}

Result<> PartSender::prepare_next(std::deque<int>& waiting) {
  const int number = waiting.front();
  waiting.pop_front();
  if (auto same = job_.source->check_unchanged(); !same) return same.error();
  if (sums_while_sending()) {
    auto there = read_ahead(*job_.source, job_.plan.offset_of(number), job_.plan.size_of(number));
    if (!there) return there;
    ready_.push_back({.number = number, .checksum = std::nullopt});
    return {};
  }
  auto checksum = checksum_of_part(number);
  if (!checksum) return checksum.error();
  ready_.push_back({.number = number, .checksum = std::move(*checksum)});
  return {};
}

bool PartSender::sums_while_sending() const {
  return job_.multipart.mode != ChecksumMode::md5 && store_.takes_trailing_checksums(job_.target.access);
}

Result<RangeChecksum> PartSender::checksum_of_part(int number) const {
  return checksum_range(*job_.source, job_.plan.offset_of(number), job_.plan.size_of(number),
                        job_.multipart.mode == ChecksumMode::md5);
}

Result<> PartSender::start_what_is_due() {
  const auto now = std::chrono::steady_clock::now();
  while (has_room()) {
    if (!delayed_.empty() && delayed_.begin()->first <= now) {
      Prepared part = std::move(delayed_.begin()->second);
      delayed_.erase(delayed_.begin());
      if (auto started = start(std::move(part)); !started) return started;
    } else if (!ready_.empty()) {
      Prepared part = std::move(ready_.front());
      ready_.pop_front();
      if (auto started = start(std::move(part)); !started) return started;
    } else {
      return {};
    }
  }
  return {};
}

Result<> PartSender::start(Prepared part) {
  const int number = part.number;
  // The store may have refused checksums after the bytes since the part was prepared.
  if (!part.checksum && !sums_while_sending()) {
    auto checksum = checksum_of_part(number);
    if (!checksum) return checksum.error();
    part.checksum = std::move(*checksum);
  }
  ++part.tries;
  part.began = std::chrono::steady_clock::now();
  part.sent = false;
  const std::optional<RangeChecksum> checksum = part.checksum;
  in_flight_.insert_or_assign(number, std::move(part));
  const auto reporter = std::make_shared<Reporter>(events_, number);
  const Body body{job_.source,  job_.plan.offset_of(number),     job_.plan.size_of(number), control_.cut(),
                  job_.storage, [reporter] { reporter->sent(); }};
  store_.upload_part(job_.target, job_.multipart, number, body, checksum,
                     [reporter](Result<StoredBytes> result) { reporter->answer(std::move(result)); });
  return {};
}

bool PartSender::has_room() const {
  const auto sending = std::ranges::count_if(in_flight_, [](const auto& part) { return !part.second.sent; });
  return sending < parallel() && std::ssize(in_flight_) < std::ptrdiff_t{kInFlightForEachSending} * job_.parallel;
}

int PartSender::parallel() const {
  const auto limit = store_.rate_limit(job_.target.access, job_.storage);
  if (!limit) return job_.parallel;
  return static_cast<int>(std::clamp<std::int64_t>(*limit / kLeastPartBytesPerSecond, 1, job_.parallel));
}

milliseconds PartSender::patience() const {
  // If every place is taken, a part that is due must wait for a completion anyway.
  if (delayed_.empty() || !has_room()) return kLookUp;
  const auto left = delayed_.begin()->first - std::chrono::steady_clock::now();
  return std::clamp(std::chrono::ceil<milliseconds>(left), milliseconds(0), kLookUp);
}

// Handles the events that have arrived. Waits for the first one, at most `patience`, if that is given.
Result<> PartSender::take_events(std::optional<milliseconds> patience) {
  std::list<Event> arrived;
  {
    std::unique_lock lock(events_->mutex);
    if (patience) events_->arrived.wait_for(lock, *patience, [this] { return !events_->queue.empty(); });
    arrived.swap(events_->queue);
  }
  Result<> outcome;
  for (Event& event : arrived) {
    auto handled = handle(std::move(event));
    if (outcome && !handled) outcome = std::move(handled);
  }
  return outcome;
}

Result<> PartSender::handle(Event event) {
  if (!event.result) {
    if (const auto at = in_flight_.find(event.number); at != in_flight_.end()) at->second.sent = true;
    return {};
  }
  const Result<StoredBytes>& result = *event.result;
  auto node = in_flight_.extract(event.number);
  Prepared& part = node.mapped();
  if (job_.tried) job_.tried(part.number, part.began, result);
  if (result) {
    return confirmed_({part.number, job_.plan.size_of(part.number), result->etag, result->crc32c,
                       part.checksum ? part.checksum->md5 : ""});
  }
  const auto delay = request_retry_delay(result.error().code, part.tries + 1, random_unit());
  if (!delay) return result.error();
  // The store got other bytes than were hashed. If the file was written to, repeating the part cannot help.
  if (result.error().code == Errc::s3_integrity) {
    if (auto same = check_untouched(*job_.source); !same) return same;
    part.checksum.reset();  // what is in the file now counts; whether all is of one version shows at the end
  }
  delayed_.emplace(std::chrono::steady_clock::now() + *delay, std::move(part));
  return {};
}

}  // namespace vodlift::worker
