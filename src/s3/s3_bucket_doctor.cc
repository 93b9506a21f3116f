#include "s3/s3_bucket_doctor.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/hash.h"
#include "net/http_date.h"
#include "s3/bucket_probe.h"
#include "s3/request_body.h"
#include "s3/s3_checksums.h"
#include "s3/s3_xml.h"

namespace vodlift::s3 {
namespace {

using namespace std::chrono_literals;
using std::chrono::seconds;

constexpr int kMaxCorrections = 3;
// Dates are in whole seconds and travel.
constexpr seconds kClockTolerance = 60s;
// A part of the size that uploads use is tried, but a larger one than this would take too long.
constexpr std::int64_t kLargestTriedBytes = kLargestRatedPartBytes;
constexpr seconds kPartTime = 25s;

std::string utc(WallTime time) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(std::chrono::floor<seconds>(time)));
}

// One check of one bucket. One thread; run() once.
class BucketExamination {
 public:
  BucketExamination(net::HttpClient& client, const AwsEnvironment& environment, const Clock& clock,
                    const BucketAccess& access, EndpointStates& endpoints)
      : configured_(access), clock_(clock), endpoints_(endpoints), probe_(client, environment, clock, access) {}

  BucketReport run(CredentialCache& credentials);

 private:
  bool write();
  bool correct(const ProbeAnswer& answer);
  bool report_refused_write(const ProbeAnswer& answer);
  void check_clock(const ProbeAnswer& answer);
  void report_region();
  void report_encryption(const ProbeAnswer& answer);
  void read_back();
  void overwrite();
  void public_acl();
  std::string ownership();
  void multipart();
  Result<ProbeAnswer> begin_multipart();
  void examine_multipart(const std::string& id);
  void try_wrong_checksum(const std::string& id);
  void try_trailing_checksum(const std::string& id);
  void try_part_size(const std::string& id);
  Result<ProbeAnswer> send_trailing(std::string_view number, const std::string& id, std::uint32_t crc32c);
  void report_checksums();

  const BucketAccess configured_;
  const Clock& clock_;
  EndpointStates& endpoints_;
  BucketProbe probe_;
  EndpointFacts facts_;
  bool md5_etags_ = false;  // an object's ETag is its MD5
  bool clock_checked_ = false;
};

BucketReport BucketExamination::run(CredentialCache& credentials) {
  if (!probe_.find_credentials(credentials)) return std::move(probe_.report());
  if (write()) {
    read_back();
    overwrite();
    public_acl();
    multipart();
    report_checksums();
  }
  probe_.clean_up();
  return std::move(probe_.report());
}

// The first request shows whether anything works, and with which region, time and checksums.
bool BucketExamination::write() {
  bool crc_sent = true;
  for (int corrections = 0;; ++corrections) {
    std::vector<std::pair<std::string, std::string>> headers;
    if (crc_sent) headers.emplace_back(kCrcHeader, crc32c_base64(crc32c(0, bytes_of(BucketProbe::kContent))));
    const auto answer = probe_.put(std::move(headers));
    if (!answer) {
      probe_.add(
          "endpoint", Finding::fail, answer.error().for_operator(),
          fmt::format("see that {} is right and reachable from here; HTTPS_PROXY and AWS_CA_BUNDLE must be in the "
                      "daemon's environment",
                      configured_.endpoint));
      return false;
    }
    check_clock(*answer);
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
    if (!answer->good()) return report_refused_write(*answer);
    std::string expiry = probe_.credentials().expires ? fmt::format("expires {}", utc(*probe_.credentials().expires))
                                                      : "no expiry known";
    probe_.add("credentials", Finding::ok,
               fmt::format("access key {} ({}; {})", printable(probe_.credentials().access_key, 128),
                           probe_.credentials().origin, expiry));
    report_region();
    probe_.add("write", Finding::ok, fmt::format("the object {} was written", probe_.key()));
    const bool crc32c = crc_sent && !answer->response.header(kCrcHeader).empty();
    facts_.whole = crc32c ? ChecksumMode::crc32c : ChecksumMode::md5;
    md5_etags_ = unquoted_etag(answer->response.header("etag")) == to_hex(md5(bytes_of(BucketProbe::kContent)));
    report_encryption(*answer);
    return true;
  }
}

// Adapts to the bucket's region and the store's time. True when the request is worth another try.
bool BucketExamination::correct(const ProbeAnswer& answer) {
  const Failure& failure = answer.failure;
  const Errc errc = classify(failure);
  if (errc == Errc::s3_region) {
    return is_region(failure.region) && probe_.move_to_region(failure.region);
  }
  if (errc != Errc::s3_clock_skew) return false;
  const WallTime now = clock_.now();
  const auto there = net::parse_http_date(answer.response.header("date"), now);
  return there && probe_.set_clock_offset(std::chrono::round<seconds>(*there - now));
}

bool BucketExamination::report_refused_write(const ProbeAnswer& answer) {
  const Failure& failure = answer.failure;
  const std::string words = fmt::format("{} {} ({})", failure.status, failure.code, failure.message);
  switch (classify(failure)) {
    case Errc::s3_credential:
      probe_.add("credentials", Finding::fail,
                 fmt::format("the store refuses access key {} ({}): {}",
                             printable(probe_.credentials().access_key, 128), probe_.credentials().origin, words),
                 "give the right key and secret with `vodlift bucket set`");
      return false;
    case Errc::s3_region:
      probe_.add("region", Finding::fail, fmt::format("signed for {}: {}", probe_.region(), words),
                 failure.region.empty()
                     ? "find out the bucket's region, and give it with `vodlift bucket set --region`"
                     : fmt::format("`vodlift bucket set --region {}`", printable(failure.region, 64)));
      return false;
    case Errc::s3_no_such_bucket:
      probe_.add(
          "bucket", Finding::fail, words,
          "create the bucket, add it under its right name with `vodlift bucket add`, or correct its --endpoint with "
          "`vodlift bucket set`");
      return false;
    case Errc::s3_full:
      probe_.add("space", Finding::fail, words,
                 "make room in the bucket, its account or the store, or raise the quota");
      return false;
    case Errc::s3_clock_skew:
      probe_.add("clock", Finding::fail, words, "set this machine's clock right (NTP)");
      return false;
    default:
      probe_.add_failure(is_of_kms(failure) ? "encryption" : "write", Finding::fail, answer, "s3:PutObject");
      return false;
  }
}

void BucketExamination::check_clock(const ProbeAnswer& answer) {
  if (clock_checked_) return;
  clock_checked_ = true;
  const WallTime now = clock_.now();
  const auto there = net::parse_http_date(answer.response.header("date"), now);
  if (!there)
    return probe_.add("clock", Finding::warn, "the store's answer has no Date",
                      "see that this machine's clock is right");
  const auto offset = std::chrono::round<seconds>(*there - now);
  const auto away = std::chrono::abs(offset);
  const std::string_view side = offset > 0s ? "behind" : "ahead of";
  if (away <= kClockTolerance)
    return probe_.add("clock", Finding::ok, fmt::format("{} s from the store's", away.count()));
  probe_.add("clock", Finding::warn, fmt::format("this machine is {} s {} the store's time", away.count(), side),
             "set this machine's clock right (NTP); uploads work, signed with the store's time");
}

void BucketExamination::report_region() {
  if (probe_.region() == configured_.region) return probe_.add("region", Finding::ok, probe_.region());
  probe_.add(
      "region", Finding::warn,
      fmt::format("the bucket is in {}, configured is {}", probe_.region(), configured_.region),
      fmt::format("`vodlift bucket set --region {}`, which saves a refused request after each start", probe_.region()));
}

// An encryption that the bucket applies by itself is reported too.
void BucketExamination::report_encryption(const ProbeAnswer& answer) {
  const std::string applied = printable(answer.response.header(kEncryptionHeader), 64);
  const Encryption& wanted = configured_.encryption;
  const bool asked = wanted.mode != EncryptionMode::bucket_default;
  if (!satisfies(wanted, applied)) {
    return probe_.add("encryption", Finding::fail,
                      fmt::format("requested (--sse {}), but the store says {}: uploads fail", to_string(wanted.mode),
                                  applied.empty() ? "nothing of encryption" : applied),
                      "give an --sse that this store knows with `vodlift bucket set`, or none");
  }
  if (applied.empty()) return;
  const std::string key = printable(answer.response.header(fmt::format("{}-aws-kms-key-id", kEncryptionHeader)), 200);
  probe_.add("encryption", Finding::ok,
             fmt::format("{}{}{}", applied, key.empty() ? "" : ", key " + key, asked ? "" : ", as the bucket is set"));
}

void BucketExamination::read_back() {
  auto answer = probe_.send(
      {"HEAD", probe_.key(), {}, {{std::string(kAskForChecksum.first), std::string(kAskForChecksum.second)}}, ""});
  if (answer && may_refuse_checksum_mode(answer->response)) answer = probe_.send({"HEAD", probe_.key(), {}, {}, ""});
  if (!answer || !answer->good()) return probe_.add_failure("read", Finding::fail, answer, "s3:GetObject (for HEAD)");
  if (answer->response.header("content-length") != std::to_string(BucketProbe::kContent.size())) {
    return probe_.add("read", Finding::fail, "HEAD reports another size than was written",
                      "uploads to this store cannot be confirmed");
  }
  probe_.add("read", Finding::ok, "HEAD confirms what was written");
}

void BucketExamination::overwrite() {
  const auto answer = probe_.put({{"if-none-match", "*"}});
  constexpr std::string_view kFix = "nothing to do: uploads overwrite, and the last one to an object counts";
  if (!answer) return probe_.add_failure("overwrite", Finding::warn, answer, "");
  if (answer->response.status == 412) {
    return probe_.add("overwrite", Finding::ok, "the store can refuse to overwrite (If-None-Match)");
  }
  if (answer->good()) {
    return probe_.add("overwrite", Finding::warn, "the store ignores If-None-Match and overwrites", std::string(kFix));
  }
  probe_.add("overwrite", Finding::warn,
             fmt::format("the store cannot refuse to overwrite (If-None-Match: {} {})", answer->failure.status,
                         answer->failure.code),
             std::string(kFix));
}

// Empty where the key may not ask or the store has no such setting; uploads do not need it.
std::string BucketExamination::ownership() {
  const auto answer = probe_.send({"GET", "", {{"ownershipControls", ""}}, {}, ""});
  if (!answer || !answer->good()) return "";
  return parse_object_ownership(answer->response.body).value_or("");
}

void BucketExamination::public_acl() {
  const auto answer = probe_.put({{"x-amz-acl", "public-read"}});
  std::string mode = ownership();
  if (!answer) return probe_.add_failure("acl", Finding::warn, answer, "");
  if (answer->failure.code == "AccessControlListNotSupported" && mode.empty()) mode = "BucketOwnerEnforced";
  const std::string about = mode.empty() ? "" : fmt::format(" (object ownership: {})", printable(mode, 64));
  if (answer->good()) return probe_.add("acl", Finding::ok, "acl=public-read is taken" + about);
  const bool falls_back = configured_.acl_policy == AclPolicy::private_acl;
  const std::string_view meanwhile =
      falls_back ? "such uploads are made private, as --acl-policy says" : "uploads with acl=public-read will fail";
  std::string fix = "send acl=private and open the objects by a bucket policy or a CDN";
  if (!falls_back) fix += ", or have them made private (`vodlift bucket set --acl-policy private`)";
  fix += answer->failure.code == "AccessControlListNotSupported"
             ? "; or enable ACLs (Object Ownership: Bucket owner preferred)"
             : "; or allow s3:PutObjectAcl and switch off Block Public Access for ACLs";
  probe_.add("acl", Finding::warn,
             fmt::format("acl=public-read is refused: {} {}{}; {}", answer->failure.status, answer->failure.code, about,
                         meanwhile),
             std::move(fix));
}

// Opens a multipart upload with the strongest checksum that the store takes.
Result<ProbeAnswer> BucketExamination::begin_multipart() {
  Result<ProbeAnswer> answer = Error{};
  for (const ChecksumMode offer : {ChecksumMode::crc32c, ChecksumMode::crc32c_composite, ChecksumMode::md5}) {
    S3Operation create{"POST", probe_.key(), {{"uploads", ""}}, {{"content-type", "text/plain"}}, ""};
    for (auto& header : encryption_headers(configured_.encryption)) create.headers.push_back(std::move(header));
    for (auto& header : checksum_offer(offer)) create.headers.push_back(std::move(header));
    answer = probe_.send(create);
    if (!answer || !may_refuse_checksums(answer->response)) break;
  }
  return answer;
}

void BucketExamination::multipart() {
  const auto created = begin_multipart();
  if (!created || !created->good()) return probe_.add_failure("multipart", Finding::fail, created, "s3:PutObject");
  const auto id = parse_upload_id(created->response.body);
  if (!id) {
    return probe_.add("multipart", Finding::fail, "the answer to CreateMultipartUpload has no UploadId",
                      "the endpoint does not speak S3");
  }
  facts_.multipart = checksum_taken(created->response);
  examine_multipart(*id);
}

void BucketExamination::examine_multipart(const std::string& id) {
  S3Operation part{
      "PUT", probe_.key(), {{"partNumber", "1"}, {"uploadId", id}}, {}, std::string(BucketProbe::kContent)};
  if (facts_.multipart == ChecksumMode::md5) {
    part.headers.emplace_back("content-md5", BucketProbe::content_md5());
  } else {
    part.headers.emplace_back(kCrcHeader, crc32c_base64(crc32c(0, bytes_of(BucketProbe::kContent))));
  }
  const std::size_t before = probe_.report().findings.size();
  const auto sent = probe_.send(part);
  if (!sent || !sent->good()) probe_.add_failure("multipart", Finding::fail, sent, "s3:PutObject");
  const bool dropped = sent && sent->good() && sent->response.header(kCrcHeader).empty();
  if (dropped) facts_.multipart = ChecksumMode::md5;
  const auto listed = probe_.send({"GET", probe_.key(), {{"uploadId", id}}, {}, ""});
  const auto page = listed && listed->good() ? parse_parts(listed->response.body) : std::nullopt;
  if (!listed || !listed->good()) {
    probe_.add_failure("multipart", Finding::fail, listed, "s3:ListMultipartUploadParts");
  } else if (!page || (sent && sent->good() && page->parts.size() != 1)) {
    probe_.add("multipart", Finding::fail, "ListParts does not show the part that was sent",
               "an upload cannot be resumed after a restart");
  }
  try_wrong_checksum(id);
  if (facts_.multipart != ChecksumMode::md5) try_trailing_checksum(id);
  if (sent && sent->good()) try_part_size(id);
  const auto aborted = probe_.send({"DELETE", probe_.key(), {{"uploadId", id}}, {}, ""});
  if (!aborted || !aborted->good()) {
    probe_.add_failure("multipart", Finding::fail, aborted, "s3:AbortMultipartUpload");
    probe_.report().findings.back().message +=
        fmt::format("; the multipart upload {} of {} is still open", printable(id), probe_.key());
  }
  if (probe_.report().findings.size() == before)
    probe_.add("multipart", Finding::ok, "begun, a part sent and listed, aborted");
}

// A store that ignores a wrong checksum confirms nothing when it takes a right one.
void BucketExamination::try_wrong_checksum(const std::string& id) {
  const bool crc = facts_.multipart != ChecksumMode::md5;
  const Md5Digest of_nothing = md5({});
  S3Operation part{
      "PUT", probe_.key(), {{"partNumber", "2"}, {"uploadId", id}}, {}, std::string(BucketProbe::kContent)};
  if (crc) {
    part.headers.emplace_back(kCrcHeader, crc32c_base64(0));
  } else {
    part.headers.emplace_back("content-md5", to_base64({of_nothing.data(), of_nothing.size()}));
  }
  const auto answer = probe_.send(part);
  if (!answer) return;
  const bool refused = classify(answer->failure) == Errc::s3_integrity;
  if (!refused && !answer->good()) return;
  if (!crc) {
    facts_.refuses_wrong_md5 = refused;
  } else if (!refused) {
    facts_.whole = facts_.multipart = ChecksumMode::md5;
  }
}

// A proxy before the store may limit the size of requests.
void BucketExamination::try_part_size(const std::string& id) {
  const std::int64_t chosen = configured_.part_size;
  const std::int64_t size = std::min(chosen > 0 ? chosen : kPreferredPartBytes, kLargestTriedBytes);
  S3Operation part{"PUT", probe_.key(), {{"partNumber", "5"}, {"uploadId", id}}, {}, ""};
  part.body.assign(static_cast<std::size_t>(size), 'v');
  if (facts_.multipart == ChecksumMode::md5) {
    const Md5Digest digest = md5(bytes_of(part.body));
    part.headers.emplace_back("content-md5", to_base64({digest.data(), digest.size()}));
  } else {
    part.headers.emplace_back(kCrcHeader, crc32c_base64(crc32c(0, bytes_of(part.body))));
  }
  const auto answer = probe_.send(part, kPartTime);
  if (!answer || classify(answer->failure) != Errc::s3_too_large) return;
  probe_.add(
      "part-size", size > kMinPartBytes ? Finding::warn : Finding::fail,
      fmt::format("a part of {} bytes is too large: {} {}", size, answer->failure.status, answer->failure.code),
      fmt::format("raise the limit of the proxy before the store (nginx: client_max_body_size); or, if it is above "
                  "{} bytes, give `vodlift bucket set --part-size`. Uploads try smaller parts by themselves",
                  kMinPartBytes));
}

Result<ProbeAnswer> BucketExamination::send_trailing(std::string_view number, const std::string& id,
                                                     std::uint32_t crc32c) {
  return probe_.send({"PUT",
                      probe_.key(),
                      {{"partNumber", std::string(number)}, {"uploadId", id}},
                      trailer_headers(std::ssize(BucketProbe::kContent)),
                      framed(BucketProbe::kContent, crc32c),
                      kUnsignedPayloadTrailer});
}

// A store that does not support the frame may keep it as content, refuse it, or remove it without a check.
void BucketExamination::try_trailing_checksum(const std::string& id) {
  const std::uint32_t right = crc32c(0, bytes_of(BucketProbe::kContent));
  const auto taken = send_trailing("3", id, right);
  if (!taken) return;
  const Errc errc = classify(taken->failure);
  if (!taken->good() && (errc == Errc::s3_transient || errc == Errc::s3_throttled || errc == Errc::s3_full)) return;
  if (!taken->good() || taken->response.header(kCrcHeader) != crc32c_base64(right)) {
    facts_.trailing = false;
    return;
  }
  const auto wrong = send_trailing("4", id, ~right);
  if (!wrong) return;
  const bool refused = classify(wrong->failure) == Errc::s3_integrity;
  if (refused || wrong->good()) facts_.trailing = refused;
}

// Reports the strongest checksum. Uploads use what was found, and need not find it out again.
void BucketExamination::report_checksums() {
  endpoints_.add_facts(configured_, facts_);
  const bool refuses = facts_.refuses_wrong_md5.value_or(false);
  const std::string_view wrong = !facts_.refuses_wrong_md5 ? ""
                                 : refuses                 ? "; a wrong Content-MD5 is refused"
                                                           : "; a wrong Content-MD5 is ignored";
  const std::string_view reads = !facts_.trailing   ? ""
                                 : *facts_.trailing ? "; also after a part's bytes, so that files are read once"
                                                    : "; only before a part's bytes, so that files are read twice";
  if (facts_.whole == ChecksumMode::crc32c && facts_.multipart == ChecksumMode::crc32c) {
    return probe_.add("checksums", Finding::ok, fmt::format("CRC32C of the whole object, however it is sent{}", reads));
  }
  if (facts_.multipart == ChecksumMode::crc32c_composite) {
    return probe_.add("checksums", Finding::ok,
                      fmt::format("CRC32C; of multipart uploads over the parts' CRC32Cs (composite){}", reads));
  }
  if (facts_.whole == ChecksumMode::crc32c || facts_.multipart == ChecksumMode::crc32c) {
    const bool whole = facts_.whole == ChecksumMode::crc32c;
    return probe_.add("checksums", Finding::ok,
                      fmt::format("CRC32C of {} only, otherwise MD5{}",
                                  whole ? "objects in one request" : "multipart uploads", wrong));
  }
  if (md5_etags_ || refuses) {
    return probe_.add("checksums", Finding::ok,
                      fmt::format("MD5 only{}: the store confirms no CRC32C{}", md5_etags_ ? ", in ETags" : "", wrong));
  }
  probe_.add("checksums", Finding::warn, "none: the store confirms neither CRC32C nor MD5, and uploads are read back",
             "nothing to do if you can afford the traffic: every object is downloaded once to compare it");
}

}  // namespace

BucketReport S3BucketDoctor::check(const BucketAccess& access) {
  struct Turn {
    std::atomic<int>& running;
    ~Turn() { --running; }
  };
  const bool too_many = ++running_ > kMaxChecks;
  const Turn turn{running_};
  if (too_many) {
    BucketReport busy;
    busy.findings.push_back({"busy", Finding::fail, "other checks are running", "try again in a minute"});
    return busy;
  }
  return BucketExamination(client_, environment_, clock_, access, endpoints_).run(credentials_);
}

}  // namespace vodlift::s3
