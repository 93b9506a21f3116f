// The commands of uploads.
#include "cli/cli_test.h"
#include "core/upload_fields.h"

namespace vodlift::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

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

object changes_of(const boost::json::array& changes, const boost::json::array& refusals) {
  return {{"changes", changes}, {"refusals", refusals}};
}

TEST_F(CliTest, OneRequestChangesSeveralThatAreNamed) {
  answer(changes_of(
      {{{"id", 6}, {"upload", upload_object(6, "uploading")}}, {{"id", 5}, {"upload", upload_object(5, "cancelled")}}},
      {}));
  EXPECT_EQ(run_with_socket({"upload", "cancel", "5", "6", "--cdn", "158"}), kDone);
  EXPECT_THAT(asked(), ElementsAre(R"(POST /api/v1/uploads/bulk {"cdn":158,"action":"cancel","ids":[5,6]})"));
  EXPECT_EQ(out_, "upload 5 is cancelled\nupload 6 is being cancelled\n") << "in the order of the command line";
  EXPECT_EQ(run_with_socket({"upload", "cancel", "5", "6", "-q"}), kDone);
  EXPECT_EQ(out_, "");
  EXPECT_EQ(run_with_socket({"upload", "cancel", "5", "6", "--json"}), kDone);
  EXPECT_EQ(out_, boost::json::serialize(upload_object(5, "cancelled")) + "\n" +
                      boost::json::serialize(upload_object(6, "uploading")) + "\n");
}

TEST_F(CliTest, WhatIsRefusedOfSeveralHoldsUpNoOther) {
  answer(changes_of({{{"id", 8}, {"upload", upload_object(9, "queued")}}},
                    {{{"id", 7}, {"code", "wrong_state"}, {"detail", "upload 7 is completed"}}}));
  EXPECT_EQ(run_with_socket({"upload", "retry", "7", "8"}), kFailed);
  EXPECT_EQ(out_, "upload 9 is queued\n");
  EXPECT_EQ(err_, "vodlift: upload 7 is completed\n");
}

TEST_F(CliTest, ManyThatAreNamedAreChangedFourHundredAtATime) {
  answer(changes_of({}, {}));
  std::vector<std::string> words = {"upload", "cancel"};
  for (int id = 1; id <= 801; ++id) words.push_back(std::to_string(id));
  EXPECT_EQ(run_with_socket(words), kDone);
  ASSERT_EQ(asked().size(), 3U);
  EXPECT_EQ(asked().back(), R"(POST /api/v1/uploads/bulk {"action":"cancel","ids":[801]})");
}

TEST_F(CliTest, ARequestForSeveralThatFailsIsReportedOnce) {
  refuse("store_failed", "the database takes no changes");
  EXPECT_EQ(run_with_socket({"upload", "cancel", "7", "8"}), kFailed);
  EXPECT_EQ(err_, "vodlift: the database takes no changes\n");
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

object batch_answer(const boost::json::array& items, int accepted, int refused, const value& next = nullptr) {
  return {{"items", items}, {"accepted", accepted}, {"bytes", 1024 * accepted}, {"refused", refused}, {"next", next}};
}

object queued_file(int id) { return {{"path", "s/u/films/a.mp4"}, {"id", id}, {"problem", nullptr}}; }

TEST_F(CliTest, QueuesAFolder) {
  answer(batch_answer({queued_file(8)}, 1, 0, "1000"));
  answer(batch_answer({queued_file(9)}, 1, 0));
  EXPECT_EQ(run_with_socket({"upload", "s/u/films/", "--recursive", "--cdn", "158", "--bucket", "b", "--filter", "*"}),
            kDone);
  const std::string begin =
      R"(POST /api/v1/uploads/batch {"cdn":158,"path":"s/u/films/","destination_path":"","bucket":"b",)"
      R"("recursive":true,"dry_run":false,"filter":"*")";
  EXPECT_THAT(asked(), ElementsAre(begin + "}", begin + R"(,"cursor":"1000"})"));
  EXPECT_EQ(out_, "2 files queued (2.0 KiB) as uploads 8 to 9\n");
}

TEST_F(CliTest, AFolderSaysWhatCouldNotBeQueued) {
  const object problem{{"code", "bucket_not_configured"}, {"detail", "no such bucket"}};
  answer(batch_answer({object{{"path", "s/u/films/b/c.mp4"}, {"id", nullptr}, {"problem", problem}}}, 0, 1));
  EXPECT_EQ(run_with_socket({"upload", "s/u/films", "--recursive", "--cdn", "158", "--bucket", "b", "--to", "in/"}),
            kFailed);
  EXPECT_THAT(asked().back(), HasSubstr(R"("destination_path":"in/")"));
  EXPECT_EQ(out_, "0 files queued (0 B)\n1 file could not be queued:\n  s/u/films/b/c.mp4: no such bucket\n");
}

TEST_F(CliTest, AFolderOfWhichOnlyABeginningWasQueuedSaysSo) {
  answer(batch_answer({queued_file(8)}, 1, 0, "1000"));
  refuse("storage_unavailable", "it does not answer");
  EXPECT_EQ(run_with_socket({"upload", "s/u/films", "--recursive", "--cdn", "158", "--bucket", "b"}), kFailed);
  EXPECT_EQ(out_, "1 file queued (1.0 KiB) as uploads 8 to 8\n");
  EXPECT_THAT(err_, HasSubstr("it does not answer"));
}

TEST_F(CliTest, AQuietFolderPrintsTheIdsAndSaysOnStandardErrorWhatWasRefused) {
  const object problem{{"code", "bucket_not_configured"}, {"detail", "no such bucket"}};
  answer(batch_answer({queued_file(8)}, 1, 0, "1000"));
  answer(batch_answer({queued_file(9), object{{"path", "s/u/c.mp4"}, {"id", nullptr}, {"problem", problem}}}, 1, 1));
  EXPECT_EQ(run_with_socket({"upload", "s/u", "--recursive", "--cdn", "158", "--bucket", "b", "-q"}), kFailed);
  EXPECT_EQ(out_, "8\n9\n");
  EXPECT_EQ(err_, "1 file could not be queued:\n  s/u/c.mp4: no such bucket\n");
}

TEST_F(CliTest, AListGoesOnUntilItHasWhatItMayHave) {
  boost::json::array full(100, upload_object(5, "failed"));
  answer(page_of(full, "77"));
  EXPECT_EQ(run_with_socket({"upload", "list", "--limit", "5300", "--json"}), kDone);
  EXPECT_EQ(boost::json::parse(out_).at("items").as_array().size(), 5300U);
}

TEST_F(CliTest, ADryRunOfAFolderSaysWhatWouldBeQueued) {
  answer(batch_answer({object{{"path", "s/u/a.mp4"}, {"id", nullptr}, {"problem", nullptr}}}, 1, 0));
  EXPECT_EQ(run_with_socket({"upload", "s/u", "--recursive", "--cdn", "158", "--bucket", "b", "--dry-run"}), kDone);
  EXPECT_THAT(asked().back(), HasSubstr(R"("dry_run":true)"));
  EXPECT_EQ(out_, "1 file would be queued (1.0 KiB)\n");
  EXPECT_EQ(run_with_socket({"upload", "s/u/a.mp4", "--cdn", "1", "--bucket", "b", "--dry-run"}), kUsage);
  EXPECT_EQ(run_with_socket({"upload", "s/u", "--recursive", "--watch", "--cdn", "1", "--bucket", "b"}), kUsage);
}

TEST_F(CliTest, QuietCommandsPrintOnlyWhatAScriptNeeds) {
  answer({{"id", 5}});
  answer({{"cdn", 158}, {"user", "jb"}, {"webhook_secret", "whsec_x"}});
  answer({{"matched", 1},
          {"bytes", 0},
          {"changed", 1},
          {"refused", 0},
          {"refusals", boost::json::array()},
          {"next", nullptr}});
  answer_list({});
  refuse("not_found", "there is no such thing");
  EXPECT_EQ(run_with_socket({"upload", "s/u/a.mp4", "--cdn", "1", "--bucket", "b", "-q"}), kDone);
  EXPECT_EQ(out_, "5\n");
  EXPECT_EQ(run_with_socket({"account", "add", "--cdn", "158", "--user", "jb", "--quiet"}), kDone);
  EXPECT_EQ(out_, "whsec_x\n");
  EXPECT_EQ(run_with_socket({"upload", "cancel", "--state", "queued", "-q"}), kDone);
  EXPECT_EQ(out_, "");
  EXPECT_EQ(run_with_socket({"account", "list", "-q"}), kDone);
  EXPECT_THAT(out_, HasSubstr("no accounts")) << "who asks gets an answer";
  EXPECT_EQ(run_with_socket({"key", "revoke", "--api-key", "K", "-q"}), kFailed);
  EXPECT_EQ(err_, "vodlift: there is no such thing\n");
}

}  // namespace
}  // namespace vodlift::cli
