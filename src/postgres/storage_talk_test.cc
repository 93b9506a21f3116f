#include "postgres/storage_talk.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace vodlift::postgres {
namespace {

StorageMatter asked_again(StorageMatter matter) {
  const StorageTalk talk = storage_talk_from(talk_text(StorageQuestion{{77, 5}, 3, std::move(matter)}), 78);
  const auto& question = std::get<StorageQuestion>(talk);
  EXPECT_EQ(question.id, (QuestionId{77, 5}));
  EXPECT_EQ(question.node, 3);
  return question.matter;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string bytes;
  for (std::size_t at = 0; at < texts.size(); ++at) {
    EXPECT_LE(texts[at].size(), kMostTalkBytes);
    const StorageTalk talk = storage_talk_from(texts[at], 77);
    const auto& piece = std::get<AnswerPiece>(talk);
    EXPECT_EQ(piece.id, (QuestionId{77, 5}));
    EXPECT_EQ(piece.node, 3);
    EXPECT_EQ(piece.at, at);
    EXPECT_EQ(piece.of, texts.size());
    bytes += piece.bytes;
  }
  return bytes;
}

template <class Facts>
Facts told_again(const Facts& facts) {
  return std::get<Facts>(storage_facts_from(joined(talk_texts({{77, 5}, 3, facts}))).value());
}

TEST(StorageTalk, QuestionsAreReadAsTheyWereWritten) {
  const auto path = std::get<SourcePath>(asked_again(SourcePath{"sestore4", "jb", "ä b/film.mp4"}));
  EXPECT_EQ(path.storage, "sestore4");
  EXPECT_EQ(path.user, "jb");
  EXPECT_EQ(path.file, "ä b/film.mp4");
  EXPECT_TRUE(std::holds_alternative<AllStorages>(asked_again(AllStorages{})));

  FileQuery query{.folder = {"sestore4", "jb", ""}, .depth = ListDepth::entries, .only_video = false};
  query.filter = Wildcard::parse("*.mp4").value();
  query.offset = 200;
  query.limit = 1'000;
  const auto same = std::get<FileQuery>(asked_again(query));
  EXPECT_EQ(same.folder.user, "jb");
  EXPECT_EQ(same.folder.file, "");
  EXPECT_EQ(same.depth, ListDepth::entries);
  EXPECT_FALSE(same.only_video);
  EXPECT_EQ(same.filter->text(), "*.mp4");
  EXPECT_EQ(same.offset, 200);
  EXPECT_EQ(same.limit, 1'000U);
  EXPECT_FALSE(std::get<FileQuery>(asked_again(FileQuery{.folder = {"s", "u", "a/b"}})).filter);
}

TEST(StorageTalk, AnswersAreReadAsTheyWereWritten) {
  EXPECT_EQ(told_again(std::int64_t{1'234}), 1'234);
  const Error why = told_again(Error{Errc::source_not_found, "file ä is a link", "/srv/files"});
  EXPECT_EQ(why.code, Errc::source_not_found);
  EXPECT_EQ(why.message, "file ä is a link");
  EXPECT_EQ(why.detail, "/srv/files");

  const auto storages = told_again(std::vector<StorageInfo>{{"a", true, std::int64_t{1} << 40, std::nullopt, false},
                                                            {"b", false, 0, std::chrono::seconds(7), true}});
  ASSERT_EQ(storages.size(), 2U);
  EXPECT_EQ(storages[0].name, "a");
  EXPECT_TRUE(storages[0].available && !storages[0].gone_for && !storages[0].bare);
  EXPECT_EQ(storages[0].bytes_free, std::int64_t{1} << 40);
  EXPECT_TRUE(!storages[1].available && storages[1].bare);
  EXPECT_EQ(storages[1].gone_for, std::chrono::seconds(7));
}

TEST(StorageTalk, ALongListComesInPieces) {
  FileList list{.total = 5'000, .complete = false, .skipped = 3};
  for (std::size_t number = 0; number < kMaxListedEntries; ++number) {
    // The longest paths, which share next to nothing.
    std::string path = std::to_string(number) + "\n ä";
    path.resize(kMaxPathBytes, 'x');
    list.files.push_back(
        {path, std::int64_t{1} << 45, from_unix_ms(-5 + static_cast<std::int64_t>(number)), number % 2 == 0});
  }
  EXPECT_GT(talk_texts({{77, 5}, 3, list}).size(), 500U);
  const FileList same = told_again(list);
  EXPECT_EQ(same.total, 5'000);
  EXPECT_FALSE(same.complete);
  EXPECT_EQ(same.skipped, 3);
  ASSERT_EQ(same.files.size(), list.files.size());
  for (std::size_t at = 0; at < same.files.size(); ++at) {
    EXPECT_EQ(same.files[at].path, list.files[at].path);
    EXPECT_EQ(same.files[at].size, list.files[at].size);
    EXPECT_EQ(same.files[at].modified, list.files[at].modified);
    EXPECT_EQ(same.files[at].folder, list.files[at].folder);
  }
}

TEST(StorageTalk, APageOfFilesInOneFolderIsOneNotification) {
  FileList list{.total = 100};
  const std::string folder = "sestore4/jb/" + std::string(1'000, 'x') + "/";
  for (int number = 100; number < 200; ++number) {
    list.files.push_back(
        {folder + std::to_string(number) + " holiday.mp4", 1'234'567, from_unix_ms(1'700'000'000'000)});
  }
  EXPECT_EQ(talk_texts({{77, 5}, 3, list}).size(), 1U);
}

TEST(StorageTalk, TheLongestQuestionFitsIntoANotification) {
  FileQuery query{.folder = {"s", "u", std::string(kMaxPathBytes - 4, 'x')}, .depth = ListDepth::entries};
  query.filter = Wildcard::parse(std::string(Wildcard::kMaxBytes, '*')).value();
  query.offset = INT64_MAX;
  EXPECT_LE(talk_text({{INT64_MAX, INT64_MAX}, INT64_MAX, query}).size(), kMostTalkBytes);
  EXPECT_LE(told_again(Error{Errc::source_not_found, std::string(10'000, '\1')}).message.size(), 2'100U);
}

TEST(StorageTalk, OtherTextsAreLeftOut) {
  for (const char* text : {"", "ask", "ask 1 2", "ask 1 2 3", "ask 1 2 3 ?", "ask 1 x 3 c3RvcmFnZXMA",
                           "ask 1 2 3 ZmlsZQAuLi8uLi9hAA==", "say 1 2", "say 1 2 3 4", "say 1 2 3 1 1 c3RvcmFnZXMA",
                           "say 1 2 3 0 1025 c3RvcmFnZXMA", "say 1 2 3 -1 1 c3RvcmFnZXMA", "tell 1 2 3 c3RvcmFnZXMA"}) {
    EXPECT_TRUE(std::holds_alternative<std::monostate>(storage_talk_from(text, text[0] == 's' ? 1 : 0))) << text;
  }
  const std::string right = "ask 1 2 3 c3RvcmFnZXMA";
  EXPECT_FALSE(std::holds_alternative<std::monostate>(storage_talk_from(right, 0)));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(storage_talk_from(right, 1))) << "its own question";
  const std::string other = "say 1 2 3 0 1 c3RvcmFnZXMA";
  EXPECT_TRUE(std::holds_alternative<AnswerPiece>(storage_talk_from(other, 1)));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(storage_talk_from(other, 2))) << "somebody else's answer";
  EXPECT_TRUE(std::holds_alternative<std::monostate>(storage_talk_from(right + std::string(9'000, '\n'), 0)));

  using namespace std::string_literals;
  for (const std::string& bytes :
       {""s, "file"s, "file\0"s, "file\0-1\0"s, "file\0x\0"s, "list\0"s,
        "list\0001\0001\0000\0001\0a\0001\0001\0000\0"s, "list\0001\0001\0000\0000\0\xff\0001\0001\0000\0"s,
        "list\0001\0001\0000\0000\0a\0-1\0001\0000\0"s, "storages\0a\0"s, "storages\0\xff\0001\0001\000-1\0000\0"s,
        "error\0"s, "nothing\0"s}) {
    EXPECT_FALSE(storage_facts_from(bytes)) << bytes;
  }
}

}  // namespace
}  // namespace vodlift::postgres
