#include "rest/event_ring.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace vodlift::rest {
namespace {

std::size_t bytes_of(const Event& event) {
  const bool two = event.text != event.text_for_operators;
  return event.text->size() + (two ? event.text_for_operators->size() : 0);
}

}  // namespace

const std::string* Event::text_for(const EventView& view) const {
  if (whom.account && view.account && *whom.account != *view.account) return nullptr;
  if (whom.least == Audience::operators && !view.for_operator) return nullptr;
  if (whom.least == Audience::admins && !view.for_admin) return nullptr;
  return view.for_operator ? text_for_operators.get() : text.get();
}

std::string event_text(std::string_view id, std::string_view topic, std::string_view data) {
  if (topic.empty()) return fmt::format("id: {}\n\n", id);
  return fmt::format("id: {}\nevent: {}\ndata: {}\n\n", id, topic, data);
}

void EventRing::add(std::string_view topic, const Whom& whom, std::string_view data,
                    std::string_view data_for_operators) {
  const std::string id = id_of(last_ + 1);
  Event event{last_ + 1, whom, std::make_shared<const std::string>(event_text(id, topic, data)), {}};
  event.text_for_operators = data_for_operators.empty()
                                 ? event.text
                                 : std::make_shared<const std::string>(event_text(id, topic, data_for_operators));
  bytes_ += bytes_of(event);
  events_.push_back(std::move(event));
  ++last_;
  while (events_.size() > kMostEvents || bytes_ > kMostBytes) drop_oldest();
}

void EventRing::drop_oldest() {
  bytes_ -= bytes_of(events_.front());
  events_.pop_front();
}

std::string EventRing::id_of(std::int64_t number) const { return fmt::format("{}-{}", mark_, number); }

std::optional<std::string> EventRing::since(std::string_view id, const EventView& view) const {
  if (!id.starts_with(mark_ + "-")) return std::nullopt;
  id.remove_prefix(mark_.size() + 1);
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(id.data(), id.data() + id.size(), number);
  if (problem != std::errc() || end != id.data() + id.size()) return std::nullopt;
  if (number > last_ || number < last_ - static_cast<std::int64_t>(events_.size())) return std::nullopt;
  return since(number, view);
}

std::string EventRing::since(std::int64_t number, const EventView& view) const {
  std::string text;
  const auto missed = std::min<std::size_t>(events_.size(), static_cast<std::size_t>(last_ - number));
  for (auto event = events_.end() - static_cast<std::ptrdiff_t>(missed); event != events_.end(); ++event) {
    if (const std::string* shown = event->text_for(view)) text += *shown;
  }
  return text;
}

}  // namespace vodlift::rest
