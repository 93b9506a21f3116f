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

}  // namespace
}  // namespace vodlift::rest
