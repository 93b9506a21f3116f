// ObjectStore over S3's REST API.
#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "core/object_store.h"
#include "net/http_client.h"
#include "s3/learned.h"
#include "s3/s3_errors.h"
#include "s3/sigv4.h"

namespace vodlift::s3 {

// Internally locked. `client` and `clock` must outlive it.
class S3ObjectStore final : public ObjectStore {
 public:
  S3ObjectStore(net::HttpClient& client, const Clock& clock) : client_(client), clock_(clock) {}

  [[nodiscard]] ChecksumMode checksum_mode(const BucketAccess& access) const override {
    return learned_.checksum_mode(access);
  }
  Result<StoredBytes> put_object(const ObjectTarget& target, const ObjectProperties& properties, const Body& body,
                                 const RangeChecksum& checksum) override;
  Result<Multipart> create_multipart(const ObjectTarget& target, const ObjectProperties& properties) override;
  void upload_part(const ObjectTarget& target, const Multipart& multipart, int number, const Body& body,
                   const RangeChecksum& checksum, PartDone done) override;
  Result<std::vector<ListedPart>> list_parts(const ObjectTarget& target, const std::string& multipart_id) override;
  Result<CompletedObject> complete_multipart(const ObjectTarget& target, const Multipart& multipart,
                                             const std::vector<Part>& parts, std::uint32_t crc32c,
                                             std::int64_t size) override;
  Result<> abort_multipart(const ObjectTarget& target, const std::string& multipart_id) override;
  Result<ObjectInfo> head(const ObjectTarget& target) override;
  void interrupt() override { client_.stop(); }

 private:
  // One operation on one object, before it is signed.
  struct Call {
    std::string operation;  // for messages: "UploadPart 17"
    std::string method;
    std::vector<std::pair<std::string, std::string>> query;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    bool sends_public_acl = false;
  };

  // Which checksum header went along with a body; fixed when the request is made, whatever is learned meanwhile.
  enum class Sent { crc32c, md5 };

  using MakeRequest = std::function<net::HttpRequest()>;

  // Signed for where the bucket is and what time it is there, as far as known. With the time limit of a small call,
  // which a call with a body of the source or a slow answer must lift.
  net::HttpRequest make_request(const ObjectTarget& target, const Call& call) const;
  // A request that carries `body`: no limit but the stall's.
  net::HttpRequest make_body_request(const ObjectTarget& target, const Call& call, const Body& body) const;
  // Sends what `make` gives; makes and sends it anew while an answer teaches something, kMaxCorrections times at most.
  Result<net::HttpResponse> exchange(const ObjectTarget& target, const Call& call, const MakeRequest& make);
  // The same without blocking.
  void start_exchange(const ObjectTarget& target, const Call& call, MakeRequest make, int corrections,
                      net::HttpClient::Done done);
  // Whether the refusal `response` told how the request can be made better.
  bool learn_from(const ObjectTarget& target, const Call& call, const net::HttpResponse& response);
  // exchange(); an answer that is not 2xx is its Error.
  Result<net::HttpResponse> perform(const ObjectTarget& target, const Call& call, const MakeRequest& make);
  Result<net::HttpResponse> perform(const ObjectTarget& target, const Call& call) {
    return perform(target, call, [&] { return make_request(target, call); });
  }
  // What an answer other than 2xx says.
  static Failure failure_of(const ObjectTarget& target, const Call& call, const net::HttpResponse& response);
  // The store's word on bytes just sent with the header `sent`, compared with ours.
  Result<StoredBytes> confirm(const ObjectTarget& target, const Call& call, const net::HttpResponse& response,
                              const RangeChecksum& checksum, Sent sent);

  net::HttpClient& client_;
  const Clock& clock_;
  Learned learned_;
};

}  // namespace vodlift::s3
