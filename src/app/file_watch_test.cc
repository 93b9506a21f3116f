#include "app/file_watch.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace vodlift::app {
namespace {

TEST(FileWatch, NoticesWhatIsWrittenReplacedAndGone) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / std::to_string(::getpid());
  std::filesystem::create_directory(folder);
  const auto file = folder / "a";
  const auto other = folder / "b";
  std::ofstream(file) << "1";
  FileWatch watch({file, folder / "missing"});
  EXPECT_FALSE(watch.changed());
  std::ofstream(file, std::ios::app) << "2";
  EXPECT_TRUE(watch.changed());
  EXPECT_FALSE(watch.changed());
  std::ofstream(other) << "12";
  std::filesystem::rename(other, file);
  EXPECT_TRUE(watch.changed());
  std::filesystem::remove(file);
  EXPECT_TRUE(watch.changed());
  EXPECT_FALSE(watch.changed());
  std::ofstream(folder / "missing") << "";
  EXPECT_TRUE(watch.changed());
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace vodlift::app
