// Imports of accounts, keys and buckets.
#include "rest/rest_api_test.h"

namespace vodlift::rest {
namespace {

using testing::HasSubstr;
using testing::Not;

class ImportTest : public RestApiTest {
 protected:
  static object account(std::int64_t cdn, std::string_view user) {
    return {{"kind", "account"}, {"cdn", cdn}, {"user", user}};
  }
  static object key(std::int64_t cdn, std::string_view name) {
    return {{"kind", "key"}, {"cdn", cdn}, {"api_key", name}, {"secret", "the secret of " + std::string(name)}};
  }
  object bucket() const {
    object row = bucket_fields();
    row["kind"] = "bucket";
    return row;
  }
  value run(boost::json::array rows, bool dry_run = false) {
    return succeed("import.run", {{"rows", std::move(rows)}, {"dry_run", dry_run}});
  }
  static std::string outcomes(const value& answer) { return boost::json::serialize(answer.at("outcomes")); }
};

TEST_F(ImportTest, AddsAllRowsOnceAndChangesNothingAfterThat) {
  const boost::json::array rows{account(158, "jb"), key(158, "OLD/KEY?\"1"), bucket()};
  EXPECT_EQ(outcomes(run(rows, true)), R"(["added","added","added"])");
  EXPECT_TRUE(accounts_.accounts().empty());
  EXPECT_EQ(run(rows).at("added").as_int64(), 3);
  EXPECT_EQ(accounts_.find_key("OLD/KEY?\"1")->secret.reveal(), "the secret of OLD/KEY?\"1");
  EXPECT_TRUE(accounts_.find_bucket(158, "my_bucket"));
  const value again = run(rows);
  EXPECT_EQ(again.at("added").as_int64(), 0);
  EXPECT_EQ(outcomes(again), R"(["unchanged","unchanged","unchanged"])");
  EXPECT_THAT(last_body_, Not(HasSubstr("secret of")));
  std::vector<std::string> commands;
  for (const AuditEntry& one : audit_.entries()) commands.emplace_back(one.command);
  EXPECT_THAT(commands, testing::ElementsAre("account.add", "key.add", "bucket.add", "import.run", "import.run"))
      << "and nothing of the dry run";
}

TEST_F(ImportTest, OneFaultKeepsAllRowsOut) {
  add_account();
  succeed("key.add", {{"cdn", 158}, {"api_key", "OLD-KEY-0001"}, {"secret", "an-old-secret-0001"}});
  object other_secret = key(158, "OLD-KEY-0001");
  object no_secret = key(158, "OLD-KEY-0002");
  no_secret.erase("secret");
  object unknown = key(158, "OLD-KEY-0003");
  unknown["secrte"] = "x";
  const value answer = run({key(158, "OLD-KEY-0009"), other_secret, no_secret, unknown, key(7, "OLD-KEY-0004"),
                            account(159, "jb"), account(158, "kc"), object{{"kind", "person"}}});
  EXPECT_EQ(answer.at("added").as_int64(), 0);
  EXPECT_EQ(answer.at("faults").as_array().size(), 7U);
  EXPECT_EQ(answer.at("faults").at(0).at("row").as_int64(), 1);
  for (const char* text :
       {"API key OLD-KEY-0001 is there already, with another secret", "missing required fields: secret", "secrte",
        "there is no account 7", "belongs to account 158", "with another user", "must be account, key or bucket"}) {
    EXPECT_THAT(last_body_, HasSubstr(text));
  }
  EXPECT_THAT(last_body_, Not(HasSubstr("the secret of")));
  EXPECT_FALSE(accounts_.find_key("OLD-KEY-0009"));
}

TEST_F(ImportTest, WhatIsBeingRemovedIsNotThere) {
  run({account(158, "jb"), key(158, "OLD-KEY-0001"), bucket()});
  ASSERT_TRUE(account_rows_.set_removing({RemovableKind::key, 158, "OLD-KEY-0001"}, clock_.now()));
  ASSERT_TRUE(accounts_.refresh());
  EXPECT_EQ(outcomes(run({key(158, "OLD-KEY-0001")})), R"(["refused"])");
  EXPECT_THAT(last_body_, HasSubstr("API key OLD-KEY-0001 is being removed"));
}

TEST_F(ImportTest, ARequestHasAThousandRowsAtMost) {
  boost::json::array rows;
  for (int i = 0; i <= 1000; ++i) rows.push_back(account(i + 1, "u" + std::to_string(i)));
  fail("import.run", {{"rows", rows}}, "invalid_value");
  rows.pop_back();
  EXPECT_EQ(run(rows).at("added").as_int64(), 1000);
}

}  // namespace
}  // namespace vodlift::rest
