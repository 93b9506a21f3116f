// The routes of limits of bandwidth.
#include "rest/rest_api_test.h"

namespace vodlift::rest {
namespace {

using testing::HasSubstr;

TEST_F(RestApiTest, SetsListsAndRemovesLimits) {
  add_account();
  EXPECT_EQ(items("limit.list", {}).size(), 0U);
  EXPECT_EQ(
      succeed("limit.set", {{"rate", "50 MB/s"}}),
      value({{"scope", "all uploads"}, {"rate", "50MB"}, {"timetable", boost::json::array()}, {"time_zone", "UTC"}}));
  succeed("limit.set",
          {{"cdn", 158}, {"rate", "none"}, {"timetable", {"Mon-Fri 08:00-18:00 10MB"}}, {"time_zone", "Europe/Paris"}});
  succeed("limit.set", {{"storage", "sestore4"}, {"rate", "1GB"}});
  EXPECT_EQ(items("limit.list", {}).size(), 3U);
  EXPECT_EQ(bandwidth_.next({159, "b", "sestore5"}, 100).wait.count(), 0);

  fail("limit.set", {{"cdn", 159}, {"rate", "1GB"}}, "not_found");
  fail("limit.set", {{"cdn", 158}, {"bucket", "nosuch"}, {"rate", "1GB"}}, "not_found");
  EXPECT_THAT(fail("limit.set", {{"storage", "nosuch"}, {"rate", "1GB"}}, "not_found"), HasSubstr("sestore4"));
  fail("limit.set", {{"storage", "sestore4"}, {"cdn", 158}, {"rate", "1GB"}}, "invalid_value");
  fail("limit.set", {{"bucket", "b"}, {"rate", "1GB"}}, "invalid_value");
  fail("limit.set", {{"cdn", 158}}, "missing_field");
  EXPECT_THAT(fail("limit.set", {{"rate", "fast"}}, "invalid_value"), HasSubstr("50MB"));
  EXPECT_THAT(fail("limit.set", {{"rate", "1GB"}, {"timetable", {"always 1GB"}}}, "invalid_value"),
              HasSubstr("Mon-Fri"));
  EXPECT_THAT(fail("limit.set", {{"rate", "1GB"}, {"time_zone", "Mars"}}, "invalid_value"), HasSubstr("Europe/Paris"));

  succeed("limit.remove", {{"cdn", 158}});
  fail("limit.remove", {{"cdn", 158}}, "not_found");
  EXPECT_EQ(items("limit.list", {}).size(), 2U);
}

}  // namespace
}  // namespace vodlift::rest
