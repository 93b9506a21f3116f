#include "storage/local_source_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <limits>

#include "base/temporary_folder_test.h"

namespace vodlift::storage {
namespace {

namespace fs = std::filesystem;

class LocalSourceFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = top_ / "film.mp4";
    std::ofstream(path_, std::ios::binary) << std::string(100000, 'a') << "tail";
    open();
  }
  void open() {
    auto opened =
        LocalSourceFile::from(UniqueFd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)), "film.mp4",
                              std::make_shared<TimedCalls>(std::make_shared<Watchdog>(), "test",
                                                           TimedCalls::Limits{2, 0, std::chrono::seconds(30)}),
                              FileSystem::remote);
    ASSERT_TRUE(opened);
    file_ = std::move(*opened);
  }

  const TemporaryFolder temporary_;
  const fs::path top_ = temporary_.path();
  fs::path path_;
  std::unique_ptr<SourceFile> file_;
};

TEST_F(LocalSourceFileTest, ReadsAnywhere) {
  std::vector<std::uint8_t> buffer(5);
  ASSERT_TRUE(file_->read(99999, buffer));
  EXPECT_EQ(std::string(buffer.begin(), buffer.end()), "atail");
  const auto cached = file_->read_cached(99999, buffer);
  ASSERT_TRUE(cached);
  EXPECT_TRUE(*cached == 0 || *cached == 5) << "never half-blocking: what is in memory, or nothing";
}

TEST_F(LocalSourceFileTest, ReadsInTheBackground) {
  std::vector<std::uint8_t> buffer(4);
  std::promise<Result<>> done;
  file_->read_async(100000, buffer, [&](Result<> result) { done.set_value(std::move(result)); });
  ASSERT_TRUE(done.get_future().get());
  EXPECT_EQ(std::string(buffer.begin(), buffer.end()), "tail");
}

TEST_F(LocalSourceFileTest, EndingEarlierThanItDidIsAChange) {
  ASSERT_EQ(::truncate(path_.c_str(), 10), 0);
  std::vector<std::uint8_t> buffer(100);
  EXPECT_EQ(file_->read(0, buffer).error().code, Errc::source_changed);
  EXPECT_EQ(file_->read_cached(50, buffer).error().code, Errc::source_changed);
  EXPECT_EQ(file_->check_unchanged().error().code, Errc::source_changed);
}

TEST_F(LocalSourceFileTest, NoticesGrowth) {
  EXPECT_TRUE(file_->check_unchanged());
  std::ofstream(path_, std::ios::app) << "more";
  const auto check = file_->check_unchanged();
  ASSERT_FALSE(check);
  EXPECT_NE(check.error().message.find("had 100004 bytes and has 100008"), std::string::npos) << check.error().message;
}

TEST_F(LocalSourceFileTest, TellsOfATouchThatMovesTheChangeTimeOnly) {
  const auto before = file_->check_unchanged();
  ASSERT_TRUE(before);
  EXPECT_EQ(*before, file_->identity());
  fs::create_hard_link(path_, top_ / "other name.mp4");
  const auto now = file_->check_unchanged();
  ASSERT_TRUE(now);
  EXPECT_NE(*now, file_->identity());
  EXPECT_TRUE(now->may_equal(file_->identity()));
}

TEST_F(LocalSourceFileTest, TimesThat64BitsOfNanosecondsCannotHold) {
  for (const std::int64_t seconds : {std::int64_t{9'300'000'000}, std::int64_t{-9'300'000'000}}) {
    const timespec times[2] = {{seconds, 0}, {seconds, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path_.c_str(), times, 0), 0);
    struct stat status {};
    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    open();
    // Some file systems keep only what they can.
    if (status.st_mtim.tv_sec == seconds) {
      EXPECT_EQ(file_->identity().modified_ns,
                seconds > 0 ? std::numeric_limits<std::int64_t>::max() : std::numeric_limits<std::int64_t>::min());
    }
    EXPECT_TRUE(file_->check_unchanged());
  }
}

TEST_F(LocalSourceFileTest, NoticesAWriteByItsTime) {
  const timespec times[2] = {{0, UTIME_OMIT}, {1, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path_.c_str(), times, 0), 0);
  EXPECT_EQ(file_->check_unchanged().error().code, Errc::source_changed);
}

TEST_F(LocalSourceFileTest, TellsOfARewriteThatPutsSizeAndTimeBack) {
  struct stat before {};
  ASSERT_EQ(::stat(path_.c_str(), &before), 0);
  {
    std::fstream out(path_, std::ios::in | std::ios::out | std::ios::binary);
    out << "b";
  }
  const timespec times[2] = {before.st_atim, before.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, path_.c_str(), times, 0), 0);
  const auto now = file_->check_unchanged();
  ASSERT_TRUE(now);
  EXPECT_NE(*now, file_->identity());
}

TEST_F(LocalSourceFileTest, ADeletedFileCanStillBeRead) {
  fs::remove(path_);
  EXPECT_TRUE(file_->check_unchanged());
  std::vector<std::uint8_t> buffer(4);
  EXPECT_TRUE(file_->read(100000, buffer));
}

}  // namespace
}  // namespace vodlift::storage
