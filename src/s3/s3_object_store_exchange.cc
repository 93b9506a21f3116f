// S3ObjectStore's way of asking: how a request is made, when it is sent, and what is made of a refusal.
#include <future>
#include <memory>
#include <optional>

#include "base/log.h"
#include "s3/s3_object_store.h"
#include "s3/s3_request.h"
#include "s3/s3_xml.h"
#include "s3/source_body.h"

namespace vodlift::s3 {
namespace {

// ListParts answers 1,000 parts of some 200 bytes; nothing else comes near.
constexpr std::size_t kMaxAnswerBytes = std::size_t{1024} * 1024;
constexpr std::chrono::seconds kStallTimeout{60};
// Stall detection alone lets an answer that trickles hold a call for ever.
constexpr std::chrono::seconds kSmallCallTimeout{120};
// How often one request is made anew because its refusal told how: where the bucket lies, what time it is.
constexpr int kMaxCorrections = 3;

}  // namespace

net::HttpRequest S3ObjectStore::make_request(const ObjectTarget& target, const Call& call,
                                             const Credentials& credentials) const {
  const BucketAccess access = learned_.located(target.access);
  net::HttpRequest request = signed_request(
      access, credentials, {call.method, target.key, call.query, call.headers, call.body, call.payload_hash},
      environment_, learned_.time_at(target.access, clock_.now()));
  request.stall_timeout = kStallTimeout;
  request.total_timeout = kSmallCallTimeout;
  request.max_response_bytes = kMaxAnswerBytes;
  return request;
}

net::HttpRequest S3ObjectStore::make_body_request(const ObjectTarget& target, const Call& call,
                                                  const Credentials& credentials, const Body& body) const {
  net::HttpRequest request = make_request(target, call, credentials);
  request.reader = std::make_shared<SourceBody>(body, bandwidth_, target.access.cdn, target.access.bucket);
  request.reader_size = body.size;
  request.cut = body.cut;
  request.total_timeout = {};
  return request;
}

Failure S3ObjectStore::failure_of(const ObjectTarget& target, const Call& call, const net::HttpResponse& response) {
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

bool S3ObjectStore::learn_from(const ObjectTarget& target, const Call& call, const net::HttpResponse& response) {
  return learned_.learn_from(target.access, failure_of(target, call, response), response.header("date"), clock_.now());
}

Result<net::HttpResponse> S3ObjectStore::exchange(const ObjectTarget& target, const Call& call,
                                                  const MakeRequest& make) {
  std::promise<void> room;
  const auto entered = traffic_.enter(target.access, [&room] { room.set_value(); });
  if (!entered) return with_context(call.operation, entered.error());
  room.get_future().wait();
  return leave(target, call, exchange_inside(target, call, make));
}

void S3ObjectStore::start_exchange(const ObjectTarget& target, const Call& call, MakeRequest make,
                                   net::HttpClient::Done done) {
  const auto shared_done = std::make_shared<net::HttpClient::Done>(std::move(done));
  const auto entered = traffic_.enter(target.access, [this, target, call, make = std::move(make), shared_done] {
    start_exchange_inside(target, call, make, {}, [this, target, call, shared_done](Exchanged exchanged) {
      (*shared_done)(leave(target, call, std::move(exchanged)));
    });
  });
  if (!entered) (*shared_done)(with_context(call.operation, entered.error()));
}

Result<net::HttpResponse> S3ObjectStore::leave(const ObjectTarget& target, const Call& call, Exchanged exchanged) {
  auto& response = exchanged.response;
  const bool succeeded = response && response->is_success();
  std::optional<Error> failure;
  if (!response) failure = with_context(call.operation, response.error());
  if (response && !succeeded) failure = to_error(failure_of(target, call, *response));
  const Answered how =
      exchanged.asked ? answered(failure ? std::optional(failure->code) : std::nullopt) : Answered::unasked;
  const bool may_try_again = traffic_.leave(target.access, how);
  const bool is_the_stores = how == Answered::throttled || how == Answered::failing;
  if (is_the_stores && !may_try_again) {
    return Error{Errc::s3_unavailable, failure->message + "; too many requests there fail to try again at once"};
  }
  if (!response) return *failure;
  return std::move(response);
}

S3ObjectStore::Exchanged S3ObjectStore::exchange_inside(const ObjectTarget& target, const Call& call,
                                                        const MakeRequest& make) {
  Corrections corrections;
  while (true) {
    const auto credentials = credentials_.get(target.access);
    if (!credentials) return {credentials.error(), false};
    auto response = client_.perform(make(*credentials));
    if (!may_correct(target, call, response, *credentials, corrections)) return {std::move(response)};
  }
}

bool S3ObjectStore::may_correct(const ObjectTarget& target, const Call& call, const Result<net::HttpResponse>& response,
                                const Credentials& used, Corrections& corrections) {
  const bool refused = response && !response->is_success();
  if (!refused || corrections.count == kMaxCorrections) return false;
  ++corrections.count;
  const Failure failure = failure_of(target, call, *response);
  // An answer to HEAD has no body, and so no code: that of expired credentials is a bare 400.
  const bool about_credentials = classify(failure.status, failure.code) == Errc::s3_credential ||
                                 (failure.status == 400 && failure.code.empty() && !used.session_token.empty());
  if (about_credentials && !corrections.renewed && credentials_.refused(target.access, used)) {
    log::info("the store refused the credentials; looking them up anew",
              {{"bucket", target.access.bucket}, {"credentials", used.origin}, {"code", failure.code}});
    corrections.renewed = true;
    return true;
  }
  return learn_from(target, call, *response);
}

void S3ObjectStore::start_exchange_inside(const ObjectTarget& target, const Call& call, MakeRequest make,
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

Result<net::HttpResponse> S3ObjectStore::perform(const ObjectTarget& target, const Call& call,
                                                 const MakeRequest& make) {
  auto response = exchange(target, call, make);
  if (!response) return response.error();
  if (response->is_success()) return response;
  return to_error(failure_of(target, call, *response));
}

}  // namespace vodlift::s3
