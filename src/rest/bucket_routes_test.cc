// The routes of buckets.
#include "rest/rest_api_test.h"

namespace vodlift::rest {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST_F(RestApiTest, ConfiguresABucketWithoutShowingItsSecret) {
  add_account();
  object fields = bucket_fields();
  fields["path_style"] = true;
  fields["acl_policy"] = "private";
  succeed("bucket.add", fields);
  EXPECT_THAT(last_body_, Not(HasSubstr("very-secret")));
  const auto bucket = accounts_.find_bucket(158, "my_bucket");
  ASSERT_TRUE(bucket);
  EXPECT_EQ(bucket->secret_key.reveal(), "very-secret");
  EXPECT_TRUE(bucket->path_style);
  EXPECT_EQ(bucket->acl_policy, AclPolicy::private_acl);

  const boost::json::array listed = items("bucket.list", {{"cdn", 158}});
  EXPECT_EQ(listed.size(), 1U);
  EXPECT_THAT(last_body_, Not(HasSubstr("very-secret")));
  EXPECT_EQ(items("bucket.list", {{"cdn", 159}}).size(), 0U);
}

TEST_F(RestApiTest, AddsNoBucketThatIsThereUnlessItIsToBeReplaced) {
  add_account();
  object fields = bucket_fields();
  fields["sse"] = "s3";
  fields["acl_policy"] = "private";
  EXPECT_TRUE(succeed("bucket.add", fields).at("changes").as_array().empty());
  object again = bucket_fields();
  again["region"] = "eu-central-1";
  again["secret_key"] = "another-secret";
  const std::string refusal = fail("bucket.add", again, "already_exists");
  EXPECT_THAT(refusal, HasSubstr("bucket set"));
  for (const char* changed : {"region", "sse", "acl_policy", "secret_key"}) EXPECT_THAT(refusal, HasSubstr(changed));
  EXPECT_THAT(refusal, Not(HasSubstr("another-secret")));
  EXPECT_EQ(accounts_.find_bucket(158, "my_bucket")->encryption.mode, EncryptionMode::sse_s3);
  again["replace"] = true;
  EXPECT_EQ(succeed("bucket.add", again).at("changes").as_array().size(), 4U);
  EXPECT_THAT(last_body_, Not(HasSubstr("another-secret")));
  EXPECT_EQ(accounts_.find_bucket(158, "my_bucket")->encryption.mode, EncryptionMode::bucket_default);
}

TEST_F(RestApiTest, SetsOneSettingAndKeepsTheOthers) {
  add_account();
  object fields = bucket_fields();
  for (const auto& [name, value] : std::initializer_list<std::pair<const char*, boost::json::value>>{
           {"path_style", true},
           {"acl_policy", "private"},
           {"sse", "kms"},
           {"kms_key", "alias/films"},
           {"sse_bucket_key", true},
           {"max_parts", 500},
           {"part_size", 8 << 20},
           {"role_arn", "arn:aws:iam::123456789012:role/uploader"},
           {"external_id", "x1"}}) {
    fields[name] = value;
  }
  succeed("bucket.add", fields);
  const BucketAccess before = *accounts_.find_bucket(158, "my_bucket");
  const value changed =
      succeed("bucket.set", {{"cdn", 158}, {"bucket", "my_bucket"}, {"secret_key", "a-rotated-secret"}});
  EXPECT_EQ(changed.at("changes").as_array().size(), 1U);
  EXPECT_THAT(last_body_, Not(HasSubstr("a-rotated-secret")));
  BucketAccess expected = before;
  expected.secret_key = Secret(std::string("a-rotated-secret"));
  const auto now = accounts_.find_bucket(158, "my_bucket");
  EXPECT_EQ(now->secret_key.reveal(), "a-rotated-secret");
  EXPECT_EQ(now->access_key, before.access_key);
  EXPECT_EQ(now->endpoint, before.endpoint);
  EXPECT_EQ(now->encryption, before.encryption);
  EXPECT_EQ(now->credentials, before.credentials);
  EXPECT_TRUE(now->path_style);
  EXPECT_EQ(now->acl_policy, AclPolicy::private_acl);
  EXPECT_EQ(now->max_parts, 500);
  EXPECT_EQ(now->part_size, 8 << 20);
  EXPECT_EQ(now->created, before.created);
  EXPECT_GT(now->version, before.version) << "what is known against the old settings ends";
}

TEST_F(RestApiTest, ASettingThatBelongsToAnotherGoesWithIt) {
  add_account();
  object fields = bucket_fields();
  fields["sse"] = "kms";
  fields["kms_key"] = "alias/films";
  succeed("bucket.add", fields);
  const auto set = [&](object one) {
    one["cdn"] = 158;
    one["bucket"] = "my_bucket";
    return one;
  };
  succeed("bucket.set", set({{"sse", "s3"}}));
  EXPECT_EQ(accounts_.find_bucket(158, "my_bucket")->encryption.kms_key, "");
  succeed("bucket.set", set({{"credentials", "profile"}, {"profile", "media"}}));
  EXPECT_EQ(accounts_.find_bucket(158, "my_bucket")->access_key, "");
  fail("bucket.set", set({{"credentials", "static"}}), "invalid_value");
  succeed("bucket.set", set({{"credentials", "static"}, {"access_key", "AK"}, {"secret_key", "secret-again"}}));
  EXPECT_EQ(accounts_.find_bucket(158, "my_bucket")->credentials.profile, "");
  fail("bucket.set", set({{"access_key", "ANOTHER"}}), "missing_field");
  fail("bucket.set", set({{"kms_key", "alias/x"}}), "invalid_value");
  fail("bucket.set", set({{"part_size", 1000}}), "invalid_value");
  fail("bucket.set", set({{"region", ""}, {"endpoint", "x"}}), "invalid_value");
  fail("bucket.set", {{"cdn", 158}, {"bucket", "absent"}, {"max_parts", 500}}, "not_found");
}

TEST_F(RestApiTest, ListsWhyABucketTakesNoUploads) {
  add_account();
  succeed("bucket.add", bucket_fields());
  EXPECT_EQ(items("bucket.list", {}).at(0).at("trouble"), "");
  doctor_.troubles_of_all.buckets = {
      {158, "my_bucket", "https://s3.example.com", Errc::s3_credential, "its key is refused"}};
  EXPECT_EQ(items("bucket.list", {}).at(0).at("trouble"), "its key is refused");
}

TEST_F(RestApiTest, RefusesABucketThatCouldNotWork) {
  add_account();
  for (const auto& [name, bad] :
       std::initializer_list<std::pair<const char*, const char*>>{{"bucket", "a/b"},
                                                                  {"endpoint", "https://host/../path"},
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

TEST_F(RestApiTest, ConfiguresHowManyPartsAStoreTakes) {
  add_account();
  object fields = bucket_fields();
  succeed("bucket.add", fields);
  EXPECT_EQ(accounts_.find_bucket(158, "my_bucket")->max_parts, kMaxParts);
  fields["max_parts"] = 1000;
  fields["replace"] = true;
  EXPECT_EQ(succeed("bucket.add", fields).at("max_parts"), 1000);
  EXPECT_EQ(accounts_.find_bucket(158, "my_bucket")->max_parts, 1000);
  for (const int wrong : {0, 99, 10001}) {
    fields["max_parts"] = wrong;
    fail("bucket.add", fields, "invalid_value");
  }
}

TEST_F(RestApiTest, ConfiguresEncryption) {
  add_account();
  object fields = bucket_fields();
  succeed("bucket.add", fields);
  EXPECT_EQ(items("bucket.list", {})[0].at("sse"), "default");
  fields["sse"] = "kms";
  fields["kms_key"] = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab";
  fields["sse_bucket_key"] = true;
  fields["replace"] = true;
  succeed("bucket.add", fields);
  const Encryption expected{EncryptionMode::sse_kms, "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab", true};
  EXPECT_EQ(accounts_.find_bucket(158, "my_bucket")->encryption, expected);
  EXPECT_EQ(items("bucket.list", {})[0].at("kms_key"), value(expected.kms_key));
  const object policy = {{"cdn", 158}, {"bucket", "my_bucket"}, {"policy_only", true}};
  EXPECT_THAT(std::string(succeed("bucket.check", policy).at("policy").as_string()),
              HasSubstr("policy of my_bucket, sse kms"));

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

TEST_F(RestApiTest, TakesCredentialsFromElsewhereAndTheRestFromTheEnvironment) {
  add_account();
  object fields = {{"cdn", 158},
                   {"bucket", "my_bucket"},
                   {"credentials", "profile"},
                   {"profile", "media"},
                   {"role_arn", "arn:aws:iam::123456789012:role/up"},
                   {"external_id", "x=1"}};
  succeed("bucket.add", fields);
  const auto bucket = accounts_.find_bucket(158, "my_bucket");
  ASSERT_TRUE(bucket);
  const CredentialOrigin expected{CredentialSource::profile, "media", "arn:aws:iam::123456789012:role/up", "x=1"};
  EXPECT_EQ(bucket->credentials, expected);
  EXPECT_EQ(bucket->endpoint, "https://s3.from.env");
  EXPECT_EQ(bucket->region, "from-env");
  EXPECT_EQ(items("bucket.list", {})[0].at("role_arn"), "arn:aws:iam::123456789012:role/up");

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

TEST_F(RestApiTest, TellsWhatTheDoctorFinds) {
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
  EXPECT_THAT(last_body_, HasSubstr("policy of my_bucket"));
  EXPECT_THAT(last_body_, Not(HasSubstr("public objects")));
  EXPECT_EQ(doctor_.asked.size(), 2U);

  object policy = fields;
  policy["policy_only"] = true;
  policy["public_read"] = true;
  report = succeed("bucket.check", policy);
  EXPECT_THAT(std::string(report.at("policy").as_string()), HasSubstr("public objects"));
  EXPECT_EQ(doctor_.asked.size(), 2U) << "nothing is tried";
  fail("bucket.check", {{"cdn", 158}, {"bucket", "other"}}, "not_found");
}

TEST_F(RestApiTest, ACustomerReadsNothingOfTheServerInWhatTheDoctorFinds) {
  add_account();
  succeed("bucket.add", bucket_fields());
  const object fields = {{"cdn", 158}, {"bucket", "my_bucket"}};
  doctor_.report.findings = {
      {"credentials", Finding::ok, "access key A", "", "", "profile x of /etc/aws"},
      {"region", Finding::warn, "it is in r", "", "`vodlift bucket set --region r`"},
      {"acl", Finding::warn, "refused", "send acl=private", "send acl=private (`vodlift bucket set`)"}};
  object profile = {{"cdn", 158}, {"bucket", "my_bucket"}, {"credentials", "profile"}, {"profile", "internal"}};
  succeed("bucket.set", profile);
  EXPECT_EQ(succeed("bucket.show", fields).at("profile"), "internal");
  const auto told = [&] {
    std::string all;
    const value report = succeed("bucket.check", fields);
    for (const value& one : report.at("findings").as_array()) {
      all += std::string(one.at("message").as_string()) + " -> " + std::string(one.at("fix").as_string()) + "\n";
    }
    return all;
  };
  EXPECT_EQ(told(),
            "access key A (profile x of /etc/aws) -> \n"
            "it is in r -> `vodlift bucket set --region r`\n"
            "refused -> send acl=private (`vodlift bucket set`)\n");
  who_ = {.name = "anna", .role = Role::customer, .cdn = 158, .via = Principal::Via::session};
  EXPECT_EQ(succeed("bucket.show", fields).at("profile"), "");
  EXPECT_EQ(told(),
            "access key A -> \n"
            "it is in r -> Ask the operator of this server.\n"
            "refused -> send acl=private\n");
}

TEST_F(RestApiTest, NoProblemTellsACustomerACommandOfTheServer) {
  add_account();
  who_ = {.name = "anna", .role = Role::customer, .cdn = 158, .via = Principal::Via::session};
  const object upload = {{"id", 7}};
  const object bucket = {{"cdn", 158}, {"bucket", "other"}};
  for (const auto& [name, asked] : {std::pair("upload.show", upload), std::pair("upload.cancel", upload),
                                    std::pair("bucket.show", bucket), std::pair("bucket.check", bucket)}) {
    fail(name, asked, name[0] == 'u' ? "upload_not_found" : "not_found");
    EXPECT_THAT(last_body_, Not(HasSubstr("vodlift "))) << name;
  }
  who_ = socket_principal();
  fail("upload.show", upload, "upload_not_found");
  EXPECT_THAT(last_body_, HasSubstr(R"("operator_detail":"see: vodlift status")"));
}

TEST_F(RestApiTest, ListsWhatWaitsToBeClearedAway) {
  const auto abandon = [&](AccountId account, const std::string& key) {
    AbandonedMultipart entry;
    entry.upload = 7;
    entry.account = account;
    entry.place = {"https://h", "b", key};
    return ledger_.intend_probe(entry).value();
  };
  const std::int64_t search = abandon(158, "film.mp4");
  ASSERT_TRUE(ledger_.adopt(search, {"mp"}).value());
  const std::int64_t found = ledger_.due(1).value().at(0).id;
  for (int tries = 0; tries < 2; ++tries) ASSERT_TRUE(ledger_.postpone(found, std::chrono::minutes(1), "no answer"));
  EXPECT_EQ(boost::json::serialize(items("bucket.litter", {{"cdn", 158}})),
            R"([{"cdn":158,"bucket":"b","endpoint":"https://h","key":"film.mp4","multipart_id":"mp","upload":7,)"
            R"("since":1700000000,"tries":2,"next_try":1700000060,"error":"no answer"}])");

  for (int i = 0; i < 5; ++i) abandon(159, std::to_string(i));
  EXPECT_EQ(items("bucket.litter", {{"cdn", 158}}).size(), 1U);
  EXPECT_EQ(items("bucket.litter", {{"cdn", 159}, {"limit", 3}}).size(), 3U);
  EXPECT_EQ(items("bucket.litter", {}).size(), 6U);
  fail("bucket.litter", {{"limit", 0}}, "invalid_value");
}

}  // namespace
}  // namespace vodlift::rest
