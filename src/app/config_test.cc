#include "app/config.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "app/config_store.h"
#include "base/temporary_folder_test.h"

namespace vodlift::app {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kSmallest = R"(
[store]
path = "/var/lib/vodlift/vodlift.db"
[[storage]]
name = "sestore4"
root = "/mnt/sestore4"
)";

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

// The faults of `text`, one a line, without the heading.
std::vector<std::string> faults_of(std::string_view text) {
  const auto result = parse_config(text, "/etc/v.toml");
  if (result) return {};
  EXPECT_EQ(result.error().code, Errc::config_invalid);
  std::vector<std::string> lines = lines_of(result.error().message);
  lines.erase(lines.begin());
  return lines;
}

TEST(Config, FillsInDefaults) {
  const auto config = parse_config(kSmallest, "/etc/v.toml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->server.listen, "127.0.0.1:8080");
  EXPECT_EQ(config->server.threads, 2);
  EXPECT_EQ(config->server.admin_socket, "/var/lib/vodlift/admin.sock");
  EXPECT_EQ(config->server.master_key_file, "/var/lib/vodlift/master.key");
  EXPECT_EQ(config->server.timestamp_window, std::chrono::seconds(300));
  EXPECT_EQ(config->worker.uploads, 8);
  EXPECT_EQ(config->worker.parts_per_upload, 4);
  EXPECT_EQ(config->worker.transfer_threads, 0);
  EXPECT_EQ(config->worker.turn, std::chrono::seconds(30));
  EXPECT_EQ(config->worker.source_quiet, std::chrono::seconds(5));
  EXPECT_EQ(config->worker.source_wait, std::chrono::days(1));
  EXPECT_TRUE(config->callback.allow_networks.empty());
  EXPECT_EQ(config->audit.path, "/var/lib/vodlift/audit.log");
  EXPECT_EQ(config->litter.retry, std::chrono::seconds(60));
  EXPECT_EQ(config->litter.grace, std::chrono::seconds(600));
  EXPECT_EQ(config->litter.give_up, std::chrono::days(14));
  EXPECT_EQ(config->audit.max_mib, 64);
  EXPECT_EQ(config->audit.keep, 15);
  EXPECT_EQ(config->limits.key_requests_per_s, 0);
  EXPECT_EQ(config->limits.failures_per_s, 10);
  EXPECT_EQ(config->limits.failure_burst, 100);
  EXPECT_EQ(config->log.format, log::Format::console);
  EXPECT_EQ(config->log.level, log::Level::info);
}

TEST(Config, LimitsHaveBurstsOfTheirOwn) {
  const auto limits = [](std::string_view lines) {
    return parse_config(std::string(kSmallest) + "[limits]\n" + std::string(lines), "/etc/v.toml").value().limits;
  };
  EXPECT_EQ(limits("key_requests_per_s = 50").key_burst, 50) << "a second's";
  EXPECT_EQ(limits("key_requests_per_s = 50\nkey_burst = 200").key_burst, 200);
  EXPECT_EQ(limits("failures_per_s = 0\nfailure_burst = 7").failures_per_s, 0);
  EXPECT_EQ(limits("failure_burst = 7").failure_burst, 7);
  EXPECT_EQ(limits("").open_uploads_per_account, 1'000'000);
  EXPECT_EQ(limits("open_uploads_per_account = 1").open_uploads_per_account, 1);
  EXPECT_THAT(faults_of(std::string(kSmallest) + "[limits]\nopen_uploads_per_account = 0"),
              ElementsAre(HasSubstr("[limits] open_uploads_per_account")));
  EXPECT_THAT(faults_of(std::string(kSmallest) + "[limits]\nkey_burst = 0\nfailures_per_s = -1\nrate = 1"),
              ElementsAre(HasSubstr("[limits] key_burst"), HasSubstr("[limits] failures_per_s"), HasSubstr("rate")));
}

TEST(Config, StatesAreKeptAsLongAsAllUnlessTheySaySo) {
  const auto retention = [](std::string_view lines) {
    return parse_config(std::string(kSmallest) + "[retention]\n" + std::string(lines), "/etc/v.toml").value().retention;
  };
  using std::chrono::days;
  EXPECT_EQ(retention("").completed, days(0)) << "for ever";
  const auto all = retention("ended_days = 30\nfailed_days = 90\ncancelled_days = 0\narchive = \"old\"");
  EXPECT_EQ(all.completed, days(30));
  EXPECT_EQ(all.failed, days(90));
  EXPECT_EQ(all.cancelled, days(0));
  EXPECT_EQ(all.archive, "/etc/old");
  EXPECT_EQ(retention("completed_days = 36500").completed, days(36500));
  EXPECT_EQ(retention("completed_days = 7").failed, days(0));
  EXPECT_EQ(retention("archive = \"\"").archive, "");
  EXPECT_THAT(faults_of(std::string(kSmallest) + "[retention]\nended_days = -1\ncanceled_days = 1\narchive = 5"),
              ElementsAre(HasSubstr("[retention] ended_days: expected an integer from 0 to 36500, found -1"),
                          HasSubstr("did you mean \"cancelled_days\"?"), HasSubstr("[retention] archive")));
}

TEST(Config, ReadsEveryKey) {
  const auto config = parse_config(R"(
[server]
listen = "[::1]:0"
threads = 64
admin_socket = "run/a.sock"
master_key_file = "/etc/vodlift/key"
timestamp_window_s = 60
[store]
path = "data/v.db"
[[storage]]
name = "sestore4"
root = "/mnt/4"
[[storage]]
name = "b_2-x"
root = "media/../media"
[worker]
uploads = 256
parts_per_upload = 1
transfer_threads = 64
turn_s = 60
source_quiet_s = 0
source_wait_s = 604800
[litter]
retry_s = 1
grace_s = 2
give_up_days = 3
[callback]
allow_networks = ["127.0.0.0/8", "fd00::/8"]
allow_ports = ["8443", "1024-65535"]
disable_after_days = 7
per_receiver_per_s = 20
[audit]
path = "log/changes.log"
max_mib = 1
keep = 0
[panel]
enabled = false
listen = "[::1]:8090"
url = "https://panel.example.com:8443"
[log]
format = "json"
level = "error"
)",
                                   "/etc/vodlift/v.toml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->server.listen, "[::1]:0");
  EXPECT_EQ(config->server.threads, 64);
  EXPECT_EQ(config->server.admin_socket, "/etc/vodlift/run/a.sock");
  EXPECT_EQ(config->server.master_key_file, "/etc/vodlift/key");
  EXPECT_EQ(config->server.timestamp_window, std::chrono::seconds(60));
  EXPECT_EQ(config->store.path, "/etc/vodlift/data/v.db");
  ASSERT_EQ(config->storages.size(), 2U);
  EXPECT_EQ(config->storages[0].name, "sestore4");
  EXPECT_EQ(config->storages[1].root, "/etc/vodlift/media");
  EXPECT_EQ(config->worker.uploads, 256);
  EXPECT_EQ(config->worker.parts_per_upload, 1);
  EXPECT_EQ(config->worker.transfer_threads, 64);
  EXPECT_EQ(config->worker.turn, std::chrono::seconds(60));
  EXPECT_EQ(config->worker.source_quiet, std::chrono::seconds(0));
  EXPECT_EQ(config->worker.source_wait, std::chrono::days(7));
  EXPECT_EQ(config->callback.allow_networks.size(), 2U);
  EXPECT_EQ(config->callback.allow_ports, (std::vector<net::PortRange>{{8443, 8443}, {1024, 65535}}));
  EXPECT_EQ(config->callback.disable_after, std::chrono::days(7));
  EXPECT_EQ(config->callback.per_receiver_per_s, 20);
  EXPECT_EQ(config->audit.path, "/etc/vodlift/log/changes.log");
  EXPECT_EQ(config->litter.retry, std::chrono::seconds(1));
  EXPECT_EQ(config->litter.grace, std::chrono::seconds(2));
  EXPECT_EQ(config->litter.give_up, std::chrono::days(3));
  EXPECT_EQ(config->audit.max_mib, 1);
  EXPECT_EQ(config->audit.keep, 0);
  EXPECT_FALSE(config->panel.enabled);
  EXPECT_EQ(config->panel.listen, "[::1]:8090");
  EXPECT_EQ(config->panel.url, "https://panel.example.com:8443");
  EXPECT_EQ(config->log.format, log::Format::json);
  EXPECT_EQ(config->log.level, log::Level::error);
}

TEST(Config, TellsAllFaultsAtOnceWithTheirLines) {
  const auto faults = faults_of(R"([server]
listen = "localhost:8080"
threads = 0
theads = 3
admin_socket = 5
[store]
[[storage]]
name = "Sestore4"
root = ""
[[storage]]
name = "a"
[[storage]]
name = "a"
root = "/a"
size = 1
[worker]
uploads = "8"
parts_per_upload = 65
transfer_threads = 65
[callback]
allow_networks = [
  "127.0.0.1/8",
  7,
]
[log]
format = "xml"
level = true
[sever]
)");
  EXPECT_THAT(
      faults,
      ElementsAre(StartsWith("/etc/v.toml:2: [server] listen: expected \"ADDRESS:PORT\""),
                  "/etc/v.toml:3: [server] threads: expected an integer from 1 to 64, found 0",
                  "/etc/v.toml:4: [server] theads: unknown key; did you mean \"threads\"?",
                  "/etc/v.toml:5: [server] admin_socket: expected a string in quotes, found an integer",
                  StartsWith("/etc/v.toml:6: [store] path: required"),
                  StartsWith("/etc/v.toml:8: [[storage]] name: expected a lower-case letter"),
                  "/etc/v.toml:9: [[storage]] root: expected a path, found an empty string",
                  StartsWith("/etc/v.toml:10: [[storage]] root: required"),
                  StartsWith("/etc/v.toml:13: [[storage]] name: \"a\" is the name of an earlier storage"),
                  StartsWith("/etc/v.toml:15: [[storage]] size: unknown key; the keys of [[storage]] are: name, root"),
                  "/etc/v.toml:17: [worker] uploads: expected an integer from 1 to 256, found a string",
                  "/etc/v.toml:18: [worker] parts_per_upload: expected an integer from 1 to 64, found 65",
                  "/etc/v.toml:19: [worker] transfer_threads: expected an integer from 0 to 64, found 65",
                  StartsWith("/etc/v.toml:22: [callback] allow_networks: "),
                  "/etc/v.toml:23: [callback] allow_networks: expected strings only, found an integer",
                  "/etc/v.toml:26: [log] format: expected \"console\" or \"json\", found \"xml\"",
                  "/etc/v.toml:27: [log] level: expected a string in quotes, found a boolean",
                  "/etc/v.toml:28: sever: unknown section; did you mean [server]?"));
}

TEST(Config, PortsAreNumbersAndRanges) {
  const std::string begin =
      "[store]\npath = \"v.db\"\n[[storage]]\nname = \"a\"\nroot = \"/a\"\n[callback]\nallow_ports = [";
  for (const char* text :
       {"", "0", "65536", "8443-", "-8443", "90-80", "http", "1,2", "99999999999999", " 80", "1-2-3"}) {
    const auto config = parse_config(begin + "\"" + text + "\"]\n", "/etc/v.toml");
    ASSERT_FALSE(config) << text;
    EXPECT_NE(config.error().message.find("[callback] allow_ports: "), std::string::npos) << config.error().message;
  }
}

TEST(Config, AsksForWhatIsRequiredInAnEmptyFile) {
  EXPECT_THAT(faults_of(""), ElementsAre(StartsWith("/etc/v.toml:1: [store] path: required"),
                                         StartsWith("/etc/v.toml:1: [[storage]]: required")));
}

constexpr std::string_view kShared = R"(
[store]
url = "postgresql://vodlift:hush%20hush@db1:5433/queue?sslmode=verify-full"
folder = "state"
node = "upload1"
connections = 9
accept_unsafe = true
[[storage]]
name = "sestore4"
root = "/mnt/sestore4"
)";

// The faults of a section [store] with these lines.
std::vector<std::string> faults_of_store(std::string_view lines) {
  return faults_of(fmt::format("[store]\n{}\n[[storage]]\nname = \"a\"\nroot = \"/a\"\n", lines));
}

TEST(Config, ADatabaseMayBeInPostgres) {
  const auto config = parse_config(kShared, "/etc/vodlift/v.toml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->store.url.reveal(), "postgresql://vodlift:hush%20hush@db1:5433/queue?sslmode=verify-full");
  EXPECT_TRUE(config->store.path.empty());
  EXPECT_EQ(config->store.node, "upload1");
  EXPECT_EQ(config->store.connections, 9);
  EXPECT_TRUE(config->store.accept_unsafe);
  EXPECT_EQ(config->server.master_key_file, "/etc/vodlift/state/master.key");
  EXPECT_EQ(config->server.admin_socket, "/etc/vodlift/state/admin.sock");
  EXPECT_EQ(config->audit.path, "/etc/vodlift/state/audit.log");
  EXPECT_EQ(shown_database(config->store), "postgresql://vodlift@db1:5433/queue");
}

TEST(Config, ANodeHasRoles) {
  const std::string shared =
      "[store]\nurl = \"postgresql://vodlift@/vodlift\"\nfolder = \"/var/lib/vodlift\"\n[[storage]]\nname = "
      "\"s\"\nroot = "
      "\"/s\"\n";
  const auto with = [&](std::string_view lines) { return shared + std::string(lines); };
  EXPECT_EQ(parse_config(shared, "/etc/v.toml").value().server.roles, NodeRoles{});
  const auto worker = parse_config(with("[server]\nroles = [\"worker\", \"callback\"]"), "/etc/v.toml").value();
  EXPECT_EQ(to_text(worker.server.roles), "worker,callback");
  EXPECT_FALSE(worker.panel.enabled);
  const auto panel =
      parse_config(with("[server]\nroles = [\"panel\"]\n[panel]\nlisten = \"127.0.0.1:0\""), "/etc/v.toml").value();
  EXPECT_TRUE(panel.panel.enabled);
  EXPECT_THAT(faults_of(with("[server]\nroles = [\"panel\"]")), ElementsAre(HasSubstr("[panel] listen: required")));
  EXPECT_THAT(faults_of(with("[server]\nroles = []")), ElementsAre(HasSubstr("[server] roles: expected one role")));
  EXPECT_THAT(faults_of(with("[server]\nroles = [\"api\", \"Worker\"]")), ElementsAre(HasSubstr("found \"Worker\"")));
  EXPECT_THAT(faults_of(std::string(kSmallest) + "[server]\nroles = [\"api\", \"worker\"]"),
              ElementsAre(HasSubstr("[server] roles: with [store] path this server is alone")));
}

TEST(Config, OneDatabaseIsEnough) {
  EXPECT_THAT(faults_of_store("path = \"/v.db\"\nurl = \"postgresql:///v\""),
              ElementsAre(StartsWith("/etc/v.toml:3: [store] url: path and url exclude one another")));
  EXPECT_THAT(faults_of_store("path = \"/v.db\"\nconnections = 3\naccept_unsafe = true"),
              ElementsAre(StartsWith("/etc/v.toml:3: [store] connections: belongs to"),
                          StartsWith("/etc/v.toml:4: [store] accept_unsafe: belongs to")));
  EXPECT_THAT(faults_of_store("url = \"postgresql:///v\""),
              ElementsAre(StartsWith("/etc/v.toml:1: [store] folder: required with url")));
}

TEST(Config, NoFaultShowsAUrl) {
  for (const char* url :
       {"hush", "mysql://hush@db1/hush", "postgresql://u:hush@db1:x/?hush", "postgresql://u:hu%sh@db1/q",
        "postgresql://u:hush/x+E@db1/q", "postgresql://u:x@hush@db1/q", "dbname=hush", ""}) {
    const auto faults = faults_of_store(fmt::format("url = \"{}\"\nfolder = \"/f\"", url));
    ASSERT_THAT(faults, ElementsAre(StartsWith("/etc/v.toml:2: [store] url: expected \"postgresql://"))) << url;
    EXPECT_THAT(faults[0], Not(HasSubstr("hu"))) << url;
  }
}

TEST(Config, AFileWithAPasswordMustBeClosedToOthers) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.file("v.toml");
  std::ofstream(file) << kShared;
  std::filesystem::permissions(file, std::filesystem::perms(0644));
  const auto open = load_config(file);
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().code, Errc::config_invalid);
  EXPECT_THAT(open.error().message, AllOf(HasSubstr("chmod o="), HasSubstr("passfile"), Not(HasSubstr("hush"))));
  std::filesystem::permissions(file, std::filesystem::perms(0640));
  EXPECT_TRUE(load_config(file));
  const auto database = database_file_of(file);
  ASSERT_FALSE(database);
  EXPECT_EQ(database.error().code, Errc::wrong_state);
  EXPECT_EQ(database.error().message, "postgresql://vodlift@db1:5433/queue");
}

TEST(Config, OnlyAWorkerNeedsStorages) {
  const std::string begin = "[store]\nurl = \"postgresql:///queue\"\nfolder = \"/v\"\n";
  const auto calls = parse_config(begin + "[server]\nroles = [\"api\", \"panel\"]\n", "/etc/v.toml");
  ASSERT_TRUE(calls) << calls.error().message;
  EXPECT_TRUE(calls->storages.empty());
  for (const char* roles : {"", "[server]\nroles = [\"worker\"]\n"}) {
    EXPECT_THAT(faults_of(begin + roles), ElementsAre(StartsWith("/etc/v.toml:1: [[storage]]: required")));
  }
}

TEST(Config, RefusesSingleBracketsForStorage) {
  const auto faults = faults_of("[store]\npath = \"/v.db\"\n[storage]\nname = \"a\"\nroot = \"/a\"\n");
  EXPECT_THAT(faults, ElementsAre(StartsWith("/etc/v.toml:3: [[storage]]: required: one section or more, in double")));
}

TEST(Config, AnEditorsByteOrderMarkIsNoPartOfTheText) {
  const std::string mark = "\xEF\xBB\xBF";
  EXPECT_TRUE(parse_config(mark + std::string(kSmallest), "/etc/v.toml"));
  EXPECT_TRUE(parse_config(mark + "# Zürich\r\n" + std::string(kSmallest), "/etc/v.toml"));
  EXPECT_THAT(faults_of(mark + "nonsense"), ElementsAre(StartsWith("/etc/v.toml:1: ")));
  EXPECT_FALSE(parse_config(mark + mark + std::string(kSmallest), "/etc/v.toml"));
  EXPECT_THAT(faults_of(std::string("\xFF\xFE[\0s\0", 6)), ElementsAre(HasSubstr("UTF-16; save it as UTF-8")));
  EXPECT_THAT(faults_of(std::string("\xFE\xFF\0[\0s", 6)), ElementsAre(HasSubstr("UTF-16; save it as UTF-8")));
}

TEST(Config, TellsTheLineOfBrokenToml) {
  EXPECT_THAT(faults_of("[store]\npath = \n"), ElementsAre(StartsWith("/etc/v.toml:2: not TOML: ")));
  EXPECT_THAT(faults_of("[store]\npath = \"/a\"\npath = \"/b\"\n"), ElementsAre(StartsWith("/etc/v.toml:3: not TOML")));
}

// What the TOML library would stumble over (app/config_reader.h).
TEST(Config, SurvivesTextThatTheTomlLibraryDoesNot) {
  for (const char* text :
       {"[.server]", "[=]", "[[ #]]", " [\x01server]", "[", "[[", "[\xC3\xA9]", "\xC3\xA9 = 1", "a = 1 \xEF\xBB\xBE",
        "a = \"x\" \xC3\xA9", "a = 'x\xC3\xA9' \xC3\xA9", "a = 1\"7.\xCC\x93"}) {
    const auto config = parse_config(std::string("\n") + text + "\n", "/etc/v.toml");
    ASSERT_FALSE(config) << text;
    EXPECT_EQ(config.error().code, Errc::config_invalid);
    EXPECT_THAT(config.error().message, HasSubstr(": not TOML")) << text;
  }
}

TEST(Config, TakesAnyCharacterInStringsAndComments) {
  const std::string text = std::string(kSmallest) +
                           "[[storage]] # \xC3\xA9\nname = \"s\"\nroot = \"/\\\"\xC3\xA9#\" # \"\xC3\xA9\n"
                           "[[storage]]\nname = 't'\nroot = '/\\\xC3\xA9'\n";
  const auto config = parse_config(text, "/etc/v.toml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->storages.at(1).root, "/\"\xC3\xA9#");
}

TEST(Config, RefusesASocketPathThatNoSocketCanHave) {
  const std::string text = "[store]\npath = \"/" + std::string(120, 'd') +
                           "/v.db\"\n[[storage]]\nname = \"a\"\nroot = \"/a\"\n[server]\nthreads = 1\n";
  EXPECT_THAT(faults_of(text), ElementsAre(HasSubstr("[server] admin_socket: a Unix socket's path has 107 bytes")));
}

TEST(Config, AcceptsEverySpellingOfAListenAddress) {
  for (const char* good : {"0.0.0.0:80", "127.0.0.1:0", "[::]:65535", "[fe80::1]:1"}) {
    const std::string text = "[server]\nlisten = \"" + std::string(good) + "\"\n" + std::string(kSmallest);
    EXPECT_TRUE(parse_config(text, "v.toml")) << good;
  }
  for (const char* bad : {"", ":80", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:80",
                          "[127.0.0.1]:80", "127.0.0.1:80 ", "example.com:80", "[]:80", "127.1:80"}) {
    const std::string text = "[server]\nlisten = \"" + std::string(bad) + "\"\n" + std::string(kSmallest);
    EXPECT_THAT(faults_of(text), ElementsAre(StartsWith("/etc/v.toml:2: [server] listen"))) << bad;
  }
}

TEST(Config, ThePanelIsReachedFromElsewhereOverTlsOnly) {
  const std::string panel = std::string(kSmallest) + "[panel]\nlisten = \"0.0.0.0:8090\"\n";
  EXPECT_THAT(faults_of(panel),
              ElementsAre(HasSubstr("[panel] listen: passwords would cross the network unencrypted")));
  EXPECT_THAT(faults_of("[server]\ntls_certificate = \"c\"\ntls_key = \"k\"\n" + panel), IsEmpty());
  for (const std::string_view address : {"127.0.0.1:0", "127.8.8.8:80", "[::1]:8090"}) {
    EXPECT_THAT(faults_of(fmt::format("{}[panel]\nlisten = \"{}\"\n", kSmallest, address)), IsEmpty()) << address;
  }
}

TEST(Config, ThePanelsNameIsAnAddressOfItsOwnListener) {
  const std::string panel = std::string(kSmallest) + "[panel]\nurl = \"https://panel.example.com\"\n";
  EXPECT_THAT(faults_of(panel), ElementsAre(HasSubstr("[panel] url: a name of its own needs a listener of its own")));
  EXPECT_THAT(faults_of(panel + "listen = \"127.0.0.1:8090\"\n"), IsEmpty());
  EXPECT_THAT(faults_of(std::string(kSmallest) + "[panel]\nurl = \"panel.example.com/x\"\n"),
              ElementsAre(HasSubstr("[panel] url: expected scheme and host")));
}

TEST(Config, MakesForeignTextSafeToPrint) {
  const auto faults = faults_of("[log]\nlevel = \"\\u001b[2Jx\"\n" + std::string(kSmallest));
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_THAT(faults[0], EndsWith("found \"\\x1b[2Jx\""));
}

TEST(Config, NamesTheFileThatIsMissing) {
  const auto config = load_config("/nonexistent/vodlift.toml");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, Errc::not_found);
  EXPECT_THAT(config.error().message, HasSubstr("/nonexistent/vodlift.toml"));
}

TEST(Config, TheShippedExampleLoads) {
  const auto config = load_config(VODLIFT_EXAMPLE_CONFIG);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->server.admin_socket, "/run/vodlift/admin.sock");
  EXPECT_EQ(config->store.path, "/var/lib/vodlift/vodlift.db");
  const auto socket = admin_socket_of(VODLIFT_EXAMPLE_CONFIG);
  ASSERT_TRUE(socket);
  EXPECT_EQ(*socket, "/run/vodlift/admin.sock");
}

TEST(Config, NoSocketIsFoundInAFaultyFile) {
  const auto socket = admin_socket_of("/nonexistent/vodlift.toml");
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error().code, Errc::not_found);
}

TEST(Config, AlertsHaveReceiversABodyAndTimes) {
  const auto config = parse_config(std::string(kSmallest) + R"([alerts]
webhook = "https://hooks.example.com/T0/B1"
webhook_secret_file = "alerts.secret"
body = '{"a":"{{title}}"}'
command = ["/usr/bin/page", "-x"]
command_s = 5
repeat_hours = 1
queue_age_s = 600
disk_free_mib = 5000
digest = "07:30"
time_zone = "UTC"
)",
                                   "/etc/v.toml");
  ASSERT_TRUE(config) << config.error().message;
  const Config::Alerts& alerts = config->alerts;
  EXPECT_THAT(alerts.webhooks, ElementsAre("https://hooks.example.com/T0/B1"));
  EXPECT_EQ(alerts.webhook_secret_file, "/etc/alerts.secret");
  EXPECT_THAT(alerts.command, ElementsAre("/usr/bin/page", "-x"));
  EXPECT_EQ(alerts.command_limit, std::chrono::seconds(5));
  EXPECT_EQ(alerts.repeat, std::chrono::hours(1));
  EXPECT_EQ(alerts.queue_age, std::chrono::minutes(10));
  EXPECT_EQ(alerts.disk_free_mib, 5000);
  EXPECT_EQ(alerts.digest_minute, 450);
  EXPECT_EQ(parse_config(kSmallest, "/etc/v.toml")->alerts, Config::Alerts());
}

TEST(Config, FaultsOfAlertsShowNoUrl) {
  const auto faults = faults_of(std::string(kSmallest) + R"([alerts]
webhook = ["hooks.example.com/secret", "https://a:b@x/secret", "https://10.0.0.1:8443/fine"]
body = '{"a":"{{titel}}"}'
command = ["page"]
command_s = 41
digest = "24:00"
time_zone = "Mars/Phobos"
)");
  EXPECT_THAT(faults, testing::Each(testing::Not(HasSubstr("secret"))));
  EXPECT_THAT(faults, ElementsAre(HasSubstr("[alerts] webhook: expected a URL such as"),
                                  HasSubstr("[alerts] webhook: expected a URL such as"),
                                  HasSubstr("{{titel: unknown placeholder"),
                                  HasSubstr("[alerts] command: expected the program with its whole path"),
                                  HasSubstr("[alerts] command_s: expected an integer from 1 to 40"),
                                  HasSubstr("[alerts] digest: expected a time of day"),
                                  HasSubstr("[alerts] time_zone: there is no time zone")));
  EXPECT_THAT(faults_of(std::string(kSmallest) +
                        "[alerts]\nwebhook = [\"http://a\", \"http://a\", \"http://a\", \"http://a\", \"http://a\"]\n"),
              ElementsAre(HasSubstr("[alerts] webhook: 4 at most")));
}

TEST(Config, AStorageSaysWhatIsLetIn) {
  const auto config = parse_config(
      "[store]\npath = \"q.db\"\n[[storage]]\nname = \"a\"\nroot = \"/a\"\n[[storage]]\n"
      "name = \"b\"\nroot = \"/b\"\ncross_mounts = true\ndeny_hardlinks = true\n",
      "/etc/v.toml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_FALSE(config->storages[0].cross_mounts || config->storages[0].deny_hardlinks);
  EXPECT_TRUE(config->storages[1].cross_mounts && config->storages[1].deny_hardlinks);
  const auto wrong = parse_config(
      "[store]\npath = \"q.db\"\n[[storage]]\nname = \"a\"\nroot = \"/a\"\ncross_mounts = 1\n", "/etc/v.toml");
  ASSERT_FALSE(wrong);
  EXPECT_NE(
      wrong.error().message.find("/etc/v.toml:6: [[storage]] cross_mounts: expected true or false, found an integer"),
      std::string::npos)
      << wrong.error().message;
}

TEST(Config, ReadsWhoMayConnectAndWhoIsBelieved) {
  const Config config = parse_config(
                            "[server]\nconnections = 7\nconnections_per_address = 0\n"
                            "trusted_proxies = [\"10.0.0.0/8\", \"fd00::1\"]\n"
                            "[store]\npath = \"/a/b.db\"\n[[storage]]\nname = \"s\"\nroot = \"/s\"\n",
                            "/etc/vodlift.toml")
                            .value();
  EXPECT_EQ(config.server.connections, 7);
  EXPECT_EQ(config.server.connections_per_address, 0);
  EXPECT_EQ(config.limits.memory_mib, 64);
  ASSERT_EQ(config.server.trusted_proxies.size(), 2u);
  EXPECT_EQ(to_string(config.server.trusted_proxies[0]), "10.0.0.0/8");
  const auto wrong = parse_config(
      "[server]\nconnections = 0\ntrusted_proxies = [\"proxy.example\"]\n"
      "[store]\npath = \"/a/b.db\"\n[[storage]]\nname = \"s\"\nroot = \"/s\"\n",
      "/etc/vodlift.toml");
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find("[server] connections: expected"), std::string::npos) << wrong.error().message;
  EXPECT_NE(wrong.error().message.find("[server] trusted_proxies: "), std::string::npos) << wrong.error().message;
}

}  // namespace
}  // namespace vodlift::app
