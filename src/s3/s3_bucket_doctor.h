// BucketDoctor over S3's REST API.
#pragma once

#include <atomic>

#include "core/bucket_doctor.h"
#include "s3/credential_cache.h"
#include "s3/learned.h"
#include "s3/s3_request.h"

namespace vodlift::s3 {

// So many checks run at once; a further one is told to come again.
inline constexpr int kMaxChecks = 2;

// Internally locked. What it is built from must outlive it. It uses nothing that was learned: what uploads put up with
// (another region, another time) it tells. What it finds of checksums is learned for them.
class S3BucketDoctor final : public BucketDoctor {
 public:
  S3BucketDoctor(net::HttpClient& client, CredentialCache& credentials, const AwsEnvironment& environment,
                 const Clock& clock, Learned& learned)
      : client_(client), credentials_(credentials), environment_(environment), clock_(clock), learned_(learned) {}

  BucketReport check(const BucketAccess& access) override;

 private:
  net::HttpClient& client_;
  CredentialCache& credentials_;
  const AwsEnvironment& environment_;
  const Clock& clock_;
  Learned& learned_;
  std::atomic<int> running_ = 0;
};

}  // namespace vodlift::s3
