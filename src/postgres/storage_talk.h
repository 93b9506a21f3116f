// The words in which nodes ask each other about files on their storages.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"
#include "core/upload_request.h"

namespace vodlift::postgres {

// Which question it is.
struct QuestionId {
  std::int64_t asker = 0;  // a random number of who asks
  std::int64_t number = 0;

  bool operator==(const QuestionId&) const = default;
};

// How large is this file?
struct StorageQuestion {
  QuestionId id;
  SourcePath path;
};

struct StorageAnswer {
  QuestionId id;
  Result<std::int64_t> size;
};

// The text of a notification, kMostTalkBytes at most: a message that is too long is cut.
inline constexpr std::size_t kMostTalkBytes = 7900;  // PostgreSQL takes 8,000
std::string talk_text(const StorageQuestion& question);
std::string talk_text(const StorageAnswer& answer);

// The reverse. monostate: it is no text of talk_text().
using StorageTalk = std::variant<std::monostate, StorageQuestion, StorageAnswer>;
StorageTalk storage_talk_from(std::string_view text);

}  // namespace vodlift::postgres
