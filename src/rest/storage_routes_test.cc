// The routes of storages and files.
#include "rest/rest_api_test.h"

namespace vodlift::rest {
namespace {

TEST_F(RestApiTest, ListsStoragesAndFiles) {
  EXPECT_EQ(boost::json::serialize(items("storage.list", {})),
            R"([{"storage":"sestore4","available":true,"bytes_free":1}])");
  const value found = succeed("file.list", {{"path", "sestore4/jb"}, {"offset", 3}});
  EXPECT_EQ(boost::json::serialize(found),
            R"({"total":4,"complete":true,"skipped":0,"items":[{"path":"sestore4/jb/film.mp4","size":1000,)"
            R"("modified":1700000000,"type":"video/mp4"}],"next":null})");
  fail("file.list", {}, "missing_field");
  fail("file.list", {{"path", "jb"}}, "invalid_value");
  fail("file.list", {{"path", "sestore4/kc"}}, "source_not_found");
}

TEST_F(RestApiTest, ListsWhatAFolderHolds) {
  const value found = succeed("folder.list", {{"path", "sestore4/jb"}, {"cursor", "3"}, {"limit", 2}, {"type", "all"}});
  EXPECT_EQ(
      boost::json::serialize(found),
      R"({"total":7,"complete":true,"skipped":0,"items":[)"
      R"({"kind":"folder","name":"<b>\n","path":"sestore4/jb/<b>\n","size":null,"modified":1700000000,"type":null},)"
      R"({"kind":"file","name":"film.mp4","path":"sestore4/jb/film.mp4","size":1000,"modified":1700000000,)"
      R"("type":"video/mp4"}],"next":"5"})");
  EXPECT_TRUE(succeed("folder.list", {{"path", "sestore4/jb"}}).at("next").is_null());
  for (const char* path : {"sestore4/jb/..", "sestore4/jb//a", "/sestore4/jb", "sestore4", ""}) {
    fail("folder.list", {{"path", path}}, "invalid_value");
  }
  fail("folder.list", {{"path", "sestore4/jb"}, {"limit", 101}}, "invalid_value");
  fail("folder.list", {{"path", "sestore4/jb"}, {"cursor", "x"}}, "invalid_value");
  fail("folder.list", {{"path", "sestore4/kc"}}, "source_not_found");
}

}  // namespace
}  // namespace vodlift::rest
