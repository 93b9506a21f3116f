// Sends requests to S3: signs them for the bucket's region, limits how many run at once, and repeats one if its refusal
// says how to correct it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "core/object_store.h"
#include "net/http_client.h"
#include "s3/aws_configuration.h"
#include "s3/credential_cache.h"
#include "s3/endpoint_state.h"
#include "s3/s3_errors.h"
#include "s3/sigv4.h"

namespace vodlift::s3 {

// One operation on one object, before it is signed.
struct S3Call {
  std::string operation;  // for messages: "UploadPart 17"
  std::string method;
  std::vector<std::pair<std::string, std::string>> query;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool sends_public_acl = false;
  std::string_view payload_hash = kUnsignedPayload;
};

// What `response`, which is not 2xx, says of the failure of `call`.
Failure failure_of(const ObjectTarget& target, const S3Call& call, const net::HttpResponse& response);

// An answer to `operation` on the target that is unusable, although it is no refusal.
Error unusable(Errc code, const ObjectTarget& target, std::string_view operation, std::string_view why);

// Internally locked. What it is built from must outlive it.
class S3Client {
 public:
  // Makes the request of a call; called again when the call is repeated.
  using MakeRequest = std::function<net::HttpRequest(const Credentials& credentials)>;

  S3Client(net::HttpClient& client, CredentialCache& credentials, const AwsEnvironment& environment, const Clock& clock,
           EndpointStates& endpoints)
      : client_(client), credentials_(credentials), environment_(environment), clock_(clock), endpoints_(endpoints) {}

  // `call` as a request: signed for the bucket's place and time as far as known, with the time limit of a small call. A
  // call with a body of the source or a slow answer must lift that limit.
  [[nodiscard]] net::HttpRequest make_request(const ObjectTarget& target, const S3Call& call,
                                              const Credentials& credentials) const;

  // Sends what `make` gives when there is room for it. Makes and sends it again while an answer says how it may
  // succeed, kMaxCorrections times at most. Blocks. Returns any answer of the store, refusals included. Errors: those
  // of ObjectStore and of CredentialLoader; s3_unavailable instead of one that may pass, when the endpoint should rest.
  Result<net::HttpResponse> exchange(const ObjectTarget& target, const S3Call& call, const MakeRequest& make);
  Result<net::HttpResponse> exchange(const ObjectTarget& target, const S3Call& call);
  // Like exchange(), without blocking. `done` is called once, on a transfer thread or at once, and must not block.
  void start_exchange(const ObjectTarget& target, const S3Call& call, MakeRequest make, net::HttpClient::Done done);

  // Like exchange(); an answer that is not 2xx becomes its Error.
  Result<net::HttpResponse> perform(const ObjectTarget& target, const S3Call& call, const MakeRequest& make);
  Result<net::HttpResponse> perform(const ObjectTarget& target, const S3Call& call);

  // HEAD of the object without a key. Says nothing of the endpoint's state or of the bucket's. Blocks.
  Result<net::HttpResponse> head_anonymously(const ObjectTarget& target);

  // Ends every running call, and every later one, with `interrupted`.
  void interrupt();

 private:
  struct Exchanged {
    Result<net::HttpResponse> response;
    bool sent = true;  // false: there were no credentials to sign the request with
  };

  class Visit;
  struct Exchange;
  // What was corrected for one call so far.
  struct Corrections {
    int count = 0;
    bool renewed_credentials = false;
  };

  // The part of an exchange between enter() and leave().
  Exchanged exchange_inside(const ObjectTarget& target, const S3Call& call, const MakeRequest& make);
  // The same without blocking.
  void start_exchange_inside(const std::shared_ptr<Exchange>& exchange);
  void send(const std::shared_ptr<Exchange>& exchange, const Credentials& credentials);
  // Whether a call that was refused with `response` may succeed when its request is made again: for another region or
  // time, or with other credentials than `used`.
  bool may_correct(const ObjectTarget& target, const S3Call& call, const Result<net::HttpResponse>& response,
                   const Credentials& used, Corrections& corrections);

  net::HttpClient& client_;
  CredentialCache& credentials_;
  const AwsEnvironment& environment_;
  const Clock& clock_;
  EndpointStates& endpoints_;
};

}  // namespace vodlift::s3
