#include "admin/admin_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <future>

#include "admin/fakes_test.h"
#include "base/encoding.h"

namespace vodlift::admin {
namespace {

using boost::json::object;
using boost::json::value;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

class AdminApiTest : public testing::Test {
 protected:
  net::Response send(std::string_view method, std::string_view target, std::string_view body) {
    net::Request request;
    request.method = method;
    request.target = target;
    request.body = body;
    std::promise<net::Response> answered;
    api_.handle(std::move(request), [&](net::Response response) { answered.set_value(std::move(response)); });
    return answered.get_future().get();
  }

  object call(std::string_view command, const object& fields) {
    const net::Response response =
        send("POST", "/admin/" + std::string(command), boost::json::serialize(value(fields)));
    last_status_ = response.status;
    last_body_ = response.body;
    return boost::json::parse(response.body).as_object();
  }

  value succeed(std::string_view command, const object& fields) {
    object answer = call(command, fields);
    EXPECT_EQ(answer["status"], "success") << last_body_;
    return answer["data"];
  }

  // The failure's message; its code must be `code`.
  std::string fail(std::string_view command, const object& fields, std::string_view code) {
    object answer = call(command, fields);
    EXPECT_EQ(answer["status"], "failure") << last_body_;
    EXPECT_EQ(std::string_view(answer["code"].as_string()), code) << last_body_;
    return std::string(answer["message"].as_string());
  }

  void add_account() { succeed("account.add", {{"cdn", 158}, {"user", "jb"}}); }

  object bucket_fields() const {
    return {{"cdn", 158},
            {"bucket", "my_bucket"},
            {"endpoint", "https://s3.example.com"},
            {"region", "eu-west-1"},
            {"access_key", "AKIA"},
            {"secret_key", "very-secret"}};
  }

  FixedClock clock_;
  MemoryAccounts accounts_;
  MemoryUploads uploads_;
  MemoryStorages storages_;
  UploadIntake intake_{accounts_, storages_, clock_, [](const std::string&) { return std::nullopt; }};
  ThreadPool pool_{"test", 2, 16};
  MemoryAudit audit_;
  ListedLedger ledger_;
  ScriptedDoctor doctor_;
  MemoryLimits limits_;
  Bandwidth bandwidth_{clock_};
  BandwidthControl bandwidth_control_{limits_, bandwidth_, {"sestore4"}};
  AdminApi api_{accounts_, uploads_,           intake_, clock_, audit_, doctor_, {"https://s3.from.env", "from-env"},
                ledger_,   bandwidth_control_, pool_};
  int last_status_ = 0;
  std::string last_body_;
};

TEST_F(AdminApiTest, AddsAnAccountAndShowsItsWebhookSecretOnce) {
  const value added = succeed("account.add", {{"cdn", 158}, {"user", "jb"}});
  EXPECT_EQ(last_status_, 200);
  const std::string secret(added.at("webhook_secret").as_string());
  ASSERT_THAT(secret, StartsWith("whsec_"));
  const auto bytes = from_base64(secret.substr(6));
  ASSERT_TRUE(bytes.has_value());
  EXPECT_EQ(bytes->size(), 32U);
  EXPECT_EQ(accounts_.find_account(158)->webhook_secret.reveal(), secret);

  const value listed = succeed("account.list", {});
  EXPECT_EQ(boost::json::serialize(listed), R"([{"cdn":158,"user":"jb","created":1700000000,"weight":1}])");
}

TEST_F(AdminApiTest, WeighsAccounts) {
  succeed("account.add", {{"cdn", 158}, {"user", "jb"}, {"weight", 3}});
  EXPECT_EQ(succeed("account.list", {}).as_array().at(0).at("weight").as_int64(), 3);
  EXPECT_EQ(succeed("account.set", {{"cdn", 158}, {"weight", 100}}).at("weight").as_int64(), 100);
  fail("account.set", {{"cdn", 158}, {"weight", 0}}, "invalid_value");
  fail("account.set", {{"cdn", 158}, {"weight", 101}}, "invalid_value");
  fail("account.set", {{"cdn", 158}}, "missing_field");
  fail("account.set", {{"cdn", 159}, {"weight", 2}}, "not_found");
}

TEST_F(AdminApiTest, SetsListsAndRemovesLimits) {
  add_account();
  EXPECT_EQ(succeed("limit.list", {}).as_array().size(), 0U);
  EXPECT_EQ(
      succeed("limit.set", {{"rate", "50 MB/s"}}),
      value({{"scope", "all uploads"}, {"rate", "50MB"}, {"timetable", boost::json::array()}, {"time_zone", "UTC"}}));
  succeed("limit.set",
          {{"cdn", 158}, {"rate", "none"}, {"timetable", {"Mon-Fri 08:00-18:00 10MB"}}, {"time_zone", "Europe/Paris"}});
  succeed("limit.set", {{"storage", "sestore4"}, {"rate", "1GB"}});
  EXPECT_EQ(succeed("limit.list", {}).as_array().size(), 3U);
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
  EXPECT_EQ(succeed("limit.list", {}).as_array().size(), 2U);
}

TEST_F(AdminApiTest, ListsWhatWaitsToBeClearedAway) {
  LeftMultipart one;
  one.upload = 7;
  one.account = 158;
  one.place = {"https://h", "b", "film.mp4"};
  one.multipart_id = "mp";
  one.left = from_unix_ms(1'700'000'000'000);
  one.attempts = 2;
  one.next_attempt = from_unix_ms(1'700'000'060'000);
  one.error = "no answer";
  ledger_.entries = {one};
  EXPECT_EQ(boost::json::serialize(succeed("bucket.litter", {{"cdn", 158}, {"limit", 5}})),
            R"([{"cdn":158,"bucket":"b","endpoint":"https://h","key":"film.mp4","multipart_id":"mp","upload":7,)"
            R"("since":1700000000,"tries":2,"next_try":1700000060,"error":"no answer"}])");
  EXPECT_EQ(ledger_.asked_for, 158);
  EXPECT_EQ(ledger_.limited_to, 5);
  fail("bucket.litter", {{"limit", 0}}, "invalid_value");
}

TEST_F(AdminApiTest, RefusesAnAccountThatExistsOrCannotBe) {
  add_account();
  EXPECT_EQ(fail("account.add", {{"cdn", 158}, {"user", "x"}}, "already_exists"), "account 158 exists");
  EXPECT_EQ(last_status_, 409);
  EXPECT_THAT(fail("account.add", {{"cdn", 1}, {"user", "../x"}}, "invalid_value"), HasSubstr("user: expected"));
  EXPECT_THAT(fail("account.add", {{"cdn", 0}, {"user", "x"}}, "invalid_value"), HasSubstr("cdn: expected an integer"));
}

TEST_F(AdminApiTest, TellsAllMissingAndAllUnfitFields) {
  EXPECT_EQ(fail("bucket.add", {{"cdn", 158}, {"bucket", "b"}}, "missing_field"),
            "required but missing: access_key, secret_key (or credentials, which says where they come from instead)");
  EXPECT_EQ(fail("account.add", {{"cdn", "158"}, {"user", 5}, {"x", 1}}, "invalid_value"),
            "cdn: expected an integer from 1 to 9223372036854775807; user: expected a string; x: unknown field");
}

TEST_F(AdminApiTest, MakesAPairAndNeverShowsTheSecretAgain) {
  add_account();
  const value added = succeed("key.add", {{"cdn", 158}});
  const std::string api_key(added.at("api_key").as_string());
  const std::string secret(added.at("secret").as_string());
  EXPECT_THAT(api_key, MatchesRegex("[A-Z0-9]{32}"));
  EXPECT_THAT(secret, MatchesRegex("[0-9a-f]{64}"));
  EXPECT_EQ(accounts_.find_key(api_key)->secret.reveal(), secret);
  EXPECT_NE(succeed("key.add", {{"cdn", 158}}).at("api_key"), added.at("api_key"));

  succeed("key.list", {{"cdn", 158}});
  EXPECT_THAT(last_body_, AllOf(HasSubstr(api_key), Not(HasSubstr(secret))));
}

TEST_F(AdminApiTest, ImportsAPairThatClientsHave) {
  add_account();
  const object pair = {{"cdn", 158},
                       {"api_key", "APX4GKLM0RKQLSP2FBO1ROPKSSW47DZE"},
                       {"secret", "8fc8c48da81e6a2a06a9556379bf798af508dc0792497c678b4c3532ba8b637f"}};
  EXPECT_EQ(succeed("key.add", pair).at("api_key"), "APX4GKLM0RKQLSP2FBO1ROPKSSW47DZE");
  EXPECT_EQ(fail("key.add", {{"cdn", 158}, {"api_key", "APX4GKLM0RKQ"}}, "missing_field"),
            "required but missing: secret");
  EXPECT_THAT(fail("key.add", {{"cdn", 158}, {"api_key", "APX4GKLM0RKQ"}, {"secret", "short"}}, "invalid_value"),
              AllOf(HasSubstr("secret: expected"), Not(HasSubstr("short"))));
  EXPECT_EQ(fail("key.add", {{"cdn", 7}}, "not_found"), "no such account");
}

TEST_F(AdminApiTest, RevokesAKey) {
  add_account();
  const value added = succeed("key.add", {{"cdn", 158}});
  const value revoked = succeed("key.revoke", {{"api_key", added.at("api_key")}});
  EXPECT_EQ(revoked.at("revoked"), 1'700'000'000);
  EXPECT_TRUE(accounts_.find_key(added.at("api_key").as_string())->revoked.has_value());
  EXPECT_EQ(fail("key.revoke", {{"api_key", "NOSUCHKEY"}}, "not_found"), "no such key");
}

TEST_F(AdminApiTest, KeysHaveRulesThatCanBeChanged) {
  add_account();
  const value added = succeed("key.add", {{"cdn", 158},
                                          {"permissions", "status, upload"},
                                          {"path_prefix", "sestore4/jb/films/"},
                                          {"buckets", boost::json::array{"my_bucket"}},
                                          {"networks", boost::json::array{"192.0.2.0/24", "::1"}},
                                          {"expires", 1'800'000'000}});
  const value api_key = added.at("api_key");
  value key = succeed("key.list", {}).at(0);
  EXPECT_EQ(key.at("permissions"), "upload,status");
  EXPECT_EQ(key.at("path_prefix"), "sestore4/jb/films");
  EXPECT_EQ(key.at("buckets"), (boost::json::array{"my_bucket"}));
  EXPECT_EQ(key.at("networks"), (boost::json::array{"192.0.2.0/24", "::1/128"}));
  EXPECT_EQ(key.at("expires"), 1'800'000'000);

  key = succeed("key.set", {{"api_key", api_key}, {"permissions", "files"}, {"expires", 0}});
  EXPECT_EQ(key.at("permissions"), "files");
  EXPECT_EQ(key.at("path_prefix"), "sestore4/jb/films") << "what is not named stays";
  EXPECT_TRUE(key.at("expires").is_null());
  key = succeed("key.set", {{"api_key", api_key},
                            {"path_prefix", ""},
                            {"buckets", boost::json::array()},
                            {"networks", boost::json::array()}});
  EXPECT_EQ(key.at("path_prefix"), "");
  EXPECT_TRUE(key.at("buckets").as_array().empty() && key.at("networks").as_array().empty());

  for (const object& bad : std::initializer_list<object>{{{"permissions", "upload,fly"}},
                                                         {{"path_prefix", "sestore4/eve"}},
                                                         {{"buckets", boost::json::array{"x/y"}}},
                                                         {{"buckets", boost::json::array{7}}},
                                                         {{"networks", boost::json::array{"192.0.2.1/24"}}},
                                                         {{"expires", 1'600'000'000}}}) {
    object fields = bad;
    fields["api_key"] = api_key;
    fail("key.set", fields, "invalid_value");
  }
  EXPECT_EQ(succeed("key.list", {}).at(0), key) << "nothing of them was done";
  EXPECT_THAT(fail("key.set", {{"api_key", api_key}}, "missing_field"), HasSubstr("nothing to set"));
  fail("key.set", {{"api_key", "NOSUCH"}, {"expires", 0}}, "not_found");
}

TEST_F(AdminApiTest, RotationGivesANewSecretOnceAndTellsHowLongTheOldOneLasts) {
  add_account();
  const value added = succeed("key.add", {{"cdn", 158}});
  const value rotated = succeed("key.rotate", {{"api_key", added.at("api_key")}, {"overlap_s", 3600}});
  EXPECT_EQ(rotated.at("api_key"), added.at("api_key"));
  EXPECT_NE(rotated.at("secret"), added.at("secret"));
  EXPECT_EQ(rotated.at("previous_until"), 1'700'003'600);
  EXPECT_THAT(fail("key.rotate", {{"api_key", added.at("api_key")}}, "invalid_value"), HasSubstr("an overlap of 0"));
  const value now = succeed("key.rotate", {{"api_key", added.at("api_key")}, {"overlap_s", 0}});
  EXPECT_TRUE(now.at("previous_until").is_null());
  succeed("key.list", {});
  for (const value& secret : {added.at("secret"), rotated.at("secret"), now.at("secret")}) {
    EXPECT_THAT(last_body_, Not(HasSubstr(std::string(secret.as_string()))));
  }
  succeed("key.revoke", {{"api_key", added.at("api_key")}});
  fail("key.rotate", {{"api_key", added.at("api_key")}}, "invalid_value");
}

TEST_F(AdminApiTest, ConfiguresABucketWithoutShowingItsSecret) {
  add_account();
  object fields = bucket_fields();
  fields["path_style"] = true;
  fields["acl_policy"] = "private";
  succeed("bucket.add", fields);
  EXPECT_THAT(last_body_, Not(HasSubstr("very-secret")));
  const auto bucket = accounts_.find_bucket(158, "my_bucket");
  ASSERT_TRUE(bucket.has_value());
  EXPECT_EQ(bucket->secret_key.reveal(), "very-secret");
  EXPECT_TRUE(bucket->path_style);
  EXPECT_EQ(bucket->acl_policy, AclPolicy::private_acl);

  const value listed = succeed("bucket.list", {{"cdn", 158}});
  EXPECT_EQ(listed.as_array().size(), 1U);
  EXPECT_THAT(last_body_, Not(HasSubstr("very-secret")));
  EXPECT_EQ(succeed("bucket.list", {{"cdn", 159}}).as_array().size(), 0U);
}

TEST_F(AdminApiTest, RefusesABucketThatCouldNotWork) {
  add_account();
  for (const auto& [name, bad] :
       std::initializer_list<std::pair<const char*, const char*>>{{"bucket", "a/b"},
                                                                  {"endpoint", "https://host/path"},
                                                                  {"region", "a b"},
                                                                  {"access_key", ""},
                                                                  {"secret_key", "has space"},
                                                                  {"acl_policy", "maybe"}}) {
    object fields = bucket_fields();
    fields[name] = bad;
    EXPECT_THAT(fail("bucket.add", fields, "invalid_value"), Not(HasSubstr("has space"))) << name;
  }
  EXPECT_TRUE(accounts_.buckets(std::nullopt).empty());
}

TEST_F(AdminApiTest, ConfiguresHowManyPartsAStoreTakes) {
  add_account();
  object fields = bucket_fields();
  succeed("bucket.add", fields);
  EXPECT_EQ(accounts_.find_bucket(158, "my_bucket")->max_parts, kMaxParts);
  fields["max_parts"] = 1000;
  EXPECT_EQ(succeed("bucket.add", fields).at("max_parts"), 1000);
  EXPECT_EQ(accounts_.find_bucket(158, "my_bucket")->max_parts, 1000);
  for (const int wrong : {0, 99, 10001}) {
    fields["max_parts"] = wrong;
    fail("bucket.add", fields, "invalid_value");
  }
}

TEST_F(AdminApiTest, ConfiguresEncryption) {
  add_account();
  object fields = bucket_fields();
  succeed("bucket.add", fields);
  EXPECT_EQ(succeed("bucket.list", {}).as_array()[0].at("sse"), "default");
  fields["sse"] = "kms";
  fields["kms_key"] = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab";
  fields["sse_bucket_key"] = true;
  succeed("bucket.add", fields);
  const Encryption expected{EncryptionMode::sse_kms, "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab", true};
  EXPECT_EQ(accounts_.find_bucket(158, "my_bucket")->encryption, expected);
  EXPECT_EQ(succeed("bucket.list", {}).as_array()[0].at("kms_key"), value(expected.kms_key));
  const object policy = {{"cdn", 158}, {"bucket", "my_bucket"}, {"policy_only", true}};
  EXPECT_THAT(std::string(succeed("bucket.check", policy).at("policy").as_string()), HasSubstr("kms:GenerateDataKey"));

  for (const object& wrong : std::initializer_list<object>{{{"sse", "rot13"}},
                                                           {{"sse", "s3"}},
                                                           {{"kms_key", "two words"}},
                                                           {{"kms_key", "key\r\nx-amz-acl: public-read"}},
                                                           {{"sse", "s3"}, {"kms_key", ""}}}) {
    object other = fields;
    for (const auto& [name, bad] : wrong) other[name] = bad;
    fail("bucket.add", other, "invalid_value");
  }
}

TEST_F(AdminApiTest, TakesCredentialsFromElsewhereAndTheRestFromTheEnvironment) {
  add_account();
  object fields = {{"cdn", 158},
                   {"bucket", "my_bucket"},
                   {"credentials", "profile"},
                   {"profile", "media"},
                   {"role_arn", "arn:aws:iam::123456789012:role/up"},
                   {"external_id", "x=1"}};
  succeed("bucket.add", fields);
  const auto bucket = accounts_.find_bucket(158, "my_bucket");
  ASSERT_TRUE(bucket.has_value());
  const CredentialOrigin expected{CredentialSource::profile, "media", "arn:aws:iam::123456789012:role/up", "x=1"};
  EXPECT_EQ(bucket->credentials, expected);
  EXPECT_EQ(bucket->endpoint, "https://s3.from.env");
  EXPECT_EQ(bucket->region, "from-env");
  EXPECT_EQ(succeed("bucket.list", {}).as_array()[0].at("role_arn"), "arn:aws:iam::123456789012:role/up");

  for (const auto& [name, bad] :
       std::initializer_list<std::pair<const char*, const char*>>{{"credentials", "somewhere"},
                                                                  {"credentials", "instance"},
                                                                  {"profile", "a]b"},
                                                                  {"role_arn", "arn:aws:iam::1:role/x"},
                                                                  {"role_arn", ""},
                                                                  {"external_id", "two words"},
                                                                  {"access_key", "AKIA"}}) {
    object other = fields;
    other[name] = bad;
    fail("bucket.add", other, "invalid_value");
  }
}

TEST_F(AdminApiTest, TellsWhatTheDoctorFinds) {
  add_account();
  succeed("bucket.add", bucket_fields());
  const object fields = {{"cdn", 158}, {"bucket", "my_bucket"}};
  doctor_.report.findings = {{"write", Finding::ok, "fine", ""}, {"acl", Finding::warn, "no\x1b[0m", "do this"}};
  value report = succeed("bucket.check", fields);
  EXPECT_EQ(report.at("result"), "warn");
  EXPECT_EQ(report.at("findings").as_array()[1].at("message"), "no\\x1b[0m");
  doctor_.report.findings.push_back({"read", Finding::fail, "403", "allow it"});
  doctor_.report.access_denied = true;
  report = succeed("bucket.check", fields);
  EXPECT_EQ(report.at("result"), "FAIL");
  EXPECT_EQ(report.at("access_denied"), true);
  EXPECT_THAT(last_body_, HasSubstr("arn:aws:s3:::my_bucket/*"));
  EXPECT_THAT(last_body_, Not(HasSubstr("s3:PutObjectAcl")));
  EXPECT_EQ(doctor_.asked.size(), 2U);

  object policy = fields;
  policy["policy_only"] = true;
  policy["public_read"] = true;
  report = succeed("bucket.check", policy);
  EXPECT_THAT(std::string(report.at("policy").as_string()), HasSubstr("s3:PutObjectAcl"));
  EXPECT_EQ(doctor_.asked.size(), 2U) << "nothing is tried";
  fail("bucket.check", {{"cdn", 158}, {"bucket", "other"}}, "not_found");
}

TEST_F(AdminApiTest, QueuesAnUploadAndListsIt) {
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

  const value listed = succeed("upload.list", {{"ids", {1}}});
  ASSERT_EQ(listed.as_array().size(), 1U);
  const value& upload = listed.as_array()[0];
  EXPECT_EQ(upload.at("destination_path"), "films/film.mp4");
  EXPECT_EQ(upload.at("state"), "queued");
  EXPECT_EQ(upload.at("size"), 1000);
  EXPECT_EQ(upload.at("acl"), "public-read");
}

TEST_F(AdminApiTest, PassesOnWhatTheIntakeRefuses) {
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
  EXPECT_EQ(succeed("upload.list", {{"cdn", 158}}).as_array().size(), 0U);
}

TEST_F(AdminApiTest, ListsTheOnlyAccountUnasked) {
  fail("upload.list", {}, "not_found");
  add_account();
  succeed("upload.list", {{"limit", 100}, {"offset", 7}});
  EXPECT_EQ(uploads_.last_query.limit, 100);
  EXPECT_EQ(uploads_.last_query.offset, 7);
  EXPECT_TRUE(uploads_.last_query.states.empty());
  succeed("upload.list", {{"states", {"failed", "queued"}}});
  EXPECT_EQ(uploads_.last_query.states, (std::vector{UploadState::failed, UploadState::queued}));
  succeed("account.add", {{"cdn", 159}, {"user", "kc"}});
  EXPECT_THAT(fail("upload.list", {}, "missing_field"), HasSubstr("2 accounts"));
  succeed("upload.list", {{"cdn", 159}});
  fail("upload.list", {{"cdn", 160}}, "not_found");
}

TEST_F(AdminApiTest, RefusesUnfitQueries) {
  add_account();
  fail("upload.list", {{"limit", 101}}, "invalid_value");
  fail("upload.list", {{"limit", 0}}, "invalid_value");
  fail("upload.list", {{"offset", -1}}, "invalid_value");
  fail("upload.list", {{"ids", boost::json::array()}}, "invalid_value");
  fail("upload.list", {{"ids", {1, 0}}}, "invalid_value");
  fail("upload.list", {{"ids", {1}}, {"limit", 5}}, "invalid_value");
  EXPECT_THAT(fail("upload.list", {{"states", {"queued", "done"}}}, "invalid_value"), HasSubstr("no state \"done\""));
  fail("upload.list", {{"states", "queued"}}, "invalid_value");
}

TEST_F(AdminApiTest, AnswersWhatIsNoCommand) {
  EXPECT_EQ(send("POST", "/admin/account.drop", "{}").status, 404);
  EXPECT_EQ(send("POST", "/", "{}").status, 404);
  const net::Response get = send("GET", "/admin/account.list", "");
  EXPECT_EQ(get.status, 405);
  ASSERT_EQ(get.headers.size(), 1U);
  EXPECT_EQ(get.headers[0].second, "POST");
  EXPECT_EQ(send("POST", "/admin/account.list", "{").status, 400);
  EXPECT_EQ(send("POST", "/admin/account.list", "[]").status, 400);
  EXPECT_EQ(send("POST", "/admin/account.list", "").status, 400);
}

using Named = std::pair<std::string_view, std::string>;

TEST_F(AdminApiTest, AuditsEveryChangeAndNoLook) {
  add_account();
  const value key = succeed("key.add", {{"cdn", 158}});
  succeed("bucket.add", bucket_fields());
  succeed("account.list", {});
  succeed("key.list", {});
  fail("key.revoke", {{"api_key", "NOSUCH"}}, "not_found");

  const auto entries = audit_.entries();
  ASSERT_EQ(entries.size(), 4u);
  EXPECT_EQ(entries[0].command, "account.add");
  EXPECT_EQ(entries[0].door, "administration");
  EXPECT_EQ(entries[0].cdn, 158);
  EXPECT_THAT(entries[0].what, ElementsAre(Named("user", "jb")));
  EXPECT_FALSE(entries[0].failure);
  EXPECT_THAT(entries[1].what, ElementsAre(Named("api_key", key.as_object().at("api_key").as_string().c_str())));
  EXPECT_THAT(entries[2].what, ElementsAre(Named("bucket", "my_bucket"), Named("credentials", "static"),
                                           Named("role_arn", ""), Named("sse", "default"), Named("kms_key", "")));
  EXPECT_EQ(entries[3].command, "key.revoke");
  EXPECT_EQ(entries[3].failure, Errc::not_found);
}

TEST_F(AdminApiTest, SaysSoWhenThePoolTakesNothing) {
  pool_.stop();
  EXPECT_THAT(fail("account.list", {}, "overloaded"), HasSubstr("busy or stopping"));
}

TEST(AdminFault, HasTheEnvelopeAndTheTablesStatus) {
  const net::Response response = AdminApi::fault(Errc::too_large, "the body is too large");
  EXPECT_EQ(response.status, 413);
  EXPECT_EQ(response.body, R"({"status":"failure","code":"too_large","message":"the body is too large"})");
}

}  // namespace
}  // namespace vodlift::admin
