// Where the credentials of a bucket come from.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vodlift {

enum class CredentialSource {
  fixed,         // "static": the pair that was given with the bucket
  environment,   // the daemon's AWS_ACCESS_KEY_ID and its companions
  profile,       // a section of the AWS configuration files
  container,     // the endpoint that ECS and EKS give a container
  instance,      // the metadata service of an EC2 instance, IMDSv2 only
  web_identity,  // a token file, exchanged at STS
  usual,         // "default": the first of the five above that is there, in the order of the AWS tools
};
std::string_view to_string(CredentialSource source);
std::optional<CredentialSource> credential_source_from(std::string_view word);

struct CredentialOrigin {
  CredentialSource source = CredentialSource::fixed;
  std::string profile;      // for `profile`; empty: AWS_PROFILE, else "default"
  std::string role_arn;     // assumed with those credentials; empty: none
  std::string external_id;  // sent along when the role is assumed; may be empty

  bool operator==(const CredentialOrigin&) const = default;
};

}  // namespace vodlift
