// The first object that the examination writes: whether anything works, and under which region, time, checksum and
// encryption.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/hash.h"
#include "net/http_date.h"
#include "s3/bucket_examination.h"
#include "s3/object_headers.h"
#include "s3/s3_checksums.h"

namespace vodlift::s3 {
namespace {

using namespace std::chrono_literals;
using std::chrono::seconds;

constexpr int kMaxCorrections = 3;
// Dates are whole seconds and travel.
constexpr seconds kClockTolerance = 60s;

std::string utc(WallTime time) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(std::chrono::floor<seconds>(time)));
}

}  // namespace

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

}  // namespace vodlift::s3
