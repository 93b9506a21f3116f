// Changes of one upload, and of all that a filter holds.
#include "rest/rest_api_test.h"

namespace vodlift::rest {
namespace {

using testing::HasSubstr;

class RestChangesTest : public RestApiTest {
 protected:
  RestChangesTest() {
    add_account();
    succeed("bucket.add", bucket_fields());
  }

  void add_uploads(int count) {
    for (int i = 0; i < count; ++i) {
      succeed("upload.add", {{"cdn", 158},
                             {"path", "sestore4/jb/film.mp4"},
                             {"destination_path", "films/" + std::to_string(i)},
                             {"bucket", "my_bucket"}});
    }
  }
};

TEST_F(RestChangesTest, ARefusedChangeNamesTheStateAndWhatToDo) {
  succeed("upload.add",
          {{"cdn", 158}, {"path", "sestore4/jb/film.mp4"}, {"destination_path", "film.mp4"}, {"bucket", "my_bucket"}});
  EXPECT_EQ(succeed("upload.pause", {{"id", 1}}).at("state"), "paused");
  EXPECT_EQ(fail("upload.pause", {{"id", 1}}, "wrong_state"), "upload 1 is paused: resume it first");
  EXPECT_EQ(fail("upload.cancel", {{"id", 2}}, "upload_not_found"), "there is no upload 2");
  for (std::size_t i = 0; i < Words<ChangeRefusal>::kCount; ++i) {
    uploads_.refusal = static_cast<ChangeRefusal>(i);
    const std::string message = fail("upload.resume", {{"id", 1}}, "wrong_state");
    EXPECT_THAT(message, testing::StartsWith("upload 1 is paused: "));
    EXPECT_THAT(message, testing::Not(testing::HasSubstr("vodlift"))) << "a customer has no such command";
    EXPECT_THAT(last_body_, testing::ContainsRegex(R"("operator_detail":"[^"]*vodlift (upload|status) )"));
  }
}

TEST_F(RestChangesTest, TheSameIdempotencyKeyRetriesOnce) {
  succeed("upload.add",
          {{"cdn", 158}, {"path", "sestore4/jb/film.mp4"}, {"destination_path", "a"}, {"bucket", "my_bucket"}});
  idempotency_key_ = "k";
  EXPECT_EQ(succeed("upload.cancel", {{"id", 1}}).at("state"), "cancelled");
  EXPECT_EQ(succeed("upload.cancel", {{"id", 1}}).at("state"), "cancelled") << "a repeat is no second change";
  EXPECT_EQ(succeed("upload.retry", {{"id", 1}}).at("id"), 2);
  EXPECT_EQ(succeed("upload.retry", {{"id", 1}}).at("id"), 2);
  clock_.pass(std::chrono::hours(24));
  EXPECT_EQ(succeed("upload.retry", {{"id", 1}}).at("id"), 2) << "a day later";
}

TEST_F(RestChangesTest, AnUploadSaysWhatCanBeDoneWithIt) {
  add_uploads(1);
  const auto actions = [&] { return boost::json::serialize(succeed("upload.show", {{"id", 1}}).at("actions")); };
  EXPECT_EQ(actions(), R"(["cancel","pause","retry","set_priority"])");
  succeed("upload.pause", {{"id", 1}});
  EXPECT_EQ(actions(), R"(["cancel","resume","set_priority"])");
  succeed("upload.cancel", {{"id", 1}});
  EXPECT_EQ(actions(), R"(["retry"])");
  who_ = {.name = "anna", .role = Role::customer, .cdn = 158, .via = Principal::Via::session};
  EXPECT_EQ(actions(), R"(["retry"])");
  who_.role = Role::viewer;
  EXPECT_EQ(actions(), "[]") << "a viewer may change nothing";
}

TEST_F(RestChangesTest, ThePriorityOfOneOrOfAllThatAFilterHolds) {
  add_uploads(3);
  EXPECT_EQ(succeed("upload.set", {{"id", 1}, {"priority", 9}}).at("priority"), 9);
  const value done =
      succeed("upload.bulk", {{"action", "set_priority"}, {"cdn", 158}, {"priority", 9}, {"new_priority", 0}});
  EXPECT_EQ(done.at("matched"), 1);
  EXPECT_EQ(done.at("changed"), 1);
  EXPECT_EQ(uploads_.all().at(0).request.priority, 0);
  EXPECT_EQ(uploads_.all().at(1).request.priority, 5);
  fail("upload.set", {{"id", 1}}, "missing_field");
  fail("upload.set", {{"id", 1}, {"priority", 10}}, "invalid_value");
  fail("upload.bulk", {{"action", "set_priority"}, {"cdn", 158}}, "missing_field");
  fail("upload.bulk", {{"action", "cancel"}, {"cdn", 158}, {"new_priority", 1}}, "missing_field");
  succeed("upload.cancel", {{"id", 1}});
  fail("upload.set", {{"id", 1}, {"priority", 1}}, "wrong_state");
}

TEST_F(RestChangesTest, ADryRunSaysWhatWouldBeChangedAndChangesNothing) {
  add_uploads(3);
  const std::size_t recorded = audit_.entries().size();
  const value would = succeed("upload.bulk", {{"action", "cancel"}, {"cdn", 158}, {"dry_run", true}});
  EXPECT_EQ(audit_.entries().size(), recorded) << "nothing was changed";
  EXPECT_EQ(
      boost::json::serialize(would),
      R"({"next":null,"complete":true,"searched_to":null,"action":"cancel","dry_run":true,"matched":3,"bytes":3000,)"
      R"("changed":0,"refused":0,"changes":[],"refusals":[]})");
  EXPECT_EQ(items("upload.list", {{"state", {"queued"}}}).size(), 3U);
  succeed("upload.bulk", {{"action", "cancel"}, {"cdn", 158}, {"dry_run", false}});
  EXPECT_EQ(audit_.entries().size(), recorded + 1);
  fail("upload.cancel", {{"id", 1}, {"dry_run", true}}, "invalid_value");
  EXPECT_EQ(audit_.entries().size(), recorded + 2) << "of a route that has no dry run";
}

TEST_F(RestChangesTest, ChangesAllThatTheFilterHoldsAndTheActionCanChange) {
  add_uploads(3);
  EXPECT_EQ(succeed("upload.bulk", {{"action", "pause"}, {"text", "films/1"}}).at("changed"), 1);
  EXPECT_EQ(succeed("upload.bulk", {{"action", "cancel"}, {"bucket", "my_bucket"}}).at("changed"), 3);
  const value again = succeed("upload.bulk", {{"action", "cancel"}, {"bucket", "my_bucket"}});
  EXPECT_EQ(again.at("matched"), 0) << "an upload that has ended cannot be cancelled";
  EXPECT_EQ(succeed("upload.bulk", {{"action", "retry"}, {"bucket", "my_bucket"}}).at("matched"), 0);
  EXPECT_EQ(succeed("upload.bulk", {{"action", "retry"}, {"state", {"cancelled"}}}).at("changed"), 3);
  EXPECT_EQ(items("upload.list", {}).size(), 6U);
}

TEST_F(RestChangesTest, WhatIsRefusedIsCountedAndNamed) {
  add_uploads(30);
  const value done = succeed("upload.bulk", {{"action", "resume"}, {"state", {"queued"}}});
  EXPECT_EQ(done.at("refused"), 30);
  EXPECT_EQ(done.at("changed"), 0);
  ASSERT_EQ(done.at("refusals").as_array().size(), 20U);
  const value& first = done.at("refusals").as_array()[0];
  EXPECT_EQ(first.at("id"), 30);
  EXPECT_EQ(first.at("code"), "wrong_state");
  EXPECT_THAT(first.at("detail").as_string().c_str(), HasSubstr("upload 30 is queued"));
}

TEST_F(RestChangesTest, OneRequestChangesAThousandAndSaysWhereToGoOn) {
  add_uploads(1050);
  const value first = succeed("upload.bulk", {{"action", "cancel"}, {"all", true}});
  EXPECT_EQ(first.at("changed"), 1000);
  const value second =
      succeed("upload.bulk", {{"action", "cancel"}, {"all", true}, {"cursor", first.at("next").as_string()}});
  EXPECT_EQ(second.at("changed"), 50);
  EXPECT_TRUE(second.at("next").is_null());
}

TEST_F(RestChangesTest, ChangesThoseThatAreNamed) {
  add_uploads(250);
  boost::json::array ids;
  for (int id = 100; id <= 252; ++id) ids.push_back(id);
  const value would = succeed("upload.bulk", {{"action", "cancel"}, {"ids", ids}, {"dry_run", true}});
  EXPECT_EQ(would.at("matched"), 151);
  EXPECT_EQ(would.at("bytes"), 151'000);
  EXPECT_EQ(would.at("changed"), 0);
  EXPECT_EQ(items("upload.list", {{"state", {"cancelled"}}}).size(), 0U);
  const value done = succeed("upload.bulk", {{"action", "cancel"}, {"ids", ids}});
  EXPECT_EQ(done.at("matched"), 151);
  EXPECT_EQ(done.at("changed"), 151);
  EXPECT_EQ(done.at("refused"), 2) << "there is no upload 251, nor 252";
  EXPECT_EQ(done.at("refusals").at(0).at("id"), 252);
  EXPECT_EQ(done.at("refusals").at(0).at("code"), "upload_not_found");
  ASSERT_EQ(done.at("changes").as_array().size(), 151U);
  EXPECT_EQ(done.at("changes").at(0).at("id"), 250);
  EXPECT_EQ(done.at("changes").at(0).at("upload").at("state"), "cancelled");
  EXPECT_TRUE(done.at("next").is_null());
  EXPECT_EQ(succeed("upload.show", {{"id", 99}}).at("state"), "queued");
  EXPECT_EQ(succeed("upload.show", {{"id", 100}}).at("state"), "cancelled");
  const value again = succeed("upload.bulk", {{"action", "cancel"}, {"ids", {100, 99, 100}}});
  EXPECT_EQ(again.at("matched"), 2);
  EXPECT_EQ(again.at("changed"), 1);
  EXPECT_EQ(again.at("refusals").at(0).at("code"), "wrong_state");
}

TEST_F(RestChangesTest, WhatBecameOfEachThatWasNamedIsTold) {
  add_uploads(30);
  boost::json::array ids;
  for (int id = 1; id <= 30; ++id) ids.push_back(id);
  const value refused = succeed("upload.bulk", {{"action", "resume"}, {"ids", ids}});
  EXPECT_EQ(refused.at("refusals").as_array().size(), 30U);
  EXPECT_TRUE(refused.at("changes").as_array().empty());
  succeed("upload.bulk", {{"action", "cancel"}, {"ids", {7}}});
  const value again = succeed("upload.bulk", {{"action", "retry"}, {"ids", {7}}});
  EXPECT_EQ(again.at("changes").at(0).at("id"), 7);
  EXPECT_EQ(again.at("changes").at(0).at("upload").at("id"), 31) << "it is queued again as a new one";
}

TEST_F(RestChangesTest, NamesAreBoundedAndStandAlone) {
  add_uploads(1);
  EXPECT_THAT(fail("upload.bulk", {{"action", "cancel"}, {"ids", boost::json::array(401, 1)}}, "invalid_value"),
              HasSubstr("1 to 400 ids"));
  fail("upload.bulk", {{"action", "cancel"}, {"ids", boost::json::array()}}, "invalid_value");
  fail("upload.bulk", {{"action", "cancel"}, {"ids", {0}}}, "invalid_value");
  fail("upload.bulk", {{"action", "cancel"}, {"ids", {1}}, {"all", true}}, "invalid_value");
  fail("upload.bulk", {{"action", "cancel"}, {"ids", {1}}, {"state", {"queued"}}}, "invalid_value");
  fail("upload.bulk", {{"action", "cancel"}, {"ids", {1}}, {"cursor", "5"}}, "invalid_value");
  EXPECT_EQ(items("upload.list", {{"state", {"queued"}}}).size(), 1U) << "nothing was changed";
  EXPECT_EQ(succeed("upload.bulk", {{"action", "cancel"}, {"ids", boost::json::array(400, 1)}}).at("changed"), 1);
}

TEST_F(RestChangesTest, ACustomerNamesItsOwnUploadsOnly) {
  add_uploads(1);
  succeed("account.add", {{"cdn", 159}, {"user", "kb"}});
  who_ = {.name = "anna", .role = Role::customer, .cdn = 159, .via = Principal::Via::session};
  const value done = succeed("upload.bulk", {{"action", "cancel"}, {"ids", {1}}});
  EXPECT_EQ(done.at("matched"), 0);
  EXPECT_EQ(done.at("refusals").at(0).at("code"), "upload_not_found");
  EXPECT_EQ(done.at("refusals").at(0).at("detail"), "account 159 has no upload 1");
  who_ = socket_principal();
  EXPECT_EQ(succeed("upload.show", {{"id", 1}}).at("state"), "queued");
}

TEST_F(RestChangesTest, AFilterThatNarrowsNothingHasToBeMeant) {
  add_uploads(1);
  EXPECT_THAT(fail("upload.bulk", {{"action", "cancel"}}, "missing_field"), HasSubstr("a filter such as"));
  fail("upload.bulk", {{"cdn", 158}}, "missing_field");
  fail("upload.bulk", {{"action", "delete"}, {"cdn", 158}}, "invalid_value");
  EXPECT_EQ(items("upload.list", {{"state", {"queued"}}}).size(), 1U);
}

TEST_F(RestChangesTest, ARepeatOfABulkRetryQueuesNothingTwice) {
  add_uploads(3);
  succeed("upload.bulk", {{"action", "cancel"}, {"cdn", 158}});
  idempotency_key_ = "k";
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(succeed("upload.bulk", {{"action", "retry"}, {"state", {"cancelled"}}}).at("changed"), 3);
  }
  EXPECT_EQ(items("upload.list", {}).size(), 6U);
}

}  // namespace
}  // namespace vodlift::rest
