#include "storage/confined_storages.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/await.h"
#include "base/new_threads_test.h"
#include "base/temporary_folder_test.h"

namespace vodlift::storage {
namespace {

namespace fs = std::filesystem;

class ConfinedStoragesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = top_ / "root";
    fs::create_directories(root_ / "jb/videos");
    fs::create_directories(top_ / "outside");
    write(root_ / "jb/videos/a.mp4", "inside");
    write(top_ / "outside/secret", "outside");
  }

  static void write(const fs::path& path, std::string_view text) { std::ofstream(path, std::ios::binary) << text; }

  Errc refusal(const std::string& file) {
    ConfinedStorages storages({{"sestore4", root_.string()}});
    const auto opened = storages.open({"sestore4", "jb", file});
    EXPECT_FALSE(opened) << file;
    if (opened) return Errc::internal;
    message_ = opened.error().message;
    return opened.error().code;
  }

  const TemporaryFolder temporary_;
  const fs::path top_ = temporary_.path();
  fs::path root_;
  std::string message_;
};

TEST_F(ConfinedStoragesTest, OpensARegularFile) {
  ConfinedStorages storages({{"sestore4", root_.string()}});
  const auto file = storages.open({"sestore4", "jb", "videos/a.mp4"});
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ((*file)->identity().size, 6);
  std::vector<std::uint8_t> buffer(6);
  ASSERT_TRUE((*file)->read(0, buffer));
  EXPECT_EQ(std::string(buffer.begin(), buffer.end()), "inside");
}

TEST_F(ConfinedStoragesTest, OpensWhatIsInMemoryWithoutWaiting) {
  ConfinedStorages storages({{"sestore4", root_.string()}});
  ASSERT_TRUE(storages.open({"sestore4", "jb", "videos/a.mp4"}));
  const auto again = storages.open_cached({"sestore4", "jb", "videos/a.mp4"});
  ASSERT_TRUE(again && *again);
  EXPECT_EQ((**again)->identity().size, 6);
  EXPECT_FALSE(storages.open_cached({"sestore4", "jb", "videos/absent.mp4"})) << "why is for open() to say";
  EXPECT_FALSE(storages.open_cached({"sestore9", "jb", "videos/a.mp4"}));
  fs::create_symlink("a.mp4", root_ / "jb/videos/link.mp4");
  EXPECT_FALSE(storages.open_cached({"sestore4", "jb", "videos/link.mp4"}));
}

// As when another file system is mounted over the root.
TEST_F(ConfinedStoragesTest, TakesWhatIsAtTheRootsPathNow) {
  ConfinedStorages storages({{"sestore4", root_.string()}});
  ASSERT_TRUE(storages.open({"sestore4", "jb", "videos/a.mp4"}));
  fs::rename(root_, top_ / "before");
  fs::create_directories(root_ / "jb/videos");
  std::ofstream(root_ / "jb/videos/a.mp4") << "another file";
  std::int64_t size = 0;
  for (int tries = 0; tries < 1000 && size != 12; ++tries) {
    const auto file = storages.open({"sestore4", "jb", "videos/a.mp4"});
    ASSERT_TRUE(file) << file.error().message;
    size = (*file)->identity().size;
    if (size != 12) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(size, 12);
  EXPECT_TRUE(storages.list().front().available);
  fs::remove_all(root_);
  for (int tries = 0; tries < 1000 && storages.list().front().available; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_FALSE(storages.list().front().available);
}

TEST_F(ConfinedStoragesTest, WhatMayNotBeLocalIsNotOpenedWithoutWaiting) {
  ConfinedStorages storages({{.name = "sestore4", .root = root_.string(), .cross_mounts = true}});
  ASSERT_TRUE(storages.open({"sestore4", "jb", "videos/a.mp4"}));
  EXPECT_FALSE(storages.open_cached({"sestore4", "jb", "videos/a.mp4"}));
}

TEST_F(ConfinedStoragesTest, RefusesEverySymbolicLink) {
  fs::create_symlink(top_ / "outside/secret", root_ / "jb/absolute");
  fs::create_symlink("../../outside/secret", root_ / "jb/relative");
  fs::create_symlink("videos/a.mp4", root_ / "jb/inside");
  fs::create_directory_symlink("videos", root_ / "jb/folder");
  for (const char* file : {"absolute", "relative", "inside", "folder/a.mp4"}) {
    EXPECT_EQ(refusal(file), Errc::source_not_found) << file;
    EXPECT_NE(message_.find("symbolic link"), std::string::npos) << message_;
  }
}

TEST_F(ConfinedStoragesTest, RefusesWaysOutOfTheRoot) {
  for (const char* file : {"../../outside/secret", "/etc/passwd/../../outside/secret"}) {
    EXPECT_EQ(refusal(file), Errc::source_not_found) << file;
  }
}

TEST_F(ConfinedStoragesTest, RefusesWhatIsNotARegularFileWithoutHanging) {
  ASSERT_EQ(::mkfifo((root_ / "jb/fifo").c_str(), 0600), 0);
  EXPECT_EQ(refusal("fifo"), Errc::source_not_found);
  EXPECT_EQ(refusal("videos"), Errc::source_not_found);
  EXPECT_NE(message_.find("directory"), std::string::npos);
}

TEST_F(ConfinedStoragesTest, TellsAbsentFileUnknownStorageAndMissingRootApart) {
  EXPECT_EQ(refusal("videos/none.mp4"), Errc::source_not_found);
  EXPECT_EQ(refusal("videos/a.mp4/below"), Errc::source_not_found);
  EXPECT_EQ(refusal(std::string(300, 'x')), Errc::source_not_found);
  ConfinedStorages storages({{"sestore4", (top_ / "later").string()}});
  EXPECT_EQ(storages.open({"sestore9", "jb", "a"}).error().code, Errc::storage_unknown);
  EXPECT_EQ(storages.open({"sestore4", "jb", "a.mp4"}).error().code, Errc::storage_unavailable);
  EXPECT_FALSE(storages.list().at(0).available);
  // Mounted later: found without a restart.
  fs::create_directories(top_ / "later/jb");
  write(top_ / "later/jb/a.mp4", "x");
  EXPECT_TRUE(storages.open({"sestore4", "jb", "a.mp4"}));
  EXPECT_TRUE(storages.list().at(0).available);
  EXPECT_GT(storages.list().at(0).bytes_free, 0);
}

TEST_F(ConfinedStoragesTest, AnEmptyMountPointIsNotAMissingFile) {
  fs::create_directories(top_ / "mount");
  ConfinedStorages storages({{"sestore4", (top_ / "mount").string()}});
  EXPECT_EQ(storages.open({"sestore4", "jb", "a.mp4"}).error().code, Errc::storage_unavailable);
  // What a mount does: another directory is at the same path from now on.
  fs::rename(top_ / "mount", top_ / "empty");
  fs::create_directories(top_ / "mount/jb");
  write(top_ / "mount/jb/a.mp4", "x");
  EXPECT_TRUE(storages.open({"sestore4", "jb", "a.mp4"})) << "found without a restart";
}

TEST_F(ConfinedStoragesTest, AnEmptyMountPointIsNotAvailableOnceAFolderIsAskedFor) {
  fs::create_directories(top_ / "mount");
  write(top_ / "mount/NOT-MOUNTED", "");
  ConfinedStorages storages({{"sestore4", (top_ / "mount").string()}});
  EXPECT_TRUE(storages.list().at(0).available) << "a new storage has no folder either";
  EXPECT_FALSE(storages.open({"sestore4", "jb", "a.mp4"}));
  const StorageInfo gone = storages.list().at(0);
  EXPECT_FALSE(gone.available);
  EXPECT_TRUE(gone.bare);
  EXPECT_EQ(gone.bytes_free, 0) << "the free space would be another disk's";
  EXPECT_TRUE(gone.gone_for);
  fs::create_directories(top_ / "mount/jb");
  const StorageInfo back = storages.list().at(0);
  EXPECT_TRUE(back.available);
  EXPECT_FALSE(back.bare || back.gone_for);
  EXPECT_FALSE(storages.open({"sestore4", "kb", "a.mp4"}));
  EXPECT_TRUE(storages.list().at(0).available) << "an account without a folder takes no storage from the others";
}

TEST_F(ConfinedStoragesTest, ReadsStillWaitedForEndBeforeStopReturns) {
  ConfinedStorages storages({{"sestore4", root_.string()}});
  const std::shared_ptr<SourceFile> file = *storages.open({"sestore4", "jb", "videos/a.mp4"});
  std::vector<std::vector<std::uint8_t>> buffers(100, std::vector<std::uint8_t>(6));
  std::atomic<int> ended{0};
  for (auto& buffer : buffers) file->read_async(0, buffer, [&ended, file](const Result<>&) { ++ended; });
  EXPECT_TRUE(storages.stop_within(std::chrono::seconds(30)));
  EXPECT_EQ(ended, 100);
  file->read_async(0, buffers[0], [&](const Result<>& result) { EXPECT_FALSE(result); });
}

TEST_F(ConfinedStoragesTest, StoragesAtRestHaveOneThreadHoweverManyThereAre) {
  const NewThreads threads;
  for (const int number : {1, 20, 1000}) {
    std::vector<StorageRoot> roots;
    for (int i = 0; i < number; ++i) roots.push_back({fmt::format("sestore{}", i), root_.string()});
    ConfinedStorages storages(std::move(roots));
    EXPECT_EQ(threads.count(), 1) << number;
    ASSERT_TRUE(storages.open({"sestore0", "jb", "videos/a.mp4"}));
    EXPECT_EQ(threads.count(), 2) << "the storage that was used";
    EXPECT_TRUE(storages.stop_within(std::chrono::seconds(30)));
    threads.wait_until_gone();
  }
}

TEST_F(ConfinedStoragesTest, StoragesChangeWhileFilesOfThemAreOpen) {
  fs::create_directories(top_ / "other/jb");
  write(top_ / "other/jb/b.mp4", "other");
  const NewThreads threads;
  ConfinedStorages storages({{"stays", root_.string()}, {"moves", root_.string()}, {"goes", root_.string()}});
  std::shared_ptr<SourceFile> of_gone = *storages.open({"goes", "jb", "videos/a.mp4"});
  std::shared_ptr<SourceFile> of_moved = *storages.open({"moves", "jb", "videos/a.mp4"});
  ASSERT_TRUE(storages.use(
      {{"stays", root_.string()}, {"moves", (top_ / "other").string()}, {"new", (top_ / "other").string()}}));

  EXPECT_EQ(storages.open({"goes", "jb", "videos/a.mp4"}).error().code, Errc::storage_unknown);
  EXPECT_TRUE(storages.open({"stays", "jb", "videos/a.mp4"}));
  EXPECT_TRUE(storages.open({"moves", "jb", "b.mp4"}));
  EXPECT_TRUE(storages.open({"new", "jb", "b.mp4"}));
  std::vector<std::string> names;
  for (const StorageInfo& one : storages.list()) names.push_back(one.name);
  EXPECT_EQ(names, (std::vector<std::string>{"moves", "new", "stays"}));
  for (const auto& file : {of_gone, of_moved}) {
    std::vector<std::uint8_t> bytes(6);
    const auto read = await<Result<>>([&](std::function<void(Result<>)> done) {
      file->read_async(0, bytes, [done = std::move(done)](const Result<>& result) { done(result); });
    });
    ASSERT_TRUE(read);
    EXPECT_EQ(std::string(bytes.begin(), bytes.end()), "inside");
  }
  of_gone.reset();
  of_moved.reset();
  ASSERT_TRUE(storages.use({{"stays", root_.string()}}));
  ASSERT_TRUE(storages.use({{"stays", root_.string()}}));  // what nobody uses any more ends here
  EXPECT_TRUE(storages.open({"stays", "jb", "videos/a.mp4"}));
  EXPECT_TRUE(storages.stop_within(std::chrono::seconds(30)));
  threads.wait_until_gone();
}

TEST_F(ConfinedStoragesTest, WhatStaysOpenOfStoragesThatAreGoneIsBounded) {
  ConfinedStorages storages({});
  std::vector<std::unique_ptr<SourceFile>> open;
  const auto place = [&](std::size_t number) {
    return StorageRoot{"sestore4", root_.string() + std::string(number + 1, '/')};
  };
  for (std::size_t number = 0; number <= ConfinedStorages::kMaxRetired; ++number) {
    ASSERT_TRUE(storages.use({place(number)})) << number;
    open.push_back(*storages.open({"sestore4", "jb", "videos/a.mp4"}));
  }
  EXPECT_EQ(storages.use({}).error().code, Errc::overloaded);
  EXPECT_TRUE(storages.open({"sestore4", "jb", "videos/a.mp4"})) << "nothing was changed";
  ASSERT_TRUE(storages.use({place(0)})) << "one that is there still is used again";
  open.clear();
  EXPECT_TRUE(storages.use({}));
  EXPECT_TRUE(storages.stop_within(std::chrono::seconds(30)));
}

TEST_F(ConfinedStoragesTest, OneThatDrainsIsReadButTakesNoUploads) {
  ConfinedStorages storages({{"sestore4", root_.string()}});
  std::shared_ptr<SourceFile> file = *storages.open({"sestore4", "jb", "videos/a.mp4"});
  EXPECT_TRUE(storages.takes_uploads("sestore4"));
  ASSERT_TRUE(storages.use({{.name = "sestore4", .root = root_.string(), .drain = true}}));
  EXPECT_FALSE(storages.takes_uploads("sestore4"));
  EXPECT_TRUE(storages.open({"sestore4", "jb", "videos/a.mp4"}));
  ASSERT_TRUE(storages.use({{"sestore4", root_.string()}}));
  EXPECT_TRUE(storages.takes_uploads("sestore4"));
}

TEST_F(ConfinedStoragesTest, ARootMayItselfBeALink) {
  fs::create_directory_symlink(root_, top_ / "link");
  ConfinedStorages storages({{"sestore4", (top_ / "link").string()}});
  EXPECT_TRUE(storages.open({"sestore4", "jb", "videos/a.mp4"}));
}

// Someone with write access swaps a folder with a link while files are opened: never a byte from outside.
TEST_F(ConfinedStoragesTest, ASwappedFolderNeverLeadsOutside) {
  fs::create_directory(root_ / "jb/swap");
  write(root_ / "jb/swap/secret", "inside");
  fs::create_directory_symlink(top_ / "outside", root_ / "jb/link");
  std::atomic<bool> stop{false};
  std::thread swapper([&] {
    const std::string one = (root_ / "jb/swap").string();
    const std::string two = (root_ / "jb/link").string();
    while (!stop) ::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, two.c_str(), RENAME_EXCHANGE);
  });
  ConfinedStorages storages({{"sestore4", root_.string()}});
  int opened = 0;
  for (int i = 0; i < 100'000; ++i) {
    const auto file = storages.open({"sestore4", "jb", "swap/secret"});
    if (!file) continue;
    ++opened;
    std::vector<std::uint8_t> buffer(6);
    ASSERT_TRUE((*file)->read(0, buffer));
    ASSERT_EQ(std::string(buffer.begin(), buffer.end()), "inside");
  }
  stop = true;
  swapper.join();
  EXPECT_GT(opened, 0);
}

}  // namespace
}  // namespace vodlift::storage
