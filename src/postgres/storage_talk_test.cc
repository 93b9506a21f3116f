#include "postgres/storage_talk.h"

#include <gtest/gtest.h>

namespace vodlift::postgres {
namespace {

TEST(StorageTalk, IsReadAsItWasWritten) {
  const StorageTalk asked = storage_talk_from(talk_text(StorageQuestion{{77, 5}, {"sestore4", "jb", "ä b/film.mp4"}}));
  const auto* question = std::get_if<StorageQuestion>(&asked);
  ASSERT_NE(question, nullptr);
  EXPECT_EQ(question->id, (QuestionId{77, 5}));
  EXPECT_EQ(question->path.storage, "sestore4");
  EXPECT_EQ(question->path.user, "jb");
  EXPECT_EQ(question->path.file, "ä b/film.mp4");

  const StorageTalk found = storage_talk_from(talk_text(StorageAnswer{{77, 5}, std::int64_t{1'234}}));
  EXPECT_EQ(*std::get<StorageAnswer>(found).size, 1'234);
  const Error why{Errc::source_not_found, "file ä is a link"};
  const StorageTalk missing = storage_talk_from(talk_text(StorageAnswer{{77, 6}, why}));
  EXPECT_EQ(std::get<StorageAnswer>(missing).size.error().code, why.code);
  EXPECT_EQ(std::get<StorageAnswer>(missing).size.error().message, why.message);
}

TEST(StorageTalk, TheLongestFitsIntoANotification) {
  EXPECT_LE(talk_text(StorageQuestion{{INT64_MAX, INT64_MAX}, {"s", "u", std::string(kMaxPathBytes - 4, 'x')}}).size(),
            kMostTalkBytes);
  const Error why{Errc::source_not_found, std::string(10'000, '\1')};
  EXPECT_LE(talk_text(StorageAnswer{{INT64_MAX, INT64_MAX}, why}).size(), kMostTalkBytes);
}

TEST(StorageTalk, OtherTextsAreLeftOut) {
  for (const char* text :
       {"", "ask", "ask 1 2", "ask 1 2 ?", "ask 1 x c3RvcmFnZS9qYi9hLm1wNA==", "ask 1 2 Li4vLi4vYQ==", "say 1 2",
        "say 1 2 x found ", "say 1 2 -1 found ", "tell 1 2 3 found "}) {
    EXPECT_TRUE(std::holds_alternative<std::monostate>(storage_talk_from(text))) << text;
  }
  EXPECT_TRUE(
      std::holds_alternative<std::monostate>(storage_talk_from("say 1 2 0 internal " + std::string(9'000, 'x'))));
}

}  // namespace
}  // namespace vodlift::postgres
