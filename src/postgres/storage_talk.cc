#include "postgres/storage_talk.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

#include "base/encoding.h"
#include "base/words.h"

namespace vodlift::postgres {
namespace {

constexpr std::size_t kMostMessageBytes = 2'000;
constexpr std::size_t kPieceBytes = 5'700;  // 7,600 in base64
constexpr std::size_t kMostStorages = 10'000;

constexpr Words<ListDepth> kDepths = {
    {ListDepth::below, "below"}, {ListDepth::here, "here"}, {ListDepth::entries, "entries"}};

std::optional<std::int64_t> number_in(std::string_view word) {
  std::int64_t number = 0;
  const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (failed != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return number;
}

// Takes words off a text, each with the character behind it. What is missing or wrong is noted, and reads as nothing.
class TalkReader {
 public:
  TalkReader(std::string_view text, char end) : text_(text), end_(end) {}

  std::string_view word() {
    const std::size_t at = text_.find(end_);
    if (at == std::string_view::npos) wrong_ = true;
    const std::string_view found = text_.substr(0, at);
    text_.remove_prefix(std::min(found.size() + 1, text_.size()));
    return found;
  }
  std::int64_t number(std::int64_t lowest = 0) {
    const auto found = number_in(word());
    wrong_ = wrong_ || !found || *found < lowest;
    return found.value_or(0);
  }
  bool flag() { return number() != 0; }
  std::string text(std::size_t most) {
    const std::string_view found = word();
    wrong_ = wrong_ || found.size() > most || !is_valid_utf8(found);
    return std::string(found);
  }
  [[nodiscard]] std::string_view rest() const { return text_; }
  [[nodiscard]] bool more() const { return !wrong_ && !text_.empty(); }
  [[nodiscard]] bool right() const { return !wrong_; }

 private:
  std::string_view text_;
  const char end_;
  bool wrong_ = false;
};

// What is asked and what is told: words that end in NUL, which no path and no message has.
template <class... Word>
std::string ended_words(const Word&... word) {
  std::string bytes;
  ((bytes += fmt::format("{}", word), bytes += '\0'), ...);
  return bytes;
}

std::string path_text(const SourcePath& path) {
  std::string text = path.storage + "/" + path.user;
  if (!path.file.empty()) text += "/" + path.file;
  return text;
}

std::string matter_bytes(const SourcePath& path) { return ended_words("file", path_text(path)); }

std::string matter_bytes(const FileQuery& query) {
  return ended_words("list", path_text(query.folder), kDepths.word(query.depth), query.only_video ? 1 : 0,
                     query.filter ? query.filter->text() : "", query.offset, query.limit);
}

std::string matter_bytes(const AllStorages& /*all*/) { return ended_words("storages"); }

std::optional<StorageMatter> list_from(TalkReader& reader) {
  auto folder = parse_folder_path(reader.word());
  const auto depth = kDepths.value(reader.word());
  FileQuery query;
  query.only_video = reader.flag();
  const std::string_view filter = reader.word();
  query.offset = reader.number();
  query.limit = static_cast<std::size_t>(reader.number());
  if (!reader.right() || !folder || !depth) return std::nullopt;
  query.folder = std::move(*folder);
  query.depth = *depth;
  query.limit = std::min(query.limit, kMaxListedEntries);
  if (filter.empty()) return query;
  auto wildcard = Wildcard::parse(filter);
  if (!wildcard) return std::nullopt;
  query.filter = std::move(*wildcard);
  return query;
}

std::optional<StorageMatter> matter_from(std::string_view bytes) {
  TalkReader reader(bytes, '\0');
  const std::string_view what = reader.word();
  if (what == "storages") return AllStorages{};
  if (what == "list") return list_from(reader);
  if (what != "file") return std::nullopt;
  auto path = parse_source_path(reader.word());
  if (!reader.right() || !path) return std::nullopt;
  return std::move(*path);
}

std::string bytes_of_facts(const Error& why) {
  return ended_words("error", info(why.code).name, printable(why.message, kMostMessageBytes),
                     printable(why.detail, kMostMessageBytes));
}

std::string bytes_of_facts(std::int64_t size) { return ended_words("file", size); }

// Of each path, what it does not share with the one before.
std::string bytes_of_facts(const FileList& list) {
  std::string bytes = ended_words("list", list.total, list.complete ? 1 : 0, list.skipped);
  std::string_view last;
  for (const ListedFile& file : list.files) {
    const auto differs = std::ranges::mismatch(last, file.path).in1;
    const auto shared = static_cast<std::size_t>(differs - last.begin());
    bytes += ended_words(shared, std::string_view(file.path).substr(shared), file.size, to_unix_ms(file.modified),
                         file.folder ? 1 : 0);
    last = file.path;
  }
  return bytes;
}

std::string bytes_of_facts(const std::vector<StorageInfo>& storages) {
  std::string bytes = ended_words("storages");
  for (const StorageInfo& one : storages) {
    bytes += ended_words(one.name, one.available ? 1 : 0, one.bytes_free, one.gone_for ? one.gone_for->count() : -1,
                         one.bare ? 1 : 0);
  }
  return bytes;
}

std::optional<StorageFacts> error_from(TalkReader& reader) {
  const std::string_view code = reader.word();
  const std::string_view message = reader.word();
  const std::string_view detail = reader.word();
  if (!reader.right()) return std::nullopt;
  return Error{errc_from_name(code), printable(message, kMostMessageBytes), printable(detail, kMostMessageBytes)};
}

std::optional<StorageFacts> files_from(TalkReader& reader) {
  FileList list;
  list.total = reader.number();
  list.complete = reader.flag();
  list.skipped = reader.number();
  std::string path;
  while (reader.more() && list.files.size() < kMaxListedEntries) {
    const auto shared = static_cast<std::size_t>(reader.number());
    if (shared > path.size()) return std::nullopt;
    path.replace(shared, std::string::npos, reader.word());
    if (path.size() > kMaxPathBytes || !is_valid_utf8(path)) return std::nullopt;
    const std::int64_t size = reader.number();
    const WallTime modified = from_unix_ms(reader.number(INT64_MIN));
    list.files.push_back({path, size, modified, reader.flag()});
  }
  if (!reader.right() || !reader.rest().empty()) return std::nullopt;
  return list;
}

std::optional<StorageFacts> storages_from(TalkReader& reader) {
  std::vector<StorageInfo> storages;
  while (reader.more() && storages.size() < kMostStorages) {
    StorageInfo& one = storages.emplace_back();
    one.name = reader.text(kMaxPathBytes);
    one.available = reader.flag();
    one.bytes_free = reader.number();
    const std::int64_t gone = reader.number(-1);
    if (gone >= 0) one.gone_for = std::chrono::seconds(gone);
    one.bare = reader.flag();
  }
  if (!reader.right() || !reader.rest().empty()) return std::nullopt;
  return storages;
}

StorageTalk question_from(const QuestionId& id, TalkReader& reader) {
  const std::int64_t node = reader.number();
  const auto bytes = from_base64(reader.rest());
  if (!reader.right() || !bytes) return {};
  auto matter = matter_from(*bytes);
  if (!matter) return {};
  return StorageQuestion{id, node, std::move(*matter)};
}

StorageTalk piece_from(const QuestionId& id, TalkReader& reader) {
  AnswerPiece piece;
  piece.id = id;
  piece.node = reader.number();
  piece.at = static_cast<std::size_t>(reader.number());
  piece.of = static_cast<std::size_t>(reader.number(1));
  auto bytes = from_base64(reader.rest());
  if (!reader.right() || !bytes || piece.at >= piece.of || piece.of > kMostPieces) return {};
  piece.bytes = std::move(*bytes);
  return piece;
}

}  // namespace

std::string talk_text(const StorageQuestion& question) {
  const std::string bytes = std::visit([](const auto& matter) { return matter_bytes(matter); }, question.matter);
  return fmt::format("ask {} {} {} {}", question.id.asker, question.id.number, question.node,
                     to_base64(bytes_of(bytes)));
}

std::vector<std::string> talk_texts(const StorageAnswer& answer) {
  const std::string bytes = facts_bytes(answer.facts);
  const std::size_t pieces = (bytes.size() + kPieceBytes - 1) / kPieceBytes;
  std::vector<std::string> texts;
  for (std::size_t at = 0; at < pieces; ++at) {
    const std::string_view piece = std::string_view(bytes).substr(at * kPieceBytes, kPieceBytes);
    texts.push_back(fmt::format("say {} {} {} {} {} {}", answer.id.asker, answer.id.number, answer.node, at, pieces,
                                to_base64(bytes_of(piece))));
  }
  return texts;
}

StorageTalk storage_talk_from(std::string_view text, std::int64_t self) {
  if (text.size() > kMostTalkBytes) return {};
  TalkReader reader(text, ' ');
  const std::string_view word = reader.word();
  const QuestionId id{reader.number(), reader.number()};
  if (word == "ask" && id.asker != self) return question_from(id, reader);
  if (word == "say" && id.asker == self) return piece_from(id, reader);
  return {};
}

std::string facts_bytes(const StorageFacts& facts) {
  return std::visit([](const auto& one) { return bytes_of_facts(one); }, facts);
}

std::optional<StorageFacts> storage_facts_from(std::string_view bytes) {
  TalkReader reader(bytes, '\0');
  const std::string_view what = reader.word();
  if (what == "error") return error_from(reader);
  if (what == "list") return files_from(reader);
  if (what == "storages") return storages_from(reader);
  if (what != "file") return std::nullopt;
  const std::int64_t size = reader.number();
  if (!reader.right()) return std::nullopt;
  return size;
}

}  // namespace vodlift::postgres
