#include "storage/tree_walk.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "base/temporary_folder_test.h"

namespace vodlift::storage {
namespace {

namespace fs = std::filesystem;

class TreeWalkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(top_ / "jb");
    root_ = UniqueFd(::open(top_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }

  void file(const std::string& name) {
    fs::create_directories((top_ / "jb" / name).parent_path());
    std::ofstream(top_ / "jb" / name) << "x";
  }

  Result<Walk> walk(const std::string& folder = "jb", WalkLimits limits = {}) {
    return walk_tree(
        {root_.get(), folder, 9, false}, limits, [](auto, auto) { return true; }, stop_);
  }
  std::vector<std::string> entries(ListDepth depth) {
    const auto found = walk_tree(
        {root_.get(), "jb", 9, false, depth}, {}, [](auto name, auto) { return name != "hidden"; }, stop_);
    EXPECT_TRUE(found);
    return found ? found->files.slice(0, 1'000'000) : std::vector<std::string>();
  }
  std::vector<std::string> paths(const std::string& folder = "jb") {
    const auto found = walk(folder);
    EXPECT_TRUE(found);
    return found ? found->files.slice(0, 1'000'000) : std::vector<std::string>();
  }

  const TemporaryFolder temporary_;
  const fs::path top_ = temporary_.path();
  UniqueFd root_;
  std::atomic<bool> stop_{false};
};

TEST_F(TreeWalkTest, OrdersByTheBytesOfTheWholePath) {
  for (const char* name : {"b/z", "b.x", "b-x", "b0", "a", "b/a/c", "b/a.c", "Z", "ä", "b/ü"}) file(name);
  const auto found = paths();
  EXPECT_EQ(found.size(), 10U);
  EXPECT_TRUE(std::ranges::is_sorted(found)) << "b-x, b.x, b/a.c, b/a/c, b/z, b0: a slash is a byte as any other";
  EXPECT_EQ(paths("jb/b"), (std::vector<std::string>{"a.c", "a/c", "z", "ü"}));
}

TEST_F(TreeWalkTest, ShowsRegularFilesOnlyAndFollowsNoLink) {
  file("film.mp4");
  file("sub/film.mp4");
  fs::create_directories(top_ / "outside");
  std::ofstream(top_ / "outside/secret.mp4") << "x";
  fs::create_symlink(top_ / "outside/secret.mp4", top_ / "jb/link.mp4");
  fs::create_symlink("film.mp4", top_ / "jb/inner.mp4");
  fs::create_directory_symlink("../outside", top_ / "jb/folder-link");
  ASSERT_EQ(::mkfifo((top_ / "jb/pipe.mp4").c_str(), 0600), 0);
  EXPECT_EQ(paths(), (std::vector<std::string>{"film.mp4", "sub/film.mp4"}));
  EXPECT_EQ(walk()->skipped, 0);

  EXPECT_EQ(walk("jb/folder-link").error().code, Errc::source_not_found);
  EXPECT_EQ(walk("jb/film.mp4").error().code, Errc::source_not_found);
  EXPECT_EQ(walk("jb/none").error().code, Errc::not_found);
}

TEST_F(TreeWalkTest, ListsWhatAFolderItselfHolds) {
  for (const char* name : {"a.b/x", "a/x", "z/deep/x", "b", "A", "hidden"}) file(name);
  fs::create_directory(top_ / "jb/hidden.d");
  fs::create_directory_symlink("a", top_ / "jb/link");
  EXPECT_EQ(entries(ListDepth::entries), (std::vector<std::string>{"a/", "a.b/", "hidden.d/", "z/", "A", "b"}));
  EXPECT_EQ(entries(ListDepth::here), (std::vector<std::string>{"A", "b"}));
}

TEST_F(TreeWalkTest, AFolderOfTooManyEntriesIsCutAndSaysSo) {
  for (int i = 0; i < 300; ++i) file("film" + std::to_string(i));
  WalkLimits limits;
  limits.entries = 100;
  const auto found = walk_tree(
      {root_.get(), "jb", 9, false, ListDepth::entries}, limits, [](auto, auto) { return true; }, stop_);
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->complete);
  EXPECT_LE(found->files.size(), 100U);
  EXPECT_GT(found->files.size(), 0U);
}

TEST_F(TreeWalkTest, LeavesOutAndCountsWhatNobodyCanName) {
  file("film.mp4");
  file("no\xff\xfeutf8.mp4");
  file("bad\xc0\xaf/film.mp4");
  const auto found = walk();
  EXPECT_EQ(found->files.slice(0, 9), std::vector<std::string>{"film.mp4"});
  EXPECT_EQ(found->skipped, 2);
  EXPECT_TRUE(found->complete);
}

TEST_F(TreeWalkTest, LeavesOutPathsThatNoUploadCanHave) {
  std::string folder = "jb";
  UniqueFd at(::open((top_ / "jb").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const std::string name(255, 'd');
  // Relative to the last: the whole is longer than any system call takes.
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(::mkdirat(at.get(), name.c_str(), 0700), 0);
    UniqueFd next(::openat(at.get(), name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    at = std::move(next);
    UniqueFd made(::openat(at.get(), "f", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    ASSERT_TRUE(made.valid());
  }
  const auto found = walk();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->files.size(), 15U) << "15 folders of 256 bytes are less than 4,095";
  EXPECT_EQ(found->skipped, 1) << "the sixteenth folder";
}

TEST_F(TreeWalkTest, EachLimitEndsItAndIsTold) {
  for (int i = 0; i < 2000; ++i) file("a" + std::to_string(i % 20) + "/file" + std::to_string(i));
  EXPECT_TRUE(walk()->complete);
  EXPECT_EQ(walk()->files.size(), 2000U);

  WalkLimits limits;
  limits.entries = 500;
  EXPECT_FALSE(walk("jb", limits)->complete);
  EXPECT_LT(walk("jb", limits)->files.size(), 500U);
  EXPECT_GT(walk("jb", limits)->files.size(), 300U);

  limits = {};
  limits.list_bytes = 4096;
  EXPECT_FALSE(walk("jb", limits)->complete);
  EXPECT_LE(walk("jb", limits)->files.bytes(), 2 * 4096U);

  limits = {};
  limits.pending_bytes = 2048;
  EXPECT_FALSE(walk("jb", limits)->complete);

  limits = {};
  limits.time = std::chrono::milliseconds(-1);
  EXPECT_FALSE(walk("jb", limits)->complete);

  stop_ = true;
  EXPECT_FALSE(walk()->complete);
}

// As someone with write access would: folders come, go and turn into links while they are walked through.
TEST_F(TreeWalkTest, ASwappedFolderNeverLeadsOutside) {
  for (int i = 0; i < 50; ++i) file("swap/inside" + std::to_string(i));
  fs::create_directories(top_ / "outside");
  std::ofstream(top_ / "outside/secret") << "x";
  fs::create_directory_symlink(top_ / "outside", top_ / "jb/link");
  std::atomic<bool> done{false};
  std::thread swapper([&] {
    const std::string one = (top_ / "jb/swap").string();
    const std::string two = (top_ / "jb/link").string();
    while (!done) ::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, two.c_str(), RENAME_EXCHANGE);
  });
  std::size_t seen = 0;
  for (int i = 0; i < 2000; ++i) {
    const auto found = walk();
    if (!found) continue;
    for (const std::string& path : found->files.slice(0, 1000)) {
      ++seen;
      EXPECT_EQ(path.find("secret"), std::string::npos);
    }
  }
  done = true;
  swapper.join();
  EXPECT_GT(seen, 0U);
}

TEST(PathList, GivesBackWhatItGot) {
  PathList list;
  std::vector<std::string> paths;
  for (int i = 0; i < 1000; ++i) paths.push_back(fmt::format("folder{:03}/file{:05}.mp4", i / 100, i));
  paths.insert(paths.end(), {"", "g", "ga", "g", std::string(4000, 'x'), std::string(4000, 'x') + "y", "ü"});
  for (const std::string& path : paths) list.add(path);
  list.close();
  EXPECT_EQ(list.size(), paths.size());
  EXPECT_EQ(list.slice(0, 10'000), paths);
  for (std::size_t first = 0; first < paths.size(); first += 7) {
    const std::vector<std::string> some = list.slice(first, 3);
    ASSERT_EQ(some.size(), std::min<std::size_t>(3, paths.size() - first));
    for (std::size_t i = 0; i < some.size(); ++i) ASSERT_EQ(some[i], paths[first + i]);
  }
  EXPECT_TRUE(list.slice(paths.size(), 1).empty());
  EXPECT_TRUE(list.slice(1'000'000'000, 1).empty());
}

TEST(PathList, TakesLittleMemory) {
  PathList list;
  for (int i = 0; i < 100'000; ++i) list.add(fmt::format("series/season{:03}/episode{:06}.mp4", i / 100, i));
  list.close();
  EXPECT_LT(list.bytes(), 100'000U * 16) << "of 34 bytes each";
}

}  // namespace
}  // namespace vodlift::storage
