// Tells open streams what changes.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "base/worker_thread.h"
#include "core/callback_history.h"
#include "core/change_feed.h"
#include "core/statistics_collector.h"
#include "core/upload_store.h"
#include "net/body_stream.h"
#include "rest/attention_watch.h"
#include "rest/event_ring.h"

namespace vodlift::rest {

// Ids that changed, each once, in the order in which they came. One thread at a time.
class ChangedIds {
 public:
  void add(std::int64_t id) {
    if (known_.insert(id).second) order_.push_back(id);
  }
  // Takes `most` at most, the oldest ones.
  std::vector<std::int64_t> take(std::size_t most);
  // Makes what was taken the oldest ones again.
  void put_back(const std::vector<std::int64_t>& ids);
  void clear();
  [[nodiscard]] std::size_t size() const { return order_.size(); }

 private:
  std::deque<std::int64_t> order_;
  std::unordered_set<std::int64_t> known_;
};

// A stream that begins.
struct EventStream {
  EventView view;
  std::string last_id;                     // what the client had last, as it says; empty: it begins
  std::function<bool()> still_valid;       // whether its caller may still read; asked each kLookAgain; may block
  std::shared_ptr<net::BodyStream> bytes;  // where to write
};

// Settings that somebody changed.
struct SettingsChange {
  std::string_view noun;  // "bucket"; lives as long as the process
  Whom whom{};

  auto operator<=>(const SettingsChange&) const = default;  // NOLINT(modernize-use-nullptr): false alarm
};

// Collects which uploads and callbacks changed. Each tick it reads those from the store, writes each as one event, once
// for all streams, and keeps it in a ring. So several changes within a tick are one event with the newest state, and
// nothing is read while nobody listens. It goes on collecting for kLinger after the last stream, so that a stream that
// was cut can go on.
//
// What counts, and what needs a person, is not kept: a stream that begins is told how that is now.
//
// All streams together get kBytesOfAll in a tick, each kBytesOfOne at most. What does not fit waits for the next ticks;
// where more than kMostTicks would be needed, what waits is dropped and the event `reset` tells all clients to read
// anew, once each kBetweenResets at most. Until then no upload and no callback is told: the clients read all of them.
//
// Internally locked. tick() is called by the thread that start() makes, or by a test.
class EventHub {
 public:
  static constexpr std::chrono::milliseconds kTick{250};
  static constexpr std::chrono::seconds kHeartbeat{15};  // without an event, a message that says nothing
  static constexpr std::chrono::seconds kLinger{60};
  static constexpr std::chrono::seconds kLookAgain{30};
  static constexpr std::chrono::seconds kBetweenResets{10};
  static constexpr std::size_t kBytesOfAll = std::size_t{2} * 1024 * 1024;
  static constexpr std::size_t kBytesOfOne = std::size_t{192} * 1024;
  static constexpr std::size_t kMostUploads = 256;  // of one tick
  static constexpr std::size_t kMostTicks = 40;
  static constexpr std::size_t kMostSettings = 256;  // different changes of settings in one tick
  static constexpr std::size_t kMostReplayed =
      std::size_t{192} * 1024;  // bytes; a client that missed more gets `reset`

  struct Ports {
    ChangeFeed& feed;
    UploadStore& uploads;
    CallbackHistory& callbacks;
    StatisticsCollector& traffic;
    AttentionWatch& attention;
    const Clock& clock;
  };

  // The ports must outlive it.
  explicit EventHub(const Ports& ports) : ports_(ports) {}
  EventHub(const EventHub&) = delete;
  EventHub& operator=(const EventHub&) = delete;
  ~EventHub() { stop(); }

  void start();
  // Ends the thread and all streams. May be called twice.
  void stop();

  // Collects from now on. To be called before a client can learn that its stream begins: what it reads from then on is
  // no older than the stream. Must not be called by a listener of the feed.
  void listen();

  // Must not block: it is called on a network thread. After listen().
  void add(EventStream stream);

  // To be called after the change. Any thread.
  void settings_changed(const SettingsChange& change) noexcept;

  // Sends what changed since the last one.
  void tick(SteadyTime now);

 private:
  struct Open {
    EventStream stream;
    SteadyTime written;
    SteadyTime looked;
  };
  // What needs a person, of the streams of one view.
  // What needs a person, as JSON for the two kinds of readers.
  struct NeedsData {
    std::string everybody;
    std::string operators;
  };
  struct Attended {
    NeedsData data;  // empty: not known yet
    bool due = false;
    AttentionWatch::Subscription subscription;
  };
  // Of one tick.
  struct Round {
    SteadyTime now;
    std::int64_t before = 0;  // the last event of the round before
    std::map<EventView, std::shared_ptr<const std::string>> texts{};
    bool with_counts = false;
    bool with_rate = false;
  };

  void note(ChangedIds& ids, std::int64_t id);
  void stop_listening();
  // For each stream.
  [[nodiscard]] std::size_t bytes_a_tick() const;
  void greet(std::vector<EventStream> joined, SteadyTime now);
  void add_uploads(std::size_t bytes);
  void add_callbacks(std::size_t most);
  void add_settings();
  void reset_if_due(SteadyTime now);
  // Follows what the streams show, and nothing else.
  void attend();
  void note_needs(const NeedView& view, const AttentionNews& news);
  void take_needs();
  [[nodiscard]] bool count_if_due(SteadyTime now);
  [[nodiscard]] bool measure_if_due(SteadyTime now);
  void write_to_all(Round& round);
  // False: the stream is over.
  bool write(Open& open, Round& round);
  [[nodiscard]] std::string text_of(const EventView& view, const Round& round) const;
  [[nodiscard]] std::string counts_json(const EventView& view) const;
  [[nodiscard]] std::string rate_json(const EventView& view) const;

  const Ports ports_;

  std::mutex listening_mutex_;  // guards the subscriptions; never held together with mutex_
  ChangeFeed::Subscription uploads_changed_;
  ChangeFeed::Subscription callbacks_changed_;
  std::atomic<bool> listening_{false};
  std::atomic<bool> used_{false};  // by listen(), since the last tick

  std::mutex mutex_;  // guards the next block
  ChangedIds uploads_;
  ChangedIds callbacks_;
  std::size_t most_waiting_ = kMostUploads * kMostTicks;
  bool dropped_ = false;
  bool uploads_moved_ = false;  // since counts_ were read
  std::set<SettingsChange> settings_;
  std::map<NeedView, NeedsData> needs_;  // that the watch has told
  std::vector<EventStream> joining_;

  // For the thread of tick().
  std::optional<EventRing> ring_;
  std::vector<Open> streams_;
  SteadyTime last_used_;
  SteadyTime reset_due_;
  SteadyTime counts_due_;
  std::vector<UploadCount> counts_;
  SteadyTime measured_;
  std::map<AccountId, std::int64_t> rates_;  // bytes per second
  bool was_sending_ = false;
  std::map<NeedView, Attended> attended_;

  WorkerThread loop_;
};

}  // namespace vodlift::rest
