// Where credentials come from, and in which order the sources are tried.
#pragma once

#include <set>

#include "s3/aws_configuration.h"
#include "s3/credential_services.h"
#include "s3/credentials.h"

namespace vodlift::s3 {

// Immutable; any thread that may block. What it is built from must outlive it.
class AwsCredentialLoader final : public CredentialLoader {
 public:
  // `client` is for metadata and STS calls, which are small and must not wait behind transfers.
  AwsCredentialLoader(net::HttpClient& client, const AwsEnvironment& environment, const Clock& clock)
      : client_(client), environment_(environment), sts_(client, environment, clock) {}

  Result<Credentials> load(const BucketAccess& access) override;
  void interrupt() override { client_.stop(); }

 private:
  Result<Credentials> load_base(const BucketAccess& access) const;
  // From the first source that has credentials: environment, web identity, profile, container, instance.
  Result<Credentials> load_default(const std::string& region) const;
  [[nodiscard]] Result<Credentials> from_environment() const;
  [[nodiscard]] Result<Credentials> from_web_identity(const std::string& region) const;
  [[nodiscard]] Result<Credentials> from_profile(const AwsProfiles& profiles, const std::string& name,
                                                 const std::string& region, std::set<std::string> seen) const;
  [[nodiscard]] Result<Credentials> base_of(const AwsProfiles& profiles, const Profile& profile,
                                            const std::string& region, std::set<std::string> seen) const;
  [[nodiscard]] bool has_web_identity() const;
  [[nodiscard]] std::string sts_region(const std::string& of_bucket) const;

  net::HttpClient& client_;
  const AwsEnvironment& environment_;
  const Sts sts_;
};

}  // namespace vodlift::s3
