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
  EXPECT_EQ(succeed("upload.show", {{"id", 1}}), upload);
  EXPECT_EQ(fail("upload.show", {{"id", 2}}, "upload_not_found"), "there is no upload 2; see: vodlift status");
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
  EXPECT_EQ(fail("upload.cancel", {{"id", 3}}, "upload_not_found"), "there is no upload 3; see: vodlift status");
  EXPECT_EQ(fail("upload.cancel", {{"id", 2}, {"cdn", 7}}, "upload_not_found"),
            "account 7 has no upload 2; see: vodlift status --cdn 7");
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
  succeed("upload.list", {{"limit", 100}, {"offset", 7}});
  EXPECT_EQ(uploads_.last_query.limit, 100);
  EXPECT_EQ(uploads_.last_query.offset, 7);
  EXPECT_TRUE(uploads_.last_query.states.empty());
  succeed("upload.list", {{"state", {"failed", "queued"}}});
  EXPECT_EQ(uploads_.last_query.states, (std::vector{UploadState::queued, UploadState::failed}));
  succeed("account.add", {{"cdn", 159}, {"user", "kc"}});
  succeed("upload.list", {});
  succeed("upload.list", {{"cdn", 159}});
  fail("upload.list", {{"cdn", 160}}, "not_found");
}

TEST_F(RestApiTest, ARefusedChangeNamesTheStateAndWhatToDo) {
  add_account();
  succeed("bucket.add", bucket_fields());
  succeed("upload.add",
          {{"cdn", 158}, {"path", "sestore4/jb/film.mp4"}, {"destination_path", "film.mp4"}, {"bucket", "my_bucket"}});
  EXPECT_EQ(succeed("upload.pause", {{"id", 1}}).at("state"), "paused");
  EXPECT_EQ(fail("upload.pause", {{"id", 1}}, "wrong_state"),
            "upload 1 is paused: resume it with: vodlift upload resume 1");
  EXPECT_EQ(fail("upload.cancel", {{"id", 2}}, "upload_not_found"), "there is no upload 2; see: vodlift status");
  for (std::size_t i = 0; i < Words<ChangeRefusal>::kCount; ++i) {
    uploads_.refusal = static_cast<ChangeRefusal>(i);
    const std::string message = fail("upload.resume", {{"id", 1}}, "wrong_state");
    EXPECT_THAT(message, testing::StartsWith("upload 1 is paused: "));
    EXPECT_THAT(message, testing::ContainsRegex(": vodlift (upload|status) (--help|.*1( --watch)?)$"));
  }
}

TEST_F(RestApiTest, RefusesUnfitQueries) {
  add_account();
  fail("upload.list", {{"limit", 101}}, "invalid_value");
  fail("upload.list", {{"limit", 0}}, "invalid_value");
  fail("upload.list", {{"offset", -1}}, "invalid_value");
  fail("upload.list", {{"ids", boost::json::array()}}, "invalid_value");
  fail("upload.list", {{"ids", {1, 0}}}, "invalid_value");
  fail("upload.list", {{"ids", {1}}, {"limit", 5}}, "invalid_value");
  EXPECT_THAT(fail("upload.list", {{"state", {"queued", "done"}}}, "invalid_value"),
              HasSubstr("state: each word of the list must be queued,"));
}

}  // namespace
}  // namespace vodlift::rest
