// ObjectStore over S3's REST API.
#pragma once

#include "base/clock.h"
#include "core/bandwidth.h"
#include "core/object_store.h"
#include "s3/body_requests.h"
#include "s3/s3_client.h"

namespace vodlift::s3 {

// Internally locked. What it is built from must outlive it.
class S3ObjectStore final : public ObjectStore {
 public:
  S3ObjectStore(net::HttpClient& client, CredentialCache& credentials, const AwsEnvironment& environment,
                Bandwidth& bandwidth, const Clock& clock, EndpointStates& endpoints)
      : s3_(client, credentials, environment, clock, endpoints),
        bodies_(s3_, bandwidth, endpoints),
        bandwidth_(bandwidth),
        clock_(clock),
        endpoints_(endpoints) {}

  [[nodiscard]] ChecksumMode checksum_mode(const BucketAccess& access) const override {
    return endpoints_.facts(access).whole;
  }
  [[nodiscard]] std::optional<bool> refuses_wrong_md5(const BucketAccess& access) const override {
    return endpoints_.facts(access).refuses_wrong_md5;
  }
  [[nodiscard]] std::int64_t largest_body(const BucketAccess& access) const override {
    return endpoints_.largest_body(access);
  }
  [[nodiscard]] bool takes_trailing_checksums(const BucketAccess& access) const override {
    return endpoints_.facts(access).trailing.value_or(false);
  }
  [[nodiscard]] std::optional<std::int64_t> request_rate(const BucketAccess& access) const override {
    return endpoints_.rate(access);
  }
  std::optional<Refusal> refusal(const ObjectTarget& target) override { return endpoints_.refusal(target); }
  [[nodiscard]] std::optional<std::int64_t> rate_limit(const BucketAccess& access,
                                                       const std::string& storage) const override {
    return bandwidth_.limit({access.cdn, access.bucket, storage});
  }
  Result<bool> try_wrong_md5(const ObjectTarget& target, const std::string& multipart_id, int number) override;
  Result<StoredBytes> put_object(const ObjectTarget& target, const ObjectProperties& properties, const Body& body,
                                 const RangeChecksum& checksum, WriteCondition condition) override;
  Result<Multipart> create_multipart(const ObjectTarget& target, const ObjectProperties& properties) override;
  void upload_part(const ObjectTarget& target, const Multipart& multipart, int number, const Body& body,
                   const std::optional<RangeChecksum>& checksum, PartDone done) override {
    bodies_.upload_part(target, multipart, number, body, checksum, std::move(done));
  }
  Result<std::vector<ListedPart>> list_parts(const ObjectTarget& target, const std::string& multipart_id) override;
  Result<MultipartListing> list_multiparts(const ObjectTarget& target) override;
  Result<CompletedObject> complete_multipart(const ObjectTarget& target, const Multipart& multipart,
                                             const std::vector<Part>& parts, std::uint32_t crc32c, std::int64_t size,
                                             WriteCondition condition) override;
  Result<> abort_multipart(const ObjectTarget& target, const std::string& multipart_id) override;
  Result<ObjectInfo> head(const ObjectTarget& target) override;
  Acl applied_acl(const ObjectTarget& target, Acl asked, const std::string& etag) override;
  void note_unmarked(const BucketAccess& access) override;
  void note_metadata(const BucketAccess& access, const Metadata& sent, const Metadata& kept) override;
  void note_untold(const BucketAccess& access) override {
    endpoints_.add_facts(access, {.multipart = ChecksumMode::md5});
  }
  Result<std::string> read(const ObjectTarget& target, const std::string& etag, std::int64_t offset,
                           std::int64_t size) override;
  void interrupt() override { s3_.interrupt(); }

 private:
  std::int64_t size_of(const ObjectTarget& target);
  Error refused_complete(const ObjectTarget& target, const S3Call& call, ChecksumMode mode,
                         const net::HttpResponse& response);

  S3Client s3_;
  BodyRequests bodies_;
  Bandwidth& bandwidth_;
  const Clock& clock_;
  EndpointStates& endpoints_;
};

}  // namespace vodlift::s3
