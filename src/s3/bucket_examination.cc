#include "s3/bucket_examination.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/random.h"
#include "s3/object_headers.h"
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

std::string BucketExamination::probe_md5() {
  const Md5Digest digest = md5(bytes_of(kProbe));
  return to_base64({digest.data(), digest.size()});
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
