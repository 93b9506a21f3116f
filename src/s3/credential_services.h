// The services of AWS that hand out temporary credentials: the endpoint of a container (ECS, EKS), the metadata service
// of an EC2 instance, and STS.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "s3/aws_configuration.h"
#include "s3/credentials.h"

namespace vodlift::s3 {

// Every call blocks, for some seconds at most. Errors of those that return credentials: those of
// CredentialLoader::load.

// The credentials of the container's role, from AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI, one of which must
// be set. A full URI must be https://, or http:// to loopback or to the addresses that ECS and EKS use. Never uses a
// proxy.
Result<Credentials> container_credentials(net::HttpClient& client, const AwsEnvironment& environment);
// Whether one of the two variables is set.
bool has_container_endpoint(const AwsEnvironment& environment);

// The credentials of the instance's role, by IMDSv2 only: a session token first, each request within a second. Never
// uses a proxy.
Result<Credentials> instance_credentials(net::HttpClient& client, const AwsEnvironment& environment);
// Whether AWS_EC2_METADATA_DISABLED is "true".
bool is_instance_metadata_disabled(const AwsEnvironment& environment);

// Whether credentials may be requested from `url`. For tests. Errors: s3_credential.
Result<> check_container_url(std::string_view url);

// A role to assume.
struct RoleRequest {
  std::string role_arn;
  std::string external_id;   // may be empty
  std::string session_name;  // empty: AWS_ROLE_SESSION_NAME, else "vodlift"
  std::string region;        // of the STS endpoint, unless the environment names an endpoint; empty: us-east-1
};

// Calls STS at AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL, or the region's own endpoint. Immutable; any thread that may
// block. What it is built from must outlive it.
class Sts {
 public:
  Sts(net::HttpClient& client, const AwsEnvironment& environment, const Clock& clock)
      : client_(client), environment_(environment), clock_(clock) {}

  // AssumeRole, signed with `base`.
  Result<Credentials> assume_role(const RoleRequest& role, const Credentials& base) const;
  // AssumeRoleWithWebIdentity with the token that the file contains now; not signed.
  Result<Credentials> assume_role_with_web_identity(const RoleRequest& role, const std::string& token_file) const;

 private:
  using Form = std::vector<std::pair<std::string, std::string>>;

  Result<Credentials> call(const std::string& action, const RoleRequest& role, Form form,
                           const Credentials* base) const;
  [[nodiscard]] std::string endpoint_of(const std::string& region) const;

  net::HttpClient& client_;
  const AwsEnvironment& environment_;
  const Clock& clock_;
};

}  // namespace vodlift::s3
