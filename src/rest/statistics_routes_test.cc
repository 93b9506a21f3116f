// The route of the statistics.
#include "rest/rest_api_test.h"

namespace vodlift::rest {
namespace {

TEST_F(RestApiTest, ShowsWhatWentOnOverTime) {
  add_account();
  Collected collected;
  collected[158].bytes_sent = 5000;
  collected[158].errors[Errc::s3_credential] = {1, 2};
  ASSERT_TRUE(statistics_.add(collected));
  for (const object& whose : {object{{"cdn", 158}}, object{}}) {
    const boost::json::array minutes = items("statistics.show", whose);
    ASSERT_EQ(minutes.size(), 120U);
    EXPECT_EQ(boost::json::serialize(minutes.back()),
              R"({"begins":1699999980,"bytes_sent":5000,"completed":0,"failed":0,"cancelled":0,"most_queued":0,)"
              R"("longest_wait_s":0,"errors":{"s3_credential":{"failed":1,"retried":2}}})");
  }
  EXPECT_EQ(items("statistics.show", {{"resolution", "day"}}).size(), 731U);
  EXPECT_EQ(items("statistics.show", {{"resolution", "hour"}, {"since", 1'700'000'000 - 3600}}).size(), 2U);
  fail("statistics.show", {{"resolution", "week"}}, "invalid_value");
  fail("statistics.show", {{"cdn", 7}}, "not_found");
}

}  // namespace
}  // namespace vodlift::rest
