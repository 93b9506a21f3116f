#include "cli/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <sstream>

#include "base/temporary_folder_test.h"
#include "core/upload_fields.h"
#include "net/http_server.h"

namespace vodlift::cli {
namespace {

using boost::json::object;
using boost::json::value;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// What the fake daemon was asked, and the answers it gives in turn (the last one again and again).
class CliTest : public testing::Test {
 protected:
  void SetUp() override {
    socket_ = directory_ / "admin.sock";
    ::unsetenv("VODLIFT_SOCKET");
    const auto listening = server_.listen_unix(socket_);
    ASSERT_TRUE(listening) << listening.error().message;
    server_.start();
  }
  void TearDown() override { server_.stop(std::chrono::milliseconds(0)); }

  void answer(const value& data) { answers_.emplace_back(200, data); }
  void answer_list(const boost::json::array& objects) { answer({{"items", objects}, {"next", nullptr}}); }
  void refuse(const char* code, const char* detail) {
    answers_.emplace_back(400, object{{"code", code}, {"detail", detail}});
  }

  // Runs the program; what it printed is in out_ and err_.
  int run_without_socket(std::vector<std::string> words) {
    words.insert(words.begin(), "vodlift");
    std::vector<const char*> argv;
    for (const std::string& word : words) argv.push_back(word.c_str());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int exit_code = run(static_cast<int>(argv.size()), argv.data(), services_);
    out_ = testing::internal::GetCapturedStdout();
    err_ = testing::internal::GetCapturedStderr();
    return exit_code;
  }
  int run_with_socket(std::vector<std::string> words) {
    words.insert(words.end(), {"--socket", socket_.string()});
    return run_without_socket(std::move(words));
  }

  std::string write_file(const char* name, const std::string& text) {
    const auto path = directory_ / name;
    std::ofstream(path) << text;
    return path.string();
  }

  std::vector<std::string> asked() {
    const std::scoped_lock lock(mutex_);
    return asked_;
  }

  net::Response handle(const net::Request& request) {
    const std::scoped_lock lock(mutex_);
    asked_.push_back(request.method + " " + request.target + (request.body.empty() ? "" : " " + request.body));
    const std::size_t turn = std::min(asked_.size(), answers_.size()) - 1;
    net::Response response;
    response.body = answers_.empty() ? "?" : boost::json::serialize(answers_[turn].second);
    if (!answers_.empty()) response.status = answers_[turn].first;
    return response;
  }

  const TemporaryFolder temporary_;
  const std::filesystem::path directory_ = temporary_.path();
  std::filesystem::path socket_;
  std::filesystem::path served_config_;
  Services services_{.serve =
                         [this](const std::filesystem::path& config) {
                           served_config_ = config;
                           return 7;
                         },
                     .init = [](const std::filesystem::path&) { return 8; },
                     .accept_loss = [](const std::filesystem::path&) { return 9; },
                     .admin_socket_of = [this](const std::filesystem::path& config) -> Result<std::filesystem::path> {
                       if (config == "good.toml") return socket_;
                       return Error{Errc::config_invalid, "the configuration has a fault:\nbad.toml:3: what"};
                     }};
  std::mutex mutex_;
  std::vector<std::string> asked_;
  std::vector<std::pair<int, value>> answers_;  // HTTP status and body
  net::HttpServer server_{
      "http",
      {},
      1,
      [this](const net::Request& request, const net::Responder& respond) { respond(handle(request)); },
      [](Errc, std::string_view) { return net::Response(); }};
  std::string out_;
  std::string err_;
};

TEST_F(CliTest, ServesWithTheConfigurationFile) {
  EXPECT_EQ(run_without_socket({"serve", "--config", "x.toml"}), 7);
  EXPECT_EQ(served_config_, "x.toml");
  EXPECT_EQ(run_without_socket({"init", "--config", "x.toml"}), 8);
  EXPECT_EQ(run_without_socket({"accept-loss", "--config", "x.toml"}), 9);
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
  EXPECT_THAT(out_, testing::MatchesRegex("vodlift [0-9.]+\n"));
  EXPECT_EQ(run_without_socket({"version", "--json"}), kDone);
  EXPECT_TRUE(boost::json::parse(out_).at("version").is_string());
}

TEST_F(CliTest, AWrongCommandIsNamedAndTheRightOnesAreListed) {
  EXPECT_EQ(run_without_socket({}), kUsage);
  EXPECT_THAT(err_, StartsWith("vodlift: vodlift needs a command: serve, account, key,"));
  EXPECT_EQ(run_without_socket({"bucket"}), kUsage);
  EXPECT_EQ(err_,
            "vodlift: vodlift bucket needs a command: add, set, check, list, litter\nSee: vodlift bucket --help\n");
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
  answer({{"result", "FAIL"}, {"access_denied", true}, {"findings", {finding}}, {"policy", "{POLICY}\n"}});
  EXPECT_EQ(run_with_socket({"bucket", "check", "--cdn", "158", "--bucket", "b"}), kFailed);
  EXPECT_EQ(out_, "FAIL  write        403\n                -> allow it\n\nThis policy is sufficient:\n{POLICY}\n");
  answer({{"result", "warn"}, {"access_denied", false}, {"findings", {finding}}, {"policy", "{POLICY}\n"}});
  EXPECT_EQ(run_with_socket({"bucket", "check", "--cdn", "158", "--bucket", "b"}), kDone);
  EXPECT_EQ(run_with_socket({"bucket", "check", "--cdn", "158", "--bucket", "b", "--policy"}), kDone);
  EXPECT_EQ(out_, "{POLICY}\n");
}

TEST_F(CliTest, QueuesAnUploadWithItsDefaults) {
  answer({{"id", 5}});
  EXPECT_EQ(run_with_socket({"upload", "sestore4/jb/films/a.mp4", "--cdn", "158", "--bucket", "b", "--meta", "k=v=w",
                             "--meta", "l="}),
            kDone);
  EXPECT_EQ(out_, "queued as upload 5; follow it with: vodlift status 5 --watch\n");
  EXPECT_THAT(asked(), ElementsAre(R"(POST /api/v1/uploads {"cdn":158,"path":"sestore4/jb/films/a.mp4",)"
                                   R"("destination_path":"films/a.mp4","bucket":"b","metadata":{"k":"v=w","l":""}})"));
}

// A word for each field of an upload; a field without one makes the test fail.
std::string sample(const FieldSpec& spec) {
  if (spec.name == "path") return "sestore4/jb/a.mp4";
  if (spec.type == FieldType::pairs) return "k=v";
  if (spec.type == FieldType::number) return std::to_string(spec.high);
  if (spec.type == FieldType::word) return std::string(spec.words.back());
  return "value-of-" + std::string(spec.name);
}

TEST_F(CliTest, EachFieldOfAnUploadHasAnOptionThatReachesTheDaemon) {
  answer({{"id", 5}});
  EXPECT_EQ(run_without_socket({"upload", "--help"}), kDone);
  const std::string help = out_;
  std::vector<std::string> words = {"upload", "sestore4/jb/a.mp4", "--cdn", "158"};
  object expected = {{"cdn", 158}};
  for (const FieldSpec& spec : upload_field_specs()) {
    std::string flag = "--" + std::string(spec.name);
    std::ranges::replace(flag, '_', '-');
    if (spec.name == "destination_path") flag = "--to";
    if (spec.name == "metadata") flag = "--meta";
    if (spec.name == "tags") flag = "--tag";
    if (spec.name != "path") {
      words.insert(words.end(), {flag, sample(spec)});
      EXPECT_THAT(help, HasSubstr("  " + flag + " ")) << spec.name;
    }
    value& field = expected[spec.name];
    field = sample(spec);
    if (spec.type == FieldType::pairs) field = object{{"k", "v"}};
    if (spec.type == FieldType::number) field = spec.high;
  }
  ASSERT_EQ(run_with_socket(words), kDone) << err_;
  EXPECT_EQ(asked().at(0), "POST /api/v1/uploads " + boost::json::serialize(expected));
}

TEST_F(CliTest, RefusesMetadataThatIsNoPair) {
  for (const char* bad : {"novalue", "=x"}) {
    EXPECT_EQ(run_with_socket({"upload", "s/u/f", "--cdn", "1", "--bucket", "b", "--meta", bad}), kFailed);
    EXPECT_THAT(err_, HasSubstr("--meta: expected NAME=VALUE"));
  }
  EXPECT_EQ(run_with_socket({"upload", "s/u/f", "--cdn", "1", "--bucket", "b", "--meta", "a=1", "--meta", "a=2"}),
            kFailed);
  EXPECT_THAT(asked(), IsEmpty());
}

value upload_object(std::int64_t id, const char* state, const value& error = nullptr) {
  return {{"id", id},     {"cdn", 158}, {"state", state},  {"bucket", "b"}, {"destination_path", "a.mp4"},
          {"percent", 0}, {"size", 1},  {"bytes_sent", 0}, {"error", error}};
}

TEST_F(CliTest, WatchesAnUploadToItsEnd) {
  answer({{"id", 5}});
  answer_list(boost::json::array{upload_object(5, "queued")});
  answer_list(boost::json::array{upload_object(5, "completed")});
  EXPECT_EQ(run_with_socket({"upload", "s/u/a.mp4", "--cdn", "1", "--bucket", "b", "--watch"}), kDone);
  EXPECT_EQ(out_, "5 queued\n5 completed, 1 B\n");
  EXPECT_EQ(asked().back(), "GET /api/v1/uploads?ids=5&cdn=1");
}

TEST_F(CliTest, ExitCodeOfAWatchTellsTheFailure) {
  answer_list(boost::json::array{upload_object(5, "failed", {{"code", "tls"}, {"message", "bad certificate"}})});
  EXPECT_EQ(run_with_socket({"status", "5", "--watch"}), kFailed);
  EXPECT_EQ(out_, "5 failed: tls: bad certificate\n");
}

TEST_F(CliTest, ShowsUploads) {
  answer_list(boost::json::array{upload_object(5, "queued"), upload_object(4, "failed", {{"code", "tls"}})});
  EXPECT_EQ(run_with_socket({"status"}), kDone);
  EXPECT_THAT(out_, HasSubstr("\n5   158  queued  0%    1 B   b       a.mp4        -        -\n4   158  failed"));
  EXPECT_THAT(asked(), ElementsAre("GET /api/v1/uploads?limit=25"));
  answer(upload_object(5, "queued"));
  EXPECT_EQ(run_with_socket({"status", "5", "--cdn", "158"}), kDone);
  EXPECT_EQ(asked().back(), "GET /api/v1/uploads/5?cdn=158");
  EXPECT_THAT(out_, HasSubstr("destination   s3://b/a.mp4\n"));
}

TEST_F(CliTest, ShowsHowTheRunsOfAnUploadEnded) {
  object upload = upload_object(5, "queued").as_object();
  upload["source"] = {{"may_delete", false}, {"reason", "No: the upload is not complete."}};
  upload["history"] = boost::json::array{{{"number", 1},
                                          {"runs", 3},
                                          {"end", "requeued"},
                                          {"started", 1700000000},
                                          {"ended", 1700000060},
                                          {"last_byte", 1 << 20},
                                          {"error", {{"code", "tls"}, {"message", "bad certificate"}}}}};
  answer(upload);
  EXPECT_EQ(run_with_socket({"upload", "show", "5"}), kDone);
  EXPECT_EQ(asked().back(), "GET /api/v1/uploads/5");
  EXPECT_THAT(out_, HasSubstr("delete source?  No: the upload is not complete.\n"));
  EXPECT_THAT(out_, testing::ContainsRegex("\n1 .* 3 .* requeued  1.0 MiB  tls: bad certificate\n"));
}

TEST_F(CliTest, AsksForTheStatesThatAreGiven) {
  answer_list({});
  EXPECT_EQ(run_with_socket({"status", "--state", "failed,cancelled", "--limit", "3"}), kDone);
  EXPECT_THAT(asked(), ElementsAre("GET /api/v1/uploads?limit=3&state=failed,cancelled"));
  EXPECT_EQ(run_with_socket({"bucket", "set", "--cdn", "158", "--bucket", "a b/c", "--region", "r"}), kDone);
  EXPECT_THAT(asked().back(), StartsWith("PATCH /api/v1/buckets/158/a%20b%2Fc "));
}

TEST_F(CliTest, SaysWhenThereIsNoSuchUpload) {
  refuse("upload_not_found", "there is no upload 9; see: vodlift status");
  EXPECT_EQ(run_with_socket({"status", "9"}), kFailed);
  EXPECT_EQ(err_, "vodlift: there is no upload 9; see: vodlift status\n");
  answer_list({});
  EXPECT_EQ(run_with_socket({"status", "9", "--watch", "--cdn", "7"}), kFailed);
  EXPECT_EQ(err_, "vodlift: account 7 has no upload 9\n");
  EXPECT_EQ(run_with_socket({"status", "--watch"}), kDone);
  EXPECT_EQ(out_, "no upload is waiting or running\n");
}

TEST_F(CliTest, AChangeOfARunningUploadIsUnderWay) {
  answer(upload_object(5, "uploading"));
  EXPECT_EQ(run_with_socket({"upload", "cancel", "5"}), kDone);
  EXPECT_EQ(out_, "upload 5 is being cancelled\n");
  EXPECT_EQ(run_with_socket({"upload", "pause", "5"}), kDone);
  EXPECT_EQ(out_, "upload 5 is being paused\n");
  answer(upload_object(5, "cancelled"));
  EXPECT_EQ(run_with_socket({"upload", "cancel", "5"}), kDone);
  EXPECT_EQ(out_, "upload 5 is cancelled\n");
  EXPECT_EQ(asked().back(), "POST /api/v1/uploads/5/cancel {}");
}

value page_of(const boost::json::array& items, const value& next) {
  return {{"items", items}, {"next", next}, {"complete", true}, {"searched_to", nullptr}};
}

TEST_F(CliTest, ListsUploadsPageByPageBelowTheirTotals) {
  answer(page_of({upload_object(5, "failed", {{"code", "tls"}})}, "5"));
  answer(page_of({upload_object(4, "failed", {{"code", "tls"}})}, "4"));
  answer_list({{{"cdn", 158}, {"state", "queued"}, {"uploads", 12}},
               {{"cdn", 158}, {"state", "failed"}, {"uploads", 203}},
               {{"cdn", 159}, {"state", "failed"}, {"uploads", 1}}});
  EXPECT_EQ(run_with_socket({"upload", "list", "--state", "failed", "--error", "tls", "--text", "a b", "--limit", "2"}),
            kDone);
  EXPECT_THAT(asked(), ElementsAre("GET /api/v1/uploads?state=failed&error=tls&text=a%20b&limit=2",
                                   "GET /api/v1/uploads?state=failed&error=tls&text=a%20b&limit=1&cursor=5",
                                   "GET /api/v1/counts"));
  EXPECT_THAT(out_, StartsWith("12 queued, 204 failed\n\nID"));
  EXPECT_THAT(out_, HasSubstr("There are more; go on with: --cursor 4\n"));
}

TEST_F(CliTest, ATimeOfAListIsInThePast) {
  answer(page_of({}, nullptr));
  EXPECT_EQ(run_with_socket({"upload", "list", "--since", "2027-01-31", "--json"}), kDone);
  EXPECT_EQ(asked().back(), "GET /api/v1/uploads?since=1801353600&limit=25");
  EXPECT_EQ(run_with_socket({"upload", "list", "--since", "2h", "--json"}), kDone);
  EXPECT_THAT(asked().back(), testing::MatchesRegex("GET /api/v1/uploads.since=1[0-9]{9}&limit=25"));
  EXPECT_EQ(run_with_socket({"upload", "list", "--since", "yesterday"}), kFailed);
  EXPECT_THAT(err_, HasSubstr("--since: expected a time before now such as 2h"));
}

TEST_F(CliTest, SaysHowFarASearchCame) {
  answer({{"items", boost::json::array()}, {"next", "77"}, {"complete", false}, {"searched_to", 1700000000}});
  EXPECT_EQ(run_with_socket({"upload", "list", "--text", "x", "--json"}), kDone);
  EXPECT_EQ(asked().size(), 50U) << "it goes on for a while, not for ever";
  EXPECT_EQ(asked().back(), "GET /api/v1/uploads?text=x&limit=25&cursor=77");
}

TEST_F(CliTest, ChangesSeveralThatAreNamed) {
  answer(upload_object(5, "cancelled"));
  answer(upload_object(6, "uploading"));
  EXPECT_EQ(run_with_socket({"upload", "cancel", "5", "6"}), kDone);
  EXPECT_EQ(out_, "upload 5 is cancelled\nupload 6 is being cancelled\n");
  refuse("wrong_state", "upload 7 is completed");
  EXPECT_EQ(run_with_socket({"upload", "cancel", "7", "8"}), kFailed);
  EXPECT_EQ(err_, "vodlift: upload 7 is completed\nvodlift: upload 7 is completed\n");
}

TEST_F(CliTest, ChangesAllThatAFilterHolds) {
  const object refusal = {{"id", 3}, {"code", "source_not_found"}, {"detail", "no such file"}};
  const object first = {{"matched", 1000}, {"bytes", 1 << 20}, {"changed", 1000},
                        {"refused", 0},    {"next", "9"},      {"refusals", boost::json::array()}};
  const object second = {{"matched", 4}, {"bytes", 0},      {"changed", 3},
                         {"refused", 1}, {"next", nullptr}, {"refusals", boost::json::array{refusal}}};
  answer(first);
  answer(second);
  EXPECT_EQ(run_with_socket({"upload", "retry", "--state", "failed", "--error", "s3_credential"}), kFailed);
  EXPECT_THAT(
      asked(),
      ElementsAre(
          R"(POST /api/v1/uploads/bulk {"state":["failed"],"error":["s3_credential"],"action":"retry"})",
          R"(POST /api/v1/uploads/bulk {"state":["failed"],"error":["s3_credential"],"action":"retry","cursor":"9"})"));
  EXPECT_EQ(out_, "1003 uploads retried\n1 upload could not be retried:\n  3: no such file\n");
}

TEST_F(CliTest, ADryRunSaysHowManyAndHowLarge) {
  answer({{"matched", 203},
          {"bytes", std::int64_t{38} << 30},
          {"changed", 0},
          {"refused", 0},
          {"next", nullptr},
          {"refusals", boost::json::array()}});
  EXPECT_EQ(run_with_socket({"upload", "retry", "--cdn", "158", "--dry-run"}), kDone);
  EXPECT_EQ(asked().back(), R"(POST /api/v1/uploads/bulk {"cdn":158,"action":"retry","dry_run":true})");
  EXPECT_EQ(out_, "203 uploads would be retried (38.0 GiB)\n");
}

TEST_F(CliTest, AChangeOfManyHasToBeMeant) {
  EXPECT_EQ(run_with_socket({"upload", "cancel"}), kUsage);
  EXPECT_THAT(err_, HasSubstr("upload cancel needs the ids of uploads, or a filter"));
  EXPECT_EQ(run_with_socket({"upload", "cancel", "5", "--state", "failed"}), kUsage);
  EXPECT_THAT(err_, HasSubstr("not both"));
  EXPECT_THAT(asked(), IsEmpty());
}

object file_object(const char* path) {
  return {{"path", path}, {"size", 1024}, {"modified", 1}, {"type", "video/mp4"}};
}

TEST_F(CliTest, QueuesAFolder) {
  answer({{"items", {file_object("s/u/films/a.mp4"), file_object("s/u/films/b/c.mp4")}},
          {"total", 2},
          {"complete", true}});
  answer({{"id", 8}});
  answer({{"id", 9}});
  EXPECT_EQ(run_with_socket({"upload", "s/u/films/", "--recursive", "--cdn", "158", "--bucket", "b", "--filter", "*"}),
            kDone);
  EXPECT_THAT(
      asked(),
      ElementsAre("GET /api/v1/files?path=s%2Fu%2Ffilms&filter=%2A&offset=0",
                  R"(POST /api/v1/uploads {"cdn":158,"path":"s/u/films/a.mp4","destination_path":"films/a.mp4",)"
                  R"("bucket":"b"})",
                  R"(POST /api/v1/uploads {"cdn":158,"path":"s/u/films/b/c.mp4","destination_path":"films/b/c.mp4",)"
                  R"("bucket":"b"})"));
  EXPECT_EQ(out_, "2 files queued (2.0 KiB) as uploads 8 to 9\n");
}

TEST_F(CliTest, AFoldersKeysBeginAsWanted) {
  answer({{"items", {file_object("s/u/films/b/c.mp4")}}, {"total", 1}, {"complete", true}});
  refuse("bucket_not_configured", "no such bucket");
  EXPECT_EQ(run_with_socket({"upload", "s/u/films", "--recursive", "--cdn", "158", "--bucket", "b", "--to", "in/"}),
            kFailed);
  EXPECT_THAT(asked().back(), HasSubstr(R"("destination_path":"in/b/c.mp4")"));
  EXPECT_EQ(out_, "0 files queued (0 B)\n1 file could not be queued:\n  s/u/films/b/c.mp4: no such bucket\n");
}

TEST_F(CliTest, NothingIsQueuedOfAFolderThatIsTooLargeOrInADryRun) {
  answer({{"items", {file_object("s/u/a.mp4")}}, {"total", 1}, {"complete", true}});
  answer({{"items", {file_object("s/u/a.mp4")}}, {"total", 100}, {"complete", false}});
  const std::vector<std::string> words = {"upload", "s/u", "--recursive", "--cdn", "158", "--bucket", "b"};
  std::vector<std::string> dry = words;
  dry.emplace_back("--dry-run");
  EXPECT_EQ(run_with_socket(dry), kDone);
  EXPECT_EQ(out_, "1 file would be queued (1.0 KiB)\n");
  EXPECT_EQ(run_with_socket(words), kFailed);
  EXPECT_THAT(err_, HasSubstr("s/u: the folder has too many files"));
  EXPECT_EQ(asked().size(), 2U);
  EXPECT_EQ(run_with_socket({"upload", "s/u/a.mp4", "--cdn", "1", "--bucket", "b", "--dry-run"}), kUsage);
  EXPECT_EQ(run_with_socket({"upload", "s/u", "--recursive", "--watch", "--cdn", "1", "--bucket", "b"}), kUsage);
}

TEST_F(CliTest, ShowsCallbacksAndTheirTries) {
  const object last = {{"number", 2}, {"at", 1700000000}, {"took_ms", 12}, {"http_status", 503}, {"error", "no"}};
  object callback = {{"id", 7},
                     {"upload", 5},
                     {"cdn", 158},
                     {"state", "pending"},
                     {"attempts", 2},
                     {"receiver", "h:443"},
                     {"next_attempt", nullptr},
                     {"url", "https://h/x"},
                     {"last", last},
                     {"webhook_id", "msg_1"},
                     {"created", 1}};
  answer(page_of({callback}, "7"));
  EXPECT_EQ(run_with_socket({"callback", "list", "--state", "pending", "--cdn", "158"}), kDone);
  EXPECT_EQ(asked().back(), "GET /api/v1/callbacks?limit=25&cdn=158&state=pending");
  EXPECT_THAT(out_, HasSubstr("7   5       158  pending  2      h:443     -         HTTP 503 in 12 ms: no\n"));
  EXPECT_THAT(out_, HasSubstr("--cursor 7"));
  callback["tries"] = boost::json::array{last};
  callback["body"] = "{}";
  answer(callback);
  EXPECT_EQ(run_with_socket({"callback", "show", "7"}), kDone);
  EXPECT_THAT(out_, HasSubstr("try 2       2023-"));
  EXPECT_EQ(run_with_socket({"callback", "send", "7"}), kDone);
  EXPECT_EQ(asked().back(), "POST /api/v1/callbacks/7/send {}");
}

TEST_F(CliTest, TestsAReceiver) {
  answer({{"delivered", false}, {"http_status", nullptr}, {"took_ms", 0}, {"error", "connection refused"}});
  EXPECT_EQ(run_with_socket({"callback", "test", "--cdn", "158", "--url", "http://h"}), kFailed);
  EXPECT_EQ(out_, "not delivered: connection refused\n");
}

TEST_F(CliTest, ListsStoragesAndFiles) {
  answer_list({{{"storage", "sestore4"}, {"available", true}, {"bytes_free", 1024}},
               {{"storage", "sestore5"}, {"available", false}, {"bytes_free", 0}}});
  EXPECT_EQ(run_with_socket({"storage", "list"}), kDone);
  EXPECT_EQ(out_, "STORAGE   AVAILABLE  FREE\nsestore4  yes        1.0 KiB\nsestore5  no         -\n");
  answer({{"items", {{{"path", "s/u/a.mp4"}, {"size", 1}, {"modified", 1}, {"type", "video/mp4"}}}},
          {"total", 3},
          {"complete", false}});
  EXPECT_EQ(run_with_socket({"storage", "files", "s/u", "--filter", "*.mp4", "--offset", "2"}), kDone);
  EXPECT_EQ(asked().back(), "GET /api/v1/files?path=s%2Fu&filter=%2A.mp4&offset=2");
  EXPECT_THAT(out_, HasSubstr("3 files match"));
  EXPECT_THAT(out_, HasSubstr("too large for a whole list"));
}

}  // namespace
}  // namespace vodlift::cli
