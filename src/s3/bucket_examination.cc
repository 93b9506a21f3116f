#include "s3/bucket_examination.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <future>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/random.h"
#include "net/http_date.h"
#include "s3/object_headers.h"
#include "s3/s3_checksums.h"
#include "s3/s3_xml.h"

namespace vodlift::s3 {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::seconds;

// The administrator's command waits a minute for all of it; cleaning up must fit in.
constexpr seconds kWholeTime = 40s;
constexpr milliseconds kRequestTime = 10s;
constexpr milliseconds kConnectTime = 5s;
constexpr seconds kCredentialsTime = 20s;
constexpr std::size_t kMaxAnswerBytes = std::size_t{64} * 1024;
constexpr int kMaxCorrections = 3;
// Dates are whole seconds and travel.
constexpr seconds kClockTolerance = 60s;
constexpr std::string_view kProbe = "Written by `vodlift bucket check` to see whether it may; can be deleted.\n";

std::string probe_md5() {
  const Md5Digest digest = md5(bytes_of(kProbe));
  return to_base64({digest.data(), digest.size()});
}

std::string utc(WallTime time) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(std::chrono::floor<seconds>(time)));
}

}  // namespace

BucketExamination::BucketExamination(net::HttpClient& client, CredentialCache& credentials,
                                     const AwsEnvironment& environment, const Clock& clock, const BucketAccess& access,
                                     Learned& learned)
    : client_(client),
      cache_(credentials),
      environment_(environment),
      clock_(clock),
      learned_(learned),
      configured_(access),
      deadline_(std::chrono::steady_clock::now() + kWholeTime),
      key_("vodlift-bucket-check-" + random_hex(8) + ".txt"),
      access_(access) {}

BucketReport BucketExamination::run() {
  if (!find_credentials()) return std::move(report_);
  if (write()) {
    read_back();
    overwrite();
    public_acl();
    multipart();
    tell_checksums();
  }
  clean_up();
  return std::move(report_);
}

void BucketExamination::tell(std::string topic, Finding finding, std::string message, std::string fix) {
  report_.findings.push_back({std::move(topic), finding, std::move(message), std::move(fix)});
}

void BucketExamination::tell_failure(std::string topic, Finding finding, const Result<Answer>& answer,
                                     std::string_view permission) {
  if (!answer) return tell(std::move(topic), finding, answer.error().message, "see whether the endpoint is reachable");
  const Failure& failure = answer->failure;
  std::string message = fmt::format("{}: {} {}", failure.operation, failure.status, failure.code);
  if (!failure.message.empty()) message += fmt::format(" ({})", failure.message);
  std::string fix;
  if (classify(failure.status, failure.code) == Errc::s3_access_denied) {
    report_.access_denied = true;
    fix = is_of_kms(failure)
              ? "allow kms:GenerateDataKey and kms:Decrypt on the KMS key, in its own policy too where it "
                "is another account's"
              : fmt::format("allow {} on the objects of the bucket", permission);
  } else {
    fix = advice_on(failure.code);
  }
  tell(std::move(topic), finding, std::move(message), std::move(fix));
}

Result<BucketExamination::Answer> BucketExamination::send(const S3Operation& operation) {
  const auto left = std::chrono::ceil<milliseconds>(deadline_ - std::chrono::steady_clock::now());
  if (left <= 0ms)
    return Error{Errc::timeout, fmt::format("the bucket did not answer within {} s", kWholeTime.count())};
  net::HttpRequest request = signed_request(access_, credentials_, operation, environment_, clock_.now() + offset_);
  request.connect_timeout = std::min(left, kConnectTime);
  request.total_timeout = std::min(left, kRequestTime);
  request.max_response_bytes = kMaxAnswerBytes;
  auto response = client_.perform(std::move(request));
  if (!response) return response.error();
  Answer answer;
  answer.failure.operation = operation.method;
  answer.failure.status = response->status;
  answer.failure.region = response->header("x-amz-bucket-region");
  if (const auto error = parse_error(response->body)) {
    answer.failure.code = printable(error->code, 64);
    answer.failure.message = printable(error->message, 200);
    if (answer.failure.region.empty()) answer.failure.region = error->region;
  }
  answer.response = std::move(*response);
  return answer;
}

Result<BucketExamination::Answer> BucketExamination::put(const std::string& key,
                                                         std::vector<std::pair<std::string, std::string>> headers) {
  headers.emplace_back("content-type", "text/plain");
  headers.emplace_back("content-md5", probe_md5());
  for (auto& header : encryption_headers(configured_.encryption)) headers.push_back(std::move(header));
  auto answer = send({"PUT", key, {}, std::move(headers), std::string(kProbe)});
  if (answer && answer->good()) written_.emplace_back(key, answer->response.header("x-amz-version-id"));
  return answer;
}

bool BucketExamination::find_credentials() {
  const auto promise = std::make_shared<std::promise<Result<Credentials>>>();
  auto found = promise->get_future();
  cache_.get(configured_, [promise](Result<Credentials> result) { promise->set_value(std::move(result)); });
  if (found.wait_for(kCredentialsTime) != std::future_status::ready) {
    tell("credentials", Finding::fail, fmt::format("not found within {} s", kCredentialsTime.count()),
         "see the daemon's log for what it waits for");
    return false;
  }
  auto credentials = found.get();
  if (!credentials) {
    tell("credentials", Finding::fail, credentials.error().message,
         "see docs/operations.md on sources of credentials; change it with `vodlift bucket add`");
    return false;
  }
  credentials_ = std::move(*credentials);
  return true;
}

// The first request: whether anything works, and under which region, time and checksums.
bool BucketExamination::write() {
  bool crc_sent = true;
  for (int corrections = 0;; ++corrections) {
    std::vector<std::pair<std::string, std::string>> headers;
    if (crc_sent) headers.emplace_back(kCrcHeader, crc32c_base64(crc32c(0, bytes_of(kProbe))));
    const auto answer = put(key_, std::move(headers));
    if (!answer) {
      tell(
          "endpoint", Finding::fail, answer.error().message,
          fmt::format("see that {} is right and reachable from here; HTTPS_PROXY and AWS_CA_BUNDLE count as the daemon "
                      "was started with them",
                      configured_.endpoint));
      return false;
    }
    look_at_clock(*answer);
    if (!answer->good() && corrections < kMaxCorrections) {
      if (correct(*answer)) continue;
      const bool checksum_refused = answer->response.status == 501 || answer->failure.code == "NotImplemented" ||
                                    answer->failure.code == "InvalidArgument" ||
                                    answer->failure.code == "InvalidRequest";
      if (crc_sent && checksum_refused) {
        crc_sent = false;
        continue;
      }
    }
    if (!answer->good()) return tell_refused_write(*answer);
    std::string expiry =
        credentials_.expires ? fmt::format("expires {}", utc(*credentials_.expires)) : "no expiry told";
    tell("credentials", Finding::ok,
         fmt::format("access key {} ({}; {})", printable(credentials_.access_key, 128), credentials_.origin, expiry));
    tell_region();
    tell("write", Finding::ok, fmt::format("the object {} was written", key_));
    const bool crc32c = crc_sent && !answer->response.header(kCrcHeader).empty();
    checksums_.whole = crc32c ? ChecksumMode::crc32c : ChecksumMode::md5;
    md5_etags_ = unquoted_etag(answer->response.header("etag")) == to_hex(md5(bytes_of(kProbe)));
    tell_encryption(*answer);
    return true;
  }
}

// Takes in where the bucket is and what time it is there; true when the request is worth another try.
bool BucketExamination::correct(const Answer& answer) {
  const Failure& failure = answer.failure;
  const Errc errc = classify(failure.status, failure.code);
  if (errc == Errc::s3_region && !failure.region.empty() && failure.region != access_.region) {
    const bool plain = std::ranges::all_of(
        failure.region, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
    if (!plain || failure.region.size() > 64) return false;
    access_ = in_region(access_, failure.region);
    return true;
  }
  if (errc != Errc::s3_clock_skew) return false;
  const WallTime now = clock_.now();
  const auto there = net::parse_http_date(answer.response.header("date"), now);
  if (!there) return false;
  const auto offset = std::chrono::round<seconds>(*there - now);
  const bool new_offset = std::chrono::abs(offset - offset_) > kClockTolerance;
  offset_ = offset;
  return new_offset;
}

bool BucketExamination::tell_refused_write(const Answer& answer) {
  const Failure& failure = answer.failure;
  const std::string words = fmt::format("{} {} ({})", failure.status, failure.code, failure.message);
  switch (classify(failure.status, failure.code)) {
    case Errc::s3_credential:
      tell("credentials", Finding::fail,
           fmt::format("the store refuses access key {} ({}): {}", printable(credentials_.access_key, 128),
                       credentials_.origin, words),
           "give the right key and secret with `vodlift bucket add`");
      return false;
    case Errc::s3_region:
      tell("region", Finding::fail, fmt::format("signed for {}: {}", access_.region, words),
           failure.region.empty() ? "find out the bucket's region, and give it with `vodlift bucket add --region`"
                                  : fmt::format("`vodlift bucket add --region {}`", printable(failure.region, 64)));
      return false;
    case Errc::s3_no_such_bucket:
      tell("bucket", Finding::fail, words,
           "create the bucket, or correct its name or endpoint with `vodlift bucket add`");
      return false;
    case Errc::s3_clock_skew:
      tell("clock", Finding::fail, words, "set this machine's clock right (NTP)");
      return false;
    default:
      tell_failure(is_of_kms(failure) ? "encryption" : "write", Finding::fail, answer, "s3:PutObject");
      return false;
  }
}

void BucketExamination::look_at_clock(const Answer& answer) {
  if (clock_told_) return;
  clock_told_ = true;
  const WallTime now = clock_.now();
  const auto there = net::parse_http_date(answer.response.header("date"), now);
  if (!there)
    return tell("clock", Finding::warn, "the store's answer has no Date", "see that this machine's clock is right");
  const auto offset = std::chrono::round<seconds>(*there - now);
  const auto away = std::chrono::abs(offset);
  const std::string_view side = offset > 0s ? "behind" : "ahead of";
  if (away <= kClockTolerance) return tell("clock", Finding::ok, fmt::format("{} s from the store's", away.count()));
  tell("clock", Finding::warn, fmt::format("this machine is {} s {} the store's time", away.count(), side),
       "set this machine's clock right (NTP); uploads work, signed with the store's time");
}

void BucketExamination::tell_region() {
  if (access_.region == configured_.region) return tell("region", Finding::ok, access_.region);
  tell("region", Finding::warn,
       fmt::format("the bucket is in {}, configured is {}", access_.region, configured_.region),
       fmt::format("`vodlift bucket add --region {}`, which saves a refused request after each start", access_.region));
}

// The strongest that there is, and what uploads make of it; they need not find it out for themselves any more.
void BucketExamination::tell_checksums() {
  learned_.learn_checksums(configured_, checksums_);
  const bool refuses = checksums_.refuses_wrong_md5.value_or(false);
  const std::string_view wrong = !checksums_.refuses_wrong_md5 ? ""
                                 : refuses                     ? "; a wrong Content-MD5 is refused"
                                                               : "; a wrong Content-MD5 is ignored";
  if (checksums_.whole == ChecksumMode::crc32c && checksums_.multipart == ChecksumMode::crc32c) {
    return tell("checksums", Finding::ok, "CRC32C of the whole object, however it is sent");
  }
  if (checksums_.multipart == ChecksumMode::crc32c_composite) {
    return tell("checksums", Finding::ok, "CRC32C; of multipart uploads over the parts' (composite)");
  }
  if (checksums_.whole == ChecksumMode::crc32c || checksums_.multipart == ChecksumMode::crc32c) {
    const bool whole = checksums_.whole == ChecksumMode::crc32c;
    return tell(
        "checksums", Finding::ok,
        fmt::format("CRC32C of {} only, MD5 else{}", whole ? "objects in one request" : "multipart uploads", wrong));
  }
  if (md5_etags_ || refuses) {
    return tell("checksums", Finding::ok,
                fmt::format("MD5 only{}: the store confirms no CRC32C{}", md5_etags_ ? ", in ETags" : "", wrong));
  }
  tell("checksums", Finding::warn, "none: the store confirms neither CRC32C nor MD5, and uploads are read back",
       "nothing to do, if the traffic is affordable: every object is downloaded once to compare it");
}

// What the store does unasked is told too, where it says so.
void BucketExamination::tell_encryption(const Answer& answer) {
  const std::string applied = printable(answer.response.header(kEncryptionHeader), 64);
  const Encryption& wanted = configured_.encryption;
  const bool asked = wanted.mode != EncryptionMode::bucket_default;
  if (!satisfies(wanted, applied)) {
    return tell("encryption", Finding::fail,
                fmt::format("asked for (--sse {}), but the store says {}: uploads fail", to_string(wanted.mode),
                            applied.empty() ? "nothing of it" : applied),
                "give an --sse that this store knows with `vodlift bucket add`, or none");
  }
  if (applied.empty()) return;
  const std::string key = printable(answer.response.header(fmt::format("{}-aws-kms-key-id", kEncryptionHeader)), 200);
  tell("encryption", Finding::ok,
       fmt::format("{}{}{}", applied, key.empty() ? "" : ", key " + key, asked ? "" : ", as the bucket is set"));
}

void BucketExamination::read_back() {
  const auto answer = send({"HEAD", key_, {}, {{"x-amz-checksum-mode", "ENABLED"}}, ""});
  if (!answer || !answer->good()) return tell_failure("read", Finding::fail, answer, "s3:GetObject (for HEAD)");
  if (answer->response.header("content-length") != std::to_string(kProbe.size())) {
    return tell("read", Finding::fail, "HEAD tells another size than was written",
                "the store is not one whose uploads could be confirmed");
  }
  tell("read", Finding::ok, "HEAD confirms what was written");
}

void BucketExamination::overwrite() {
  const auto answer = put(key_, {{"if-none-match", "*"}});
  constexpr std::string_view kFix = "nothing to do: uploads overwrite, as the last one to an object should";
  if (!answer) return tell_failure("overwrite", Finding::warn, answer, "");
  if (answer->response.status == 412) {
    return tell("overwrite", Finding::ok, "the store can refuse to overwrite (If-None-Match)");
  }
  if (answer->good()) {
    return tell("overwrite", Finding::warn, "the store takes no notice of If-None-Match: it overwrites all the same",
                std::string(kFix));
  }
  tell("overwrite", Finding::warn,
       fmt::format("the store cannot refuse to overwrite (If-None-Match: {} {})", answer->failure.status,
                   answer->failure.code),
       std::string(kFix));
}

// Nothing where the key may not ask or the store knows no such thing; uploads do not need it.
std::string BucketExamination::ownership() {
  const auto answer = send({"GET", "", {{"ownershipControls", ""}}, {}, ""});
  if (!answer || !answer->good()) return "";
  return parse_object_ownership(answer->response.body).value_or("");
}

void BucketExamination::public_acl() {
  const auto answer = put(key_, {{"x-amz-acl", "public-read"}});
  std::string mode = ownership();
  if (!answer) return tell_failure("acl", Finding::warn, answer, "");
  if (answer->failure.code == "AccessControlListNotSupported" && mode.empty()) mode = "BucketOwnerEnforced";
  const std::string about = mode.empty() ? "" : fmt::format(" (object ownership: {})", printable(mode, 64));
  if (answer->good()) return tell("acl", Finding::ok, "acl=public-read is taken" + about);
  const bool falls_back = configured_.acl_policy == AclPolicy::private_acl;
  const std::string_view meanwhile =
      falls_back ? "such uploads are made private, as --acl-policy says" : "uploads with acl=public-read will fail";
  std::string fix = "send acl=private and open the objects by a bucket policy or a CDN";
  if (!falls_back) fix += ", or have them made private (`vodlift bucket add --acl-policy private`)";
  fix += answer->failure.code == "AccessControlListNotSupported"
             ? "; or enable ACLs (Object Ownership: Bucket owner preferred)"
             : "; or allow s3:PutObjectAcl and switch off Block Public Access for ACLs";
  tell("acl", Finding::warn,
       fmt::format("acl=public-read is refused: {} {}{}; {}", answer->failure.status, answer->failure.code, about,
                   meanwhile),
       std::move(fix));
}

// With the strongest checksum that is taken.
Result<BucketExamination::Answer> BucketExamination::begin_multipart() {
  Result<Answer> answer = Error{};
  for (const ChecksumMode offer : {ChecksumMode::crc32c, ChecksumMode::crc32c_composite, ChecksumMode::md5}) {
    S3Operation create{"POST", key_, {{"uploads", ""}}, {{"content-type", "text/plain"}}, ""};
    for (auto& header : encryption_headers(configured_.encryption)) create.headers.push_back(std::move(header));
    for (auto& header : checksum_offer(offer)) create.headers.push_back(std::move(header));
    answer = send(create);
    if (!answer || !may_refuse_checksums(answer->response)) break;
  }
  return answer;
}

void BucketExamination::multipart() {
  const auto created = begin_multipart();
  if (!created || !created->good()) return tell_failure("multipart", Finding::fail, created, "s3:PutObject");
  const auto id = parse_upload_id(created->response.body);
  if (!id) {
    return tell("multipart", Finding::fail, "the answer to CreateMultipartUpload has no UploadId",
                "the endpoint does not speak S3");
  }
  checksums_.multipart = checksum_taken(created->response);
  examine_multipart(*id);
}

// A store that takes no notice of a wrong checksum confirms nothing by taking a right one.
void BucketExamination::try_wrong_checksum(const std::string& id) {
  const bool crc = checksums_.multipart != ChecksumMode::md5;
  const Md5Digest of_nothing = md5({});
  S3Operation part{"PUT", key_, {{"partNumber", "2"}, {"uploadId", id}}, {}, std::string(kProbe)};
  if (crc) {
    part.headers.emplace_back(kCrcHeader, crc32c_base64(0));
  } else {
    part.headers.emplace_back("content-md5", to_base64({of_nothing.data(), of_nothing.size()}));
  }
  const auto answer = send(part);
  if (!answer) return;
  const bool refused = classify(answer->failure.status, answer->failure.code) == Errc::s3_integrity;
  if (!refused && !answer->good()) return;
  if (!crc) {
    checksums_.refuses_wrong_md5 = refused;
  } else if (!refused) {
    checksums_.whole = checksums_.multipart = ChecksumMode::md5;
  }
}

void BucketExamination::examine_multipart(const std::string& id) {
  S3Operation part{"PUT", key_, {{"partNumber", "1"}, {"uploadId", id}}, {}, std::string(kProbe)};
  if (checksums_.multipart == ChecksumMode::md5) {
    part.headers.emplace_back("content-md5", probe_md5());
  } else {
    part.headers.emplace_back(kCrcHeader, crc32c_base64(crc32c(0, bytes_of(kProbe))));
  }
  const std::size_t before = report_.findings.size();
  const auto sent = send(part);
  if (!sent || !sent->good()) tell_failure("multipart", Finding::fail, sent, "s3:PutObject");
  const bool dropped = sent && sent->good() && sent->response.header(kCrcHeader).empty();
  if (dropped) checksums_.multipart = ChecksumMode::md5;
  const auto listed = send({"GET", key_, {{"uploadId", id}}, {}, ""});
  const auto page = listed && listed->good() ? parse_parts(listed->response.body) : std::nullopt;
  if (!listed || !listed->good()) {
    tell_failure("multipart", Finding::fail, listed, "s3:ListMultipartUploadParts");
  } else if (!page || (sent && sent->good() && page->parts.size() != 1)) {
    tell("multipart", Finding::fail, "ListParts does not show the part that was sent",
         "the store cannot go on with an upload after a restart");
  }
  try_wrong_checksum(id);
  const auto aborted = send({"DELETE", key_, {{"uploadId", id}}, {}, ""});
  if (!aborted || !aborted->good()) {
    tell_failure("multipart", Finding::fail, aborted, "s3:AbortMultipartUpload");
    report_.findings.back().message +=
        fmt::format("; the multipart upload {} of {} is still open", printable(id), key_);
  }
  if (report_.findings.size() == before) tell("multipart", Finding::ok, "begun, a part sent and listed, aborted");
}

void BucketExamination::clean_up() {
  bool gone = true;
  std::string why;
  for (const auto& [key, version] : written_) {
    S3Operation plain{"DELETE", key, {}, {}, ""};
    S3Operation exact = plain;
    if (!version.empty()) exact.query.emplace_back("versionId", version);
    auto answer = send(exact);
    // Deleting a version is a permission of its own; a delete marker hides the object at least.
    if (!version.empty() && (!answer || !answer->good())) {
      answer = send(plain);
      if (answer && answer->good()) {
        gone = false;
        why = "only hidden behind a delete marker";
        continue;
      }
    }
    if (answer && (answer->good() || answer->response.status == 404)) continue;
    gone = false;
    why = answer ? fmt::format("{} {}", answer->failure.status, answer->failure.code) : answer.error().message;
  }
  if (written_.empty()) return;
  if (gone) return tell("cleanup", Finding::ok, "what was written is removed");
  tell("cleanup", Finding::warn, fmt::format("the object {} stays in the bucket: {}", key_, why),
       "delete it by hand; uploads themselves need no s3:DeleteObject");
}

}  // namespace vodlift::s3
