#include "cli/cli_test.h"

namespace vodlift::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

BackupManifest manifest_with_uploads() {
  BackupManifest manifest;
  manifest.bytes = 3 << 20;
  manifest.sha256 = std::string(64, 'a');
  manifest.created = from_unix_ms(1'800'000'000'000);
  manifest.uploads = {2, 0, 0, 5, 0, 0};
  manifest.master_key = "0123456789abcdef";
  return manifest;
}

value made(const BackupManifest& manifest) {
  return object{{"file", "/b/a.db"}, {"manifest_file", "/b/a.db.manifest.json"}, {"manifest", to_json(manifest)}};
}

TEST_F(CliTest, ABackupNamesTheKeyThatItLacks) {
  answer(made(manifest_with_uploads()));
  EXPECT_EQ(run_with_socket({"backup", "/b/c/../a.db", "--replace"}), 0) << err_;
  EXPECT_THAT(asked(), testing::ElementsAre(R"(POST /api/v1/store/backup {"file":"/b/a.db","replace":true})"));
  EXPECT_THAT(out_, HasSubstr("/b/a.db is made and checked: 3.0 MiB, 7 uploads (2 queued, 5 completed), as of 20"));
  EXPECT_THAT(out_, HasSubstr("The master key is not in it"));
  EXPECT_THAT(out_, HasSubstr("fingerprint 0123456789abcdef"));
}

TEST_F(CliTest, ABackupGoesWhereTheUserIs) {
  answer(made({}));
  EXPECT_EQ(run_with_socket({"backup", "a.db", "--json"}), 0) << err_;
  const auto here = std::filesystem::current_path() / "a.db";
  EXPECT_THAT(asked()[0], HasSubstr("\"" + here.string() + "\""));
  EXPECT_THAT(out_, HasSubstr(R"("fingerprint":null)"));
}

TEST_F(CliTest, ABackupThatFailsSaysWhy) {
  refuse("overloaded", "the backup was given up");
  EXPECT_EQ(run_with_socket({"backup", "/b/a.db"}), 1);
  EXPECT_THAT(err_, HasSubstr("the backup was given up"));
  EXPECT_EQ(run_with_socket({"backup"}), 2);
}

TEST_F(CliTest, ARestoreSaysWhatItDid) {
  RestoreReport report;
  report.manifest = manifest_with_uploads();
  report.database = "/v/vodlift.db";
  report.aside = "/v/vodlift.db.aside-1";
  report.next_id = 10'008;
  restore_outcome_ = report;
  EXPECT_EQ(run_without_socket({"restore", "/b/a.db", "--config", "x.toml", "--replace", "--ids-above", "77"}), 0)
      << err_;
  EXPECT_EQ(restored_.backup, "/b/a.db");
  EXPECT_EQ(restored_.config, "x.toml");
  EXPECT_TRUE(restored_.replace);
  EXPECT_EQ(restored_.ids_above, 77);
  EXPECT_THAT(out_, HasSubstr("The database before is /v/vodlift.db.aside-1."));
  EXPECT_THAT(out_, HasSubstr("the id 10008 or a higher one"));
  EXPECT_THAT(out_, HasSubstr("--ids-above N"));
  report.knows_ids = true;
  report.aside.clear();
  restore_outcome_ = report;
  EXPECT_EQ(run_without_socket({"restore", "/b/a.db", "--config", "x.toml"}), 0);
  EXPECT_THAT(out_, Not(HasSubstr("--ids-above")));
  EXPECT_EQ(run_without_socket({"restore", "/b/a.db", "--config", "x.toml", "--json"}), 0);
  const value printed = boost::json::parse(out_);
  EXPECT_TRUE(printed.at("aside").is_null());
  EXPECT_EQ(printed.at("next_id"), 10'008);
}

TEST_F(CliTest, ARestoreThatFailsSaysWhy) {
  restore_outcome_ = Error{Errc::locked, "in use by process 7"};
  EXPECT_EQ(run_without_socket({"restore", "/b/a.db", "--config", "x.toml", "--json"}), 1);
  EXPECT_EQ(boost::json::parse(err_).at("code"), "locked");
  EXPECT_EQ(run_without_socket({"restore", "/b/a.db"}), 2);
  EXPECT_EQ(run_without_socket({"restore", "/b/a.db", "--config", "x.toml", "--ids-above", "-1"}), 2);
}

TEST_F(CliTest, ACopyOfTheDatabaseSaysWhatItCompared) {
  migrate_outcome_ = std::vector<TableSum>{{"uploads", 12, "ab12"}};
  EXPECT_EQ(run_without_socket({"store", "migrate", "--from", "old.toml", "--to", "new.toml"}), 0) << err_;
  EXPECT_EQ(migrated_.first, "old.toml");
  EXPECT_EQ(migrated_.second, "new.toml");
  EXPECT_THAT(out_, AllOf(HasSubstr("uploads  12    ab12"), HasSubstr("not with the old one")));
  EXPECT_EQ(run_without_socket({"store", "migrate", "--from", "old.toml", "--to", "new.toml", "--json"}), 0);
  const value printed = boost::json::parse(out_);
  EXPECT_EQ(printed.at("tables").at(0).at("rows"), 12);
  migrate_outcome_ = Error{Errc::config_invalid, "the target", "and why"};
  EXPECT_EQ(run_without_socket({"store", "migrate", "--from", "old.toml", "--to", "new.toml"}), 2);
  EXPECT_THAT(err_, HasSubstr("and why"));
  EXPECT_EQ(run_without_socket({"store", "migrate", "--from", "old.toml"}), 2);
}

}  // namespace
}  // namespace vodlift::cli
