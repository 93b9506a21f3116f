#include "postgres/storage_talk.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/encoding.h"

namespace vodlift::postgres {
namespace {

constexpr std::size_t kMostMessageBytes = 2'000;

std::string_view next_word(std::string_view& text) {
  const std::size_t at = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return word;
}

std::optional<std::int64_t> next_number(std::string_view& text) {
  const std::string_view word = next_word(text);
  std::int64_t number = 0;
  const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (failed != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return number;
}

StorageTalk question_from(const QuestionId& id, std::string_view rest) {
  const auto bytes = from_base64(rest);
  if (!bytes) return {};
  auto path = parse_source_path(*bytes);
  if (!path) return {};
  return StorageQuestion{id, std::move(*path)};
}

StorageTalk answer_from(const QuestionId& id, std::string_view rest) {
  const auto size = next_number(rest);
  if (!size || *size < 0) return {};
  const std::string_view what = next_word(rest);
  if (what == "found") return StorageAnswer{id, *size};
  return StorageAnswer{id, Error{errc_from_name(what), printable(rest, kMostMessageBytes)}};
}

}  // namespace

std::string talk_text(const StorageQuestion& question) {
  const SourcePath& path = question.path;
  return fmt::format("ask {} {} {}", question.id.asker, question.id.number,
                     to_base64(bytes_of(fmt::format("{}/{}/{}", path.storage, path.user, path.file))));
}

std::string talk_text(const StorageAnswer& answer) {
  const auto& [asker, number] = answer.id;
  if (answer.size) return fmt::format("say {} {} {} found ", asker, number, *answer.size);
  const Error& why = answer.size.error();
  return fmt::format("say {} {} 0 {} {}", asker, number, info(why.code).name,
                     printable(why.message, kMostMessageBytes));
}

StorageTalk storage_talk_from(std::string_view text) {
  if (text.size() > kMostTalkBytes) return {};
  const std::string_view word = next_word(text);
  const auto asker = next_number(text);
  const auto number = next_number(text);
  if (!asker || !number) return {};
  const QuestionId id{*asker, *number};
  if (word == "ask") return question_from(id, text);
  if (word == "say") return answer_from(id, text);
  return {};
}

}  // namespace vodlift::postgres
