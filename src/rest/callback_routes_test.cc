// The routes of callbacks.
#include "rest/rest_api_test.h"

namespace vodlift::rest {
namespace {

using testing::HasSubstr;

class RestCallbacksTest : public RestApiTest {
 protected:
  RestCallbacksTest() {
    add_account();
    succeed("bucket.add", bucket_fields());
  }

  // An upload that was cancelled, so that its callback is due.
  void add_callback(const std::string& url) {
    const value added = succeed("upload.add", {{"cdn", 158},
                                               {"path", "sestore4/jb/film.mp4"},
                                               {"destination_path", "film.mp4"},
                                               {"bucket", "my_bucket"},
                                               {"callback", url}});
    succeed("upload.cancel", {{"id", added.at("id")}});
  }
};

TEST_F(RestCallbacksTest, ListsThemNewestFirstAndPageByPage) {
  for (const char* url : {"http://a.example/x", "http://b.example:8080/x", "http://a.example/y"}) add_callback(url);
  const value first = succeed("callback.list", {{"limit", 2}});
  ASSERT_EQ(first.at("items").as_array().size(), 2U);
  EXPECT_EQ(first.at("items").at(0).at("upload"), 3);
  EXPECT_EQ(first.at("items").at(0).at("state"), "pending");
  EXPECT_EQ(boost::json::serialize(first.at("items").at(0).at("actions")), R"(["send"])");
  EXPECT_TRUE(first.at("complete").as_bool());
  const value second = succeed("callback.list", {{"limit", 2}, {"cursor", first.at("next").as_string()}});
  ASSERT_EQ(second.at("items").as_array().size(), 1U);
  EXPECT_TRUE(second.at("next").is_null());
  EXPECT_EQ(items("callback.list", {{"receiver", "a.example"}}).size(), 2U);
  EXPECT_EQ(items("callback.list", {{"receiver", "B.example:8080"}}).size(), 1U);
  EXPECT_EQ(items("callback.list", {{"state", "delivered"}}).size(), 0U);
  EXPECT_EQ(items("callback.list", {{"cdn", 158}}).size(), 3U);
  EXPECT_EQ(items("callback.list", {{"upload", 2}}).size(), 1U);
  EXPECT_EQ(items("callback.list", {{"upload", 9}}).size(), 0U);
  who_.role = Role::viewer;
  EXPECT_EQ(boost::json::serialize(items("callback.list", {}).at(0).at("actions")), "[]") << "it may send none";
  who_.role = Role::admin;
  fail("callback.list", {{"cdn", 7}}, "not_found");
  fail("callback.list", {{"state", "none"}}, "invalid_value");
  fail("callback.list", {{"cursor", "x"}}, "invalid_value");
}

TEST_F(RestCallbacksTest, ShowsOneAndSendsItAgain) {
  add_callback("http://a.example/x");
  const value id = items("callback.list", {}).at(0).at("id");
  memory::MemoryCallbackQueue queue(uploads_.database(), {1, 1});
  const auto claimed = queue.claim({id.as_int64()}, std::chrono::minutes(1)).value();
  ASSERT_EQ(claimed.size(), 1U);
  EXPECT_THAT(fail("callback.send", {{"id", id}}, "wrong_state"), HasSubstr("being delivered"));
  EXPECT_TRUE(queue.record({{claimed[0], {std::chrono::milliseconds(12), 410, "gone", CallbackState::stopped, {}}}}));

  EXPECT_EQ(succeed("upload.show", {{"id", 1}}).at("callback_id"), id);
  const value shown = succeed("callback.show", {{"id", id}});
  EXPECT_EQ(shown.at("state"), "stopped");
  EXPECT_EQ(boost::json::serialize(shown.at("tries")),
            R"([{"number":1,"at":1700000000,"took_ms":12,"http_status":410,"error":"gone"}])");
  EXPECT_EQ(shown.at("last"), shown.at("tries").at(0));
  EXPECT_EQ(succeed("callback.send", {{"id", id}}).at("state"), "pending");
  EXPECT_EQ(queue.due_accounts(1, 10).value(), std::vector<AccountId>{158});
  fail("callback.show", {{"id", 99}}, "not_found");
  fail("callback.send", {{"id", 99}}, "not_found");
}

TEST_F(RestCallbacksTest, TellsHowReceiversDo) {
  add_callback("http://a.example/x");
  EXPECT_EQ(
      boost::json::serialize(items("callback.receivers", {})),
      R"([{"receiver":"a.example:80","delivered":0,"failed":0,"pending":1,"last_error":null,"last_failure":null,)"
      R"("last_success":null,"failing_since":null,"disabled":false,"cdn":158,"success_rate":null,"latency_ms":null}])");
  memory::MemoryCallbackQueue queue(uploads_.database(), {1, 1});
  const auto attempt = [&](int http_status, const char* error, CallbackState next) {
    const auto claimed = queue.claim({1}, std::chrono::minutes(1)).value();
    ASSERT_EQ(claimed.size(), 1U);
    ASSERT_TRUE(queue.record({{claimed[0], {std::chrono::milliseconds(12), http_status, error, next, {}}}}));
  };
  attempt(503, "busy", CallbackState::pending);
  attempt(200, "", CallbackState::delivered);
  EXPECT_EQ(boost::json::serialize(items("callback.receivers", {{"cdn", 158}})),
            R"([{"receiver":"a.example:80","delivered":1,"failed":1,"pending":0,"last_error":"busy",)"
            R"("last_failure":1700000000,"last_success":1700000000,"failing_since":null,"disabled":false,)"
            R"("cdn":158,"success_rate":5E-1,)"
            R"("latency_ms":12}])");
  succeed("account.add", {{"cdn", 159}, {"user", "kb"}});
  EXPECT_TRUE(items("callback.receivers", {{"cdn", 159}}).empty());
  fail("callback.receivers", {{"cdn", 7}}, "not_found");
}

TEST_F(RestCallbacksTest, ADisabledReceiverNeedsAPerson) {
  memory::MemoryCallbackQueue queue(uploads_.database(), {1, 1});
  const auto fail_once = [&] {
    const auto claimed = queue.claim({1}, std::chrono::minutes(1)).value();
    ASSERT_EQ(claimed.size(), 1U);
    ASSERT_TRUE(queue.record({{claimed[0], {std::chrono::milliseconds(12), 503, "busy", CallbackState::pending, {}}}}));
  };
  add_callback("http://a.example/x");
  fail_once();
  clock_.pass(std::chrono::hours(24 * 5));
  EXPECT_FALSE(items("callback.receivers", {}).at(0).at("disabled").as_bool());
  EXPECT_EQ(succeed("overview.show", {}).at("attention").at(0).at("code"), "callbacks_failing");
  fail_once();
  EXPECT_TRUE(items("callback.receivers", {}).at(0).at("disabled").as_bool());
  const value needs = succeed("overview.show", {}).at("attention");
  ASSERT_EQ(needs.as_array().size(), 1U);
  EXPECT_EQ(needs.at(0).at("code"), "callbacks_disabled");
  EXPECT_EQ(needs.at(0).at("title"), "Receiver a.example:80 is disabled: all callbacks to it have failed for 5 d 0 h.");
  disabled_receivers_.use(std::chrono::days(0));
  EXPECT_FALSE(items("callback.receivers", {}).at(0).at("disabled").as_bool());
}

TEST_F(RestCallbacksTest, TestsAReceiver) {
  const value sent = succeed("callback.test", {{"cdn", 158}, {"url", "http://a.example/x"}});
  EXPECT_TRUE(sent.at("delivered").as_bool());
  EXPECT_EQ(sent.at("http_status"), 204);
  EXPECT_EQ(boost::json::parse(sent.at("body").as_string()).at("test"), true);
  fail("callback.test", {{"cdn", 7}, {"url", "http://a.example/x"}}, "not_found");
  fail("callback.test", {{"cdn", 158}, {"url", "ftp://a.example/x"}}, "invalid_value");
}

}  // namespace
}  // namespace vodlift::rest
