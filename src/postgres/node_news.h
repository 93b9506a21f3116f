// The words in which nodes tell each other what changed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/change_feed.h"

namespace vodlift::postgres {

// What one NOTIFY tells.
struct NodeNews {
  std::int64_t sender = 0;  // a number of the node's connection
  std::vector<Change> changes;
};

// The text of a notification, kMostNewsBytes at most. Changes that do not fit are told together: anything of their kind
// may have changed.
inline constexpr std::size_t kMostNewsBytes = 7900;  // PostgreSQL takes 8,000
std::string news_text(const NodeNews& news);

// The reverse. Nothing: it is no text of news_text(); kinds that this build does not know are left out.
std::optional<NodeNews> node_news_from(std::string_view text);

}  // namespace vodlift::postgres
