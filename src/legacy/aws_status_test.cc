// Which uploads aws.status tells of.
#include "legacy/aws_status.h"

#include "legacy/router_command_test.h"

namespace vodlift::legacy {
namespace {

TEST_F(RouterCommand, StatusListsTheNewestFirst) {
  EXPECT_EQ(ask_signed(call_text("aws.status")).at("data"), boost::json::array());
  for (int i = 0; i < 3; ++i) upload_at(kNow + i);
  const auto envelope = ask_signed(call_text("aws.status"));
  ASSERT_EQ(envelope.at("data").as_array().size(), 3U);
  EXPECT_EQ(envelope.at("data").at(0).at("id"), 3);
  EXPECT_EQ(envelope.at("data").at(0).at("state"), "queued");
  EXPECT_EQ(envelope.at("data").at(2).at("id"), 1);
  EXPECT_EQ(uploads_.last_query.limit, 25);
  EXPECT_EQ(uploads_.last_query.offset, 0);
  EXPECT_EQ(call_verdict("aws.status", R"(,"limit":"100","offset":7)"), "success");
  EXPECT_EQ(uploads_.last_query.limit, 100);
  EXPECT_EQ(uploads_.last_query.offset, 7);
  EXPECT_TRUE(uploads_.last_query.ids.empty());
}

TEST_F(RouterCommand, StatusFindsIdsInEveryForm) {
  for (int i = 0; i < 3; ++i) upload_at(kNow + i);
  for (const std::string_view id : {"2", "\"2\"", "[2]", "[\"2\",2]", "[2,999]"}) {
    const auto envelope = ask_signed(call_text("aws.status", ",\"limit\":1,\"offset\":5,\"id\":" + std::string(id)));
    ASSERT_EQ(verdict(envelope), "success") << id;
    ASSERT_EQ(envelope.at("data").as_array().size(), 1U) << id;
    EXPECT_EQ(envelope.at("data").at(0).at("id"), 2) << id;
  }
  EXPECT_EQ(uploads_.last_query.limit, 100);
  EXPECT_EQ(uploads_.last_query.offset, 0);
}

TEST_F(RouterCommand, StatusKeepsToTheStatesAskedFor) {
  ASSERT_EQ(kStateWords.size(), 6U);
  for (const std::string_view word : kStateWords) {
    EXPECT_EQ(call_verdict("aws.status", R"(,"state":")" + std::string(word) + '"'), "success");
    ASSERT_EQ(uploads_.last_query.states.size(), 1U);
    EXPECT_EQ(to_string(uploads_.last_query.states[0]), word);
  }
  EXPECT_EQ(call_verdict("aws.status", R"(,"state":["failed","queued","failed"],"limit":3,"offset":2)"), "success");
  EXPECT_EQ(uploads_.last_query.states, (std::vector{UploadState::queued, UploadState::failed}));
  EXPECT_EQ(uploads_.last_query.limit, 3);
  EXPECT_EQ(uploads_.last_query.offset, 2);
  EXPECT_EQ(call_verdict("aws.status"), "success");
  EXPECT_TRUE(uploads_.last_query.states.empty());
  EXPECT_EQ(call_verdict("aws.status", R"(,"state":"done")"),
            "2001: state: must be queued, paused, uploading, completed, failed or cancelled");
  EXPECT_EQ(call_verdict("aws.status", R"(,"states":"failed")"),
            "2001: states: there is no such field; did you mean state?");
}

TEST_F(RouterCommand, StatusOfIdsTellsNoneInSuchAStateFromNoneAtAll) {
  for (int i = 0; i < 3; ++i) upload_at(kNow + i);
  uploads_.uploads.at(1).state = UploadState::paused;
  const auto ids_of = [this](std::string_view fields) {
    const auto envelope = ask_signed(call_text("aws.status", std::string(fields)));
    EXPECT_EQ(verdict(envelope), "success") << fields;
    std::vector<std::int64_t> ids;
    for (const auto& upload : envelope.at("data").as_array()) ids.push_back(upload.at("id").as_int64());
    return ids;
  };
  EXPECT_EQ(ids_of(R"(,"id":[1,2,3],"state":"queued")"), (std::vector<std::int64_t>{3, 1}));
  EXPECT_EQ(ids_of(R"(,"id":[1,2,99],"state":["paused","failed"])"), (std::vector<std::int64_t>{2}));
  EXPECT_TRUE(ids_of(R"(,"id":[1,2,99],"state":"failed")").empty());
  EXPECT_EQ(call_verdict("aws.status", R"(,"id":[98,99],"state":"queued")"), "2005: no such upload for this account");
}

TEST_F(RouterCommand, A72ForeignAndAbsentIdsLookAlike) {
  upload_at(kNow);
  uploads_.uploads.at(0).account = 159;
  const std::string foreign = call_verdict("aws.status", R"(,"id":1)");
  EXPECT_EQ(foreign, "2005: no such upload for this account");
  EXPECT_EQ(call_verdict("aws.status", R"(,"id":12345)"), foreign);
  EXPECT_EQ(call_verdict("aws.status", R"(,"id":[1,12345])"), foreign);
  for (const std::string_view id : {"0", "-1", "9223372036854775808", "[]", "[0]", "null", "\"x\"", "{}"}) {
    EXPECT_TRUE(call_verdict("aws.status", ",\"id\":" + std::string(id)).starts_with("2001: id: ")) << id;
  }
}

TEST_F(RouterCommand, StatusBoundsItsPage) {
  for (const std::string_view wrong : {"0", "101", "-1", "\"a\"", "1.5", "null"}) {
    EXPECT_EQ(call_verdict("aws.status", ",\"limit\":" + std::string(wrong)),
              "2001: limit: must be a whole number, 1 to 100");
  }
  for (const std::string_view wrong : {"-1", "1000001", "9223372036854775807", "null"}) {
    EXPECT_EQ(call_verdict("aws.status", ",\"offset\":" + std::string(wrong)),
              "2001: offset: must be a whole number, 0 to 1000000");
  }
  EXPECT_EQ(call_verdict("aws.status", R"(,"offset":1000000)"), "success");
  EXPECT_EQ(uploads_.last_query.offset, 1'000'000);
  std::string ids = "1";
  for (int i = 2; i <= 101; ++i) ids += "," + std::to_string(i);
  EXPECT_EQ(call_verdict("aws.status", ",\"id\":[" + ids + "]"), "2001: id: a list must hold 1 to 100 ids");
}

}  // namespace
}  // namespace vodlift::legacy
