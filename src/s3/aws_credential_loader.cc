#include "s3/aws_credential_loader.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "s3/credential_services.h"

namespace vodlift::s3 {
namespace {

// How long a chain of profiles may be, each of which uses the credentials of the next.
constexpr std::size_t kMaxProfiles = 5;

Error no_credentials(std::string message) { return {Errc::s3_credential, std::move(message)}; }

}  // namespace

Result<Credentials> AwsCredentialLoader::load(const BucketAccess& access) {
  const CredentialOrigin& origin = access.credentials;
  auto base = load_base(access);
  if (!base || origin.role_arn.empty()) return base;
  return sts_.assume_role({origin.role_arn, origin.external_id, "", sts_region(access.region)}, *base);
}

Result<Credentials> AwsCredentialLoader::load_base(const BucketAccess& access) const {
  switch (access.credentials.source) {
    case CredentialSource::fixed:
      return Credentials{access.access_key, access.secret_key, Secret(), std::nullopt, false, "static"};
    case CredentialSource::environment:
      return from_environment();
    case CredentialSource::profile: {
      auto profiles = AwsProfiles::read(environment_);
      if (!profiles) return profiles.error();
      const std::string& named = access.credentials.profile;
      return from_profile(*profiles, named.empty() ? AwsProfiles::default_name(environment_) : named, access.region,
                          {});
    }
    case CredentialSource::container:
      if (!has_container_endpoint(environment_)) {
        return no_credentials(
            "the daemon's environment has neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor "
            "AWS_CONTAINER_CREDENTIALS_FULL_URI: it does not run in an ECS task or EKS pod with a role");
      }
      return container_credentials(client_, environment_);
    case CredentialSource::instance:
      return instance_credentials(client_, environment_);
    case CredentialSource::web_identity:
      if (!has_web_identity()) {
        return no_credentials("the daemon's environment lacks AWS_WEB_IDENTITY_TOKEN_FILE or AWS_ROLE_ARN");
      }
      return from_web_identity(access.region);
    case CredentialSource::usual:
      return load_default(access.region);
  }
  return no_credentials("an unknown source of credentials");
}

Result<Credentials> AwsCredentialLoader::load_default(const std::string& region) const {
  if (!environment_.get("AWS_ACCESS_KEY_ID").empty()) return from_environment();
  if (has_web_identity()) return from_web_identity(region);
  auto profiles = AwsProfiles::read(environment_);
  if (!profiles) return profiles.error();
  const std::string name = AwsProfiles::default_name(environment_);
  const bool named = !environment_.get("AWS_PROFILE").empty();
  if (named || profiles->find(name)) return from_profile(*profiles, name, region, {});
  if (has_container_endpoint(environment_)) return container_credentials(client_, environment_);
  auto found = instance_credentials(client_, environment_);
  if (found || found.error().code == Errc::interrupted) return found;
  // Nothing says whether there should be a metadata service. An outage of the service must not fail an upload for good.
  return Error{found.error().code,
               fmt::format("no credentials anywhere: not in the daemon's environment (AWS_ACCESS_KEY_ID, "
                           "AWS_WEB_IDENTITY_TOKEN_FILE, AWS_CONTAINER_CREDENTIALS_…), not as {}, and {}",
                           profiles->describe(name), found.error().message)};
}

Result<Credentials> AwsCredentialLoader::from_environment() const {
  Credentials credentials;
  credentials.access_key = environment_.get("AWS_ACCESS_KEY_ID");
  credentials.secret_key = Secret(std::string(environment_.get("AWS_SECRET_ACCESS_KEY")));
  credentials.session_token = Secret(std::string(environment_.get("AWS_SESSION_TOKEN")));
  credentials.origin = "environment";
  if (credentials.access_key.empty() || credentials.secret_key.empty()) {
    return no_credentials("the daemon's environment lacks AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY");
  }
  if (!are_usable(credentials)) {
    return no_credentials(
        "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or AWS_SESSION_TOKEN hold characters that keys never have");
  }
  return credentials;
}

bool AwsCredentialLoader::has_web_identity() const {
  return !environment_.get("AWS_WEB_IDENTITY_TOKEN_FILE").empty() && !environment_.get("AWS_ROLE_ARN").empty();
}

Result<Credentials> AwsCredentialLoader::from_web_identity(const std::string& region) const {
  return sts_.assume_role_with_web_identity({std::string(environment_.get("AWS_ROLE_ARN")), "", "", sts_region(region)},
                                            std::string(environment_.get("AWS_WEB_IDENTITY_TOKEN_FILE")));
}

Result<Credentials> AwsCredentialLoader::from_profile(const AwsProfiles& profiles, const std::string& name,
                                                      const std::string& region, std::set<std::string> seen) const {
  const auto profile = profiles.find(name);
  if (!profile) return no_credentials(fmt::format("there is no {}", profiles.describe(name)));
  const bool again = !seen.insert(name).second;
  if (seen.size() > kMaxProfiles) {
    return no_credentials(
        fmt::format("{} is at the end of a chain of more than {} profiles", profiles.describe(name), kMaxProfiles));
  }
  // A profile that names itself as its source means its own access key and secret.
  if (!profile->role_arn.empty() && !again) {
    const std::string sts = profile->region.empty() ? sts_region(region) : profile->region;
    const RoleRequest role{profile->role_arn, profile->external_id, profile->role_session_name, sts};
    if (!profile->web_identity_token_file.empty()) {
      return sts_.assume_role_with_web_identity(role, profile->web_identity_token_file);
    }
    auto base = base_of(profiles, *profile, region, std::move(seen));
    if (!base) return base;
    return sts_.assume_role(role, *base);
  }
  if (!profile->pair.access_key.empty()) {
    if (are_usable(profile->pair)) return profile->pair;
    return no_credentials(
        fmt::format("{} has an access key, but no usable secret key with it", profiles.describe(name)));
  }
  if (again) return no_credentials(fmt::format("{} leans on itself", profiles.describe(name)));
  if (!profile->unsupported.empty()) {
    return no_credentials(fmt::format("{} works by {}, which vodlift does not do: give it a role or a pair of keys",
                                      profiles.describe(name), profile->unsupported));
  }
  return no_credentials(fmt::format("{} has no aws_access_key_id and no role_arn", profiles.describe(name)));
}

Result<Credentials> AwsCredentialLoader::base_of(const AwsProfiles& profiles, const Profile& profile,
                                                 const std::string& region, std::set<std::string> seen) const {
  if (!profile.source_profile.empty()) return from_profile(profiles, profile.source_profile, region, std::move(seen));
  if (profile.credential_source == "Environment") return from_environment();
  if (profile.credential_source == "Ec2InstanceMetadata") return instance_credentials(client_, environment_);
  if (profile.credential_source == "EcsContainer") {
    if (has_container_endpoint(environment_)) return container_credentials(client_, environment_);
    return no_credentials(
        fmt::format("{} needs a container's role, and the daemon does not run in a container with one",
                    profiles.describe(profile.name)));
  }
  return no_credentials(fmt::format(
      "{} has a role_arn, but neither source_profile nor credential_source (Environment, Ec2InstanceMetadata, "
      "EcsContainer) to assume it with",
      profiles.describe(profile.name)));
}

std::string AwsCredentialLoader::sts_region(const std::string& of_bucket) const {
  std::string region = environment_.region();
  return region.empty() ? of_bucket : region;
}

}  // namespace vodlift::s3
