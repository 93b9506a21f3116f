// The configuration that the AWS tools share: variables of the environment, and the profiles in ~/.aws/credentials and
// ~/.aws/config.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "net/http_client.h"
#include "s3/credentials.h"

namespace vodlift::s3 {

// A snapshot of environment variables. Immutable; any thread.
class AwsEnvironment {
 public:
  AwsEnvironment() = default;  // no variable is set
  explicit AwsEnvironment(const std::map<std::string, std::string>& variables);
  // The variables of this process that docs/configuration.md names, as they are now.
  static AwsEnvironment of_process();

  // The variable's value; empty when it is not set. A view into this object.
  [[nodiscard]] std::string_view get(std::string_view name) const;
  // AWS_REGION, else AWS_DEFAULT_REGION; may be empty.
  [[nodiscard]] std::string region() const;
  // The URL of `service` ("S3", "STS"): AWS_ENDPOINT_URL_<SERVICE>, else AWS_ENDPOINT_URL, without slashes at the end;
  // may be empty.
  [[nodiscard]] std::string endpoint(std::string_view service) const;

  // Sets certificates (AWS_CA_BUNDLE) and proxy (HTTPS_PROXY and NO_PROXY, in either case) of a request to https://.
  // For S3 and STS, never for callbacks and metadata endpoints.
  void apply_to(net::HttpRequest& request) const;

 private:
  std::map<std::string, Secret, std::less<>> variables_;
};

// Sections by name, with one space between words; their settings by name in lower case. Further, indented lines of a
// setting are dropped.
using IniFile = std::map<std::string, std::map<std::string, Secret>>;

// Reads an AWS configuration or credentials file. If a setting occurs twice, the later value counts. Pure. Errors:
// config_invalid ("line 3: …"); no message repeats a value.
Result<IniFile> parse_ini(std::string_view text);

// One profile; settings that it does not have are empty.
struct Profile {
  std::string name;
  Credentials pair;               // empty keys where it has none
  std::string role_arn;           // role to assume, with the credentials of source_profile or credential_source
  std::string source_profile;     // another profile
  std::string credential_source;  // "Environment", "Ec2InstanceMetadata" or "EcsContainer"
  std::string web_identity_token_file;
  std::string external_id;
  std::string role_session_name;
  std::string region;
  std::string unsupported;  // the setting that vodlift does not support: "sso_session" or "credential_process"
};

// The profiles of ~/.aws/credentials and ~/.aws/config, or of the files that the environment names. Immutable.
class AwsProfiles {
 public:
  // Reads both files; a missing one has no profiles. Errors: s3_credential (one cannot be read or is malformed).
  static Result<AwsProfiles> read(const AwsEnvironment& environment);

  // The profile to use where the bucket names none: AWS_PROFILE, else "default".
  static std::string default_name(const AwsEnvironment& environment);

  // Nothing if neither file has such a profile.
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
