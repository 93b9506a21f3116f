#include "s3/bucket_probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/await.h"
#include "base/encoding.h"
#include "base/hash.h"
#include "base/random.h"
#include "s3/endpoint_state.h"
#include "s3/public_read.h"
#include "s3/s3_xml.h"

namespace vodlift::s3 {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::seconds;

// The administrator's command waits a minute for all of it; cleaning up must fit in.
constexpr seconds kWholeTime = 40s;
constexpr milliseconds kConnectTime = 5s;
constexpr seconds kCredentialsTime = 20s;
constexpr std::size_t kMaxAnswerBytes = std::size_t{64} * 1024;
// Dates are in whole seconds and travel.
constexpr seconds kClockTolerance = 60s;

}  // namespace

std::string BucketProbe::content_md5() {
  const Md5Digest digest = md5(bytes_of(kContent));
  return to_base64({digest.data(), digest.size()});
}

BucketProbe::BucketProbe(net::HttpClient& client, const AwsEnvironment& environment, const Clock& clock,
                         const BucketAccess& access)
    : client_(client),
      environment_(environment),
      clock_(clock),
      configured_(access),
      deadline_(std::chrono::steady_clock::now() + kWholeTime),
      key_("vodlift-bucket-check-" + random_hex(8) + ".txt"),
      access_(access) {}

void BucketProbe::add(BucketFinding finding) { report_.findings.push_back(std::move(finding)); }

void BucketProbe::add(std::string topic, Finding finding, std::string message, std::string fix) {
  add({std::move(topic), finding, std::move(message), std::move(fix)});
}

void BucketProbe::add_failure(std::string topic, Finding finding, const Result<ProbeAnswer>& answer,
                              std::string_view permission) {
  if (!answer) {
    return add({.topic = std::move(topic),
                .finding = finding,
                .message = answer.error().message,
                .fix = "see whether the endpoint is reachable",
                .detail = answer.error().detail});
  }
  const Failure& failure = answer->failure;
  std::string message = fmt::format("the store refuses {}: {} {}", failure.operation, failure.status, failure.code);
  if (!failure.message.empty()) message += fmt::format(" ({})", failure.message);
  Advice advice;
  if (classify(failure) == Errc::s3_access_denied) {
    report_.access_denied = true;
    advice.text =
        is_of_kms(failure)
            ? "allow kms:GenerateDataKey and kms:Decrypt on the KMS key; where the KMS key belongs to another account, "
              "in the KMS key's own policy too"
            : fmt::format("allow {} on the objects of the bucket", permission);
  } else {
    advice = advice_on(failure.code);
  }
  add({std::move(topic), finding, std::move(message), std::string(advice.text), advice.for_operator()});
}

bool BucketProbe::find_credentials(CredentialCache& cache) {
  auto found =
      await_for<Result<Credentials>>(kCredentialsTime, [&](auto done) { cache.get(configured_, std::move(done)); });
  if (!found) {
    add({.topic = "credentials",
         .finding = Finding::fail,
         .message = fmt::format("no credentials were found within {} s", kCredentialsTime.count()),
         .operator_fix = "see the daemon's log for what it waits for"});
    return false;
  }
  auto& credentials = *found;
  if (!credentials) {
    add({.topic = "credentials",
         .finding = Finding::fail,
         .message = credentials.error().message,
         .operator_fix = "see docs/buckets.md on sources of credentials; change it with `vodlift bucket set`",
         .detail = credentials.error().detail});
    return false;
  }
  credentials_ = std::move(*credentials);
  return true;
}

bool BucketProbe::move_to_region(const std::string& region) {
  if (region == access_.region) return false;
  access_ = in_region(access_, region);
  return true;
}

bool BucketProbe::set_clock_offset(seconds store_minus_ours) {
  const bool changed = std::chrono::abs(store_minus_ours - clock_offset_) > kClockTolerance;
  clock_offset_ = store_minus_ours;
  return changed;
}

Result<net::HttpResponse> BucketProbe::perform(net::HttpRequest request, milliseconds patience) {
  const auto left = std::chrono::ceil<milliseconds>(deadline_ - std::chrono::steady_clock::now());
  if (left <= 0ms) {
    return Error{Errc::timeout, fmt::format("the bucket did not answer within {} s", kWholeTime.count())};
  }
  request.connect_timeout = std::min(left, kConnectTime);
  request.total_timeout = std::min(left, patience);
  request.max_response_bytes = kMaxAnswerBytes;
  return client_.perform(std::move(request));
}

Result<net::HttpResponse> BucketProbe::head_anonymously() {
  return perform(anonymous_request(access_, {"HEAD", key_, {}, {}, ""}, environment_), kQuestionTime);
}

Result<ProbeAnswer> BucketProbe::send(const S3Operation& operation, milliseconds patience) {
  auto response =
      perform(signed_request(access_, credentials_, operation, environment_, clock_.now() + clock_offset_), patience);
  if (!response) return response.error();
  ProbeAnswer answer;
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

Result<ProbeAnswer> BucketProbe::put(std::vector<std::pair<std::string, std::string>> headers) {
  headers.emplace_back("content-type", "text/plain");
  headers.emplace_back("content-md5", content_md5());
  for (auto& header : encryption_headers(configured_.encryption)) headers.push_back(std::move(header));
  auto answer = send({"PUT", key_, {}, std::move(headers), std::string(kContent)});
  if (answer && answer->good()) written_.emplace_back(answer->response.header("x-amz-version-id"));
  return answer;
}

Result<ProbeAnswer> BucketProbe::complete(const S3Operation& operation, milliseconds patience) {
  auto answer = send(operation, patience);
  // "200 OK" may precede an error. Without an answer there may be an object: its key is removed with what put() wrote.
  const bool done = answer && answer->good() && answer->failure.code.empty();
  if (done) written_.emplace_back(answer->response.header("x-amz-version-id"));
  return answer;
}

void BucketProbe::clean_up() {
  bool gone = true;
  std::string why;
  std::string detail;
  for (const std::string& version : written_) {
    const S3Operation plain{"DELETE", key_, {}, {}, ""};
    S3Operation exact = plain;
    if (!version.empty()) exact.query.emplace_back("versionId", version);
    auto answer = send(exact);
    // Deleting a version needs a permission of its own. A delete marker hides the object at least.
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
    detail = answer ? "" : answer.error().detail;
  }
  if (written_.empty()) return;
  if (gone) return add("cleanup", Finding::ok, "what was written is removed");
  add({.topic = "cleanup",
       .finding = Finding::warn,
       .message = fmt::format("the object {} stays in the bucket: {}", key_, why),
       .fix = "delete it by hand; uploads themselves need no s3:DeleteObject",
       .detail = detail});
}

}  // namespace vodlift::s3
