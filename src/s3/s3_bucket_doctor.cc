#include "s3/s3_bucket_doctor.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "base/hash.h"
#include "net/http_date.h"
#include "s3/bucket_probe.h"
#include "s3/metadata_names.h"
#include "s3/multipart_examination.h"
#include "s3/public_read.h"
#include "s3/s3_checksums.h"
#include "s3/s3_xml.h"

namespace vodlift::s3 {
namespace {

using namespace std::chrono_literals;
using std::chrono::seconds;

constexpr int kMaxCorrections = 3;
// Dates are in whole seconds and travel.
constexpr seconds kClockTolerance = 60s;

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
  void metadata_names();
  void overwrite();
  void public_acl();
  void report_public_read(const std::string& etag, const std::string& about);
  std::string ownership();
  void report_checksums(bool completed);

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
    metadata_names();
    overwrite();
    public_acl();
    const bool completed = MultipartExamination(probe_, configured_, facts_).run();
    report_checksums(completed);
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
      const std::string fix = fmt::format("see that {} is right and reachable from here", configured_.endpoint);
      probe_.add({.topic = "endpoint",
                  .finding = Finding::fail,
                  .message = answer.error().message,
                  .fix = fix,
                  .operator_fix = fix + "; HTTPS_PROXY and AWS_CA_BUNDLE must be in the daemon's environment",
                  .detail = answer.error().detail});
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
    probe_.add({.topic = "credentials",
                .message = fmt::format("access key {}", printable(probe_.credentials().access_key, 128)),
                .detail = fmt::format("{}; {}", probe_.credentials().origin, expiry)});
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
      probe_.add({.topic = "credentials",
                  .finding = Finding::fail,
                  .message = fmt::format("the store refuses access key {}: {}",
                                         printable(probe_.credentials().access_key, 128), words),
                  .fix = "make the key valid at the store, or have another one set",
                  .operator_fix = "give the right key and secret with `vodlift bucket set`",
                  .detail = probe_.credentials().origin});
      return false;
    case Errc::s3_region:
      probe_.add(
          {.topic = "region",
           .finding = Finding::fail,
           .message =
               fmt::format("the store refuses requests that are signed for region {}: {}", probe_.region(), words),
           .operator_fix = failure.region.empty()
                               ? "find out the bucket's region, and give it with `vodlift bucket set --region`"
                               : fmt::format("`vodlift bucket set --region {}`", printable(failure.region, 64))});
      return false;
    case Errc::s3_no_such_bucket:
      probe_.add({"bucket", Finding::fail, fmt::format("the store has no bucket {}: {}", configured_.bucket, words),
                  "create the bucket, or have its name or endpoint corrected",
                  "create the bucket, add it under its right name with `vodlift bucket add`, or correct its --endpoint "
                  "with `vodlift bucket set`"});
      return false;
    case Errc::s3_full:
      probe_.add("space", Finding::fail, "the store has no room for the object: " + words,
                 "make room in the bucket, its account or the store, or raise the quota");
      return false;
    case Errc::s3_clock_skew:
      probe_.add({"clock", Finding::fail, "the store refuses this machine's time: " + words, "",
                  "set this machine's clock right (NTP)"});
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
    return probe_.add(
        {"clock", Finding::warn, "the store's answer has no Date", "", "see that this machine's clock is right"});
  const auto offset = std::chrono::round<seconds>(*there - now);
  const auto away = std::chrono::abs(offset);
  const std::string_view side = offset > 0s ? "behind" : "ahead of";
  if (away <= kClockTolerance)
    return probe_.add("clock", Finding::ok, fmt::format("{} s from the store's", away.count()));
  probe_.add({"clock", Finding::warn, fmt::format("this machine is {} s {} the store's time", away.count(), side),
              "nothing to do: uploads work, signed with the store's time",
              "set this machine's clock right (NTP); uploads work, signed with the store's time"});
}

void BucketExamination::report_region() {
  if (probe_.region() == configured_.region) return probe_.add("region", Finding::ok, probe_.region());
  probe_.add({"region", Finding::warn,
              fmt::format("the bucket is in {}, configured is {}", probe_.region(), configured_.region),
              "nothing to do: uploads find the region by themselves",
              fmt::format("`vodlift bucket set --region {}`, which saves a refused request after each start",
                          probe_.region())});
}

// An encryption that the bucket applies by itself is reported too.
void BucketExamination::report_encryption(const ProbeAnswer& answer) {
  const std::string applied = printable(answer.response.header(kEncryptionHeader), 64);
  const Encryption& wanted = configured_.encryption;
  const bool asked = wanted.mode != EncryptionMode::bucket_default;
  if (!satisfies(wanted, applied)) {
    return probe_.add({"encryption", Finding::fail,
                       fmt::format("requested ({}), but the store says {}: uploads fail", to_string(wanted.mode),
                                   applied.empty() ? "nothing of encryption" : applied),
                       "let the store encrypt so, or have an encryption set that it knows",
                       "give an --sse that this store knows with `vodlift bucket set`, or none"});
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

// Names with other characters than letters, digits and "-" are at risk: some stores change them, some proxies drop
// them.
void BucketExamination::metadata_names() {
  constexpr std::array<const char*, 2> kAtRisk = {"check_name", "check.name"};
  constexpr std::string_view kFix = "use only letters, digits and - in the names of metadata";
  std::vector<std::pair<std::string, std::string>> headers;
  headers.reserve(kAtRisk.size());
  for (const char* name : kAtRisk) headers.emplace_back(fmt::format("x-amz-meta-{}", name), "1");
  const auto written = probe_.put(std::move(headers));
  if (!written) return probe_.add_failure("metadata", Finding::warn, written, "");
  if (!written->good()) {
    return probe_.add("metadata", Finding::warn,
                      fmt::format("names with _ or . are refused ({} {}): uploads that have them fail",
                                  written->failure.status, written->failure.code),
                      fmt::format("{}; a proxy before the store may drop such headers (nginx: underscores_in_headers "
                                  "and ignore_invalid_headers)",
                                  kFix));
  }
  const auto seen = probe_.send({"HEAD", probe_.key(), {}, {}, ""});
  if (!seen || !seen->good()) return;  // read_back() has told
  const Metadata kept = metadata_of(seen->response);
  std::string changes;
  for (const std::string name : kAtRisk) {
    const std::string other = kept_as(kept, name);
    if (other == name) continue;
    if (!changes.empty()) changes += ", ";
    changes += other.empty() ? name + " is dropped" : fmt::format("{} is kept as {}", name, printable(other, 64));
  }
  if (changes.empty()) return probe_.add("metadata", Finding::ok, "names with _ and . are kept as they are");
  probe_.add("metadata", Finding::warn, "names are changed: " + changes, std::string(kFix));
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
  if (answer->good()) return report_public_read(unquoted_etag(answer->response.header("etag")), about);
  const bool falls_back = configured_.acl_policy == AclPolicy::private_acl;
  const std::string_view meanwhile =
      falls_back ? "such uploads are made private, as the bucket is set" : "uploads with acl=public-read will fail";
  std::string fix = "send acl=private and open the objects by a bucket policy or a CDN";
  if (!falls_back) fix += ", or have them made private";
  std::string operator_fix = fix;
  if (!falls_back) operator_fix += " (`vodlift bucket set --acl-policy private`)";
  const std::string_view or_else = answer->failure.code == "AccessControlListNotSupported"
                                       ? "; or enable ACLs (Object Ownership: Bucket owner preferred)"
                                       : "; or allow s3:PutObjectAcl and switch off Block Public Access for ACLs";
  fix += or_else;
  operator_fix += or_else;
  probe_.add({"acl", Finding::warn,
              fmt::format("acl=public-read is refused: {} {}{}; {}", answer->failure.status, answer->failure.code,
                          about, meanwhile),
              std::move(fix), std::move(operator_fix)});
}

// A store may take the ACL and ignore it. Uploads use what was found.
void BucketExamination::report_public_read(const std::string& etag, const std::string& about) {
  const auto grants = [&]() -> Result<net::HttpResponse> {
    auto answer = probe_.send({"GET", probe_.key(), {{"acl", ""}}, {}, ""}, kQuestionTime);
    if (!answer) return answer.error();
    return std::move(answer->response);
  };
  const auto seen = find_public_read({grants, [&] { return probe_.head_anonymously(); }, etag});
  endpoints_.public_read().note(configured_, seen);
  if (!seen.value_or(true)) {
    return probe_.add("acl", Finding::warn,
                      "acl=public-read is taken, but everyone cannot read the object" + about +
                          ": such uploads end with acl_applied=private",
                      "open the objects by a bucket policy or a CDN, or enable ACLs at the store");
  }
  probe_.add("acl", Finding::ok,
             (seen ? "acl=public-read is taken, and everyone can read the object"
                   : "acl=public-read is taken; whether everyone can read the object cannot be seen") +
                 about);
}

// Reports the strongest checksum. Uploads use what was found, and need not find it out again. A CRC32C that was not
// seen to the end proves nothing against what uploads have found.
void BucketExamination::report_checksums(bool completed) {
  EndpointFacts proved = facts_;
  if (!completed && proved.multipart != ChecksumMode::md5) proved.multipart = ChecksumMode::unknown;
  endpoints_.add_facts(configured_, proved);
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
    busy.findings.push_back({.topic = "busy",
                             .finding = Finding::fail,
                             .message = "other checks are running",
                             .fix = "try again in a minute"});
    return busy;
  }
  BucketReport report = BucketExamination(client_, environment_, clock_, access, endpoints_).run(credentials_);
  if (report.worst() != Finding::fail) endpoints_.note_works(access);
  return report;
}

}  // namespace vodlift::s3
