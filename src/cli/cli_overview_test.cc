// The overview and the audit log.
#include "cli/cli_test.h"

namespace vodlift::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

value minute(std::int64_t begins, std::int64_t bytes) {
  return {{"begins", begins}, {"bytes_sent", bytes}, {"completed", 2},
          {"failed", 1},      {"cancelled", 0},      {"longest_wait_s", 61}};
}

object overview_of(const boost::json::array& attention) {
  return {{"at", 10'000},
          {"sentence", "Bucket b refuses us."},
          {"attention", attention},
          {"counts", {{{"cdn", nullptr}, {"state", "failed"}, {"uploads", 3}, {"bytes", 1}}}},
          {"queue", {{{"priority", 9}, {"uploads", 1000}, {"bytes", 2048}, {"oldest", 9'940}, {"complete", false}}}},
          {"oldest", 9'940},
          {"running", {{{"id", 5}, {"cdn", 158}, {"percent", 40}, {"size", 1024}, {"path", "s/u/映画.mp4"}}}},
          {"errors", {{{"code", "s3_access_denied"}, {"uploads", 3}}}},
          {"today", {{{"cdn", nullptr}, {"bytes", 1024}, {"completed", 1}, {"failed", 0}}}},
          {"buckets_today",
           {{{"cdn", 158}, {"bucket", "films"}, {"bytes", 2048}, {"completed", 1}, {"failed", 3}},
            {{"cdn", nullptr}, {"bucket", nullptr}, {"bytes", 1024}, {"completed", 2}, {"failed", 0}}}},
          {"server", nullptr}};
}

TEST_F(CliTest, AnOverviewSaysWhatNeedsAPersonAndWhatGoesOn) {
  const object need{{"severity", "critical"},
                    {"title", "Bucket b refuses us."},
                    {"detail", "Uploads to it fail."},
                    {"fix", "Give the key the policy."},
                    {"since", 9'900},
                    {"affected", 100},
                    {"at_least", true}};
  answer(overview_of({need}));
  answer_list({minute(6'000, 1 << 20), minute(9'840, 1 << 20), minute(9'900, 3000)});
  EXPECT_EQ(run_with_socket({"overview", "--cdn", "158"}), kDone);
  EXPECT_THAT(asked(), ElementsAre("GET /api/v1/overview?cdn=158",
                                   "GET /api/v1/statistics?cdn=158&resolution=minute&since=6400"));
  EXPECT_EQ(out_,
            "Bucket b refuses us.\n\n"
            "critical  Bucket b refuses us.\n"
            "          Uploads to it fail.\n"
            "          for 1:40; 100 or more waiting\n"
            "          -> Give the key the policy.\n\n"
            "3 failed\n\n"
            "PRIORITY  READY         SIZE     LONGEST WAIT\n"
            "9         1000 or more  2.0 KiB  1:00\n\n"
            "RUNNING  CDN  DONE  SIZE     SOURCE\n"
            "5        158  40%   1.0 KiB  s/u/映画.mp4\n\n"
            "LAST   SENT     RATE       COMPLETED  FAILED  CANCELLED  LONGEST WAIT\n"
            "5 min  1.0 MiB  6.4 KiB/s  4          2       0          1:01\n"
            "1 h    1.0 MiB  6.4 KiB/s  4          2       0          1:01\n\n"
            "FAILED IN 24 H  ERROR\n"
            "3               s3_access_denied\n\n"
            "CDN     SENT IN 24 H  COMPLETED  FAILED\n"
            "others  1.0 KiB       1          0\n\n"
            "BUCKET  CDN  SENT IN 24 H  COMPLETED  FAILED\n"
            "films   158  2.0 KiB       1          3\n"
            "others  -    1.0 KiB       2          0\n");
}

TEST_F(CliTest, AnOverviewOfAllSaysHowMuchRoomTheServerHas) {
  object overview = overview_of({});
  overview["server"] = {
      {"disk_free_bytes", std::int64_t{3} << 30}, {"memory_bytes", 8192}, {"memory_limit_bytes", 64 << 20}};
  answer(overview);
  answer_list({});
  EXPECT_EQ(run_with_socket({"overview"}), kDone);
  EXPECT_THAT(out_,
              HasSubstr("\n3 failed\n\n"
                        "the disk of the database has 3.0 GiB free; requests and answers hold 8.0 KiB of 64.0 MiB\n\n"
                        "PRIORITY"));
}

TEST_F(CliTest, AnOverviewAsJsonHasTheThroughputToo) {
  answer(overview_of({}));
  answer_list({minute(9'940, 600)});
  EXPECT_EQ(run_with_socket({"overview", "--json"}), kDone);
  const value facts = boost::json::parse(out_);
  EXPECT_EQ(facts.at("sentence"), "Bucket b refuses us.");
  EXPECT_EQ(facts.at("throughput").at(0).at("seconds"), 60);
  EXPECT_EQ(facts.at("throughput").at(0).at("bytes_per_s"), 10);
  EXPECT_EQ(facts.at("throughput").as_array().size(), 2U);
}

object line(const object& members) {
  object one{{"time", "2026-11-24T02:15:05.042Z"},
             {"damaged", false},
             {"door", "panel"},
             {"address", "192.0.2.7"},
             {"command", "key.revoke"},
             {"who", "anna"},
             {"token", nullptr},
             {"cdn", 158},
             {"key", nullptr},
             {"upload", nullptr},
             {"what", {{"api_key", "A"}}},
             {"result", "success"},
             {"error", nullptr}};
  for (const auto& [name, member] : members) one[name] = member;
  return one;
}

TEST_F(CliTest, ListsTheAuditLog) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  answer(page_of({line({}), line({{"door", "token"}, {"token", "ci"}, {"result", "failure"}, {"error", "not_found"}})},
                 "7-12"));
  answer(page_of({line({{"door", "api"}, {"who", nullptr}, {"key", 3}, {"upload", 17}, {"what", object()}}),
                  line({{"damaged", true}, {"who", nullptr}, {"error", "damaged"}, {"what", {{"a\x1b", "b"}}}})},
                 nullptr));
  EXPECT_EQ(run_with_socket({"audit", "list", "--command", "key.", "--who", "anna", "--upload", "17", "--cdn", "158",
                             "--since", "2026-11-24", "--until", "2026-11-25", "--limit", "120"}),
            kDone);
  const std::string first =
      "GET /api/v1/audit?cdn=158&command=key.&who=anna&upload=17&since=1795478400&until=1795564800";
  EXPECT_THAT(asked(), ElementsAre(first + "&limit=100", first + "&limit=100&cursor=7-12"));
  EXPECT_EQ(out_,
            "TIME                 WHO        DOOR   FROM       CDN  COMMAND     RESULT                    ABOUT\n"
            "2026-11-24 02:15:05  anna       panel  192.0.2.7  158  key.revoke  ok                        api_key A\n"
            "2026-11-24 02:15:05  anna (ci)  token  192.0.2.7  158  key.revoke  not_found                 api_key A\n"
            "2026-11-24 02:15:05  key 3      api    192.0.2.7  158  key.revoke  ok                        upload 17\n"
            "2026-11-24 02:15:05  -          panel  192.0.2.7  158  key.revoke  this line cannot be read  a\\x1b b\n");
}

TEST_F(CliTest, TheAuditLogGoesOnWithACursor) {
  answer(page_of({line({})}, "7-12"));
  EXPECT_EQ(run_with_socket({"audit", "list", "--cursor", "9-1", "--limit", "1", "--quiet"}), kDone);
  EXPECT_EQ(asked().back(), "GET /api/v1/audit?cursor=9-1&limit=1");
  EXPECT_THAT(out_, StartsWith("TIME "));
  EXPECT_THAT(out_, HasSubstr("go on with: --cursor 7-12\n"));
  EXPECT_EQ(run_with_socket({"audit", "list", "--limit", "1", "--json"}), kDone);
  EXPECT_EQ(boost::json::parse(out_).at("next"), "7-12");
  EXPECT_EQ(run_with_socket({"audit", "list", "--since", "never"}), kFailed);
  EXPECT_THAT(err_, HasSubstr("--since: expected a time"));
}

}  // namespace
}  // namespace vodlift::cli
