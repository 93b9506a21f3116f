#include "core/removal.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>
#include <vector>

#include "base/encoding.h"

namespace vodlift {
namespace {

constexpr std::size_t kMaxShownName = 128;

std::string counted(std::int64_t count, std::string_view noun) {
  return fmt::format("{}{} {}{}", count, count >= kMostUses ? " or more" : "", noun, count == 1 ? "" : "s");
}

std::string uploads_in_words(const Uses& uses) {
  std::vector<std::string> states;
  for (const auto& [count, word] :
       {std::pair(uses.queued, "queued"), std::pair(uses.paused, "paused"), std::pair(uses.uploading, "uploading")}) {
    if (count > 0) states.push_back(fmt::format("{} {}", count, word));
  }
  if (states.empty()) return {};
  return fmt::format("{} ({})", counted(uses.queued + uses.paused + uses.uploading, "upload"), fmt::join(states, ", "));
}

}  // namespace

std::string to_text(const Removable& one) {
  const std::string name = printable(one.name, kMaxShownName);
  switch (one.kind) {
    case RemovableKind::account:
      break;
    case RemovableKind::key:
      return fmt::format("API key {}", name);
    case RemovableKind::bucket:
      return fmt::format("bucket {} of account {}", name, one.cdn);
  }
  return fmt::format("account {}", one.cdn);
}

std::string to_text(const Uses& uses) {
  std::vector<std::string> parts;
  if (auto uploads = uploads_in_words(uses); !uploads.empty()) parts.push_back(std::move(uploads));
  for (const auto& [count, noun] :
       {std::pair(uses.callbacks, "callback"), std::pair(uses.multiparts, "multipart upload"),
        std::pair(uses.keys, "API key"), std::pair(uses.buckets, "bucket"), std::pair(uses.tokens, "token")}) {
    if (count > 0) parts.push_back(counted(count, noun));
  }
  if (parts.empty()) return {};
  const std::string last = std::move(parts.back());
  parts.pop_back();
  return parts.empty() ? last : fmt::format("{} and {}", fmt::join(parts, ", "), last);
}

Error being_removed(const Removable& one) {
  return {Errc::wrong_state, to_text(one) + " is being removed: nothing new is made for it",
          "to keep it after all, remove it with --keep"};
}

}  // namespace vodlift
