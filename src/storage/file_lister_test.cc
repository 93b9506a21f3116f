#include "storage/file_lister.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "base/temporary_folder_test.h"

namespace vodlift::storage {
namespace {

namespace fs = std::filesystem;

class FileListerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(top_ / "jb/sub");
    for (int i = 0; i < 250; ++i) file("film" + std::to_string(1000 + i) + ".mp4");
    file("note.txt");
    file("sub/other.mkv", "12345");
    root_ = std::make_shared<const UniqueFd>(::open(top_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }

  void file(const std::string& name, std::string_view text = "x") { std::ofstream(top_ / "jb" / name) << text; }

  static FileQuery query(std::int64_t offset = 0, const std::string& filter = "", bool only_video = true) {
    FileQuery out;
    out.folder = {"sestore4", "jb", ""};
    out.offset = offset;
    out.only_video = only_video;
    if (!filter.empty()) out.filter = *Wildcard::parse(filter);
    return out;
  }
  Result<FileList> ask(FileLister& lister, FileQuery asked) {
    std::promise<Result<FileList>> promise;
    lister.list(
        std::move(asked), [this]() -> Result<FileLister::Root> { return root_; },
        [&](Result<FileList> list) { promise.set_value(std::move(list)); });
    return promise.get_future().get();
  }

  const TemporaryFolder temporary_;
  const fs::path top_ = temporary_.path();
  FileLister::Root root_;
  std::shared_ptr<WalkCache> cache_ = std::make_shared<WalkCache>();
};

TEST_F(FileListerTest, GoesThroughAFolderPageByPage) {
  FileLister lister("sestore4", false, cache_);
  std::vector<std::string> all;
  for (const std::int64_t offset : {0, 100, 200, 300}) {
    const auto list = ask(lister, query(offset));
    ASSERT_TRUE(list);
    EXPECT_EQ(list->total, 251);
    EXPECT_TRUE(list->complete);
    for (const ListedFile& one : list->files) all.push_back(one.path);
  }
  EXPECT_EQ(all.size(), 251U);
  EXPECT_EQ(all.front(), "sestore4/jb/film1000.mp4");
  EXPECT_EQ(all.back(), "sestore4/jb/sub/other.mkv");
  EXPECT_TRUE(std::ranges::is_sorted(all));
}

TEST_F(FileListerTest, TellsSizeAndTime) {
  FileLister lister("sestore4", false, cache_);
  const timespec times[2] = {{1'600'000'000, 0}, {1'600'000'001, 999'999'999}};
  ASSERT_EQ(::utimensat(AT_FDCWD, (top_ / "jb/sub/other.mkv").c_str(), times, 0), 0);
  const auto list = ask(lister, query(0, "other.*"));
  ASSERT_EQ(list->files.size(), 1U);
  EXPECT_EQ(list->files[0].size, 5);
  EXPECT_EQ(to_unix_ms(list->files[0].modified), 1'600'000'001'000);
}

TEST_F(FileListerTest, FiltersByTypeAndName) {
  FileLister lister("sestore4", false, cache_);
  EXPECT_EQ(ask(lister, query(0, "", false))->total, 252);
  EXPECT_EQ(ask(lister, query(0, "*.txt", false))->total, 1);
  EXPECT_EQ(ask(lister, query(0, "*.txt"))->total, 0);
  EXPECT_EQ(ask(lister, query(0, "film10[0-4]?.*"))->total, 50);
  EXPECT_EQ(ask(lister, query(0, "sub/*"))->total, 1);
  EXPECT_EQ(ask(lister, query(0, "*/*.mp4"))->total, 0);
}

TEST_F(FileListerTest, ListsWhatAFolderItselfHolds) {
  FileLister lister("sestore4", false, cache_);
  FileQuery asked = query();
  asked.depth = ListDepth::entries;
  asked.limit = 10;
  const auto first = ask(lister, asked);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->total, 251) << "a folder and 250 films";
  ASSERT_EQ(first->files.size(), 10U);
  EXPECT_EQ(first->files[0].path, "sestore4/jb/sub");
  EXPECT_TRUE(first->files[0].folder);
  EXPECT_EQ(first->files[1].path, "sestore4/jb/film1000.mp4");
  EXPECT_FALSE(first->files[1].folder);
  EXPECT_EQ(first->files[1].size, 1);

  asked.offset = 200;
  asked.limit = 1'000'000;
  EXPECT_EQ(ask(lister, asked)->files.size(), 51U);
  asked.depth = ListDepth::below;
  EXPECT_EQ(ask(lister, asked)->total, 251) << "250 films, and the one in the folder";
  asked.depth = ListDepth::here;
  EXPECT_EQ(ask(lister, asked)->total, 250);
}

TEST_F(FileListerTest, TheFirstPageIsFreshAndThoseBehindItBelongToIt) {
  FileLister lister("sestore4", false, cache_);
  ASSERT_EQ(ask(lister, query())->total, 251);
  file("film0000.mp4");
  fs::remove(top_ / "jb/film1100.mp4");
  const auto second = ask(lister, query(100));
  EXPECT_EQ(second->total, 251);
  EXPECT_EQ(second->files.size(), 99U) << "a file that has gone is not shown";
  EXPECT_EQ(second->files.front().path, "sestore4/jb/film1101.mp4") << "nothing moved";
  EXPECT_EQ(ask(lister, query())->files.front().path, "sestore4/jb/film0000.mp4");
}

TEST_F(FileListerTest, OthersWaitOnlySoMany) {
  FileLister lister("sestore4", false, cache_);
  std::promise<void> entered;
  std::promise<void> go_on;
  std::atomic<int> answered{0};
  lister.list(
      query(),
      [&]() -> Result<FileLister::Root> {
        entered.set_value();
        go_on.get_future().wait();
        return root_;
      },
      [&](const Result<FileList>& list) { answered += list ? 1 : 100; });
  entered.get_future().wait();
  const auto quick = [this]() -> Result<FileLister::Root> { return root_; };
  for (int i = 1; i < FileLister::kMaxOfAccount; ++i) {
    lister.list(query(), quick, [&](const Result<FileList>& list) { answered += list ? 1 : 100; });
  }
  Errc refused = Errc::internal;
  lister.list(query(), quick, [&](const Result<FileList>& list) { refused = list.error().code; });
  EXPECT_EQ(refused, Errc::overloaded) << "answered at once";

  int others = 0;
  for (int user = 0; user < 100; ++user) {
    FileQuery other = query();
    other.folder.user = "user" + std::to_string(user);
    lister.list(other, quick, [&](const Result<FileList>& list) { others += list.error().code == Errc::overloaded; });
  }
  EXPECT_EQ(others, 100 - static_cast<int>(FileLister::kMaxWaiting) + FileLister::kMaxOfAccount - 1);
  go_on.set_value();
  lister.stop();
  EXPECT_EQ(answered, FileLister::kMaxOfAccount);
}

TEST(WalkCache, KeepsSoManyForSoLong) {
  WalkCache cache;
  const auto now = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i <= WalkCache::kMaxWalks; ++i) {
    cache.put(std::to_string(i), std::make_shared<const Walk>(), now + std::chrono::milliseconds(i));
  }
  EXPECT_EQ(cache.find("0", now), nullptr) << "the oldest made room";
  EXPECT_NE(cache.find("1", now), nullptr);
  EXPECT_EQ(cache.find("1", now + WalkCache::kMaxAge + std::chrono::milliseconds(2)), nullptr);
  EXPECT_NE(cache.find("9", now), nullptr);

  const auto large = [] {
    auto walk = std::make_shared<Walk>();
    while (walk->files.bytes() < WalkCache::kMaxBytes / 2 - 100'000) {
      for (int i = 0; i < 64; ++i) walk->files.add(std::string(60'000, static_cast<char>('a' + i)));
    }
    walk->files.close();
    return std::shared_ptr<const Walk>(walk);
  };
  cache.put("large1", large(), now);
  cache.put("large2", large(), now);
  EXPECT_NE(cache.find("large1", now), nullptr);
  cache.put("large3", large(), now);
  EXPECT_NE(cache.find("large3", now), nullptr);
  EXPECT_EQ(cache.find("large1", now), nullptr);
  EXPECT_EQ(cache.find("9", now), nullptr) << "bytes are limited in all";
}

}  // namespace
}  // namespace vodlift::storage
