// The first page: how things stand, and what needs a person.
#include "rest/attention.h"
#include "rest/rest_api_test.h"

namespace vodlift::rest {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

class OverviewTest : public RestApiTest {
 protected:
  void SetUp() override {
    add_account();
    succeed("bucket.add", bucket_fields());
  }

  UploadId queue_one(int priority = 5) {
    const std::string name = std::to_string(++queued_) + ".mp4";
    return succeed("upload.add", {{"cdn", 158},
                                  {"path", "sestore4/jb/film.mp4"},
                                  {"destination_path", name},
                                  {"bucket", "my_bucket"},
                                  {"priority", priority}})
        .at("id")
        .as_int64();
  }

  value overview(const object& fields = {}) { return succeed("overview.show", fields); }
  std::string sentence(const object& fields = {}) { return std::string(overview(fields).at("sentence").as_string()); }
  boost::json::array attention(const object& fields = {}) { return overview(fields).at("attention").as_array(); }

  BucketTrouble trouble(Errc code, bool whole_endpoint = false, AccountId cdn = 158) {
    BucketTrouble trouble;
    trouble.cdn = cdn;
    trouble.bucket = "my_bucket";
    trouble.endpoint = "https://s3.example.com";
    trouble.code = code;
    trouble.reason = "it does not work";
    trouble.whole_endpoint = whole_endpoint;
    trouble.lasts = seconds(90);
    return trouble;
  }
  void troubled(const BucketTrouble& one) { doctor_.troubles_of_all.buckets = {one}; }

 private:
  int queued_ = 0;
};

TEST_F(OverviewTest, SettingsAreReadAgainForAdminsAlone) {
  settings_.outcome = ReloadedSettings{{"[log] level"}, {"[server] listen"}};
  EXPECT_EQ(boost::json::serialize(succeed("settings.reload", {})),
            R"({"applied":["[log] level"],"need_restart":["[server] listen"]})");
  settings_.outcome = Error{Errc::config_invalid, "vodlift.toml:3: [log] level: expected a text"};
  EXPECT_THAT(fail("settings.reload", {}, "config_invalid"), HasSubstr("vodlift.toml:3"));
  who_.role = Role::operate;
  fail("settings.reload", {}, "permission_denied");
}

TEST_F(OverviewTest, AlertsThatDoNotArriveNeedAPerson) {
  alerts_.told = {{"hooks.example.com:443", clock_.now(), "HTTP 404"}, {"page", std::nullopt, ""}};
  EXPECT_TRUE(attention().empty());
  clock_.pass(kAlertsFailAfter);
  const auto needs = attention();
  ASSERT_EQ(needs.size(), 1U);
  EXPECT_EQ(needs[0].at("code"), "alerts_failing");
  EXPECT_EQ(needs[0].at("title"), "Alerts to hooks.example.com:443 have failed for 1 min.");
  EXPECT_THAT(std::string(needs[0].at("detail").as_string()), HasSubstr("HTTP 404"));
  EXPECT_TRUE(attention({{"cdn", 158}}).empty()) << "it is no matter of an account";
}

TEST_F(OverviewTest, AlertsAreForOperatorsAlone) {
  alerts_.opened = {
      {{.key = "a", .code = "storage_gone", .severity = "critical", .title = "Gone."}, clock_.now(), true}};
  alerts_.told = {{"page", clock_.now(), "exit code 1"}};
  alerts_.answers = {{"page", false, "exit code 1", "no pager\n", std::chrono::milliseconds(12)}};
  who_.role = Role::operate;
  const value list = succeed("alert.list", {});
  EXPECT_EQ(list.at("items").at(0).at("code"), "storage_gone");
  EXPECT_EQ(list.at("receivers").at(0).at("error"), "exit code 1");
  EXPECT_EQ(items("alert.test", {})[0].at("took_ms"), 12);
  who_.role = Role::viewer;
  fail("alert.list", {}, "permission_denied");
  fail("alert.test", {}, "permission_denied");
}

TEST_F(OverviewTest, BackupsAreMadeOverTheSocketAlone) {
  BackupManifest manifest;
  manifest.bytes = 4096;
  manifest.created = from_unix_ms(1'700'000'000'000);
  backups_.outcome = manifest;
  const value made = succeed("store.backup", {{"file", "/backup/a.db"}, {"replace", true}});
  EXPECT_EQ(made.at("file"), "/backup/a.db");
  EXPECT_EQ(made.at("manifest_file"), "/backup/a.db.manifest.json");
  EXPECT_EQ(made.at("manifest").at("bytes"), 4096);
  ASSERT_EQ(backups_.asked.size(), 1U);
  EXPECT_TRUE(backups_.asked[0].replace);
  backups_.outcome = Error{Errc::wrong_state, "a backup is under way"};
  fail("store.backup", {{"file", "/backup/a.db"}}, "wrong_state");
  who_.via = Principal::Via::token;
  EXPECT_THAT(fail("store.backup", {{"file", "/backup/a.db"}}, "permission_denied"), HasSubstr("socket"));
  who_.via = Principal::Via::session;
  fail("store.backup", {{"file", "/backup/a.db"}}, "permission_denied");
  EXPECT_EQ(backups_.asked.size(), 2U) << "who writes files of the daemon's must be on its machine";
}

TEST_F(OverviewTest, OneSentenceSaysHowThingsStand) {
  EXPECT_EQ(sentence(), "All is well: no upload is running or waiting.");
  queue_one();
  clock_.pass(seconds(40));
  queue_one();
  EXPECT_EQ(sentence(), "All is well: 0 uploads running, 2 waiting, the oldest for 40 s.");
  EXPECT_EQ(sentence({{"cdn", 158}}), "All is well: 0 uploads running, 2 waiting, the oldest for 40 s.");
  succeed("account.add", {{"cdn", 159}, {"user", "kb"}});
  EXPECT_EQ(sentence({{"cdn", 159}}), "All is well: no upload is running or waiting.");
  fail("overview.show", {{"cdn", 7}}, "not_found");
}

TEST_F(OverviewTest, FiguresAreThoseThatAreKept) {
  const UploadId first = queue_one(9);
  queue_one(5);
  queue_one(5);
  Collected collected;
  collected[158].bytes_sent = 5000;
  collected[158].errors[Errc::s3_credential] = {1, 2};
  collected[158].errors[Errc::timeout] = {4, 0};
  collected[158].errors[Errc::network] = {0, 9};
  collected[158].buckets["my_bucket"] = {5000, 0, 1};
  ASSERT_TRUE(statistics_.add(collected));
  const value all = overview();
  EXPECT_EQ(boost::json::serialize(all.at("counts")), R"([{"cdn":null,"state":"queued","uploads":3,"bytes":3000}])");
  EXPECT_EQ(boost::json::serialize(all.at("queue")),
            R"([{"priority":9,"uploads":1,"bytes":1000,"oldest":1700000000,"complete":true},)"
            R"({"priority":5,"uploads":2,"bytes":2000,"oldest":1700000000,"complete":true}])");
  EXPECT_EQ(all.at("oldest"), 1'700'000'000);
  EXPECT_EQ(boost::json::serialize(all.at("errors")),
            R"([{"code":"timeout","uploads":4},{"code":"s3_credential","uploads":1}])");
  EXPECT_EQ(boost::json::serialize(all.at("today")), R"([{"cdn":158,"bytes":5000,"completed":0,"failed":0}])");
  EXPECT_EQ(boost::json::serialize(all.at("buckets_today")),
            R"([{"cdn":158,"bucket":"my_bucket","bytes":5000,"completed":0,"failed":1}])");
  EXPECT_TRUE(all.at("running").as_array().empty());
  EXPECT_EQ(all.at("at"), 1'700'000'000);
  const value one = overview({{"cdn", 158}});
  EXPECT_EQ(boost::json::serialize(one.at("counts")), R"([{"cdn":158,"state":"queued","uploads":3,"bytes":3000}])");
  for (const char* same : {"queue", "errors", "today"}) EXPECT_EQ(one.at(same), all.at(same)) << same;

  memory::MemoryWorkQueue queue(uploads_.database(), {1, 1});
  ASSERT_EQ(queue.claim({first}, seconds(60)).value().size(), 1U);
  const value claimed = overview().at("running");
  ASSERT_EQ(claimed.as_array().size(), 1U);
  EXPECT_EQ(claimed.at(0).at("id"), first);
}

TEST_F(OverviewTest, ABucketThatRefusesUsIsSaidWithWhatToDo) {
  queue_one();
  troubled(trouble(Errc::s3_access_denied));
  const boost::json::array needs = attention();
  ASSERT_EQ(needs.size(), 1U);
  const object& need = needs[0].as_object();
  EXPECT_EQ(need.at("code"), "bucket_denied");
  EXPECT_EQ(need.at("kind"), "bucket");
  EXPECT_EQ(need.at("severity"), "critical");
  EXPECT_EQ(need.at("title"), "Bucket my_bucket refuses us: access denied.");
  EXPECT_THAT(need.at("fix").as_string().c_str(), HasSubstr("vodlift bucket check --cdn 158 --bucket my_bucket"));
  EXPECT_EQ(need.at("since"), 1'700'000'000 - 90);
  EXPECT_EQ(need.at("affected"), 1);
  EXPECT_EQ(need.at("at_least"), false);
  EXPECT_EQ(need.at("cdn"), 158);
  EXPECT_EQ(need.at("bucket"), "my_bucket");
  EXPECT_EQ(sentence(), "Bucket my_bucket refuses us: access denied. 1 upload waits for it.");
  succeed("account.add", {{"cdn", 159}, {"user", "kb"}});
  EXPECT_TRUE(attention({{"cdn", 159}}).empty()) << "it is another account's";
}

TEST_F(OverviewTest, TheWatchFindsTheSame) {
  queue_one();
  clock_.pass(kStuckAfter);
  troubled(trouble(Errc::s3_access_denied));
  storages_.listed = {{"sestore4", false, 0, seconds(30)}};
  const std::vector<NeedView> views = {std::nullopt, 158};
  const auto found = find_needs(context_, views);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 2U);
  for (std::size_t at = 0; at < views.size(); ++at) {
    boost::json::array needs;
    for (const Need& one : found->at(at)) needs.push_back(to_json(one, Role::admin));
    EXPECT_EQ(needs, attention(views[at] ? object{{"cdn", *views[at]}} : object{}));
  }
  EXPECT_EQ(found->at(0).size(), 3U);
}

TEST_F(OverviewTest, ANeedIsTheSameWhileOnlyItsFiguresChange) {
  const std::vector<NeedView> views = {std::nullopt};
  const auto mark = [&] { return find_needs(context_, views).value().at(0).at(0).mark; };
  queue_one();
  clock_.pass(kStuckAfter);
  const std::string stuck = mark();
  clock_.pass(seconds(61));
  EXPECT_EQ(mark(), stuck);
  monitor_.health.free_bytes = kLowDiskBytes - 1;
  monitor_.health.disk_full = true;
  EXPECT_NE(mark(), stuck);
}

TEST_F(OverviewTest, EachFaultOfABucketHasItsWords) {
  for (const auto& [code, word] : {std::pair(Errc::s3_credential, "bucket_key"),
                                   {Errc::s3_access_denied, "bucket_denied"},
                                   {Errc::s3_no_such_bucket, "bucket_missing"},
                                   {Errc::s3_full, "bucket_full"},
                                   {Errc::s3_unavailable, "bucket_down"}}) {
    troubled(trouble(code));
    EXPECT_EQ(attention().at(0).at("code"), word);
    who_ = {.name = "anna", .role = Role::customer, .cdn = 158, .via = Principal::Via::session};
    const value fix = attention().at(0).at("fix");
    EXPECT_THAT(fix.as_string().c_str(), testing::Not(HasSubstr("vodlift")))
        << word << ": a customer has no such command";
    EXPECT_FALSE(fix.as_string().empty()) << word;
    who_ = socket_principal();
  }
}

TEST_F(OverviewTest, TheListOfBucketsSaysWhatTheOverviewSays) {
  EXPECT_EQ(items("bucket.list", {}).at(0).at("trouble"), "");
  for (const Errc code : {Errc::s3_credential, Errc::s3_access_denied, Errc::s3_no_such_bucket, Errc::s3_full}) {
    troubled(trouble(code));
    EXPECT_EQ(attention().size(), 1U);
    EXPECT_EQ(items("bucket.list", {}).at(0).at("trouble"), "it does not work");
    EXPECT_EQ(succeed("bucket.show", {{"cdn", 158}, {"bucket", "my_bucket"}}).at("trouble"), "it does not work");
  }
}

TEST_F(OverviewTest, AStoreThatIsDownIsOneThingForAllItsBuckets) {
  for (const int cdn : {159, 160}) {
    succeed("account.add", {{"cdn", cdn}, {"user", "u" + std::to_string(cdn)}});
    object bucket = bucket_fields();
    bucket["cdn"] = cdn;
    succeed("bucket.add", bucket);
  }
  doctor_.troubles_of_all.buckets = {trouble(Errc::s3_unavailable, true, 158), trouble(Errc::s3_unavailable, true, 159),
                                     trouble(Errc::s3_unavailable, true, 160)};
  const boost::json::array needs = attention();
  ASSERT_EQ(needs.size(), 1U);
  EXPECT_EQ(needs[0].at("title"), "https://s3.example.com does not answer, or only with errors.");
  EXPECT_THAT(needs[0].at("detail").as_string().c_str(), HasSubstr("3 buckets"));
  EXPECT_EQ(attention({{"cdn", 159}}).at(0).at("code"), "bucket_down") << "a customer hears of no other";
}

TEST_F(OverviewTest, AStorageThatIsGoneIsSaidToThoseWhoUseIt) {
  storages_.listed = {{"sestore4", false, 0, seconds(30)}, {"sestore5", true, 7}};
  for (const object& whose : {object{}, object{{"cdn", 158}}}) {
    const boost::json::array needs = attention(whose);
    ASSERT_EQ(needs.size(), 1U);
    EXPECT_EQ(needs[0].at("title"), "Storage sestore4 is not available.");
    EXPECT_EQ(needs[0].at("storage"), "sestore4");
    EXPECT_EQ(needs[0].at("since"), 1'700'000'000 - 30);
    EXPECT_EQ(needs[0].at("affected"), 0);
  }
}

TEST_F(OverviewTest, TheDatabaseAndItsDiskAreLookedAt) {
  monitor_.health.free_bytes = kLowDiskBytes;
  EXPECT_TRUE(attention().empty());
  EXPECT_EQ(overview().at("server").at("disk_free_bytes"), kLowDiskBytes);
  EXPECT_TRUE(overview({{"cdn", 158}}).at("server").is_null());
  monitor_.health.free_bytes = kLowDiskBytes - 1;
  EXPECT_EQ(attention().at(0).at("title"), "The database's disk has only 1023 MiB left.");
  EXPECT_EQ(attention().at(0).at("severity"), "warning");
  monitor_.health.disk_full = true;
  monitor_.health.damaged = 2;
  monitor_.health.refuses_for = seconds(5);
  const boost::json::array needs = attention();
  ASSERT_EQ(needs.size(), 3U) << "a full disk is not low as well";
  EXPECT_EQ(needs[0].at("code"), "store_damaged");
  EXPECT_EQ(needs[1].at("code"), "store_refuses");
  EXPECT_EQ(needs[1].at("since"), 1'699'999'995);
  EXPECT_EQ(needs[2].at("code"), "disk_full");
  EXPECT_TRUE(needs[2].at("affected").is_null());
  EXPECT_EQ(sentence(), "The database is damaged. 2 other things need a person.");
  EXPECT_TRUE(attention({{"cdn", 158}}).empty()) << "customers cannot mend it";
}

TEST_F(OverviewTest, TheMemoryOfRequestsIsShownWithItsLimit) {
  api_load_.memory_bytes = 8192;
  api_load_.most_memory_bytes = std::size_t{64} * 1024 * 1024;
  const value server = overview().at("server");
  EXPECT_EQ(server.at("memory_bytes"), 8192);
  EXPECT_EQ(server.at("memory_limit_bytes"), 64 * 1024 * 1024);
}

TEST_F(OverviewTest, AReceiverThatFailsForLongIsSaid) {
  const value queued = succeed("upload.add", {{"cdn", 158},
                                              {"path", "sestore4/jb/film.mp4"},
                                              {"destination_path", "film.mp4"},
                                              {"bucket", "my_bucket"},
                                              {"callback", "https://a.example/done"}});
  succeed("upload.cancel", {{"id", queued.at("id")}});
  memory::MemoryCallbackQueue queue(uploads_.database(), {1, 1});
  const auto claimed = queue.claim({1}, std::chrono::minutes(1)).value();
  ASSERT_TRUE(
      queue.record({{claimed.at(0), {std::chrono::milliseconds(12), 503, "busy", CallbackState::pending, {}}}}));
  clock_.pass(kCallbacksFailAfter - seconds(1));
  EXPECT_TRUE(attention().empty());
  clock_.pass(seconds(1));
  for (const object& whose : {object{}, object{{"cdn", 158}}}) {
    const boost::json::array needs = attention(whose);
    ASSERT_EQ(needs.size(), 1U);
    EXPECT_EQ(needs[0].at("title"), "Callbacks to a.example:443 have failed for 10 min.");
    EXPECT_THAT(needs[0].at("detail").as_string().c_str(), HasSubstr("The last error: busy"));
    EXPECT_EQ(needs[0].at("receiver"), "a.example:443");
    EXPECT_EQ(needs[0].at("affected"), 1);
  }
}

TEST_F(OverviewTest, AClockThatStoresRefuseIsSaid) {
  doctor_.troubles_of_all.clock_endpoint = "https://s3.example.com";
  doctor_.troubles_of_all.clock_offset = seconds(-3700);
  const boost::json::array needs = attention();
  ASSERT_EQ(needs.size(), 1U);
  EXPECT_EQ(needs[0].at("code"), "clock_wrong");
  EXPECT_THAT(needs[0].at("detail").as_string().c_str(), HasSubstr("by 1 h 01 min."));
}

TEST_F(OverviewTest, AQueueThatStandsStillIsSaid) {
  queue_one();
  clock_.pass(kStuckAfter - seconds(1));
  EXPECT_TRUE(attention().empty());
  clock_.pass(seconds(1));
  EXPECT_EQ(attention().at(0).at("code"), "queue_stuck");
  const UploadId other = queue_one();
  memory::MemoryWorkQueue queue(uploads_.database(), {1, 1});
  ASSERT_EQ(queue.claim({other}, std::chrono::hours(5)).value().size(), 1U);
  EXPECT_TRUE(attention().empty()) << "one is running";
  clock_.pass(kBehindAfter);
  EXPECT_EQ(attention().at(0).at("title"), "The first upload that is ready has waited for 1 h 02 min.");
}

TEST_F(OverviewTest, NoMoreThingsAreSaidThanSomebodyReads) {
  for (int i = 0; i < 30; ++i) storages_.listed.push_back({"storage" + std::to_string(i), false, 0});
  doctor_.troubles_of_all.clock_endpoint = "https://s3.example.com";
  const boost::json::array needs = attention();
  EXPECT_EQ(needs.size(), kMostNeeds);
  EXPECT_EQ(needs.back().at("kind"), "storage") << "what is less grave goes first";
}

TEST(DurationText, HasTwoUnitsAtMost) {
  using namespace std::chrono_literals;
  EXPECT_EQ(duration_text(0s), "0 s");
  EXPECT_EQ(duration_text(59s), "59 s");
  EXPECT_EQ(duration_text(60s), "1 min");
  EXPECT_EQ(duration_text(3600s), "1 h 00 min");
  EXPECT_EQ(duration_text(3h + 4min), "3 h 04 min");
  EXPECT_EQ(duration_text(50h), "2 d 2 h");
}

}  // namespace
}  // namespace vodlift::rest
