// What nodes ask each other about storages by NOTIFY, which anybody with rights on the database can send. What was read
// fits into notifications, and is read again as it was.
#include "postgres/storage_talk.h"
#include "require.h"

namespace {

using namespace vodlift::postgres;
using vodlift::fuzz::require;

void try_question(const StorageQuestion& question) {
  const std::string text = talk_text(question);
  require(text.size() <= kMostTalkBytes, "a question fits into a notification");
  const StorageTalk again = storage_talk_from(text, 0);
  const auto* same = std::get_if<StorageQuestion>(&again);
  require(same != nullptr && same->id == question.id && talk_text(*same) == text, "a question can be read again");
}

void try_facts(const StorageFacts& facts) {
  std::string joined;
  for (const std::string& text : talk_texts({{1, 2}, 3, facts})) {
    require(text.size() <= kMostTalkBytes, "each piece fits into a notification");
    const StorageTalk talk = storage_talk_from(text, 1);
    const auto* piece = std::get_if<AnswerPiece>(&talk);
    require(piece != nullptr, "a piece can be read");
    joined += piece->bytes;
  }
  const auto again = storage_facts_from(joined);
  require(again && again->index() == facts.index() && facts_bytes(*again) == joined, "an answer can be read again");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = vodlift::fuzz::text_of(data, size);
  const StorageTalk talk = storage_talk_from(text, 77);
  if (const auto* question = std::get_if<StorageQuestion>(&talk)) try_question(*question);
  const auto* piece = std::get_if<AnswerPiece>(&talk);
  // Few inputs are right base64, so all are tried without it too.
  if (const auto facts = storage_facts_from(piece != nullptr ? std::string_view(piece->bytes) : text)) {
    try_facts(*facts);
  }
  return 0;
}
