// What nodes ask each other about files by NOTIFY, which anybody with rights on the database can send. What was read
// fits into a notification, and can be read again.
#include "postgres/storage_talk.h"
#include "require.h"

namespace {

using vodlift::fuzz::require;

std::string sent_on(const std::string& text) {
  require(text.size() <= vodlift::postgres::kMostTalkBytes, "it can be sent on");
  return text;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vodlift::postgres;
  const StorageTalk talk = storage_talk_from(vodlift::fuzz::text_of(data, size));
  if (const auto* question = std::get_if<StorageQuestion>(&talk)) {
    const StorageTalk again = storage_talk_from(sent_on(talk_text(*question)));
    const auto* same = std::get_if<StorageQuestion>(&again);
    require(same != nullptr && same->id == question->id && same->path.storage == question->path.storage &&
                same->path.user == question->path.user && same->path.file == question->path.file,
            "a question can be read again");
  }
  if (const auto* answer = std::get_if<StorageAnswer>(&talk)) {
    const StorageTalk again = storage_talk_from(sent_on(talk_text(*answer)));
    const auto* same = std::get_if<StorageAnswer>(&again);
    require(same != nullptr && same->id == answer->id && same->size.has_value() == answer->size.has_value() &&
                (answer->size ? *same->size == *answer->size : same->size.error().code == answer->size.error().code),
            "an answer can be read again");
  }
  return 0;
}
