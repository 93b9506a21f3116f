// ObjectStore over S3's REST API.
#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "core/bandwidth.h"
#include "core/object_store.h"
#include "net/http_client.h"
#include "s3/aws_environment.h"
#include "s3/credential_cache.h"
#include "s3/learned.h"
#include "s3/measured_rates.h"
#include "s3/s3_checksums.h"
#include "s3/s3_errors.h"
#include "s3/sigv4.h"
#include "s3/traffic.h"

namespace vodlift::s3 {

// Internally locked. What it is built from must outlive it.
class S3ObjectStore final : public ObjectStore {
 public:
  S3ObjectStore(net::HttpClient& client, CredentialCache& credentials, const AwsEnvironment& environment,
                Bandwidth& bandwidth, const Clock& clock, Learned& learned)
      : client_(client),
        credentials_(credentials),
        environment_(environment),
        bandwidth_(bandwidth),
        clock_(clock),
        learned_(learned) {}

  [[nodiscard]] ChecksumMode checksum_mode(const BucketAccess& access) const override {
    return learned_.checksums(access).whole;
  }
  [[nodiscard]] std::optional<bool> refuses_wrong_md5(const BucketAccess& access) const override {
    return learned_.checksums(access).refuses_wrong_md5;
  }
  [[nodiscard]] bool takes_trailing_checksums(const BucketAccess& access) const override {
    return learned_.checksums(access).trailing.value_or(false);
  }
  [[nodiscard]] std::optional<std::int64_t> request_rate(const BucketAccess& access) const override {
    return rates_.rate(access);
  }
  Result<bool> try_wrong_md5(const ObjectTarget& target, const std::string& multipart_id, int number) override;
  Result<StoredBytes> put_object(const ObjectTarget& target, const ObjectProperties& properties, const Body& body,
                                 const RangeChecksum& checksum, WriteCondition condition) override;
  Result<Multipart> create_multipart(const ObjectTarget& target, const ObjectProperties& properties) override;
  void upload_part(const ObjectTarget& target, const Multipart& multipart, int number, const Body& body,
                   const std::optional<RangeChecksum>& checksum, PartDone done) override;
  Result<std::vector<ListedPart>> list_parts(const ObjectTarget& target, const std::string& multipart_id) override;
  Result<MultipartListing> list_multiparts(const ObjectTarget& target) override;
  Result<CompletedObject> complete_multipart(const ObjectTarget& target, const Multipart& multipart,
                                             const std::vector<Part>& parts, std::uint32_t crc32c, std::int64_t size,
                                             WriteCondition condition) override;
  Result<> abort_multipart(const ObjectTarget& target, const std::string& multipart_id) override;
  Result<ObjectInfo> head(const ObjectTarget& target) override;
  Result<std::string> read(const ObjectTarget& target, const std::string& etag, std::int64_t offset,
                           std::int64_t size) override;
  void interrupt() override {
    traffic_.open();
    client_.stop();
    credentials_.stop();
  }

 private:
  // One operation on one object, before it is signed.
  struct Call {
    std::string operation;  // for messages: "UploadPart 17"
    std::string method;
    std::vector<std::pair<std::string, std::string>> query;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    bool sends_public_acl = false;
    std::string_view payload_hash = kUnsignedPayload;
  };

  using MakeRequest = std::function<net::HttpRequest(const Credentials& credentials)>;

  struct Exchanged {
    Result<net::HttpResponse> response;
    bool asked = true;  // the store; false: there were no credentials to ask it with
  };
  using ExchangeDone = std::function<void(Exchanged)>;

  // What the refusals of one request have already led to.
  struct Corrections {
    int count = 0;
    bool renewed = false;  // the credentials were looked up anew for it
  };

  // Signed for where the bucket is and what time it is there, as far as known. With the time limit of a small call,
  // which a call with a body of the source or a slow answer must lift.
  net::HttpRequest make_request(const ObjectTarget& target, const Call& call, const Credentials& credentials) const;
  // A request that carries `body`: no limit but the stall's.
  net::HttpRequest make_body_request(const ObjectTarget& target, const Call& call, const Credentials& credentials,
                                     const Body& body) const;
  // Sends what `make` gives when there is room for it; makes and sends it anew while an answer teaches something,
  // kMaxCorrections times at most. Errors also: s3_unavailable instead of one that may pass, when the endpoint should
  // be left alone for a while.
  Result<net::HttpResponse> exchange(const ObjectTarget& target, const Call& call, const MakeRequest& make);
  void start_exchange(const ObjectTarget& target, const Call& call, MakeRequest make, net::HttpClient::Done done);
  // Tells the traffic how the exchange that entered has ended, and what to make of it.
  Result<net::HttpResponse> leave(const ObjectTarget& target, const Call& call, Exchanged exchanged);
  // The part of an exchange between the two.
  Exchanged exchange_inside(const ObjectTarget& target, const Call& call, const MakeRequest& make);
  // The same without blocking.
  void start_exchange_inside(const ObjectTarget& target, const Call& call, MakeRequest make, Corrections corrections,
                             ExchangeDone done);
  // Whether the refusal `response` of a request made with `used` gives reason to make it anew, by what it taught or
  // with other credentials.
  bool may_correct(const ObjectTarget& target, const Call& call, const Result<net::HttpResponse>& response,
                   const Credentials& used, Corrections& corrections);
  // Whether the refusal `response` told how the request can be made better.
  bool learn_from(const ObjectTarget& target, const Call& call, const net::HttpResponse& response);
  // exchange(); an answer that is not 2xx is its Error.
  Result<net::HttpResponse> perform(const ObjectTarget& target, const Call& call, const MakeRequest& make);
  Result<net::HttpResponse> perform(const ObjectTarget& target, const Call& call) {
    return perform(target, call,
                   [&](const Credentials& credentials) { return make_request(target, call, credentials); });
  }
  // What an answer other than 2xx says.
  static Failure failure_of(const ObjectTarget& target, const Call& call, const net::HttpResponse& response);
  // A part with its checksum in the head. Errors also: s3_parts_refused (it goes better with another checksum, all over
  // again).
  void send_part(const ObjectTarget& target, Call call, const Body& body, const RangeChecksum& checksum,
                 SentChecksum kind, PartDone done);
  // A part with its checksum behind it. Errors also: s3_rejected (the store may not take that).
  void send_trailing_part(const ObjectTarget& target, Call call, const Body& body, PartDone done);
  // The same where nobody knows whether the store takes it; if not, once more with `checksum` in the head.
  void try_trailing_part(const ObjectTarget& target, const Call& call, const Body& body, const RangeChecksum& checksum,
                         PartDone done);
  // confirmed_bytes() of a part. Errors as send_part()'s.
  Result<StoredBytes> confirm_part(const ObjectTarget& target, const Call& call, const net::HttpResponse& response,
                                   const RangeChecksum& checksum, SentChecksum sent);
  // Why a part was refused. Errors as send_part()'s.
  static Error refused_part(const Failure& failure, SentChecksum sent);

  net::HttpClient& client_;
  CredentialCache& credentials_;
  const AwsEnvironment& environment_;
  Bandwidth& bandwidth_;
  const Clock& clock_;
  Learned& learned_;
  Traffic traffic_;
  MeasuredRates rates_;
};

}  // namespace vodlift::s3
