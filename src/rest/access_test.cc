// Who may do what over the REST API: each role on each route, and one customer on the things of another.
#include "rest/rest_api_test.h"

namespace vodlift::rest {
namespace {

using testing::HasSubstr;
using testing::Not;

Principal person(Role role, std::optional<AccountId> cdn = std::nullopt) {
  Principal who;
  who.name = "anna";
  who.role = role;
  who.cdn = cdn;
  who.via = Principal::Via::session;
  return who;
}

class RestAccess : public RestApiTest {
 protected:
  RestAccess() {
    add_account();
    succeed("account.add", {{"cdn", 159}, {"user", "kb"}});
    for (const int cdn : {158, 159}) {
      object bucket = bucket_fields();
      bucket["cdn"] = cdn;
      succeed("bucket.add", bucket);
      keys_[cdn] = succeed("key.add", {{"cdn", cdn}}).at("api_key").as_string().c_str();
    }
  }

  std::int64_t queue_upload(const std::string& idempotency_key = {}) {
    idempotency_key_ = idempotency_key;
    const value added = succeed(
        "upload.add",
        {{"cdn", 158}, {"path", "sestore4/jb/film.mp4"}, {"destination_path", "film.mp4"}, {"bucket", "my_bucket"}});
    idempotency_key_.clear();
    return added.at("id").as_int64();
  }

  // The answer of a call, but for what the caller has written into it: the name that it asked for.
  std::string answer(std::string_view name, const object& fields, const std::string& asked_for) {
    call(name, fields);
    std::string text = std::to_string(last_status_) + " " + last_body_;
    for (std::size_t at = text.find(asked_for); at != std::string::npos; at = text.find(asked_for)) {
      text.replace(at, asked_for.size(), "?");
    }
    return text;
  }

  std::map<int, std::string> keys_;
};

// One value for each word of a path.
object path_fields(const Route& route) {
  object fields{{"cdn", 158}, {"api_key", "NOSUCH"}, {"bucket", "no_such"}, {"id", 7}, {"name", "nobody"}};
  object used;
  for (const auto& [name, given] : fields) {
    if (route.path.find("{" + std::string(name) + "}") != std::string_view::npos) used[name] = given;
  }
  return used;
}

TEST_F(RestAccess, H10EachRoleMayDoWhatItsRowSaysAndNothingElse) {
  for (const Principal& who : {person(Role::viewer), person(Role::viewer, 158), person(Role::customer, 158),
                               person(Role::operate), person(Role::admin)}) {
    who_ = who;
    for (const Route* route : routes()) {
      call(route->name, path_fields(*route));
      EXPECT_EQ(last_status_ == 403, !role_may(who.role, route->act))
          << route->name << " as " << to_string(who.role) << ": " << last_body_;
    }
  }
}

TEST_F(RestAccess, WhatAViewerMayNotDoIsNotDoneAndStandsInTheAuditLog) {
  who_ = person(Role::viewer, 158);
  who_.label = "ci";
  who_.via = Principal::Via::token;
  fail("key.revoke", {{"api_key", keys_[158]}}, "permission_denied");
  fail("account.set", {{"cdn", 158}, {"weight", 9}}, "permission_denied");
  const auto entries = audit_.entries();
  const AuditEntry& entry = entries.back();
  EXPECT_EQ(entry.command, "account.set");
  EXPECT_EQ(entry.failure, Errc::permission_denied);
  EXPECT_EQ(entry.door, "token");
  EXPECT_EQ(entry.who, "anna");
  EXPECT_EQ(entry.token, "ci");
  who_ = socket_principal();
  EXPECT_TRUE(succeed("key.show", {{"api_key", keys_[158]}}).at("revoked").is_null());
}

TEST_F(RestAccess, H11ListsOfACustomerHaveNothingOfOthers) {
  queue_upload();
  who_ = person(Role::customer, 159);
  EXPECT_EQ(items("account.list", {}).size(), 1U);
  EXPECT_EQ(items("key.list", {}).size(), 1U);
  EXPECT_EQ(std::string_view(items("key.list", {})[0].at("api_key").as_string()), keys_[159]);
  EXPECT_EQ(items("bucket.list", {}).size(), 1U);
  EXPECT_TRUE(items("upload.list", {}).empty());
  EXPECT_TRUE(items("upload.list", {{"ids", {1}}}).empty());
  EXPECT_TRUE(items("upload.counts", {}).empty());
  EXPECT_TRUE(items("callback.list", {}).empty());
  who_ = person(Role::viewer);
  EXPECT_EQ(items("account.list", {}).size(), 2U) << "a viewer without an account sees all";
  who_ = person(Role::customer, 158);
  EXPECT_EQ(items("upload.list", {}).size(), 1U);
}

TEST_F(RestAccess, H11AnotherAccountsNumberIsNoAccount) {
  who_ = person(Role::customer, 158);
  for (const Route* route : routes()) {
    if (!role_may(Role::customer, route->act)) continue;
    if (std::ranges::find(route->fields, "cdn", &FieldSpec::name) == route->fields.end()) continue;
    object fields = path_fields(*route);
    for (const FieldSpec& spec : route->fields) {
      if (spec.required && spec.type == FieldType::text) fields[spec.name] = "x";
      if (spec.required && spec.type == FieldType::number) fields[spec.name] = 7;
      if (spec.required && spec.type == FieldType::word) fields[spec.name] = spec.words.front();
    }
    fields["cdn"] = 159;
    const std::string there = answer(route->name, fields, "159");
    fields["cdn"] = 160;
    EXPECT_EQ(answer(route->name, fields, "160"), there) << route->name;
    EXPECT_EQ(last_status_, 404) << route->name << last_body_;
  }
}

TEST_F(RestAccess, H11ThingsOfOthersAreAnsweredAsIfTheyDidNotExist) {
  const std::string upload = std::to_string(queue_upload());
  who_ = person(Role::customer, 159);
  for (const char* name : {"upload.show", "upload.cancel", "upload.pause", "upload.resume", "upload.retry"}) {
    EXPECT_EQ(answer(name, {{"id", std::stoll(upload)}}, "upload " + upload),
              answer(name, {{"id", 4711}}, "upload 4711"))
        << name;
    EXPECT_EQ(last_status_, 404) << name;
  }
  EXPECT_EQ(answer("upload.set", {{"id", std::stoll(upload)}, {"priority", 1}}, "upload " + upload),
            answer("upload.set", {{"id", 4711}, {"priority", 1}}, "upload 4711"));
  for (const char* name : {"key.show", "key.set", "key.rotate", "key.revoke"}) {
    EXPECT_EQ(answer(name, {{"api_key", keys_[158]}}, keys_[158]), answer(name, {{"api_key", "NOSUCH"}}, "NOSUCH"));
    EXPECT_EQ(last_status_, 404) << name;
  }
  EXPECT_EQ(answer("file.list", {{"path", "sestore4/jb"}}, "jb"), answer("file.list", {{"path", "sestore4/xx"}}, "xx"));
  EXPECT_EQ(last_status_, 422);
  who_ = person(Role::customer, 158);
  EXPECT_EQ(items("file.list", {{"path", "sestore4/jb"}}).size(), 1U);
  EXPECT_EQ(succeed("upload.show", {{"id", std::stoll(upload)}}).at("state"), "queued") << "nobody has changed it";
}

TEST_F(RestAccess, H11CallbacksOfOthersAreAnsweredAsIfTheyDidNotExist) {
  const value id = succeed("upload.add", {{"cdn", 158},
                                          {"path", "sestore4/jb/film.mp4"},
                                          {"destination_path", "film.mp4"},
                                          {"bucket", "my_bucket"},
                                          {"callback", "https://customer.example/hook"}})
                       .at("id");
  succeed("upload.cancel", {{"id", id}});
  const auto found = items("callback.list", {{"upload", id}});
  ASSERT_EQ(found.size(), 1U);
  const std::string callback = boost::json::serialize(found[0].at("id"));
  who_ = person(Role::customer, 159);
  EXPECT_TRUE(items("callback.list", {{"upload", id}}).empty());
  for (const char* name : {"callback.show", "callback.send"}) {
    EXPECT_EQ(answer(name, {{"id", std::stoll(callback)}}, "callback " + callback),
              answer(name, {{"id", 4711}}, "callback 4711"))
        << name;
    EXPECT_EQ(last_status_, 404) << name;
  }
  who_ = person(Role::customer, 158);
  EXPECT_EQ(succeed("callback.show", {{"id", std::stoll(callback)}}).at("upload"), id);
}

TEST_F(RestAccess, ACustomerNeedsNotNameTheAccount) {
  who_ = person(Role::customer, 158);
  const value added = succeed(
      "upload.add", {{"path", "sestore4/jb/film.mp4"}, {"destination_path", "film.mp4"}, {"bucket", "my_bucket"}});
  EXPECT_EQ(succeed("upload.show", added.as_object()).at("cdn"), 158);
  EXPECT_EQ(succeed("key.add", {}).as_object().count("secret"), 1U);
  EXPECT_EQ(audit_.entries().back().cdn, 158);
  EXPECT_THAT(fail("upload.bulk", {{"action", "cancel"}}, "missing_field"), HasSubstr("or a filter"))
      << "the account is no filter that the customer gave";
  EXPECT_EQ(succeed("upload.bulk", {{"action", "cancel"}, {"all", true}}).at("changed"), 1);
}

TEST_F(RestAccess, AnIdempotencyKeyIsItsCallersOwn) {
  who_ = person(Role::customer, 158);
  const std::int64_t first = queue_upload("k-1");
  EXPECT_EQ(queue_upload("k-1"), first);
  who_.name = "bert";
  EXPECT_NE(queue_upload("k-1"), first);
  who_ = socket_principal();
  EXPECT_NE(queue_upload("k-1"), first);
}

TEST_F(RestAccess, TextsForOperatorsReachNoCustomer) {
  doctor_.troubles_of_all.buckets = {
      {158, "my_bucket", "https://s3.example.com", Errc::s3_credential, "its key is refused"}};
  EXPECT_EQ(items("bucket.list", {})[0].at("trouble"), "its key is refused");
  who_ = person(Role::customer, 158);
  const auto trouble = items("bucket.list", {})[0].at("trouble");
  EXPECT_THAT(std::string(trouble.as_string()), HasSubstr("ask its operator"));

  uploads_.failure = Error{Errc::store_failed, "disk image is malformed at /var/lib/vodlift"};
  const std::string text = fail("upload.list", {}, "internal");
  EXPECT_THAT(text, HasSubstr("reference"));
  EXPECT_THAT(last_body_, Not(HasSubstr("/var/lib")));
  who_ = person(Role::operate);
  EXPECT_THAT(fail("upload.list", {}, "store_failed"), HasSubstr("/var/lib"));
}

}  // namespace
}  // namespace vodlift::rest
