#include "rest/event_hub.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <limits>
#include <new>
#include <utility>

#include "base/random.h"
#include "rest/callbacks.h"
#include "rest/uploads.h"

namespace vodlift::rest {
namespace {

using boost::json::object;

constexpr std::size_t kMarkBytes = 6;
constexpr std::size_t kTypicalUpload = 1024;  // bytes of its event
constexpr std::size_t kCallbacksATick = 32;
constexpr std::chrono::seconds kBetweenCounts{1};
constexpr std::chrono::seconds kBetweenRates{1};
constexpr std::size_t kCountsASecond = 1000;  // rows: with more, they are read less often
// How long a client should wait before it asks again, ms.
constexpr std::string_view kGreeting = "retry: 2000\n\n";

std::size_t uploads_in(std::size_t bytes) {
  return std::clamp<std::size_t>(bytes / kTypicalUpload, 1, EventHub::kMostUploads);
}

std::string upload_text(const Upload& upload, Role role, WallTime now) {
  Caller caller;
  caller.who.role = role;
  return boost::json::serialize(upload_json(upload, caller, now));
}

}  // namespace

std::vector<std::int64_t> ChangedIds::take(std::size_t most) {
  const auto count = static_cast<std::ptrdiff_t>(std::min(most, order_.size()));
  std::vector<std::int64_t> taken(order_.begin(), order_.begin() + count);
  order_.erase(order_.begin(), order_.begin() + count);
  for (const std::int64_t id : taken) known_.erase(id);
  return taken;
}

void ChangedIds::put_back(const std::vector<std::int64_t>& ids) {
  for (auto id = ids.rbegin(); id != ids.rend(); ++id) {
    if (known_.insert(*id).second) order_.push_front(*id);
  }
}

void ChangedIds::clear() {
  order_.clear();
  known_.clear();
}

void EventHub::start() {
  loop_.start("events", [this] {
    while (!loop_.stopping()) {
      listening_ ? (void)loop_.wait_for(kTick) : loop_.wait();
      if (!loop_.stopping()) tick(std::chrono::steady_clock::now());
    }
  });
}

void EventHub::stop() {
  loop_.stop();
  used_ = false;
  stop_listening();
  streams_.clear();
  attended_.clear();
  const std::lock_guard lock(mutex_);
  joining_.clear();
}

void EventHub::listen() {
  used_ = true;
  const std::lock_guard lock(listening_mutex_);
  if (listening_) return;
  uploads_changed_ = ports_.feed.subscribe(Change::Kind::upload_changed,
                                           [this](const Change& change) { note(uploads_, change.upload); });
  callbacks_changed_ = ports_.feed.subscribe(Change::Kind::callback_changed,
                                             [this](const Change& change) { note(callbacks_, change.callback); });
  ports_.traffic.watch(true);
  listening_ = true;
  loop_.wake();
}

void EventHub::stop_listening() {
  const std::lock_guard lock(listening_mutex_);
  if (!listening_ || used_) return;
  uploads_changed_.reset();
  callbacks_changed_.reset();
  ports_.traffic.watch(false);
  listening_ = false;
  ring_.reset();
  const std::lock_guard changes(mutex_);
  uploads_.clear();
  callbacks_.clear();
  settings_.clear();
  dropped_ = false;
}

void EventHub::note(ChangedIds& ids, std::int64_t id) {
  const std::lock_guard lock(mutex_);
  uploads_moved_ = true;
  if (dropped_) return;
  try {
    if (id > 0) ids.add(id);
    if (id > 0 && ids.size() <= most_waiting_) return;
  } catch (const std::bad_alloc&) {
    // What is not known to have changed is read anew.
  }
  uploads_.clear();
  callbacks_.clear();
  dropped_ = true;
}

void EventHub::settings_changed(const SettingsChange& change) noexcept {
  if (!listening_) return;
  const std::lock_guard lock(mutex_);
  try {
    settings_.insert(change);
    if (settings_.size() <= kMostSettings) return;
  } catch (const std::bad_alloc&) {
    // As in note().
  }
  settings_.clear();
  dropped_ = true;
}

void EventHub::add(EventStream stream) {
  const std::lock_guard lock(mutex_);
  joining_.push_back(std::move(stream));
}

std::size_t EventHub::bytes_a_tick() const {
  return std::min(kBytesOfAll / std::max<std::size_t>(streams_.size(), 1), kBytesOfOne);
}

void EventHub::tick(SteadyTime now) {
  if (!listening_) return;
  if (!ring_) ring_.emplace(random_hex(kMarkBytes));
  std::vector<EventStream> joined;
  const std::size_t bytes = bytes_a_tick();
  {
    const std::lock_guard lock(mutex_);
    joined.swap(joining_);
    most_waiting_ = uploads_in(bytes) * kMostTicks;
    if (!joined.empty()) uploads_moved_ = true;
  }
  if (!joined.empty()) counts_due_ = now;
  if (used_.exchange(false) || !streams_.empty() || !joined.empty()) last_used_ = now;
  if (now - last_used_ >= kLinger) return stop_listening();
  greet(std::move(joined), now);
  attend();
  take_needs();
  Round round{now, ring_->last_number()};
  add_uploads(bytes);
  add_callbacks(kCallbacksATick);
  add_settings();
  reset_if_due(now);
  if (streams_.empty()) return;
  round.with_counts = count_if_due(now);
  round.with_rate = measure_if_due(now);
  write_to_all(round);
  for (auto& [view, attended] : attended_) attended.due = false;
}

void EventHub::greet(std::vector<EventStream> joined, SteadyTime now) {
  for (EventStream& stream : joined) {
    std::string text(kGreeting);
    auto missed = ring_->since(stream.last_id, stream.view);
    if (stream.last_id.empty()) {
      text += event_text(ring_->last_id(), {}, {});
    } else if (missed && missed->size() <= kMostReplayed) {
      text += *missed + event_text(ring_->last_id(), {}, {});
    } else {
      text += event_text(ring_->last_id(), "reset", "{}");
    }
    if (!stream.bytes->write(std::make_shared<const std::string>(std::move(text)))) continue;
    attended_[stream.view.account].due = true;
    streams_.push_back({std::move(stream), now, now});
  }
}

void EventHub::add_uploads(std::size_t bytes) {
  UploadQuery query;
  {
    const std::lock_guard lock(mutex_);
    query.ids = uploads_.take(uploads_in(bytes));
  }
  if (query.ids.empty()) return;
  const auto found = ports_.uploads.find_in_all(query);
  std::vector<std::int64_t> left;
  if (!found) left = query.ids;
  const WallTime now = ports_.clock.now();
  std::size_t used = 0;
  for (std::size_t at = found ? found->size() : 0; at-- > 0;) {
    const Upload& upload = (*found)[at];
    if (used >= bytes) {
      left.push_back(upload.id);
      continue;
    }
    const std::string for_customers = upload_text(upload, Role::customer, now);
    const std::string for_operators = upload.error ? upload_text(upload, Role::operate, now) : std::string();
    used += for_customers.size();
    ring_->add("upload", {upload.account}, {upload_text(upload, Role::viewer, now), for_customers, for_operators});
  }
  const std::lock_guard lock(mutex_);
  uploads_.put_back(left);
}

// An upload shows how its callback stands, so it has changed too.
void EventHub::add_callbacks(std::size_t most) {
  std::vector<std::int64_t> ids;
  {
    const std::lock_guard lock(mutex_);
    ids = callbacks_.take(most);
  }
  for (const std::int64_t id : ids) {
    const auto found = ports_.callbacks.find(id);
    if (!found) continue;
    const auto text = [&](Role role) { return boost::json::serialize(callback_json(found->callback, role)); };
    ring_->add("callback", {found->callback.account}, {text(Role::viewer), text(Role::customer)});
    note(uploads_, found->callback.upload);
  }
}

void EventHub::reset_if_due(SteadyTime now) {
  if (now < reset_due_) return;
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(dropped_, false)) return;
  }
  reset_due_ = now + kBetweenResets;
  ring_->add("reset", {}, {"{}"});
}

void EventHub::add_settings() {
  std::set<SettingsChange> changed;
  {
    const std::lock_guard lock(mutex_);
    changed.swap(settings_);
  }
  for (const auto& [noun, whom] : changed) {
    const auto cdn = whom.account ? boost::json::value(*whom.account) : boost::json::value(nullptr);
    ring_->add("settings", whom, {boost::json::serialize(object{{"noun", noun}, {"cdn", cdn}})});
  }
}

// Without mutex_: the end of a subscription waits for note_needs().
void EventHub::attend() {
  std::set<NeedView> views;
  for (const Open& open : streams_) views.insert(open.stream.view.account);
  std::erase_if(attended_, [&](const auto& one) { return !views.contains(one.first); });
  for (const NeedView& view : views) {
    Attended& attended = attended_[view];
    if (attended.subscription) continue;
    attended.subscription =
        ports_.attention.follow(view, [this, view](const AttentionNews& news) { note_needs(view, news); });
  }
}

void EventHub::note_needs(const NeedView& view, const AttentionNews& news) {
  const auto text = [&](Role role) {
    boost::json::array items;
    for (const Need& need : news.needs) items.push_back(to_json(need, role));
    return boost::json::serialize(object{{"at", to_unix_seconds(ports_.clock.now())}, {"items", std::move(items)}});
  };
  NeedsData data{text(Role::viewer), text(Role::operate)};
  const std::lock_guard lock(mutex_);
  needs_[view] = std::move(data);
}

void EventHub::take_needs() {
  std::map<NeedView, NeedsData> told;
  {
    const std::lock_guard lock(mutex_);
    told.swap(needs_);
  }
  for (auto& [view, data] : told) {
    const auto at = attended_.find(view);
    if (at == attended_.end()) continue;
    at->second.data = std::move(data);
    at->second.due = true;
  }
}

bool EventHub::count_if_due(SteadyTime now) {
  if (now < counts_due_) return false;
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(uploads_moved_, false)) return false;
  }
  auto counts = ports_.uploads.counts();
  counts_due_ = now + kBetweenCounts * (1 + (counts ? counts->size() : 0) / kCountsASecond);
  if (!counts) return false;
  counts_ = std::move(*counts);
  return true;
}

bool EventHub::measure_if_due(SteadyTime now) {
  if (now - measured_ < kBetweenRates) return false;
  const double seconds = std::chrono::duration<double>(now - std::exchange(measured_, now)).count();
  rates_ = ports_.traffic.take_sent();
  for (auto& [account, bytes] : rates_) bytes = static_cast<std::int64_t>(static_cast<double>(bytes) / seconds);
  return !rates_.empty() || std::exchange(was_sending_, false);
}

void EventHub::write_to_all(Round& round) {
  if (round.with_rate) was_sending_ = !rates_.empty();
  std::erase_if(streams_, [&](Open& open) { return !write(open, round); });
}

bool EventHub::write(Open& open, Round& round) {
  if (round.now - open.looked >= kLookAgain) {
    open.looked = round.now;
    if (open.stream.still_valid && !open.stream.still_valid()) return false;
  }
  auto [text, fresh] = round.texts.try_emplace(open.stream.view);
  if (fresh) text->second = std::make_shared<const std::string>(text_of(open.stream.view, round));
  if (!text->second->empty()) {
    open.written = round.now;
    return open.stream.bytes->write(text->second);
  }
  if (round.now - open.written < kHeartbeat) return true;
  open.written = round.now;
  return open.stream.bytes->write(std::make_shared<const std::string>(": \n" + event_text(ring_->last_id(), {}, {})));
}

std::string EventHub::text_of(const EventView& view, const Round& round) const {
  std::string text = ring_->since(round.before, view);
  const auto append = [&](std::string_view topic, const std::string& data) {
    text += event_text(ring_->last_id(), topic, data);
  };
  if (round.with_counts) append("counts", counts_json(view));
  if (round.with_rate) append("rate", rate_json(view));
  const auto attended = attended_.find(view.account);
  if (attended != attended_.end() && attended->second.due && !attended->second.data.everybody.empty()) {
    const NeedsData& data = attended->second.data;
    append("attention", is_operator(view.role) ? data.operators : data.everybody);
  }
  return text;
}

std::string EventHub::counts_json(const EventView& view) const {
  std::map<UploadState, UploadCount> sums;
  for (const UploadCount& count : counts_) {
    if (view.account && count.account != *view.account) continue;
    UploadCount& sum = sums[count.state];
    sum.uploads += count.uploads;
    sum.bytes += std::min(count.bytes, std::numeric_limits<std::int64_t>::max() - sum.bytes);
  }
  boost::json::array items;
  for (const auto& [state, sum] : sums) {
    items.push_back(object{{"cdn", view.account ? boost::json::value(*view.account) : boost::json::value(nullptr)},
                           {"state", to_string(state)},
                           {"uploads", sum.uploads},
                           {"bytes", sum.bytes}});
  }
  return boost::json::serialize(object{{"at", to_unix_seconds(ports_.clock.now())}, {"items", std::move(items)}});
}

std::string EventHub::rate_json(const EventView& view) const {
  std::int64_t bytes = 0;
  for (const auto& [account, rate] : rates_) {
    if (!view.account || account == *view.account) bytes += rate;
  }
  std::int64_t running = 0;
  for (const UploadCount& count : counts_) {
    const bool shown = !view.account || count.account == *view.account;
    if (shown && count.state == UploadState::uploading) running += count.uploads;
  }
  return boost::json::serialize(
      object{{"at", to_unix_seconds(ports_.clock.now())}, {"bytes_per_s", bytes}, {"running", running}});
}

}  // namespace vodlift::rest
