// The commands of callbacks and storages.
#include "cli/cli_test.h"

namespace vodlift::cli {
namespace {

using testing::HasSubstr;

TEST_F(CliTest, ShowsCallbacksAndTheirTries) {
  const object last = {{"number", 2}, {"at", 1700000000}, {"took_ms", 12}, {"http_status", 503}, {"error", "no"}};
  object callback = {{"id", 7},
                     {"upload", 5},
                     {"cdn", 158},
                     {"state", "pending"},
                     {"attempts", 2},
                     {"receiver", "h:443"},
                     {"next_attempt", nullptr},
                     {"url", "https://h/x"},
                     {"last", last},
                     {"webhook_id", "msg_1"},
                     {"created", 1}};
  answer(page_of({callback}, "7"));
  EXPECT_EQ(run_with_socket({"callback", "list", "--state", "pending", "--cdn", "158"}), kDone);
  EXPECT_EQ(asked().back(), "GET /api/v1/callbacks?limit=25&cdn=158&state=pending");
  EXPECT_THAT(out_, HasSubstr("7   5       158  pending  2      h:443     -         HTTP 503 in 12 ms: no\n"));
  EXPECT_THAT(out_, HasSubstr("--cursor 7"));
  callback["tries"] = boost::json::array{last};
  callback["body"] = "{}";
  answer(callback);
  EXPECT_EQ(run_with_socket({"callback", "show", "7"}), kDone);
  EXPECT_THAT(out_, HasSubstr("try 2       2023-"));
  EXPECT_EQ(run_with_socket({"callback", "send", "7"}), kDone);
  EXPECT_EQ(asked().back(), "POST /api/v1/callbacks/7/send {}");
}

TEST_F(CliTest, TestsAReceiver) {
  answer({{"delivered", false}, {"http_status", nullptr}, {"took_ms", 0}, {"error", "connection refused"}});
  EXPECT_EQ(run_with_socket({"callback", "test", "--cdn", "158", "--url", "http://h"}), kFailed);
  EXPECT_EQ(out_, "not delivered: connection refused\n");
}

TEST_F(CliTest, ListsStoragesAndFiles) {
  answer_list({{{"storage", "sestore4"}, {"available", true}, {"bytes_free", 1024}},
               {{"storage", "sestore5"}, {"available", false}, {"bytes_free", 0}}});
  EXPECT_EQ(run_with_socket({"storage", "list"}), kDone);
  EXPECT_EQ(out_, "STORAGE   AVAILABLE  FREE\nsestore4  yes        1.0 KiB\nsestore5  no         -\n");
  answer({{"items", {{{"path", "s/u/a.mp4"}, {"size", 1}, {"modified", 1}, {"type", "video/mp4"}}}},
          {"total", 3},
          {"complete", false}});
  EXPECT_EQ(run_with_socket({"storage", "files", "s/u", "--filter", "*.mp4", "--offset", "2"}), kDone);
  EXPECT_EQ(asked().back(), "GET /api/v1/files?path=s%2Fu&filter=%2A.mp4&offset=2");
  EXPECT_THAT(out_, HasSubstr("3 files match"));
  EXPECT_THAT(out_, HasSubstr("too large for a whole list"));
}

}  // namespace
}  // namespace vodlift::cli
