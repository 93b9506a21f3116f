// Removal of accounts, keys and buckets.
#include "rest/rest_api_test.h"

namespace vodlift::rest {
namespace {

using testing::HasSubstr;

TEST_F(RestApiTest, RemovesABucketThatNothingUses) {
  add_account();
  succeed("bucket.add", bucket_fields());
  const value done = succeed("bucket.remove", {{"cdn", 158}, {"bucket", "my_bucket"}});
  EXPECT_TRUE(done.at("removed").as_bool());
  fail("bucket.show", {{"cdn", 158}, {"bucket", "my_bucket"}}, "not_found");
  fail("bucket.remove", {{"cdn", 158}, {"bucket", "my_bucket"}}, "not_found");
}

TEST_F(RestApiTest, DrainsWhatIsUsedAndShowsWhatIsLeft) {
  add_account();
  succeed("bucket.add", bucket_fields());
  account_rows_.use({.queued = 3, .callbacks = 1});
  const object bucket{{"cdn", 158}, {"bucket", "my_bucket"}};
  EXPECT_THAT(fail("bucket.remove", bucket, "wrong_state"), HasSubstr("3 uploads (3 queued) and 1 callback"));
  object drain = bucket;
  drain["mode"] = "drain";
  const value done = succeed("bucket.remove", drain);
  EXPECT_FALSE(done.at("removed").as_bool());
  EXPECT_EQ(done.at("uses").at("queued").as_int64(), 3);
  const auto removals = items("removal.list", {{"cdn", 158}});
  ASSERT_EQ(removals.size(), 1U);
  EXPECT_EQ(removals[0].at("kind").as_string(), "bucket");
  EXPECT_EQ(removals[0].at("name").as_string(), "my_bucket");
  EXPECT_TRUE(items("removal.list", {{"cdn", 159}}).empty());
  EXPECT_EQ(succeed("bucket.show", bucket).at("removing").as_int64(), 1'700'000'000);
  fail("upload.add",
       {{"cdn", 158}, {"path", "sestore4/jb/film.mp4"}, {"bucket", "my_bucket"}, {"destination_path", "f"}},
       "bucket_not_configured");
  drain["mode"] = "keep";
  succeed("bucket.remove", drain);
  EXPECT_TRUE(items("removal.list", {}).empty());
}

TEST_F(RestApiTest, ShowsWhatUsesItBeforeAnythingIsRemoved) {
  add_account();
  succeed("bucket.add", bucket_fields());
  const value key = succeed("key.add", {{"cdn", 158}});
  account_rows_.use({.queued = 3, .callbacks = 1});
  const object bucket{{"kind", "bucket"}, {"cdn", 158}, {"name", "my_bucket"}};
  EXPECT_EQ(succeed("removal.uses", bucket).at("queued"), 3);
  EXPECT_EQ(succeed("removal.uses", {{"kind", "account"}, {"cdn", 158}}).at("keys"), 1);
  EXPECT_EQ(succeed("removal.uses", {{"kind", "key"}, {"cdn", 158}, {"name", key.at("api_key")}}).at("callbacks"), 1);
  EXPECT_TRUE(items("removal.list", {}).empty());
  fail("removal.uses", {{"kind", "bucket"}, {"cdn", 158}, {"name", "other"}}, "not_found");
  fail("removal.uses", {{"kind", "key"}, {"cdn", 158}, {"name", "other"}}, "not_found");
  fail("removal.uses", {{"kind", "person"}, {"cdn", 158}}, "invalid_value");
  succeed("account.add", {{"cdn", 159}, {"user", "kb"}});
  fail("removal.uses", {{"kind", "key"}, {"cdn", 159}, {"name", key.at("api_key")}}, "not_found");
  who_ = {.name = "anna", .role = Role::customer, .cdn = 159, .via = Principal::Via::session};
  fail("removal.uses", bucket, "not_found");
}

TEST_F(RestApiTest, AnAccountWithPeopleIsNotRemoved) {
  add_account();
  succeed("person.add", {{"name", "anna"}, {"role", "customer"}, {"cdn", 158}});
  EXPECT_THAT(fail("account.remove", {{"cdn", 158}, {"mode", "drain"}}, "wrong_state"),
              HasSubstr("1 person may sign in"));
  succeed("person.remove", {{"name", "anna"}});
  account_rows_.use({.paused = 1});
  EXPECT_FALSE(succeed("account.remove", {{"cdn", 158}, {"mode", "drain"}}).at("removed").as_bool());
  fail("person.add", {{"name", "anna"}, {"role", "customer"}, {"cdn", 158}}, "wrong_state");
  fail("key.add", {{"cdn", 158}}, "wrong_state");
  account_rows_.use({});
  EXPECT_TRUE(succeed("account.remove", {{"cdn", 158}}).at("removed").as_bool());
}

TEST_F(RestApiTest, RemovesAKeyForGood) {
  add_account();
  const value key = succeed("key.add", {{"cdn", 158}});
  EXPECT_TRUE(succeed("key.remove", {{"api_key", key.at("api_key")}}).at("removed").as_bool());
  EXPECT_TRUE(items("key.list", {}).empty());
  fail("key.remove", {{"api_key", key.at("api_key")}}, "not_found");
}

}  // namespace
}  // namespace vodlift::rest
