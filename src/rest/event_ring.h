// The last events, so that a stream that was cut can go on where it was.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/principal.h"
#include "core/upload.h"

namespace vodlift::rest {

// What a stream shows. Streams with equal views get the same bytes.
struct EventView {
  std::optional<AccountId> account{};  // events of this account only; nothing: of all
  Role role = Role::viewer;            // with what is meant for such a reader

  auto operator<=>(const EventView&) const = default;  // NOLINT(modernize-use-nullptr): false alarm
};

enum class Audience : std::uint8_t { all, operators, admins };

// Which streams get an event.
struct Whom {
  std::optional<AccountId> account{};  // those of this account, and those of all accounts; nothing: all do
  Audience least = Audience::all;

  auto operator<=>(const Whom&) const = default;  // NOLINT(modernize-use-nullptr): false alarm
};

// One event as it is sent, its id included.
struct Event {
  std::int64_t number = 0;
  Whom whom{};
  // For viewers, customers and operators; most often they share one.
  std::array<std::shared_ptr<const std::string>, 3> texts;

  // What a stream with this view gets of it; nullptr: nothing.
  [[nodiscard]] const std::string* text_for(const EventView& view) const;
};

// What an event says, as JSON of one line, to each kind of reader. Those that are empty say the same as the one before.
struct EventData {
  std::string_view viewers;
  std::string_view customers{};
  std::string_view operators{};
};

// `data`: JSON, one line. An empty topic makes a message that carries the id alone.
std::string event_text(std::string_view id, std::string_view topic, std::string_view data);

// At most kMostEvents and kMostBytes of texts; older ones go. Ids are "MARK-NUMBER": the mark is another one in each
// ring, so an id of another process, or of an earlier ring, is not taken for one of this ring. One thread at a time.
class EventRing {
 public:
  static constexpr std::size_t kMostEvents = 4096;
  static constexpr std::size_t kMostBytes = std::size_t{2} * 1024 * 1024;

  // `mark`: letters and digits.
  explicit EventRing(std::string mark) : mark_(std::move(mark)) {}

  void add(std::string_view topic, const Whom& whom, const EventData& data);

  // The id of the newest event.
  [[nodiscard]] std::string last_id() const { return id_of(last_); }
  [[nodiscard]] std::int64_t last_number() const { return last_; }

  // What came after the event of that id, as far as `view` shows it; nothing: the ring does not know.
  [[nodiscard]] std::optional<std::string> since(std::string_view id, const EventView& view) const;
  // The same by its number, which the ring has still.
  [[nodiscard]] std::string since(std::int64_t number, const EventView& view) const;

 private:
  [[nodiscard]] std::string id_of(std::int64_t number) const;
  void drop_oldest();

  const std::string mark_;
  std::int64_t last_ = 0;
  std::size_t bytes_ = 0;
  std::deque<Event> events_;  // their numbers follow one another
};

}  // namespace vodlift::rest
