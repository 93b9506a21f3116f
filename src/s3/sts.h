// AWS STS: temporary credentials of a role.
#pragma once

#include "s3/aws_environment.h"
#include "s3/credentials.h"

namespace vodlift::s3 {

struct RoleRequest {
  std::string role_arn;
  std::string external_id;   // may be empty
  std::string session_name;  // empty: AWS_ROLE_SESSION_NAME, else "vodlift"
  std::string region;        // of the STS endpoint, where the environment names none; empty: us-east-1
};

// Calls STS at AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL, or the region's own endpoint. Immutable; any thread that may
// block. Errors of both: those of CredentialLoader::load. All must outlive it.
class Sts {
 public:
  Sts(net::HttpClient& client, const AwsEnvironment& environment, const Clock& clock)
      : client_(client), environment_(environment), clock_(clock) {}

  // AssumeRole, signed with `base`.
  Result<Credentials> assume_role(const RoleRequest& role, const Credentials& base) const;
  // AssumeRoleWithWebIdentity with the token that the file holds now; not signed.
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
