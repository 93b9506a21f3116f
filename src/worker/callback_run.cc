#include "worker/callback_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <span>
#include <utility>

#include "base/encoding.h"
#include "base/late_log.h"
#include "base/log.h"
#include "base/random.h"
#include "base/surely_called.h"
#include "base/until_memory.h"
#include "core/retry_policy.h"

namespace vodlift::worker {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

// One look at what is due goes so far; the next one continues.
constexpr int kAccountsALook = 64;
constexpr int kReceiversALook = 1024;
constexpr std::size_t kMaxTurns = 4096;
// A delivery takes 15 s at most.
constexpr milliseconds kCallbackLease = 30s;
constexpr milliseconds kLongestWait = 15s;
// Between two claims that find nothing or fail: each one writes to the database.
constexpr milliseconds kShortestWait = 1s;
// A receiver that its rate holds gets several at a time, so that a claim is not made for each.
constexpr milliseconds kShortestHold = 100ms;
constexpr int kHeldPart = 5;  // of a second's, at once
constexpr std::size_t kMaxErrorBytes = 500;
// Callbacks to a disabled receiver that one change fails.
constexpr int kMostRefused = 500;

// The URL's path and query may hold a secret of the client: the log has its host and port only.
void tell(const RecordedAttempt& recorded) {
  const auto& [callback, attempt] = recorded;
  if (attempt.next == CallbackState::delivered) {
    return log::info_late("callback delivered", {{"upload", callback.upload},
                                                 {"cdn", callback.account},
                                                 {"receiver", callback.receiver},
                                                 {"http_status", attempt.http_status},
                                                 {"attempt", callback.attempts + 1},
                                                 {"ms", attempt.took.count()},
                                                 {"trace", callback.trace.id}});
  }
  const bool again = attempt.next == CallbackState::pending;
  log::warn(again ? "callback failed, and is sent again" : "callback failed for good",
            {{"upload", callback.upload},
             {"cdn", callback.account},
             {"receiver", callback.receiver},
             {"http_status", attempt.http_status},
             {"attempt", callback.attempts + 1},
             {"ms", attempt.took.count()},
             {"error", attempt.error},
             {"next_in_s", std::chrono::ceil<std::chrono::seconds>(attempt.delay).count()},
             {"trace", callback.trace.id}});
}

std::string reason_of(const ReceiverFailing& failing) {
  const auto days = std::chrono::floor<std::chrono::days>(failing.lasts).count();
  return fmt::format("not sent: the receiver is disabled, because all deliveries to it have failed for {} day{}", days,
                     days == 1 ? "" : "s");
}

}  // namespace

CallbackAttempt judge_delivery(const ClaimedCallback& callback, const Result<CallbackAnswer>& answer, milliseconds took,
                               double unit) {
  CallbackAttempt attempt;
  attempt.took = took;
  std::optional<std::chrono::seconds> retry_after;
  if (answer) {
    attempt.http_status = answer->http_status;
    retry_after = answer->retry_after;
    if (answer->http_status >= 200 && answer->http_status < 300) {
      attempt.next = CallbackState::delivered;
      return attempt;
    }
    attempt.error = fmt::format("the receiver answered {}", answer->http_status);
    if (answer->http_status == 410) {
      attempt.next = CallbackState::stopped;
      return attempt;
    }
  } else {
    attempt.error = printable(answer.error().for_operator(), kMaxErrorBytes);
  }
  const auto delay = callback_retry_delay(callback.attempts + 1, retry_after, unit);
  attempt.next = delay ? CallbackState::pending : CallbackState::failed;
  if (delay) attempt.delay = *delay;
  return attempt;
}

void CallbackMetrics::write(MetricsText& text) const {
  text.counter("vodlift_callback_attempts_total",
               "Attempts to deliver a callback, by what became of it; pending: it is tried again.");
  for (std::size_t state = 0; state < attempts.size(); ++state) {
    text.sample(attempts[state].value(), {{"result", to_string(static_cast<CallbackState>(state))}});
  }
  text.histogram("vodlift_callback_duration_seconds", "Time of an attempt to deliver a callback.");
  text.sample(seconds);
  text.gauge("vodlift_callbacks_in_flight", "Deliveries of callbacks that are under way.", under_way.value());
}

CallbackRun::CallbackRun(CallbackQueue& queue, ChangeFeed& feed, AccountDirectory& accounts, CallbackSender& sender,
                         const DisabledReceivers& disabled, milliseconds slow)
    : queue_(queue),
      accounts_(accounts),
      sender_(sender),
      disabled_(disabled),
      places_(slow),
      due_(feed.subscribe(Change::Kind::callbacks_due, [this](const Change&) { loop_.wake(); })) {}

void CallbackRun::use(int per_receiver_per_s) {
  rates_.use({per_receiver_per_s, std::max(per_receiver_per_s / kHeldPart, 1)});
  loop_.wake();
}

void CallbackRun::start() {
  loop_.start("callbacks", [this] { loop(); });
}

void CallbackRun::stop() { loop_.stop(); }

void CallbackRun::loop() {
  record_what_ended();  // what an exception kept from being recorded
  while (!loop_.stopping() || places_.under_way() > 0) {
    loop_.wait_for(loop_.stopping() ? kLongestWait : send_what_may_go());
    record_what_ended();
  }
}

// Returns how long to wait if nothing else happens.
milliseconds CallbackRun::send_what_may_go() {
  if (places_.free() == 0) return kLongestWait;  // a delivery that ends wakes the loop
  const auto now = steady_clock::now();
  if (now < claim_not_before_) return std::chrono::ceil<milliseconds>(claim_not_before_ - now);
  Look look;
  Chosen& chosen = look.chosen;
  auto claimed = Result<std::vector<ClaimedCallback>>();
  if (const auto looked = choose(look); !looked) {
    claimed = looked.error();
  } else if (!chosen.empty()) {
    std::vector<std::int64_t> ids;
    for (const auto& [id, place] : chosen) ids.push_back(id);
    claimed = queue_.claim(ids, kCallbackLease);
  }
  if (!claimed) log::error("callbacks cannot be claimed", {{"reason", claimed.error().for_operator()}});
  const bool nothing_to_send = claimed && chosen.empty();
  const bool sends = claimed && !claimed->empty();
  if (sends) {
    for (ClaimedCallback& callback : *claimed) {
      auto place = std::move(chosen.extract(callback.id).mapped());
      send(std::move(callback), std::move(place));
    }
  }
  if (nothing_to_send && look.refused) return 0ms;
  if (nothing_to_send) return std::min(time_to_next(), std::max(look.held_for.value_or(kLongestWait), kShortestHold));
  if (!sends) claim_not_before_ = steady_clock::now() + kShortestWait;
  return sends ? 0ms : kShortestWait;
}

Result<> CallbackRun::choose(Look& look) {
  const auto due = queue_.due_accounts(next_account_, kAccountsALook);
  if (!due) return due.error();
  int receivers = kReceiversALook;
  for (const AccountId account : *due) {
    if (places_.free() == 0 || receivers == 0) break;
    next_account_ = account + 1;
    if (!places_.open(account)) continue;
    const auto looked = choose_of(account, receivers, look);
    if (!looked) return looked.error();
    receivers -= *looked;
  }
  // Who was held by what others send to the same receiver comes first in the next look. Where one look does not reach
  // all accounts, each begins with another one anyway.
  if (look.held != 0 && due->size() < static_cast<std::size_t>(kAccountsALook)) next_account_ = look.held;
  return {};
}

// Answers how many receivers it looked at, `receivers` at most.
Result<int> CallbackRun::choose_of(AccountId account, int receivers, Look& look) {
  if (last_turn_.size() >= kMaxTurns && !last_turn_.contains(account)) last_turn_.clear();
  std::string& last_turn = last_turn_[account];
  const auto due = queue_.due_receivers(account, last_turn, receivers, CallbackPlaces::kOfReceiver);
  if (!due || due->empty()) return due ? Result<int>(0) : due.error();
  last_turn = due->back().receiver;
  for (const DueReceiver& one : *due) {
    const auto most = how_many_may_go(account, one, look);
    if (!most) return most.error();
    choose_to(account, one.receiver, std::span(one.ids).first(*most), look);
  }
  return static_cast<int>(std::ssize(*due));
}

// Of these callbacks, those for which there are places and which the receiver's rate allows.
void CallbackRun::choose_to(AccountId account, const std::string& receiver, std::span<const std::int64_t> ids,
                            Look& look) {
  const auto now = steady_clock::now();
  bool gets_some = false;
  for (const std::int64_t id : ids) {
    if (const auto wait = std::chrono::ceil<milliseconds>(rates_.wait(receiver, now)); wait > 0ms) {
      look.held_for = std::min(look.held_for.value_or(wait), wait);
      if (look.held == 0 && !gets_some) look.held = account;
      return;
    }
    auto place = std::make_unique<CallbackPlace>(places_, account, receiver);
    if (!place->take(now)) return;
    rates_.take(receiver, now);
    gets_some = true;
    look.chosen.emplace(id, std::move(place));
    last_turn_[account] = receiver;
  }
}

// How many of `to.ids` may be sent. Those that a disabled receiver does not get fail here.
Result<std::size_t> CallbackRun::how_many_may_go(AccountId account, const DueReceiver& to, Look& look) {
  if (!disabled_.has(to.failing)) return to.ids.size();
  // The receiver may be enabled when that has ended.
  if (places_.under_way(account, to.receiver) > 0) return std::size_t{0};
  if (DisabledReceivers::is_probe_due(*to.failing)) return std::min<std::size_t>(to.ids.size(), 1);
  const auto refused = queue_.refuse(account, to.receiver, reason_of(*to.failing), kMostRefused);
  if (!refused) return refused.error();
  if (*refused == 0) return to.ids.size();  // somebody has sent these again
  look.refused = true;
  log::warn("callbacks to a disabled receiver failed unsent",
            {{"cdn", account}, {"receiver", to.receiver}, {"callbacks", *refused}});
  return std::size_t{0};
}

milliseconds CallbackRun::time_to_next() const {
  const auto due = queue_.next_due();
  if (!due || !*due) return kLongestWait;
  return std::clamp(**due, kShortestWait, kLongestWait);
}

// Where there is no memory, the delivery ends as one that the end of the process cuts off.
void CallbackRun::send(ClaimedCallback callback, std::unique_ptr<CallbackPlace> place) {
  Deliveries made = until_memory([] { return Deliveries(1); });
  const auto delivery = made.begin();
  delivery->callback = std::move(callback);
  delivery->place = std::move(place);
  delivery->started = steady_clock::now();
  const auto note = [this, delivery](Result<CallbackAnswer> answer) { answered(delivery, std::move(answer)); };
  auto done = until_memory([&] { return surely_called<CallbackAnswer>(note, Errc::interrupted); });
  {
    const std::lock_guard lock(mutex_);
    under_way_.splice(under_way_.end(), made);
    metrics_.under_way.add(1);
  }
  try {
    const ClaimedCallback& sent = delivery->callback;
    const auto account = accounts_.look_up_account(sent.account);  // its secret signs
    if (!account) return done(Error{Errc::interrupted, account.error().message});
    CallbackMessage message = callback_message(*account ? **account : Account(), sent.url, sent.webhook_id, sent.body);
    message.traceparent = traceparent(sent.trace, span_id(sent.trace, sent.webhook_id));
    sender_.send(std::move(message), std::move(done));
  } catch (const std::exception& failure) {
    log::error("a callback could not be sent now", {{"reason", failure.what()}});
  }
}

void CallbackRun::answered(Deliveries::iterator delivery, Result<CallbackAnswer> answer) {
  const auto took = std::chrono::ceil<milliseconds>(steady_clock::now() - delivery->started);
  const std::lock_guard lock(mutex_);
  delivery->answer = std::move(answer);
  delivery->took = took;
  ended_.splice(ended_.end(), under_way_, delivery);
  metrics_.under_way.add(-1);
  loop_.wake();  // under the lock: after the last delivery this object may be gone
}

void CallbackRun::record_what_ended() {
  {
    const std::lock_guard lock(mutex_);
    to_record_.splice(to_record_.end(), ended_);
  }
  if (to_record_.empty()) return;
  record();
  to_record_.clear();
}

// May be repeated after an exception.
void CallbackRun::record() {
  std::vector<RecordedAttempt> attempts;
  for (const auto& [callback, place, started, answer, took] : to_record_) {
    // This process stopped and cut the delivery off, or has no memory. It does not count as an attempt; it is repeated
    // when the lease expires.
    if (!answer && (answer.error().code == Errc::interrupted || answer.error().code == Errc::internal)) continue;
    place->ended(took, steady_clock::now());
    attempts.push_back({callback, judge_delivery(callback, answer, took, random_unit())});
    const CallbackAttempt& attempt = attempts.back().attempt;
    metrics_.attempts[static_cast<std::size_t>(attempt.next)].add();
    metrics_.seconds.observe(std::chrono::duration<double>(took).count());
    tell(attempts.back());
  }
  if (attempts.empty()) return;
  const auto lost = queue_.record(attempts);
  for (const auto& [callback, attempt] : attempts) {
    if (lost && std::ranges::find(*lost, callback.id) == lost->end()) continue;
    log::error("a callback attempt could not be recorded",
               {{"upload", callback.upload}, {"reason", lost ? "its lease is lost" : lost.error().for_operator()}});
  }
}

}  // namespace vodlift::worker
