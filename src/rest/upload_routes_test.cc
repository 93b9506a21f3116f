// The routes of uploads.
#include "rest/rest_api_test.h"

namespace vodlift::rest {
namespace {

using testing::HasSubstr;

TEST_F(RestApiTest, QueuesAnUploadAndListsIt) {
  add_account();
  succeed("bucket.add", bucket_fields());
  const object request = {{"cdn", 158},
                          {"path", "sestore4/jb/film.mp4"},
                          {"destination_path", "films/film.mp4"},
                          {"bucket", "my_bucket"},
                          {"acl", "public-read"},
                          {"metadata", object{{"Title", "x"}}},
                          {"priority", 9}};
  EXPECT_EQ(succeed("upload.add", request).at("id"), 1);

  const boost::json::array listed = items("upload.list", {{"ids", {1}}});
  ASSERT_EQ(listed.size(), 1U);
  const value& upload = listed[0];
  EXPECT_EQ(upload.at("destination_path"), "films/film.mp4");
  EXPECT_EQ(upload.at("state"), "queued");
  EXPECT_EQ(upload.at("size"), 1000);
  EXPECT_EQ(upload.at("acl"), "public-read");
  EXPECT_EQ(upload.at("cdn"), 158);
  object shown = succeed("upload.show", {{"id", 1}}).as_object();
  EXPECT_EQ(shown.at("source").at("may_delete"), false);
  EXPECT_TRUE(shown.at("history").as_array().empty());
  EXPECT_TRUE(shown.at("callback_id").is_null());
  EXPECT_TRUE(shown.at("parts").is_null() && shown.at("advice").is_null() && shown.at("retried_as").is_null());
  for (const char* more : {"source", "history", "callback_id", "parts", "advice", "retried_as", "trace_id"})
    shown.erase(more);
  EXPECT_EQ(value(shown), upload);
  EXPECT_EQ(fail("upload.show", {{"id", 2}}, "upload_not_found"), "there is no upload 2");
}

TEST_F(RestApiTest, AnIdIsEnoughAmongSeveralAccounts) {
  add_account();
  succeed("account.add", {{"cdn", 7}, {"user", "kc"}});
  succeed("bucket.add", bucket_fields());
  const object request = {
      {"cdn", 158}, {"path", "sestore4/jb/film.mp4"}, {"destination_path", "film.mp4"}, {"bucket", "my_bucket"}};
  succeed("upload.add", request);
  EXPECT_EQ(items("upload.list", {{"ids", {1}}}).at(0).at("cdn"), 158);
  EXPECT_EQ(items("upload.list", {}).size(), 1U);
  EXPECT_EQ(items("upload.list", {{"state", {"failed"}}}).size(), 0U);
  EXPECT_EQ(succeed("upload.pause", {{"id", 1}}).at("cdn"), 158);
  EXPECT_EQ(succeed("upload.resume", {{"id", 1}}).at("state"), "queued");
  EXPECT_EQ(succeed("upload.retry", {{"id", 1}}).at("id"), 1);
  EXPECT_EQ(succeed("upload.cancel", {{"id", 1}}).at("state"), "cancelled");
  EXPECT_EQ(succeed("upload.retry", {{"id", 1}}).at("id"), 2);
  EXPECT_EQ(fail("upload.cancel", {{"id", 3}}, "upload_not_found"), "there is no upload 3");
  EXPECT_EQ(fail("upload.cancel", {{"id", 2}, {"cdn", 7}}, "upload_not_found"), "account 7 has no upload 2");
  EXPECT_EQ(items("upload.list", {{"ids", {1}}, {"cdn", 7}}).size(), 0U);
}

TEST_F(RestApiTest, PassesOnWhatTheIntakeRefuses) {
  add_account();
  object request = {
      {"cdn", 158}, {"path", "sestore4/jb/film.mp4"}, {"destination_path", "film.mp4"}, {"bucket", "my_bucket"}};
  fail("upload.add", request, "bucket_not_configured");
  succeed("bucket.add", bucket_fields());
  request["path"] = "sestore4/jb/other.mp4";
  fail("upload.add", request, "source_not_found");
  request["acl"] = "world";
  fail("upload.add", request, "invalid_value");
  request["cdn"] = 7;
  request.erase("acl");
  EXPECT_THAT(fail("upload.add", request, "not_found"), HasSubstr("no account 7"));
  EXPECT_EQ(items("upload.list", {{"cdn", 158}}).size(), 0U);
}

TEST_F(RestApiTest, ListsAllAccountsUnasked) {
  fail("upload.list", {}, "not_found");
  add_account();
  succeed("upload.list", {{"limit", 100}});
  succeed("account.add", {{"cdn", 159}, {"user", "kc"}});
  succeed("upload.list", {});
  succeed("upload.list", {{"cdn", 159}});
  fail("upload.list", {{"cdn", 160}}, "not_found");
}

TEST_F(RestApiTest, RefusesUnfitQueries) {
  add_account();
  fail("upload.list", {{"limit", 101}}, "invalid_value");
  fail("upload.list", {{"limit", 0}}, "invalid_value");
  fail("upload.list", {{"cursor", "x"}}, "invalid_value");
  fail("upload.list", {{"cursor", "-1"}}, "invalid_value");
  fail("upload.list", {{"cursor", "99999999999999999999"}}, "invalid_value");
  fail("upload.list", {{"priority", 10}}, "invalid_value");
  fail("upload.list", {{"since", "yesterday"}}, "invalid_value");
  EXPECT_THAT(fail("upload.list", {{"error", {"s3_credental"}}}, "invalid_value"), HasSubstr("s3_credental"));
  fail("upload.list", {{"ids", boost::json::array()}}, "invalid_value");
  fail("upload.list", {{"ids", {1, 0}}}, "invalid_value");
  EXPECT_THAT(fail("upload.list", {{"state", {"queued", "done"}}}, "invalid_value"),
              HasSubstr("state: each word of the list must be queued,"));
}

TEST_F(RestApiTest, CountsUploadsByAccountAndState) {
  add_account();
  succeed("bucket.add", bucket_fields());
  EXPECT_TRUE(items("upload.counts", {}).empty());
  const object request = {
      {"cdn", 158}, {"path", "sestore4/jb/film.mp4"}, {"destination_path", "a"}, {"bucket", "my_bucket"}};
  succeed("upload.add", request);
  succeed("upload.add", request);
  succeed("upload.cancel", {{"id", 2}});
  EXPECT_EQ(boost::json::serialize(items("upload.counts", {})),
            R"([{"cdn":158,"state":"queued","uploads":1,"bytes":1000},)"
            R"({"cdn":158,"state":"cancelled","uploads":1,"bytes":1000}])");
  EXPECT_TRUE(items("upload.counts", {{"cdn", 7}}).empty());
}

TEST_F(RestApiTest, TheSameIdempotencyKeyQueuesOneUpload) {
  add_account();
  succeed("bucket.add", bucket_fields());
  object request = {{"cdn", 158},
                    {"path", "sestore4/jb/film.mp4"},
                    {"destination_path", "a"},
                    {"bucket", "my_bucket"},
                    {"metadata", object{{"Title", "x"}}}};
  EXPECT_EQ(succeed("upload.add", request).at("id"), 1);
  EXPECT_EQ(succeed("upload.add", request).at("id"), 2) << "without a key it is another upload";
  idempotency_key_ = "key-1";
  EXPECT_EQ(succeed("upload.add", request).at("id"), 3);
  EXPECT_EQ(succeed("upload.add", request).at("id"), 3);
  EXPECT_EQ(last_status_, 201);
  clock_.pass(std::chrono::hours(24));
  EXPECT_EQ(succeed("upload.add", request).at("id"), 3) << "a day later";
  request["destination_path"] = "b";
  EXPECT_THAT(fail("upload.add", request, "invalid_value"), HasSubstr("upload 3 was made with this key"));
  idempotency_key_ = "key-2";
  EXPECT_EQ(succeed("upload.add", request).at("id"), 4);
  EXPECT_EQ(items("upload.list", {}).size(), 4U);
}

TEST_F(RestApiTest, AnIdempotencyKeyThatWouldHaveNoEffectIsRefused) {
  for (const std::string& key : {std::string("a b"), std::string(256, 'k'), std::string("\xC3\xA9")}) {
    idempotency_key_ = key;
    EXPECT_THAT(fail("upload.cancel", {{"id", 1}}, "invalid_value"), HasSubstr("Idempotency-Key: expected 1 to 255"));
  }
  idempotency_key_ = "k";
  EXPECT_THAT(fail("account.add", {{"cdn", 158}, {"user", "jb"}}, "invalid_value"), HasSubstr("POST /accounts takes"));
  EXPECT_EQ(items("account.list", {}).size(), 0U);
}

TEST_F(RestApiTest, ListsWhatAFilterHoldsPageByPage) {
  add_account();
  succeed("account.add", {{"cdn", 7}, {"user", "kc"}});
  succeed("bucket.add", bucket_fields());
  for (int i = 0; i < 5; ++i) {
    succeed("upload.add", {{"cdn", 158},
                           {"path", "sestore4/jb/film.mp4"},
                           {"destination_path", "films/" + std::to_string(i)},
                           {"bucket", "my_bucket"},
                           {"priority", i}});
  }
  succeed("upload.pause", {{"id", 2}});
  const auto ids = [&](object fields) {
    std::vector<std::int64_t> all;
    for (int pages = 0; pages < 9; ++pages) {
      const value page = succeed("upload.list", fields);
      for (const value& one : page.at("items").as_array()) all.push_back(one.at("id").as_int64());
      EXPECT_TRUE(page.at("searched_to").is_null());
      EXPECT_TRUE(page.at("complete").as_bool());
      if (page.at("next").is_null()) break;
      fields["cursor"] = page.at("next");
    }
    return all;
  };
  EXPECT_THAT(ids({{"limit", 2}}), testing::ElementsAre(5, 4, 3, 2, 1));
  EXPECT_THAT(ids({{"state", {"paused"}}}), testing::ElementsAre(2));
  EXPECT_THAT(ids({{"text", "films/3"}}), testing::ElementsAre(4));
  EXPECT_THAT(ids({{"text", "jb/film"}, {"priority", 0}}), testing::ElementsAre(1));
  EXPECT_THAT(ids({{"cdn", 7}}), testing::ElementsAre());
  EXPECT_THAT(ids({{"bucket", "other"}}), testing::ElementsAre());
  EXPECT_THAT(ids({{"error", {"s3_credential"}}}), testing::ElementsAre());
  EXPECT_THAT(ids({{"since", 1'700'000'000}, {"until", 1'700'000'001}}).size(), 5U);
  EXPECT_THAT(ids({{"until", 1'700'000'000}}), testing::ElementsAre());
}

}  // namespace
}  // namespace vodlift::rest
