// Usage, and the commands of accounts, keys and buckets.
#include "cli/cli_test.h"

namespace vodlift::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

TEST_F(CliTest, ServesWithTheConfigurationFile) {
  EXPECT_EQ(run_without_socket({"serve", "--config", "x.toml"}), 7);
  EXPECT_EQ(served_config_, "x.toml");
  EXPECT_EQ(run_without_socket({"init", "--config", "x.toml"}), 8);
  EXPECT_EQ(run_without_socket({"accept-loss", "--config", "x.toml"}), 9);
  EXPECT_EQ(run_without_socket({"audit", "check", "--config", "x.toml", "--kept", "ab"}), 10);
  EXPECT_EQ(run_without_socket({"config", "check", "x.toml"}), 11);
}

TEST_F(CliTest, WrongUsageIsExitCodeTwo) {
  EXPECT_EQ(run_without_socket({}), kUsage);
  EXPECT_EQ(run_without_socket({"serve"}), kUsage);
  EXPECT_EQ(run_without_socket({"frobnicate"}), kUsage);
  EXPECT_EQ(run_without_socket({"account", "add", "--cdn", "x", "--user", "jb"}), kUsage);
  EXPECT_EQ(run_without_socket({"key", "add", "--cdn", "1", "--api-key", "K"}), kUsage);
  EXPECT_EQ(run_without_socket({"upload", "s/u/f", "--cdn", "1", "--bucket", "b", "--acl", "all"}), kUsage);
  EXPECT_EQ(run_without_socket({"status", "--socket", "a", "--config", "b"}), kUsage);
  EXPECT_THAT(asked(), IsEmpty());
}

TEST_F(CliTest, HelpAndVersionAreSuccess) {
  EXPECT_EQ(run_without_socket({"--help"}), kDone);
  EXPECT_THAT(out_, HasSubstr("Exit codes: 0 done"));
  EXPECT_EQ(run_without_socket({"bucket", "add", "--help"}), kDone);
  EXPECT_EQ(run_without_socket({"version"}), kDone);
  EXPECT_THAT(out_, testing::MatchesRegex("vodlift [0-9.]+ \\((commit .+, )?.+ [0-9.]+\\)\n"));
  EXPECT_EQ(run_without_socket({"version", "--json"}), kDone);
  EXPECT_TRUE(boost::json::parse(out_).at("version").is_string());
  EXPECT_TRUE(boost::json::parse(out_).at("commit").is_string());
  EXPECT_THAT(boost::json::parse(out_).at("compiler").as_string().c_str(), HasSubstr(" "));
}

TEST_F(CliTest, AWrongCommandIsNamedAndTheRightOnesAreListed) {
  EXPECT_EQ(run_without_socket({}), kUsage);
  EXPECT_THAT(err_, StartsWith("vodlift: vodlift needs a command: serve, account, key,"));
  EXPECT_EQ(run_without_socket({"bucket"}), kUsage);
  EXPECT_EQ(err_,
            "vodlift: vodlift bucket needs a command: add, set, check, try, list, remove, litter\nSee: vodlift bucket "
            "--help\n");
  EXPECT_EQ(run_without_socket({"bucket", "lst"}), kUsage);
  EXPECT_THAT(err_,
              StartsWith("vodlift: there is no command \"vodlift bucket lst\"; did you mean list?; the commands are"));
  EXPECT_EQ(run_without_socket({"help"}), kUsage);
  EXPECT_THAT(err_, StartsWith("vodlift: there is no command \"vodlift help\"; the commands are serve, account,"));
  EXPECT_EQ(run_without_socket({"upload", "cancle", "3"}), kUsage);
  EXPECT_THAT(err_, StartsWith("vodlift: unexpected argument \"3\"; did you mean cancel?\nSee: vodlift upload --help"));
  EXPECT_EQ(run_without_socket({"upload", "stop", "3"}), kUsage);
  EXPECT_THAT(err_, StartsWith("vodlift: there is no command \"vodlift upload stop\"; the commands are list, show,"));
  EXPECT_EQ(run_without_socket({"upload", "3"}), kUsage);
  EXPECT_THAT(err_, HasSubstr("\"3\" is neither a path (storage/user/file) nor one of the commands list, show,"));
  EXPECT_EQ(run_without_socket({"upload", "cancle"}), kUsage);
  EXPECT_THAT(err_, HasSubstr("did you mean cancel?"));
  EXPECT_EQ(run_without_socket({"key", "--all"}), kUsage);
  EXPECT_EQ(err_, "vodlift: unexpected argument \"--all\"\nSee: vodlift key --help\n");
  EXPECT_EQ(run_without_socket({"account", "add", "--user", "jb"}), kUsage);
  EXPECT_THAT(err_, HasSubstr("--cdn"));
}

TEST_F(CliTest, ABadValueIsNamedWithWhatIsExpected) {
  EXPECT_EQ(run_without_socket({"status", "--state", "failed,quued"}), kUsage);
  EXPECT_THAT(err_, StartsWith("vodlift: --state: there is no state \"quued\", did you mean queued?; the states are "
                               "queued, paused, uploading, completed, failed, cancelled\n"));
  EXPECT_EQ(run_without_socket({"status", "3x"}), kUsage);
  EXPECT_THAT(err_, StartsWith("vodlift: id: expected a whole number, found \"3x\"\n"));
  EXPECT_EQ(run_without_socket({"upload", "/data/jb/a.mp4", "--cdn", "1", "--bucket", "b"}), kFailed);
  EXPECT_THAT(err_, StartsWith("vodlift: path: is a path of a disk; give storage/user/file, such as"));
}

TEST_F(CliTest, WrongUsageIsJsonWhereThatIsAskedFor) {
  EXPECT_EQ(run_without_socket({"status", "3x", "--json"}), kUsage);
  EXPECT_EQ(boost::json::parse(err_).at("message"), "id: expected a whole number, found \"3x\"");
  EXPECT_EQ(boost::json::parse(err_).at("code"), "invalid_value");
  EXPECT_EQ(run_without_socket({"--json", "frobnicate"}), kUsage);
  EXPECT_THAT(boost::json::parse(err_).at("message").as_string().c_str(), HasSubstr("no command \"vodlift"));
  EXPECT_EQ(run_without_socket({"account", "add", "--json"}), kUsage);
  EXPECT_THAT(boost::json::parse(err_).at("message").as_string().c_str(), HasSubstr("--cdn"));
  EXPECT_EQ(run_without_socket({"status", "--help", "--json"}), kDone);
}

TEST_F(CliTest, FindsTheDaemonByOptionConfigurationAndEnvironment) {
  answer_list({});
  EXPECT_EQ(run_with_socket({"account", "list"}), kDone);
  EXPECT_EQ(run_without_socket({"account", "list", "--config", "good.toml"}), kDone);
  ::setenv("VODLIFT_SOCKET", socket_.c_str(), 1);
  EXPECT_EQ(run_without_socket({"account", "list"}), kDone);
  EXPECT_EQ(run_without_socket({"account", "list", "--config", "bad.toml"}), kUsage);
  EXPECT_EQ(err_, "vodlift: the configuration has a fault:\nbad.toml:3: what\n");
  ::setenv("VODLIFT_SOCKET", "/nonexistent/a.sock", 1);
  EXPECT_EQ(run_without_socket({"account", "list"}), kUsage);
  EXPECT_THAT(err_, StartsWith("vodlift: no daemon answers at /nonexistent/a.sock; start it with"));
  EXPECT_EQ(asked().size(), 3U);
}

TEST_F(CliTest, AddsAnAccount) {
  answer({{"cdn", 158}, {"user", "jb"}, {"created", 1}, {"webhook_secret", "whsec_x"}});
  EXPECT_EQ(run_with_socket({"account", "add", "--cdn", "158", "--user", "jb"}), kDone);
  EXPECT_THAT(asked(), ElementsAre(R"(POST /api/v1/accounts {"cdn":158,"user":"jb"})"));
  EXPECT_THAT(out_, HasSubstr("webhook secret: whsec_x\n"));
  EXPECT_EQ(run_with_socket({"account", "add", "--cdn", "158", "--user", "jb", "--json"}), kDone);
  EXPECT_EQ(out_, R"({"cdn":158,"user":"jb","created":1,"webhook_secret":"whsec_x"})"
                  "\n");
}

TEST_F(CliTest, TellsARefusal) {
  refuse("already_exists", "account 158 exists");
  EXPECT_EQ(run_with_socket({"account", "add", "--cdn", "158", "--user", "jb"}), kFailed);
  EXPECT_EQ(out_, "");
  EXPECT_EQ(err_, "vodlift: account 158 exists\n");
  EXPECT_EQ(run_with_socket({"account", "add", "--cdn", "158", "--user", "jb", "--json"}), kFailed);
  EXPECT_EQ(err_, R"({"code":"already_exists","message":"account 158 exists"})"
                  "\n");
}

TEST_F(CliTest, MakesAPair) {
  answer({{"api_key", "K"}, {"secret", "S"}});
  EXPECT_EQ(run_with_socket({"key", "add", "--cdn", "158", "--json"}), kDone);
  EXPECT_EQ(out_, R"({"api_key":"K","secret":"S"})"
                  "\n");
  EXPECT_THAT(asked(), ElementsAre(R"(POST /api/v1/keys {"cdn":158})"));
}

TEST_F(CliTest, ImportsAPairFromAFile) {
  answer({{"api_key", "KEY"}});
  const std::string file = write_file("secret", "the-secret\r\n");
  EXPECT_EQ(run_with_socket({"key", "add", "--cdn", "158", "--api-key", "KEY", "--secret-file", file}), kDone);
  EXPECT_THAT(asked(), ElementsAre(R"(POST /api/v1/keys {"cdn":158,"api_key":"KEY","secret":"the-secret"})"));
  EXPECT_EQ(out_, "API key KEY is imported with its secret\n");
}

TEST_F(CliTest, AnEditorsByteOrderMarkIsNoPartOfASecret) {
  answer({{"api_key", "KEY"}, {"secret", "S"}});
  const std::string file = write_file("secret", "\xEF\xBB\xBFthe-secret\r\n");
  EXPECT_EQ(run_with_socket({"key", "add", "--cdn", "158", "--api-key", "KEY", "--secret-file", file}), kDone);
  EXPECT_THAT(asked(), ElementsAre(R"(POST /api/v1/keys {"cdn":158,"api_key":"KEY","secret":"the-secret"})"));
}

TEST_F(CliTest, AnEmptyLimitOfAKeyIsNoLimitThatWasMeant) {
  for (const char* option : {"--permissions", "--path-prefix", "--expires"}) {
    EXPECT_EQ(run_with_socket({"key", "add", "--cdn", "158", option, ""}), kUsage) << option;
    EXPECT_THAT(err_, HasSubstr("is empty"));
  }
  EXPECT_THAT(asked(), IsEmpty());
}

TEST_F(CliTest, RefusesASecretFileThatHoldsNone) {
  EXPECT_EQ(run_with_socket({"key", "add", "--cdn", "1", "--api-key", "K", "--secret-file", "/nonexistent"}), kFailed);
  EXPECT_THAT(err_, HasSubstr("the secret: cannot open /nonexistent"));
  const std::string empty = write_file("empty", "\n");
  EXPECT_EQ(run_with_socket({"key", "add", "--cdn", "1", "--api-key", "K", "--secret-file", empty}), kFailed);
  EXPECT_THAT(asked(), IsEmpty());
}

TEST_F(CliTest, AddsABucket) {
  answer({{"cdn", 158}, {"bucket", "b"}, {"endpoint", "http://h"}});
  const std::string file = write_file("secret", "s3cr3t");
  EXPECT_EQ(run_with_socket({"bucket", "add", "--cdn", "158", "--bucket", "b", "--endpoint", "http://h", "--region",
                             "r", "--access-key", "A", "--secret-key-file", file, "--path-style"}),
            kDone);
  EXPECT_THAT(asked(), ElementsAre(R"(POST /api/v1/buckets {"cdn":158,"bucket":"b","access_key":"A",)"
                                   R"("endpoint":"http://h","region":"r","secret_key":"s3cr3t","path_style":true})"));
  EXPECT_EQ(out_, "account 158 uploads to bucket b at http://h\n");
}

TEST_F(CliTest, AddsABucketThatEncrypts) {
  answer({{"cdn", 158}, {"bucket", "b"}, {"endpoint", "http://h"}});
  EXPECT_EQ(run_with_socket({"bucket", "add", "--cdn", "158", "--bucket", "b", "--sse", "kms", "--kms-key", "alias/k",
                             "--bucket-key"}),
            kDone);
  EXPECT_THAT(asked(), ElementsAre(R"(POST /api/v1/buckets {"cdn":158,"bucket":"b","kms_key":"alias/k","sse":"kms",)"
                                   R"("sse_bucket_key":true})"));
  EXPECT_EQ(run_with_socket({"bucket", "add", "--cdn", "1", "--bucket", "b", "--sse", "rot13"}), kUsage);
}

TEST_F(CliTest, SetsWhatIsGivenAndShowsWhatChanged) {
  answer({{"cdn", 158},
          {"bucket", "b"},
          {"endpoint", "http://h"},
          {"changes", boost::json::array{{{"option", "part_size"}, {"from", 0}, {"to", 8388608}}}}});
  EXPECT_EQ(
      run_with_socket({"bucket", "set", "--cdn", "158", "--bucket", "b", "--part-size", "8MiB", "--no-path-style"}),
      kDone);
  EXPECT_THAT(asked(), ElementsAre(R"(PATCH /api/v1/buckets/158/b {"path_style":false,)"
                                   R"("part_size":8388608})"));
  EXPECT_EQ(out_, "account 158 uploads to bucket b at http://h\n  part_size: 0 -> 8388608\n");
  EXPECT_EQ(run_with_socket({"bucket", "set", "--cdn", "158"}), kUsage);
  EXPECT_EQ(run_with_socket({"bucket", "set", "--cdn", "158", "--bucket", "b", "--replace"}), kUsage);
}

TEST_F(CliTest, AddsABucketWithCredentialsFromElsewhere) {
  answer({{"cdn", 158}, {"bucket", "b"}, {"endpoint", "http://h"}});
  EXPECT_EQ(run_with_socket({"bucket", "add", "--cdn", "158", "--bucket", "b", "--credentials", "profile", "--profile",
                             "p", "--role-arn", "arn", "--external-id", "x"}),
            kDone);
  EXPECT_THAT(
      asked(),
      ElementsAre(
          R"(POST /api/v1/buckets {"cdn":158,"bucket":"b","credentials":"profile","external_id":"x","profile":"p",)"
          R"("role_arn":"arn"})"));
  EXPECT_EQ(run_with_socket({"bucket", "add", "--cdn", "1", "--bucket", "b", "--credentials", "magic"}), kUsage);
}

TEST_F(CliTest, ChecksABucket) {
  const object finding = {{"topic", "write"}, {"finding", "FAIL"}, {"message", "403"}, {"fix", "allow it"}};
  answer({{"bucket", "b"},
          {"result", "FAIL"},
          {"access_denied", true},
          {"findings", {finding}},
          {"policy", "{POLICY}\n"}});
  EXPECT_EQ(run_with_socket({"bucket", "check", "--cdn", "158", "--bucket", "b"}), kFailed);
  EXPECT_EQ(out_,
            "FAIL  write        403\n                -> allow it\n\nUploads to bucket b do not work: write has failed. "
            "Do what stands behind ->, then check again.\n\nThis policy is sufficient:\n{POLICY}\n");
  const object warning = {{"topic", "acl"}, {"finding", "warn"}, {"message", "refused"}, {"fix", ""}};
  answer({{"bucket", "b"},
          {"result", "warn"},
          {"access_denied", false},
          {"findings", {warning}},
          {"policy", "{POLICY}\n"}});
  out_.clear();
  EXPECT_EQ(run_with_socket({"bucket", "check", "--cdn", "158", "--bucket", "b"}), kDone);
  EXPECT_THAT(out_, HasSubstr("\nBucket b takes uploads; each warning above"));
  answer({{"bucket", "b"},
          {"result", "ok"},
          {"access_denied", false},
          {"findings", boost::json::array()},
          {"policy", "{POLICY}\n"}});
  out_.clear();
  EXPECT_EQ(run_with_socket({"bucket", "check", "--cdn", "158", "--bucket", "b"}), kDone);
  EXPECT_EQ(out_, "\nBucket b takes uploads.\n");
  out_.clear();
  EXPECT_EQ(run_with_socket({"bucket", "check", "--cdn", "158", "--bucket", "b", "--policy"}), kDone);
  EXPECT_EQ(out_, "{POLICY}\n");
}

TEST_F(CliTest, TriesABucketWithoutADaemonAlsoByAnotherName) {
  const std::string secret = write_file("secret", "s3cret\n");
  EXPECT_EQ(run_without_socket({"bucket", "try", "--bucket", "b", "--endpoint", "http://h", "--access-key", "a",
                                "--secret-key-file", secret, "--path-style", "--public-read"}),
            kFailed);
  EXPECT_THAT(out_, HasSubstr("\nThis policy is sufficient:\n{a policy}\n"));
  EXPECT_EQ(tried_, (object{{"bucket", "b"},
                            {"policy_only", false},
                            {"public_read", true},
                            {"access_key", "a"},
                            {"endpoint", "http://h"},
                            {"secret_key", "s3cret"},
                            {"path_style", true}}));
  EXPECT_TRUE(asked().empty());
  EXPECT_EQ(run_without_socket({"bucket", "try", "--endpoint", "http://h"}), kUsage);

  testing::internal::CaptureStdout();
  const std::array words = {"/usr/bin/vodlift-s3check", "--bucket", "c", "--policy"};
  EXPECT_EQ(run(static_cast<int>(words.size()), words.data(), services_), kDone);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "{a policy}\n");
  EXPECT_EQ(tried_.at("bucket").as_string(), "c");
}

}  // namespace
}  // namespace vodlift::cli
