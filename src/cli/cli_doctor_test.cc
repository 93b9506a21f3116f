// vodlift doctor: what it collects, what it calls wrong, and that it passes no secret on.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "base/file.h"
#include "cli/build.h"
#include "cli/cli_test.h"
#include "cli/doctor.h"
#include "cli/metrics_reader.h"
#include "cli/text.h"

namespace vodlift::cli {
namespace {

using boost::json::array;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

array several(std::size_t count, const object& one) { return array(count, one); }

class CliDoctorTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    page("/metrics", metrics_of({}));
    page("/readyz", R"({"ready": true, "reasons": []})");
    answer_at("/overview", overview_with({}));
    answer_at("/statistics",
              items({{{"completed", 4}, {"failed", 1}, {"cancelled", 2}, {"bytes_sent", 2048}, {"begins", 1}}}));
    answer_at("/storages", items({{{"storage", "sestore4"}, {"available", true}, {"bytes_free", 1 << 30}}}));
    answer_at("/buckets", items({bucket("")}));
    answer_at("/callbacks/receivers", items({}));
    answer_at("/litter", items({}));
    answer_at("/limits",
              items({{{"scope", "account 158"}, {"rate", "50MB"}, {"timetable", {"a"}}, {"time_zone", "UTC"}}}));
    answer_at("/audit", items({{{"time", "2026-11-24T02:15:05.042Z"}, {"damaged", false}, {"command", "key.add"}}}));
  }

  static object bucket(const char* trouble) {
    return {{"cdn", 158}, {"bucket", "videos"}, {"endpoint", "https://s3.example.com"}, {"trouble", trouble}};
  }
  static object items(const array& list) { return {{"items", list}, {"next", nullptr}}; }
  static object overview_with(const array& attention) {
    return {{"at", 10'000},
            {"sentence", "How things stand."},
            {"attention", attention},
            {"counts", {{{"cdn", nullptr}, {"state", "queued"}, {"uploads", 3}, {"bytes", 1024}}}},
            {"queue", {{{"priority", 5}, {"uploads", 3}, {"bytes", 1024}, {"oldest", 9'940}, {"complete", true}}}},
            {"oldest", 9'910},
            {"errors", {{{"code", "s3_access_denied"}, {"uploads", 1}}}}};
  }
  static object need(const char* kind, const char* title) {
    return {{"code", "x"},       {"kind", kind},  {"title", title},  {"detail", "Detail."},
            {"fix", "Do this."}, {"since", 9000}, {"affected", 100}, {"at_least", true}};
  }
  // A page with these lines in the place of the usual ones.
  static std::string metrics_of(const std::map<std::string, std::string>& changed) {
    std::map<std::string, std::string> lines = {
        {"vodlift_build_info", std::string("{version=\"") + std::string(build_version()) + "\",commit=\"" +
                                   std::string(build_commit()) + "\"} 1"},
        {"process_start_time_seconds", " 1700000000"},
        {"process_open_fds", " 40"},
        {"process_max_fds", " 1024"},
        {"process_resident_memory_bytes", " 52428800"},
        {"vodlift_store_free_bytes", " 5368709120"},
        {"vodlift_store_commit_duration_seconds_bucket",
         "{le=\"0.001\"} 10\nvodlift_store_commit_duration_seconds_bucket{le=\"0.005\"} 100"},
        {"vodlift_store_commit_duration_seconds_sum", " 0.2"},
        {"vodlift_store_commit_duration_seconds_count", " 100"},
        {"vodlift_upload_slots", "{kind=\"usual\"} 8"},
        {"vodlift_upload_slots_occupied", "{kind=\"usual\"} 3"},
        {"vodlift_endpoint_clock_offset_seconds", "{endpoint=\"https://s3.example.com\"} -2"},
        {"vodlift_multipart_uploads", "{kind=\"litter\"} 0"}};
    for (const auto& [name, rest] : changed) lines[name] = rest;
    std::string text = "# HELP x y\n";
    for (const auto& [name, rest] : lines) text += name + rest + "\n";
    return text;
  }

  void page(const std::string& path, const std::string& body, int status = 200) { pages_[path] = {status, body}; }
  void answer_at(const std::string& path, const value& data) { page("/api/v1" + path, boost::json::serialize(data)); }

  int doctor() { return run_with_socket({"doctor"}); }
  value report() {
    run_with_socket({"doctor", "--json"});
    return boost::json::parse(out_);
  }
  static object section(const value& report, std::string_view name) {
    for (const value& one : report.at("sections").as_array()) {
      if (text_at(one, "name") == name) return one.as_object();
    }
    ADD_FAILURE() << "no section " << name;
    return {{"ok", nullptr}, {"wrong", array()}, {"facts", object()}};
  }
};

TEST_F(CliDoctorTest, AHealthyServerIsReportedWhole) {
  EXPECT_EQ(doctor(), kDone) << out_;
  EXPECT_THAT(out_, StartsWith("All is well.\n\nsocket: ok\n  path: " + socket_.string() + "\n"));
  for (const char* words : {"\nserver: ok\n  version: ",
                            "\nreadiness: ok\n  accepts uploads: yes\n",
                            "  sentence: How things stand.\n",
                            "  oldest queued: 1:30\n",
                            "  PRIORITY  READY  SIZE     LONGEST WAIT\n  5         3      1.0 KiB  1:00\n",
                            "  completed: 4\n  failed: 1\n  cancelled: 2\n  sent: 2.0 KiB\n",
                            "  s3_access_denied  1\n",
                            "  free: 5.0 GiB\n",
                            "  mean commit: 2.0 ms\n  99 of 100 commits within: 5.0 ms\n",
                            "  memory: 50.0 MiB\n",
                            "  open files limit: 1024\n",
                            "  usual  3         8\n",
                            "  https://s3.example.com  -2\n",
                            "  sestore4  yes        1.0 GiB\n",
                            "  158  videos  https://s3.example.com  nothing is known against it\n",
                            "\ncallbacks: ok\n",
                            "  failing: none\n",
                            "  account 158  50MB  UTC        1\n",
                            "\nmachine: ok\n  kernel: Linux ",
                            "  time zone: ",
                            "  processors: "})
    EXPECT_THAT(out_, HasSubstr(words));
  const value all = report();
  EXPECT_EQ(all.at("ok"), true);
  EXPECT_EQ(all.at("reached"), true);
  EXPECT_EQ(section(all, "process").at("facts").at("open_files"), 40);
  EXPECT_EQ(section(all, "queue").at("facts").at("oldest_queued_s"), 90);
}

TEST_F(CliDoctorTest, WhatIsWrongComesFirstWithWhatToDo) {
  answer_at("/overview", overview_with({need("storage", "Storage sestore4 is not available.")}));
  answer_at("/storages", items({{{"storage", "sestore4"}, {"available", false}, {"bytes_free", 0}}}));
  EXPECT_EQ(doctor(), kFailed);
  EXPECT_THAT(out_,
              StartsWith("This needs a person: storages.\n\nstorages: WRONG\n  Storage sestore4 is not available. "
                         "Detail. 100 or more waiting. Since "));
  EXPECT_THAT(out_, HasSubstr("\n  -> Do this.\n  STORAGE   AVAILABLE  FREE\n  sestore4  no         0 B\n"));
  const value all = report();
  EXPECT_EQ(all.at("ok"), false);
  EXPECT_EQ(section(all, "storages").at("wrong").as_array().size(), 1U) << "it is said once";
}

TEST_F(CliDoctorTest, EachSectionFindsItsFaults) {
  page("/metrics",
       metrics_of({{"vodlift_build_info", "{version=\"0.0.1\",commit=\"\"} 1"},
                   {"process_open_fds", " 1000"},
                   {"vodlift_store_commit_duration_seconds_sum", " 50"},
                   {"vodlift_http_connections", "{listener=\"api\"} 95"},
                   {"vodlift_http_connections_limit", "{listener=\"api\"} 100"},
                   {"vodlift_endpoint_clock_offset_seconds", "{endpoint=\"https://s3.example.com\"} -90"}}));
  page("/readyz", R"({"ready": false, "reasons": ["the database's disk is full"]})", 503);
  answer_at("/overview",
            overview_with({need("server", "Stuck."), need("database", "Damaged."), need("new", "Novel.")}));
  answer_at("/storages", items({{{"storage", "a"}, {"available", false}, {"bytes_free", 0}}}));
  answer_at("/buckets", items({bucket(""), bucket("no room")}));
  answer_at("/litter", items({{{"tries", 9}, {"error", "denied"}, {"cdn", 158}, {"bucket", "b"}, {"since", 1}}}));
  answer_at("/audit", items({{{"damaged", true}}}));
  const value all = report();
  for (const auto& [name, what] :
       {std::pair("server", "The server runs another build than the program that is installed."),
        {"process", "The server has 1000 of 1024 descriptors open."},
        {"process", "95 of 100 connections are open."},
        {"database", "A commit of the database takes 500 ms on average: its disk is slow."},
        {"database", "Damaged. Detail."},
        {"clocks", "The clock of https://s3.example.com is 90 s off this machine's."},
        {"readiness", "New uploads are refused: the database's disk is full."},
        {"queue", "Stuck. Detail."},
        {"attention", "Novel. Detail."},
        {"storages", "1 storage is not available."},
        {"buckets", "1 bucket takes no uploads at present."},
        {"multipart_uploads", "1 abandoned multipart upload could not be removed"},
        {"audit_log", "1 of the newest 1 lines cannot be read."}}) {
    const object one = section(all, name);
    EXPECT_EQ(one.at("ok"), false) << name;
    EXPECT_THAT(boost::json::serialize(one.at("wrong")), HasSubstr(what));
    for (const value& trouble : one.at("wrong").as_array()) EXPECT_NE(trouble.at("fix"), "") << name;
  }
  EXPECT_EQ(section(all, "buckets").at("facts").at("verdicts").at(0).at("verdict"), "no room") << "they come first";
}

TEST_F(CliDoctorTest, ListsAreBounded) {
  answer_at("/buckets", items(several(kMostDoctorItems + 11, bucket(""))));
  answer_at("/storages", items(several(kMostDoctorItems, {{"storage", "a"}, {"available", true}, {"bytes_free", 1}})));
  answer_at("/overview", overview_with(several(kMostDoctorItems + 2, need("clock", "Wrong."))));
  const value all = report();
  const object buckets = section(all, "buckets");
  EXPECT_EQ(buckets.at("facts").at("verdicts").as_array().size(), kMostDoctorItems);
  EXPECT_EQ(buckets.at("facts").at("more_verdicts"), 11);
  EXPECT_EQ(buckets.at("facts").at("buckets"), 31);
  EXPECT_FALSE(section(all, "storages").at("facts").as_object().contains("more_storages"));
  EXPECT_EQ(section(all, "clocks").at("wrong").as_array().size(), kMostDoctorItems);
  doctor();
  EXPECT_THAT(out_, HasSubstr("known against it\n  and 11 more\n"));
  EXPECT_THAT(out_, HasSubstr("  -> Do this.\n  and 2 more\n"));
}

TEST_F(CliDoctorTest, SecretsAreNeverPassedOn) {
  constexpr const char* kUrl = "https://user:PLANTED1@r.example/done?token=PLANTED2#PLANTED3";
  const auto with_secrets = [](object one) {
    for (const char* name : {"secret", "secret_key", "webhook_secret", "what", "url", "key"}) one[name] = "PLANTED4";
    return one;
  };
  object need_with_url = need("callbacks", kUrl);
  need_with_url["detail"] = std::string("The last error: ") + kUrl;
  need_with_url["fix"] = kUrl;
  object overview = with_secrets(overview_with({with_secrets(need_with_url)}));
  overview["sentence"] = kUrl;
  answer_at("/overview", overview);
  object troubled = with_secrets(bucket(kUrl));
  troubled["endpoint"] = kUrl;
  answer_at("/buckets", items({troubled}));
  answer_at("/callbacks/receivers",
            items({with_secrets({{"cdn", 158}, {"receiver", kUrl}, {"failing_since", 5}, {"last_error", kUrl}})}));
  answer_at("/litter", items({with_secrets({{"tries", 9}, {"error", kUrl}, {"cdn", 1}, {"bucket", "b"}})}));
  answer_at("/limits", items({with_secrets({{"scope", "all uploads"}, {"rate", "none"}})}));
  answer_at("/audit", items({with_secrets({{"who", kUrl}, {"what", {{"callback", kUrl}}}})}));
  page("/metrics",
       metrics_of({{"vodlift_endpoint_clock_offset_seconds", std::string("{endpoint=\"") + kUrl + "\"} 900"}}));
  page("/readyz", boost::json::serialize(object{{"ready", false}, {"reasons", {kUrl}}}), 503);
  page("/api/v1/storages", boost::json::serialize(object{{"code", "internal"}, {"detail", kUrl}}), 500);
  EXPECT_EQ(doctor(), kFailed);
  EXPECT_THAT(out_, HasSubstr("https://***@r.example/done?***"));
  EXPECT_THAT(out_ + err_, Not(HasSubstr("PLANTED")));
  run_with_socket({"doctor", "--json"});
  EXPECT_THAT(out_ + err_, Not(HasSubstr("PLANTED")));
}

TEST_F(CliDoctorTest, AnswersThatMakeNoSenseAreTrouble) {
  pages_.clear();  // every answer is "?"
  EXPECT_EQ(doctor(), kFailed);
  EXPECT_THAT(out_, HasSubstr("\nserver: WRONG\n  The server did not tell: /metrics cannot be read;"));
  EXPECT_THAT(out_, HasSubstr("\nbuckets: WRONG\n  The server did not tell: the answer is not valid;"));
  for (auto& [path, answer] : std::map(pages_)) page(path, "[]");
  answer_at("/overview", array());
  answer_at("/buckets", items({1, "a", nullptr}));
  EXPECT_EQ(doctor(), kFailed);
}

TEST_F(CliDoctorTest, WithoutAServerItTellsWhatItSees) {
  EXPECT_EQ(run_without_socket({"doctor", "--socket", (directory_ / "none.sock").string()}), kUsage);
  EXPECT_THAT(out_, StartsWith("This needs a person: socket.\n\nsocket: WRONG\n  There is no socket "));
  EXPECT_THAT(out_, HasSubstr("\nmachine: ok\n"));
  EXPECT_THAT(out_, HasSubstr("  database: not known: no configuration file is named; --config FILE names it\n"));
  EXPECT_EQ(run_without_socket({"doctor", "--json", "--socket", write_file("file", "")}), kUsage);
  const value all = boost::json::parse(out_);
  EXPECT_EQ(all.at("reached"), false);
  EXPECT_THAT(boost::json::serialize(section(all, "socket")), HasSubstr("is no socket"));
  EXPECT_EQ(run_without_socket({"doctor", "--config", "bad.toml"}), kUsage);
  EXPECT_THAT(out_, HasSubstr("socket: WRONG\n  the configuration has a fault:\n  bad.toml:3: what\n  -> Correct"));
}

TEST_F(CliDoctorTest, ASocketThatNobodyListensAtIsTold) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = (directory_ / "left.sock").string();
  std::memcpy(address.sun_path, path.data(), path.size());
  {
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  EXPECT_EQ(run_without_socket({"doctor", "--socket", path}), kUsage);
  EXPECT_THAT(out_, HasSubstr("Nobody listens at the socket " + path + ": the server has ended."));
  EXPECT_THAT(socket_trouble("/a", EACCES).what, HasSubstr("closed to this user"));
  EXPECT_THAT(socket_trouble("/a", EACCES).fix, HasSubstr("sudo -u vodlift vodlift doctor"));
  EXPECT_THAT(socket_trouble("/a", ENAMETOOLONG).what, HasSubstr("cannot be reached"));
}

TEST_F(CliDoctorTest, TheConfigurationTellsWhereTheDatabaseIs) {
  write_file("vodlift.db", std::string(2048, 'x'));
  EXPECT_EQ(run_without_socket({"doctor", "--config", "good.toml", "--json"}), kDone) << out_;
  const object files = section(boost::json::parse(out_), "files");
  EXPECT_EQ(text_at(files.at("facts"), "database"), (directory_ / "vodlift.db").string());
  EXPECT_EQ(files.at("facts").at("database_bytes"), 2048);
  EXPECT_TRUE(files.at("facts").at("log_bytes").is_null());
  EXPECT_GT(files.at("facts").at("free_bytes").as_int64(), 0);
}

TEST(UrlSecrets, AreHidden) {
  for (const auto& [text, safe] : {std::pair("no URL: a?b@c", "no URL: a?b@c"),
                                   {"see https://s3.example.com/a/b now", "see https://s3.example.com/a/b now"},
                                   {"https://s3.example.com:9000", "https://s3.example.com:9000"},
                                   {"http://u:p@h/x", "http://***@h/x"},
                                   {"http://u:p@q@h/x", "http://***@h/x"},
                                   {"http://u:p/w@h", "http://***@h"},
                                   {"http://h/x?token=1&b=2 and http://u@h?c", "http://h/x?*** and http://***@h?***"},
                                   {"http://h/@x", "http://h/@x"},
                                   {"http://[::1]/x", "http://[::1]/x"},
                                   {"http://u:p?w/x@h", "http://***@h"},
                                   {"http://u:pass…", "http://***"},
                                   {"http://h/http://u:p@q?c|d", "http://h/http://***@q?***"},
                                   {"http://h?u=http://a:b@c", "http://h?***"},
                                   {"a://u:p?b://p@c://u:p…", "a://***@c://***"},
                                   {"a://u:p?@b://u:p?@c://u@d?e", "a://***@d?***"},
                                   {"://", "://"},
                                   {"a://?", "a://?***"}})
    EXPECT_EQ(without_url_secrets(text), safe);
}

TEST(MetricsReader, ReadsSamplesAndLeavesOutTheRest) {
  const MetricsReader page(
      "# TYPE a gauge\na 1\nb{x=\"q\\\"\\\\\",y=\"2\"} 2.5\nb{x=\"z\"} -3\n"
      "\nbad\nc{x=\"1 4\nd{x=\"1\"\ne{x} 5\nf one\n{x=\"1\"} 1\ng 1 2");
  EXPECT_EQ(page.value("a"), 1);
  EXPECT_EQ(page.all("b").size(), 2U);
  EXPECT_EQ(page.value("b", {{"x", "q\"\\"}}), 2.5);
  EXPECT_EQ(page.value("b", {{"x", "z"}, {"y", "2"}}), std::nullopt);
  for (const char* name : {"c", "d", "e", "f", "g", "", "bad"}) EXPECT_TRUE(page.all(name).empty()) << name;
  EXPECT_TRUE(MetricsReader("").empty());
}

}  // namespace
}  // namespace vodlift::cli
