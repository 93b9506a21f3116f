// `vodlift import`.
#include "cli/cli_test.h"
#include "cli/import_file.h"

namespace vodlift::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

object outcomes(const boost::json::array& list, const boost::json::array& faults = {}) {
  return {{"outcomes", list}, {"faults", faults}, {"dry_run", false}, {"added", 0}};
}

constexpr const char* kRows =
    "kind,cdn,user,api_key,secret,buckets,callback_https_only\n"
    "key,158,,OLD-KEY-0001,an-old-secret-0001,a b,\n"
    "account,158,jb,,,,yes\n";

TEST(ImportFileTest, GivesValuesTheirTypesAndAccountsFirst) {
  const auto file = parse_import(kRows).value();
  EXPECT_THAT(file.faults, IsEmpty());
  ASSERT_EQ(file.rows.size(), 2U);
  EXPECT_EQ(file.rows[0].place, "line 3");
  EXPECT_EQ(boost::json::serialize(file.rows[0].fields),
            R"({"kind":"account","cdn":158,"user":"jb","callback_https_only":true})");
  EXPECT_EQ(boost::json::serialize(file.rows[1].fields),
            R"({"kind":"key","cdn":158,"api_key":"OLD-KEY-0001","secret":"an-old-secret-0001","buckets":["a","b"]})");
  EXPECT_TRUE(has_secret(file.rows[1]));
  EXPECT_FALSE(has_secret(file.rows[0]));
  const auto same = parse_import(R"({"keys":[{"cdn":158,"api_key":"OLD-KEY-0001"}],"accounts":[{"cdn":158}]})").value();
  EXPECT_EQ(same.rows[0].place, "accounts[0]");
}

TEST(ImportFileTest, TellsEveryFaultByItsPlace) {
  const auto file =
      parse_import("kind,cdn,api_key\nkey,x,K\nperson,1,\nkey,1,K\nkey,2,K\naccount,1,\naccount,1,\n").value();
  EXPECT_THAT(file.faults,
              ElementsAre("line 2: cdn: must be a whole number", "line 3: kind: must be account, key or bucket",
                          "line 5: this API key is in line 4 already", "line 7: account 1 is in line 6 already"));
  EXPECT_THAT(parse_import("kind,secrte\n").error().message, HasSubstr("no column \"secrte\""));
  EXPECT_FALSE(parse_import("cdn,user\n1,jb\n"));
  EXPECT_FALSE(parse_import("{\"keys\":"));
  EXPECT_FALSE(parse_import("{\"people\":[]}"));
  EXPECT_EQ(parse_import("{\"keys\":[{\"cdn\":1,\"secrte\":1},7]}").value().faults.size(), 2U);
}

TEST_F(CliTest, ImportsAfterATrialOfAllRows) {
  const std::string file = write_file("import.csv", kRows);
  answer(outcomes({"added"}));
  answer(outcomes({"added", "added"}));
  answer(outcomes({"added"}));
  answer(outcomes({"unchanged", "added"}));
  EXPECT_EQ(run_with_socket({"import", file}), kDone);
  EXPECT_THAT(out_, HasSubstr("1 account, 1 API key added\n"));
  EXPECT_THAT(err_, HasSubstr("others may read"));
  const auto asked_for = asked();
  ASSERT_EQ(asked_for.size(), 4U);
  EXPECT_THAT(asked_for[0], HasSubstr("\"dry_run\":true"));
  EXPECT_THAT(asked_for[1],
              HasSubstr(R"({"kind":"account","cdn":158,"user":"jb","callback_https_only":true},{"kind":"key")"));
  EXPECT_THAT(asked_for[3], HasSubstr("\"dry_run\":false"));
}

TEST_F(CliTest, AnImportWithFaultsStoresNothing) {
  const std::string file = write_file("import.csv", kRows);
  answer(outcomes({"added"}));
  answer(outcomes({"added", "refused"},
                  {object{{"row", 1}, {"code", "invalid_value"}, {"detail", "secret: expected 16"}}}));
  EXPECT_EQ(run_with_socket({"import", file}), kFailed);
  EXPECT_EQ(asked().size(), 2U);
  EXPECT_THAT(err_, HasSubstr("1 fault, and nothing was imported:\n  line 2: secret: expected 16"));
  EXPECT_THAT(out_ + err_, Not(HasSubstr("an-old-secret")));
}

TEST_F(CliTest, AnImportThatIsThereAlreadySaysSo) {
  const std::string file = write_file("import.csv", "kind,cdn,user\naccount,158,jb\n");
  answer(outcomes({"unchanged"}));
  EXPECT_EQ(run_with_socket({"import", file}), kDone);
  EXPECT_EQ(out_, "nothing to import: all 1 rows are there already\n");
  EXPECT_EQ(err_, "") << "it holds no secret";
  EXPECT_EQ(asked().size(), 1U);
}

}  // namespace
}  // namespace vodlift::cli
