#include "storage/path_list.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace vodlift::storage {
namespace {

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
