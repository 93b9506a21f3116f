#include "alert/alert_post.h"

#include <algorithm>
#include <array>
#include <deque>
#include <future>
#include <mutex>

#include "base/log.h"

namespace vodlift::alert {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::array<seconds, 4> kDelays = {seconds(5), seconds(30), minutes(2), minutes(10)};

seconds delay_after(std::size_t tries) { return kDelays[std::min(tries, kDelays.size()) - 1]; }

}  // namespace

// Of one receiver.
struct AlertPost::Line : std::enable_shared_from_this<AlertPost::Line> {
  struct Item {
    AlertMessage message;
    SteadyTime added;
    SteadyTime due;
    std::size_t tries = 0;
  };

  Line(Receiver& to, const Clock& wall_clock, SteadyClock steady_clock, std::function<void()> wake)
      : receiver(to), name(to.name()), clock(wall_clock), steady(std::move(steady_clock)), woken(std::move(wake)) {}

  // What came of the try that is under way.
  void ended(const Outcome& outcome) {
    {
      const std::lock_guard lock(mutex);
      under_way = false;
      note(outcome);
      Item& first = items.front();
      first.due = steady() + delay_after(first.tries);
      const bool given_up = !outcome.try_again || first.due - first.added > kGiveUp;
      if (!outcome.delivered && given_up) {
        log::warn("an alert was not delivered, and is not tried again",
                  {{"receiver", name}, {"code", first.message.cause.code}, {"why", outcome.text}});
      }
      if (outcome.delivered || given_up) items.pop_front();
    }
    woken();
  }

  // With the lock held.
  void note(const Outcome& outcome) {
    error = outcome.delivered ? std::string() : outcome.text;
    if (outcome.delivered && failing_since) log::info("alerts are delivered again", {{"receiver", name}});
    if (outcome.delivered) return failing_since.reset();
    if (failing_since) return;
    failing_since = clock.now();
    log::warn("an alert could not be delivered", {{"receiver", name}, {"why", outcome.text}});
  }

  Receiver& receiver;  // for the post's own use: it may be gone when an answer comes
  const std::string name;
  const Clock& clock;
  const SteadyClock steady;
  const std::function<void()> woken;
  std::mutex mutex;  // guards the rest
  std::deque<Item> items;
  bool under_way = false;  // a try of the first one, which stays the first
  std::optional<WallTime> failing_since;
  std::string error;
};

AlertPost::AlertPost(std::vector<std::unique_ptr<Receiver>> receivers, const Clock& clock, SteadyClock steady,
                     const std::function<void()>& woken)
    : steady_(std::move(steady)), receivers_(std::move(receivers)) {
  for (const auto& one : receivers_) lines_.push_back(std::make_shared<Line>(*one, clock, steady_, woken));
}

void AlertPost::add(const AlertMessage& message) {
  const SteadyTime now = steady_();
  for (const auto& line : lines_) {
    const std::lock_guard lock(line->mutex);
    if (line->items.size() >= kMostWaiting) {
      log::warn("too many alerts wait; the oldest is dropped", {{"receiver", line->name}});
      line->items.erase(line->items.begin() + (line->under_way ? 1 : 0));
    }
    line->items.push_back({message, now, now});
  }
}

std::optional<SteadyTime> AlertPost::run() {
  const SteadyTime now = steady_();
  std::optional<SteadyTime> next;
  for (const auto& line : lines_) {
    begin(*line, now);
    const std::lock_guard lock(line->mutex);
    if (line->under_way || line->items.empty()) continue;
    const SteadyTime due = line->items.front().due;
    if (!next || due < *next) next = due;
  }
  return next;
}

void AlertPost::begin(Line& line, SteadyTime now) {
  AlertMessage message;
  {
    const std::lock_guard lock(line.mutex);
    if (line.under_way || line.items.empty() || line.items.front().due > now) return;
    line.under_way = true;
    ++line.items.front().tries;
    message = line.items.front().message;
  }
  // Without the lock: the answer may come at once. It may also come when there is no line any more.
  line.receiver.send(message, [weak = line.weak_from_this()](const Outcome& outcome) {
    if (const auto owner = weak.lock()) owner->ended(outcome);
  });
}

void AlertPost::stop() {
  for (const auto& one : receivers_) one->stop();
}

std::vector<AlertReceiver> AlertPost::receivers() const {
  std::vector<AlertReceiver> all;
  for (const auto& line : lines_) {
    const std::lock_guard lock(line->mutex);
    all.push_back({line->name, line->failing_since, line->error});
  }
  return all;
}

std::vector<AlertAnswer> AlertPost::test(const AlertMessage& message, std::chrono::milliseconds limit) {
  using Answered = std::promise<std::pair<Outcome, SteadyTime>>;
  const auto began = std::chrono::steady_clock::now();
  std::vector<std::future<std::pair<Outcome, SteadyTime>>> futures;
  for (const auto& line : lines_) {
    const auto answered = std::make_shared<Answered>();
    futures.push_back(answered->get_future());
    line->receiver.send(message, [answered](const Outcome& outcome) {
      answered->set_value({outcome, std::chrono::steady_clock::now()});
    });
  }
  std::vector<AlertAnswer> answers;
  for (std::size_t at = 0; at < lines_.size(); ++at) {
    Line& line = *lines_[at];
    AlertAnswer answer{.receiver = line.name, .text = "no answer in time"};
    if (futures[at].wait_until(began + limit) == std::future_status::ready) {
      const auto [outcome, when] = futures[at].get();
      const std::lock_guard lock(line.mutex);
      line.note(outcome);
      answer.delivered = outcome.delivered;
      answer.text = outcome.text;
      answer.output = outcome.output;
      answer.took = std::chrono::round<std::chrono::milliseconds>(when - began);
    }
    answers.push_back(std::move(answer));
  }
  return answers;
}

}  // namespace vodlift::alert
