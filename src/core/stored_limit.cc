#include "core/stored_limit.h"

#include "core/stored_account.h"

namespace vodlift {

std::optional<BandwidthLimit> read_limit(const Row& row) {
  BandwidthLimit limit;
  const auto kind = scope_kind_from(row.text("scope"));
  const auto rate = parse_rate(row.text("rate"));
  const auto windows = texts_from_json(row.text("windows"));
  if (!kind || !rate || !windows) return std::nullopt;
  limit.scope = {*kind, row.integer("account"), row.text("name")};
  limit.rate = *rate;
  limit.time_zone = row.text("time_zone");
  for (const std::string& text : *windows) {
    const auto window = parse_window(text);
    if (!window) return std::nullopt;
    limit.windows.push_back(*window);
  }
  return limit;
}

std::string windows_to_json(const BandwidthLimit& limit) {
  std::vector<std::string> texts;
  for (const BandwidthWindow& window : limit.windows) texts.push_back(to_text(window));
  return texts_to_json(texts);
}

}  // namespace vodlift
