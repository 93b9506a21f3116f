#include "base/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "base/temporary_folder_test.h"

namespace vodlift {
namespace {

using testing::HasSubstr;

class FileTest : public testing::Test {
 protected:
  const TemporaryFolder temporary_;
  const std::filesystem::path folder_ = temporary_.path();
};

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }

TEST(UniqueFd, ClosesOnceAndMoves) {
  int first = -1;
  {
    UniqueFd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    first = fd.get();
    ASSERT_TRUE(fd.valid());
    UniqueFd moved(std::move(fd));
    EXPECT_FALSE(fd.valid());  // NOLINT(bugprone-use-after-move): that is what is tested
    EXPECT_EQ(moved.get(), first);
    UniqueFd other(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const int second = other.get();
    other = std::move(moved);
    EXPECT_EQ(other.get(), first);
    EXPECT_FALSE(is_open(second));
    EXPECT_TRUE(is_open(first));
  }
  EXPECT_FALSE(is_open(first));
}

TEST(UniqueFd, EmptyAndResetAreHarmless) {
  UniqueFd fd;
  EXPECT_FALSE(fd.valid());
  fd.reset();
  fd = UniqueFd();
  EXPECT_EQ(fd.get(), -1);
}

TEST(ErrnoText, NamesTheError) {
  EXPECT_EQ(errno_text(ENOENT), "No such file or directory (ENOENT)");
  EXPECT_THAT(errno_text(99999), HasSubstr("unknown error"));
}

TEST_F(FileTest, WritesPrivatelyAndReadsBack) {
  const auto path = folder_ / "secret";
  const std::string bytes("two\0lines\n", 10);
  ASSERT_TRUE(create_private_file(path, bytes));
  struct stat made {};
  ASSERT_EQ(::stat(path.c_str(), &made), 0);
  EXPECT_EQ(made.st_mode & 07777, 0600u);
  EXPECT_EQ(read_small_file(path, 10).value(), bytes);
}

TEST_F(FileTest, NeverOverwritesNorFollowsALink) {
  const auto path = folder_ / "file";
  ASSERT_TRUE(create_private_file(path, "first"));
  const auto again = create_private_file(path, "second");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::already_exists);
  EXPECT_THAT(again.error().message, HasSubstr(path.string()));
  EXPECT_EQ(read_small_file(path, 100).value(), "first");

  const auto link = folder_ / "link";
  std::filesystem::create_symlink(folder_ / "elsewhere", link);
  EXPECT_FALSE(create_private_file(link, "x"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "elsewhere"));
}

TEST_F(FileTest, AFileThatCannotBeWrittenWholeIsNotThere) {
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit limit{10, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &limit);
  const auto created = create_private_file(folder_ / "key", "eleven bytes");
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().code, Errc::io_error);
  EXPECT_TRUE(std::filesystem::is_empty(folder_)) << "nothing is left, under whatever name";
  EXPECT_TRUE(create_private_file(folder_ / "key", "eleven bytes"));
}

TEST_F(FileTest, ReadsNoMoreThanAllowed) {
  const auto path = folder_ / "big";
  ASSERT_TRUE(create_private_file(path, std::string(100'000, 'x')));
  EXPECT_EQ(read_small_file(path, 100'000).value().size(), 100'000u);
  const auto too_big = read_small_file(path, 99'999);
  ASSERT_FALSE(too_big);
  EXPECT_EQ(too_big.error().code, Errc::io_error);
  EXPECT_THAT(too_big.error().message, HasSubstr("99999"));
  // A file without an end is given up as early.
  EXPECT_EQ(read_small_file("/dev/zero", 1000).error().code, Errc::io_error);
}

TEST_F(FileTest, TellsAbsentFromUnreadable) {
  EXPECT_EQ(read_small_file(folder_ / "absent", 10).error().code, Errc::not_found);
  const auto folder = read_small_file(folder_, 10);
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().code, Errc::io_error);
  EXPECT_THAT(folder.error().message, HasSubstr("EISDIR"));
  EXPECT_EQ(create_private_file(folder_ / "no" / "folder", "").error().code, Errc::io_error);
}

TEST_F(FileTest, ReadsStandardInputToItsEnd) {
  const auto path = folder_ / "input";
  ASSERT_TRUE(create_private_file(path, "typed"));
  const UniqueFd kept(::dup(STDIN_FILENO));
  for (const std::size_t limit : {5u, 4u}) {
    const UniqueFd input(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_EQ(::dup2(input.get(), STDIN_FILENO), STDIN_FILENO);
    const auto read = read_standard_input(limit);
    EXPECT_EQ(read.has_value(), limit == 5u);
  }
  ::dup2(kept.get(), STDIN_FILENO);
}

}  // namespace
}  // namespace vodlift
