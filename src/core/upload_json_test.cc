#include "core/upload_json.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace vodlift {
namespace {

namespace json = boost::json;

constexpr WallTime kStart = WallTime(std::chrono::seconds(1700000000));

WallTime after(std::chrono::milliseconds time) { return kStart + time; }

Upload uploading() {
  Upload upload;
  upload.id = 7;
  upload.account = 158;
  upload.state = UploadState::uploading;
  upload.request = {.path = "sestore4/jb/f.mp4",
                    .destination_path = "f.mp4",
                    .bucket = "my_bucket",
                    .acl = Acl::public_read,
                    .metadata = {{"title", "Ünïcode"}},
                    .callback = "http://c.example/",
                    .priority = 5,
                    .options = {}};
  upload.size = 1000;
  upload.bytes_sent = 250;
  upload.attempts = 1;
  upload.created = kStart;
  upload.started = kStart;
  upload.attempt_started = kStart;
  upload.callback_state = CallbackState::waiting;
  return upload;
}

TEST(UploadJson, HasEveryFieldOfTheContractInItsOrder) {
  std::vector<std::string> names;
  for (const auto& member : to_json(uploading(), kStart)) names.emplace_back(member.key());
  EXPECT_EQ(
      names,
      (std::vector<std::string>{
          "id",          "state",          "path",       "destination_path", "bucket",  "acl",      "acl_applied",
          "metadata",    "callback",       "size",       "bytes_sent",       "percent", "attempts", "error",
          "etag",        "checksum",       "version_id", "created",          "started", "finished", "next_attempt",
          "eta_seconds", "callback_state", "retry_of",   "priority",         "options", "kept"}));
}

TEST(UploadJson, ShowsWhatIsNotKnownYetAsNull) {
  const json::object object = to_json(uploading(), after(std::chrono::seconds(10)));
  EXPECT_EQ(json::serialize(object),
            R"({"id":7,"state":"uploading","path":"sestore4/jb/f.mp4","destination_path":"f.mp4","bucket":"my_bucket",)"
            R"("acl":"public-read","acl_applied":null,"metadata":{"title":"Ünïcode"},"callback":"http://c.example/",)"
            R"("size":1000,"bytes_sent":250,"percent":25,"attempts":1,"error":null,"etag":null,"checksum":null,)"
            R"("version_id":null,"created":1700000000,"started":1700000000,"finished":null,"next_attempt":null,)"
            R"("eta_seconds":30,"callback_state":"waiting","retry_of":null,)"
            R"("priority":5,"options":{},"kept":false})");
}

TEST(UploadJson, ShowsAnEndedUpload) {
  Upload upload = uploading();
  upload.state = UploadState::completed;
  upload.bytes_sent = 1000;
  upload.acl_applied = Acl::private_acl;
  upload.verification = {.etag = "abc-1", .checksum = "crc32c:AAAAAA==", .version_id = "v1"};
  upload.finished = after(std::chrono::milliseconds(2999));
  upload.callback_state = CallbackState::pending;
  const json::object object = to_json(upload, after(std::chrono::seconds(60)));
  EXPECT_EQ(object.at("acl_applied"), "private");
  EXPECT_EQ(object.at("percent"), 100);
  EXPECT_EQ(object.at("etag"), "abc-1");
  EXPECT_EQ(object.at("checksum"), "crc32c:AAAAAA==");
  EXPECT_EQ(object.at("version_id"), "v1");
  EXPECT_EQ(object.at("finished"), 1700000002);
  EXPECT_TRUE(object.at("eta_seconds").is_null());
}

TEST(UploadJson, TellsTheErrorByNameAndText) {
  Upload upload = uploading();
  upload.state = UploadState::queued;
  upload.error = UploadError{Errc::s3_throttled, "part 17 of s3://b/k: 503 SlowDown", true};
  upload.next_attempt = after(std::chrono::seconds(5));
  const json::object object = to_json(upload, after(std::chrono::seconds(1)));
  EXPECT_EQ(json::serialize(object.at("error")),
            R"({"code":"s3_throttled","message":"part 17 of s3://b/k: 503 SlowDown","retryable":true})");
  EXPECT_EQ(object.at("next_attempt"), 1700000005);
  EXPECT_TRUE(object.at("eta_seconds").is_null());
}

TEST(UploadJson, GuessesTheTimeLeftOnlyFromBytesAndTime) {
  const auto eta = [](std::int64_t sent, std::chrono::milliseconds elapsed) {
    Upload upload = uploading();
    upload.bytes_sent = sent;
    return to_json(upload, after(elapsed)).at("eta_seconds");
  };
  EXPECT_EQ(eta(500, std::chrono::milliseconds(1500)), 2);  // rounded up
  EXPECT_EQ(eta(1000, std::chrono::seconds(9)), 0);
  EXPECT_TRUE(eta(0, std::chrono::seconds(9)).is_null());
  EXPECT_TRUE(eta(500, std::chrono::milliseconds(0)).is_null());
  EXPECT_TRUE(eta(500, std::chrono::seconds(-5)).is_null());  // the clock went back
  EXPECT_TRUE(eta(1, std::chrono::hours(100000000)).is_null());
}

TEST(UploadJson, GuessesByTheAttemptUnderWayAlone) {
  Upload upload = uploading();
  upload.bytes_sent = 700;
  upload.attempt_started = after(std::chrono::hours(1));
  upload.attempt_first_byte = 600;
  const auto now = after(std::chrono::hours(1) + std::chrono::seconds(10));
  EXPECT_EQ(to_json(upload, now).at("eta_seconds"), 30) << "100 bytes in 10 s, 300 are left";
  upload.bytes_sent = 600;
  EXPECT_TRUE(to_json(upload, now).at("eta_seconds").is_null()) << "nothing has moved yet";
}

TEST(UploadJson, KeepsTheDocumentValidWhateverAStoreSaid) {
  Upload upload = uploading();
  upload.error = UploadError{Errc::s3_rejected, "bad \xFF byte", false};
  upload.verification.etag = "\x80";
  EXPECT_NO_THROW(json::parse(json::serialize(to_json(upload, kStart))));
}

TEST(CallbackBody, IsTheEnvelopeAroundTheObject) {
  Upload upload = uploading();
  upload.state = UploadState::completed;
  upload.acl_applied = Acl::private_acl;
  const json::value body = json::parse(callback_body(upload, kStart));
  EXPECT_EQ(body.at("status"), "success");
  EXPECT_EQ(body.at("message"), "Upload completed");
  EXPECT_EQ(body.at("data"), json::value(to_json(upload, kStart)));
  EXPECT_EQ(body.as_object().if_contains("code"), nullptr);
}

TEST(CallbackBody, TellsThatAnObjectWasKept) {
  Upload upload = uploading();
  upload.state = UploadState::completed;
  const json::value body = json::parse(callback_body(upload, kStart));
  EXPECT_EQ(body.at("status"), "success");
  EXPECT_EQ(body.at("message"), "Nothing was sent: the object already existed and is kept");
  EXPECT_EQ(body.at("data").at("kept"), true);
}

TEST(UploadJson, ShowsTheOptionsThatWereGiven) {
  Upload upload = uploading();
  upload.request.options = {"video/mp4", "", "attachment", "", {{"Show", "x"}}, Overwrite::fail, "crc32c:AAAAAA=="};
  EXPECT_EQ(to_json(upload, kStart).at("options"),
            json::parse(R"({"content_type":"video/mp4","content_disposition":"attachment","tags":{"Show":"x"},)"
                        R"("overwrite":"fail","checksum":"crc32c:AAAAAA=="})"));
}

TEST(CallbackBody, TellsAFailure) {
  Upload upload = uploading();
  upload.state = UploadState::failed;
  upload.error = UploadError{Errc::source_missing, "file sestore4/jb/f.mp4 does not exist", false};
  const json::value body = json::parse(callback_body(upload, kStart));
  EXPECT_EQ(body.at("status"), "failure");
  EXPECT_EQ(body.at("code"), "2002");
  EXPECT_EQ(body.at("message"), "Upload failed: file sestore4/jb/f.mp4 does not exist");
  EXPECT_EQ(body.at("data").at("state"), "failed");
}

TEST(UploadJson, OnlyAnOperatorReadsTheDetailOfAnError) {
  Upload upload;
  upload.account = 158;
  upload.state = UploadState::failed;
  upload.error = UploadError{Errc::s3_credential, "no usable credentials", false, "cannot open /etc/secret"};
  const WallTime now{};
  EXPECT_EQ(json::serialize(to_json(upload, now)).find("secret"), std::string::npos);
  EXPECT_EQ(callback_body(upload, now).find("secret"), std::string::npos);
  EXPECT_EQ(to_operator_json(upload, now).at("error").at("detail"), "cannot open /etc/secret");
  EXPECT_EQ(to_operator_json(upload, now).at("cdn"), 158);
  upload.error->detail.clear();
  EXPECT_TRUE(to_operator_json(upload, now).at("error").at("detail").is_null());
  upload.error.reset();
  EXPECT_TRUE(to_operator_json(upload, now).at("error").is_null());
}

TEST(CallbackBody, GivesACancellationACodeToo) {
  Upload upload = uploading();
  upload.state = UploadState::cancelled;
  const json::value body = json::parse(callback_body(upload, kStart));
  EXPECT_EQ(body.at("status"), "failure");
  EXPECT_EQ(body.at("message"), "Upload cancelled");
  EXPECT_EQ(body.at("code"), "2005");
  EXPECT_TRUE(body.at("data").at("error").is_null());

  upload.error = UploadError{Errc::storage_unavailable, "sestore4 does not answer", true};
  EXPECT_EQ(json::parse(callback_body(upload, kStart)).at("code"), "2003") << "of the last attempt, if one has failed";
}

}  // namespace
}  // namespace vodlift
