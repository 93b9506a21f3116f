#include "legacy/router_test.h"

namespace vodlift::legacy {
namespace {

using FilesListTest = RouterTest;

TEST_F(FilesListTest, AnswersAListAndWhatStandsBesideIt) {
  storages_.listed = {{{"sestore4/jb/a/film.MP4", 70'000'000'000, from_unix_ms(1'699'999'999'999)},
                       {"sestore4/jb/b\"\n.txt", 0, from_unix_ms(-1)}},
                      1'234'567,
                      false,
                      3};
  const auto envelope = ask_signed(call_text("files.list", R"(,"path":"sestore4\/jb")"));
  ASSERT_EQ(verdict(envelope), "success");
  EXPECT_EQ(envelope.at("data"), boost::json::parse(R"([
    {"path":"sestore4/jb/a/film.MP4","size":70000000000,"modified":1699999999,"type":"video/mp4"},
    {"path":"sestore4/jb/b\"\n.txt","size":0,"modified":0,"type":"text/plain"}])"));
  EXPECT_EQ(envelope.at("total"), 1'234'567);
  EXPECT_EQ(envelope.at("complete"), false);
  EXPECT_EQ(envelope.at("skipped"), 3);
}

TEST_F(FilesListTest, ReadsItsFields) {
  ASSERT_EQ(verdict(ask_signed(call_text("files.list", R"(,"path":"sestore4\/jb\/")"))), "success");
  EXPECT_EQ(storages_.last_files.folder.file, "");
  EXPECT_TRUE(storages_.last_files.only_video);
  EXPECT_EQ(storages_.last_files.offset, 0);
  EXPECT_FALSE(storages_.last_files.filter);

  ASSERT_EQ(verdict(ask_signed(call_text(
                "files.list", R"(,"path":"sestore4/jb/a/b","type":"all","offset":"200","filter":"*.[mM]p4")"))),
            "success");
  EXPECT_EQ(storages_.last_files.folder.file, "a/b");
  EXPECT_FALSE(storages_.last_files.only_video);
  EXPECT_EQ(storages_.last_files.offset, 200);
  EXPECT_EQ(storages_.last_files.filter->text(), "*.[mM]p4");

  ASSERT_EQ(verdict(ask_signed(call_text("files.list", R"(,"path":"sestore4/jb","filter":"")"))), "success");
  EXPECT_FALSE(storages_.last_files.filter) << "some clients send every field they know";
}

TEST_F(FilesListTest, RefusesWhatItCannotMean) {
  const auto code = [this](std::string_view fields) {
    return verdict(ask_signed(call_text("files.list", fields))).substr(0, 4);
  };
  EXPECT_EQ(code(""), "0006");
  EXPECT_EQ(code(R"(,"path":"sestore4")"), "2001");
  EXPECT_EQ(code(R"(,"path":"sestore4/jb/../eve")"), "2001");
  EXPECT_EQ(code(R"(,"path":"sestore{#}/jb")"), "2003");
  EXPECT_EQ(code(R"(,"path":"sestore5/jb")"), "2003");
  EXPECT_EQ(code(R"(,"path":"sestore4/jb","type":"Video")"), "2001");
  EXPECT_EQ(code(R"(,"path":"sestore4/jb","offset":-1)"), "2001");
  EXPECT_EQ(code(R"(,"path":"sestore4/jb","offset":10000001)"), "2001");
  EXPECT_EQ(code(R"(,"path":"sestore4/jb","filter":"[")"), "2001");
  EXPECT_EQ(code(R"(,"path":"sestore4/jb","filter":7)"), "2001");
}

TEST_F(FilesListTest, AKeyListsNothingOutsideOfItsScope) {
  change_key([](ApiKey& key) { key.scope.path_prefix = "sestore4/jb/films"; });
  const auto code = [this](std::string_view path) {
    return verdict(ask_signed(call_text("files.list", R"(,"path":")" + std::string(path) + "\""))).substr(0, 4);
  };
  EXPECT_EQ(code("sestore4/jb/films"), "succ");
  EXPECT_EQ(code("sestore4/jb/films/"), "succ");
  EXPECT_EQ(code("sestore4/jb/films/new"), "succ");
  EXPECT_EQ(code("sestore4/jb"), "0005");
  EXPECT_EQ(code("sestore4/jb/films2"), "0005");
  EXPECT_EQ(code("sestore4/jb/films/../other"), "2001");
  EXPECT_EQ(code("sestore4/eve/films"), "2002");
}

TEST_F(FilesListTest, AnotherUsersFolderIsAsAbsent) {
  const auto eve = ask_signed(call_text("files.list", R"(,"path":"sestore4/eve")"));
  EXPECT_EQ(verdict(eve), "2002: folder sestore4/eve does not exist");
}

}  // namespace
}  // namespace vodlift::legacy
