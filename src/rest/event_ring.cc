#include "rest/event_ring.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace vodlift::rest {
namespace {

std::size_t text_bytes(const Event& event) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < event.texts.size(); ++i) {
    if (i == 0 || event.texts[i] != event.texts[i - 1]) bytes += event.texts[i]->size();
  }
  return bytes;
}

}  // namespace

const std::string* Event::text_for(const EventView& view) const {
  if (whom.account && view.account && *whom.account != *view.account) return nullptr;
  if (whom.least == Audience::operators && !is_operator(view.role)) return nullptr;
  if (whom.least == Audience::admins && view.role != Role::admin) return nullptr;
  return texts.at(std::min(static_cast<std::size_t>(view.role), texts.size() - 1)).get();
}

std::string event_text(std::string_view id, std::string_view topic, std::string_view data) {
  if (topic.empty()) return fmt::format("id: {}\n\n", id);
  return fmt::format("id: {}\nevent: {}\ndata: {}\n\n", id, topic, data);
}

void EventRing::add(std::string_view topic, const Whom& whom, const EventData& data) {
  const std::string id = id_of(last_ + 1);
  Event event{last_ + 1, whom, {}};
  std::string_view said = data.viewers;
  auto text = std::make_shared<const std::string>(event_text(id, topic, said));
  event.texts[0] = text;
  const auto add_for = [&](Role role, std::string_view other) {
    if (!other.empty() && other != said) text = std::make_shared<const std::string>(event_text(id, topic, other));
    if (!other.empty()) said = other;
    event.texts.at(static_cast<std::size_t>(role)) = text;
  };
  add_for(Role::customer, data.customers);
  add_for(Role::operate, data.operators);
  bytes_ += text_bytes(event);
  events_.push_back(std::move(event));
  ++last_;
  while (events_.size() > kMostEvents || bytes_ > kMostBytes) drop_oldest();
}

void EventRing::drop_oldest() {
  bytes_ -= text_bytes(events_.front());
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
