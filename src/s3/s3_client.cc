#include "s3/s3_client.h"

#include <fmt/format.h>

#include <memory>
#include <optional>

#include "base/await.h"
#include "base/encoding.h"
#include "base/log.h"
#include "s3/public_read.h"
#include "s3/s3_request.h"
#include "s3/s3_xml.h"

namespace vodlift::s3 {
namespace {

// A page of ListParts has 1,000 parts of some 200 bytes; no other answer is nearly as large.
constexpr std::size_t kMaxAnswerBytes = std::size_t{1024} * 1024;
constexpr std::chrono::seconds kStallTimeout{60};
// Without this limit, an answer that trickles would hold a call for ever: it never stalls.
constexpr std::chrono::seconds kSmallCallTimeout{120};
// How often one request is made again because its refusal said how: for another region, time or credentials.
constexpr int kMaxCorrections = 3;
constexpr std::string_view kSignatureRefused = "SignatureDoesNotMatch";

}  // namespace

Failure failure_of(const ObjectTarget& target, const S3Call& call, const net::HttpResponse& response) {
  Failure failure;
  failure.operation = call.operation;
  failure.bucket = target.access.bucket;
  failure.key = target.key;
  failure.status = response.status;
  failure.sent_public_acl = call.sends_public_acl;
  failure.request_id = response.header("x-amz-request-id");
  failure.region = response.header("x-amz-bucket-region");
  if (const auto error = parse_error(response.body)) {
    failure.code = error->code;
    failure.message = error->message;
    if (failure.region.empty()) failure.region = error->region;
    if (failure.request_id.empty()) failure.request_id = error->request_id;
  }
  return failure;
}

Error unusable(Errc code, const ObjectTarget& target, std::string_view operation, std::string_view why) {
  return {code, fmt::format("{} of s3://{}/{}: {}", operation, target.access.bucket, printable(target.key), why)};
}

net::HttpRequest S3Client::make_request(const ObjectTarget& target, const S3Call& call,
                                        const Credentials& credentials) const {
  const BucketAccess access = endpoints_.located(target.access);
  net::HttpRequest request = signed_request(
      access, credentials, {call.method, target.key, call.query, call.headers, call.body, call.payload_hash},
      environment_, endpoints_.time_at(target.access, clock_.now()));
  request.stall_timeout = kStallTimeout;
  request.total_timeout = kSmallCallTimeout;
  request.max_response_bytes = kMaxAnswerBytes;
  return request;
}

Result<net::HttpResponse> S3Client::exchange(const ObjectTarget& target, const S3Call& call, const MakeRequest& make) {
  const auto entered = await<Result<>>([&](const std::function<void(Result<>)>& done) {
    if (auto room = endpoints_.enter(target, [done] { done({}); }); !room) done(std::move(room));
  });
  if (!entered) return with_context(call.operation, entered.error());
  return leave(target, call, exchange_inside(target, call, make));
}

Result<net::HttpResponse> S3Client::exchange(const ObjectTarget& target, const S3Call& call) {
  return exchange(target, call,
                  [&](const Credentials& credentials) { return make_request(target, call, credentials); });
}

void S3Client::start_exchange(const ObjectTarget& target, const S3Call& call, MakeRequest make,
                              net::HttpClient::Done done) {
  const auto shared_done = std::make_shared<net::HttpClient::Done>(std::move(done));
  const auto entered = endpoints_.enter(target, [this, target, call, make = std::move(make), shared_done] {
    start_exchange_inside(target, call, make, {}, [this, target, call, shared_done](Exchanged exchanged) {
      (*shared_done)(leave(target, call, std::move(exchanged)));
    });
  });
  if (!entered) (*shared_done)(with_context(call.operation, entered.error()));
}

Result<net::HttpResponse> S3Client::leave(const ObjectTarget& target, const S3Call& call, Exchanged exchanged) {
  auto& response = exchanged.response;
  std::optional<Error> failure;
  Outcome outcome = Outcome::answered;
  if (!response) {
    failure = with_context(call.operation, response.error());
    outcome = outcome_of(failure->code);
    if (!exchanged.sent && failure->code != Errc::interrupted) {
      failure->code = Errc::s3_credential;
      outcome = Outcome::no_credentials;
    }
  } else if (!response->is_success()) {
    const Failure refusal = failure_of(target, call, *response);
    failure = to_error(refusal);
    outcome = refusal.code == kSignatureRefused ? Outcome::signature_refused : outcome_of(failure->code);
  }
  const bool may_retry = endpoints_.leave(target, outcome);
  const bool is_the_stores =
      outcome == Outcome::throttled || outcome == Outcome::failed || outcome == Outcome::no_answer;
  if (is_the_stores && target.failed != nullptr) target.failed->store(true);
  if (is_the_stores && !may_retry) {
    return Error{Errc::s3_unavailable, failure->message + "; too many requests fail there to retry at once",
                 failure->detail};
  }
  if (!response) return *failure;
  return std::move(response);
}

S3Client::Exchanged S3Client::exchange_inside(const ObjectTarget& target, const S3Call& call, const MakeRequest& make) {
  Corrections corrections;
  while (true) {
    const auto credentials = credentials_.get(target.access);
    if (!credentials) return {credentials.error(), false};
    auto response = client_.perform(make(*credentials));
    if (!may_correct(target, call, response, *credentials, corrections)) return {std::move(response)};
  }
}

void S3Client::start_exchange_inside(const ObjectTarget& target, const S3Call& call, MakeRequest make,
                                     Corrections corrections, ExchangeDone done) {
  credentials_.get(target.access, [this, target, call, make = std::move(make), corrections,
                                   done = std::move(done)](Result<Credentials> credentials) mutable {
    if (!credentials) return done({credentials.error(), false});
    net::HttpRequest request = make(*credentials);
    client_.start(std::move(request), [this, target, call, make = std::move(make), corrections, done = std::move(done),
                                       used = *credentials](Result<net::HttpResponse> response) mutable {
      if (!may_correct(target, call, response, used, corrections)) return done({std::move(response)});
      start_exchange_inside(target, call, std::move(make), corrections, std::move(done));
    });
  });
}

bool S3Client::may_correct(const ObjectTarget& target, const S3Call& call, const Result<net::HttpResponse>& response,
                           const Credentials& used, Corrections& corrections) {
  const bool refused = response && !response->is_success();
  if (!refused || corrections.count == kMaxCorrections) return false;
  ++corrections.count;
  const Failure failure = failure_of(target, call, *response);
  // An answer to HEAD has no body, and so no code: expired credentials are answered with a bare 400.
  const bool about_credentials = classify(failure) == Errc::s3_credential ||
                                 (failure.status == 400 && failure.code.empty() && !used.session_token.empty());
  if (about_credentials && !corrections.renewed_credentials && credentials_.refused(target.access, used)) {
    log::info("the store refused the credentials; looking them up again",
              {{"bucket", target.access.bucket}, {"credentials", used.origin}, {"code", failure.code}});
    corrections.renewed_credentials = true;
    return true;
  }
  return endpoints_.note_refusal(target.access, failure, response->header("date"), clock_.now());
}

Result<net::HttpResponse> S3Client::perform(const ObjectTarget& target, const S3Call& call, const MakeRequest& make) {
  auto response = exchange(target, call, make);
  if (!response) return response.error();
  if (response->is_success()) return response;
  return to_error(failure_of(target, call, *response));
}

Result<net::HttpResponse> S3Client::perform(const ObjectTarget& target, const S3Call& call) {
  return perform(target, call, [&](const Credentials& credentials) { return make_request(target, call, credentials); });
}

Result<net::HttpResponse> S3Client::head_anonymously(const ObjectTarget& target) {
  net::HttpRequest request =
      anonymous_request(endpoints_.located(target.access), {"HEAD", target.key, {}, {}, ""}, environment_);
  request.total_timeout = kQuestionTime;
  request.max_response_bytes = kMaxAnswerBytes;
  return client_.perform(std::move(request));
}

void S3Client::interrupt() {
  endpoints_.open_all();
  client_.stop();
  credentials_.stop();
}

}  // namespace vodlift::s3
