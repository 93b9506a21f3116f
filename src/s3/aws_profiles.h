// Profiles in the AWS configuration files: ~/.aws/credentials and ~/.aws/config, or where the environment says.
#pragma once

#include <optional>
#include <string>

#include "s3/aws_environment.h"
#include "s3/credential_documents.h"

namespace vodlift::s3 {

// What one profile says; empty where it says nothing.
struct Profile {
  std::string name;
  Credentials pair;               // without keys where there are none
  std::string role_arn;           // to be assumed …
  std::string source_profile;     // … with the credentials of this one,
  std::string credential_source;  // … or from there: "Environment", "Ec2InstanceMetadata", "EcsContainer"
  std::string web_identity_token_file;
  std::string external_id;
  std::string role_session_name;
  std::string region;
  std::string unsupported;  // "sso_session" or "credential_process", where the profile needs that
};

// Both files as they were when they were read. Immutable.
class AwsProfiles {
 public:
  // A file that is not there has no profiles. Errors: s3_credential (one cannot be read or is malformed).
  static Result<AwsProfiles> read(const AwsEnvironment& environment);

  // The profile to take where none is named: AWS_PROFILE, else "default".
  static std::string usual_name(const AwsEnvironment& environment);

  // Nothing when neither file has it.
  [[nodiscard]] std::optional<Profile> find(const std::string& name) const;
  // "profile X in F and G", for messages.
  [[nodiscard]] std::string describe(const std::string& name) const;

 private:
  std::string credentials_path_;
  std::string config_path_;
  IniFile credentials_;
  IniFile config_;
};

}  // namespace vodlift::s3
