// BucketDoctor over S3's REST API.
#pragma once

#include <atomic>

#include "core/bucket_doctor.h"
#include "s3/credential_cache.h"
#include "s3/endpoint_state.h"
#include "s3/iam_policy.h"
#include "s3/s3_request.h"

namespace vodlift::s3 {

// This many checks may run at once; one more is asked to try again later.
inline constexpr int kMaxChecks = 2;

// Internally locked. What it is built from must outlive it. A check starts without anything that is known of the
// endpoint, so that it reports what uploads correct by themselves, such as another region or time. What it finds of
// checksums becomes a fact of the endpoint.
class S3BucketDoctor final : public BucketDoctor {
 public:
  S3BucketDoctor(net::HttpClient& client, CredentialCache& credentials, const AwsEnvironment& environment,
                 const Clock& clock, EndpointStates& endpoints)
      : client_(client), credentials_(credentials), environment_(environment), clock_(clock), endpoints_(endpoints) {}

  BucketReport check(const BucketAccess& access) override;
  [[nodiscard]] std::optional<BucketTrouble> trouble(const BucketAccess& access) const override {
    return endpoints_.trouble(access);
  }
  [[nodiscard]] StoreTroubles troubles(std::span<const std::shared_ptr<const BucketAccess>> buckets) const override {
    return endpoints_.troubles(buckets);
  }
  [[nodiscard]] std::string policy(const BucketAccess& access, bool public_read) const override {
    return iam_policy(access, public_read);
  }

 private:
  net::HttpClient& client_;
  CredentialCache& credentials_;
  const AwsEnvironment& environment_;
  const Clock& clock_;
  EndpointStates& endpoints_;
  std::atomic<int> running_ = 0;
};

}  // namespace vodlift::s3
