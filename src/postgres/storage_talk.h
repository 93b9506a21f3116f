// The words in which nodes ask each other about their storages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "core/storage.h"
#include "core/upload_request.h"

namespace vodlift::postgres {

// Which question it is.
struct QuestionId {
  std::int64_t asker = 0;  // a random number of who asks
  std::int64_t number = 0;

  bool operator==(const QuestionId&) const = default;
};

// Which storages do you have?
struct AllStorages {};

// How large is this file; which files are in this folder; which storages do you have?
using StorageMatter = std::variant<SourcePath, FileQuery, AllStorages>;

struct StorageQuestion {
  QuestionId id;
  std::int64_t node = 0;  // only this one shall answer; 0: each that has the storage
  StorageMatter matter;
};

// Why not; a file's size; files; storages.
using StorageFacts = std::variant<Error, std::int64_t, FileList, std::vector<StorageInfo>>;

struct StorageAnswer {
  QuestionId id;
  std::int64_t node = 0;  // that answers
  StorageFacts facts;
};

// An answer comes in pieces, each in a notification of its own. Their bytes one after another are its facts.
struct AnswerPiece {
  QuestionId id;
  std::int64_t node = 0;
  std::size_t at = 0;  // 0, 1, ... below `of`
  std::size_t of = 1;  // 1 to kMostPieces
  std::string bytes;
};
inline constexpr std::size_t kMostPieces = 1'024;  // a page of kMaxListedEntries files with paths of kMaxPathBytes

// The texts of notifications, kMostTalkBytes each at most. A message that is too long is cut.
inline constexpr std::size_t kMostTalkBytes = 7'900;  // PostgreSQL takes 8,000
std::string talk_text(const StorageQuestion& question);
std::vector<std::string> talk_texts(const StorageAnswer& answer);

// The reverse, for the asker `self`: questions of others, and answers to its own. monostate: it is neither.
using StorageTalk = std::variant<std::monostate, StorageQuestion, AnswerPiece>;
StorageTalk storage_talk_from(std::string_view text, std::int64_t self);

// What all pieces of an answer say. Nothing: it is not what nodes of this version say.
std::string facts_bytes(const StorageFacts& facts);
std::optional<StorageFacts> storage_facts_from(std::string_view bytes);

}  // namespace vodlift::postgres
