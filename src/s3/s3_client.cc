#include "s3/s3_client.h"

#include <fmt/format.h>

#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "base/await.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/surely_called.h"
#include "base/until_memory.h"
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
// Of a body that is no error document: so much is searched for words that tell what is wrong.
constexpr std::size_t kMostUnread = 1024;
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
  } else {
    failure.unread = response.body.substr(0, kMostUnread);
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
  if (!target.traceparent.empty()) request.headers.push_back("traceparent: " + target.traceparent);
  request.stall_timeout = kStallTimeout;
  request.total_timeout = kSmallCallTimeout;
  request.max_response_bytes = kMaxAnswerBytes;
  return request;
}

// A call between EndpointStates::enter() and leave(). What it is built from must outlive it.
class S3Client::Visit {
 public:
  Visit(EndpointStates& endpoints, const ObjectTarget& target, const S3Call& call)
      : endpoints_(endpoints), target_(target), call_(call) {}
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  // Leaves where an exception has taken the call, which then says nothing of the store.
  ~Visit() {
    try {
      if (!inside_) return;
      note_end(RequestResult::not_sent);
      until_memory([this] { return endpoints_.leave(target_, Outcome::not_sent); });
    } catch (const std::exception& failure) {
      log::error("the end of a request was not noted", {{"reason", failure.what()}});
    }
  }

  void enter() {
    inside_ = true;
    endpoints_.metrics().began(call_.operation);
    began_ = std::chrono::steady_clock::now();
  }
  // Reports how the exchange ended to the endpoint's state, and returns what the caller gets.
  Result<net::HttpResponse> leave(Exchanged exchanged);

 private:
  // Once.
  void note_end(RequestResult result) {
    if (noted_) return;
    noted_ = true;
    endpoints_.metrics().ended(call_.operation, result, std::chrono::steady_clock::now() - began_);
  }

  EndpointStates& endpoints_;
  const ObjectTarget& target_;
  const S3Call& call_;
  bool inside_ = false;
  bool noted_ = false;
  std::chrono::steady_clock::time_point began_;
};

// An exchange without a thread that waits for it. Its last holder ends it.
struct S3Client::Exchange {
  Exchange(EndpointStates& endpoints, const ObjectTarget& to, const S3Call& what, MakeRequest how,
           net::HttpClient::Done whom)
      : target(to),
        call(what),
        make(std::move(how)),
        done(surely_called<net::HttpResponse>(std::move(whom), Errc::internal)),
        visit(endpoints, target, call) {}

  void end(Exchanged exchanged) { done(visit.leave(std::move(exchanged))); }

  const ObjectTarget target;
  const S3Call call;
  const MakeRequest make;
  Corrections corrections;
  const net::HttpClient::Done done;  // called after the visit's end at the latest
  Visit visit;
};

Result<net::HttpResponse> S3Client::exchange(const ObjectTarget& target, const S3Call& call, const MakeRequest& make) {
  Visit visit(endpoints_, target, call);
  const auto entered = await<Result<>>([&](const std::function<void(Result<>)>& done) {
    if (auto room = endpoints_.enter(target, [done] { done({}); }); !room) done(std::move(room));
  });
  if (!entered) return with_context(call.operation, entered.error());
  visit.enter();
  return visit.leave(exchange_inside(target, call, make));
}

Result<net::HttpResponse> S3Client::exchange(const ObjectTarget& target, const S3Call& call) {
  return exchange(target, call,
                  [&](const Credentials& credentials) { return make_request(target, call, credentials); });
}

void S3Client::start_exchange(const ObjectTarget& target, const S3Call& call, MakeRequest make,
                              net::HttpClient::Done done) {
  const auto exchange = std::make_shared<Exchange>(endpoints_, target, call, std::move(make), std::move(done));
  const auto entered = endpoints_.enter(target, [this, exchange] {
    exchange->visit.enter();
    try {
      start_exchange_inside(exchange);
    } catch (const std::exception& failure) {
      log::error("a request could not be made", {{"reason", failure.what()}});
    }
  });
  if (!entered) exchange->done(with_context(call.operation, entered.error()));
}

Result<net::HttpResponse> S3Client::Visit::leave(Exchanged exchanged) {
  auto& response = exchanged.response;
  std::optional<Error> failure;
  Outcome outcome = Outcome::answered;
  if (!response) {
    failure = with_context(call_.operation, response.error());
    outcome = outcome_of(failure->code);
    if (!exchanged.sent && failure->code != Errc::interrupted) {
      failure->code = Errc::s3_credential;
      outcome = Outcome::no_credentials;
    }
  } else if (!response->is_success()) {
    const Failure refusal = failure_of(target_, call_, *response);
    failure = to_error(refusal);
    outcome = refusal.code == kSignatureRefused ? Outcome::signature_refused : outcome_of(failure->code);
  }
  note_end(result_of(outcome, failure.has_value()));
  const bool only_reads = call_.method == "GET" || call_.method == "HEAD";
  if (outcome == Outcome::answered && only_reads) outcome = Outcome::looked;
  std::optional<Errc> of_bucket;
  if (failure && !only_reads && is_refusal_of_bucket(failure->code)) of_bucket = failure->code;
  const bool may_retry = endpoints_.leave(target_, outcome, of_bucket);
  inside_ = false;
  const bool is_the_stores =
      outcome == Outcome::throttled || outcome == Outcome::failed || outcome == Outcome::no_answer;
  if (is_the_stores && target_.failed != nullptr) target_.failed->store(true);
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

void S3Client::start_exchange_inside(const std::shared_ptr<Exchange>& exchange) {
  credentials_.get(exchange->target.access, [this, exchange](Result<Credentials> credentials) {
    if (!credentials) return exchange->end({credentials.error(), false});
    send(exchange, *credentials);
  });
}

void S3Client::send(const std::shared_ptr<Exchange>& exchange, const Credentials& credentials) {
  client_.start(exchange->make(credentials), [this, exchange, used = credentials](Result<net::HttpResponse> response) {
    if (!may_correct(exchange->target, exchange->call, response, used, exchange->corrections)) {
      return exchange->end({std::move(response)});
    }
    start_exchange_inside(exchange);
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
