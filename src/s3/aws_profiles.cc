#include "s3/aws_profiles.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/file.h"

namespace vodlift::s3 {
namespace {

std::string path_of(const AwsEnvironment& environment, std::string_view variable, std::string_view usual) {
  const std::string_view home = environment.get("HOME");
  const std::string_view named = environment.get(variable);
  if (named.starts_with("~/") && !home.empty()) return std::string(home) + std::string(named.substr(1));
  if (!named.empty()) return std::string(named);
  return home.empty() ? std::string() : fmt::format("{}/.aws/{}", home, usual);
}

Result<IniFile> read_file(const std::string& path) {
  if (path.empty()) return IniFile();
  auto bytes = read_small_file(path, kMaxAwsFileBytes);
  if (!bytes) {
    if (bytes.error().code == Errc::not_found) return IniFile();
    return Error{Errc::s3_credential, fmt::format("the AWS file cannot be read: {}", bytes.error().message)};
  }
  const Secret text(std::move(*bytes));
  auto file = parse_ini(text.reveal());
  if (!file) return Error{Errc::s3_credential, fmt::format("{}: {}", path, file.error().message)};
  return file;
}

using Section = std::map<std::string, Secret>;

const Section* find_section(const IniFile& file, const std::string& name) {
  const auto at = file.find(name);
  return at == file.end() ? nullptr : &at->second;
}

std::string_view setting(const Section* section, const std::string& name) {
  if (section == nullptr) return {};
  const auto at = section->find(name);
  return at == section->end() ? std::string_view() : at->second.reveal();
}

}  // namespace

Result<AwsProfiles> AwsProfiles::read(const AwsEnvironment& environment) {
  AwsProfiles profiles;
  profiles.credentials_path_ = path_of(environment, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
  profiles.config_path_ = path_of(environment, "AWS_CONFIG_FILE", "config");
  auto credentials = read_file(profiles.credentials_path_);
  if (!credentials) return credentials.error();
  auto config = read_file(profiles.config_path_);
  if (!config) return config.error();
  profiles.credentials_ = std::move(*credentials);
  profiles.config_ = std::move(*config);
  return profiles;
}

std::string AwsProfiles::usual_name(const AwsEnvironment& environment) {
  const std::string_view named = environment.get("AWS_PROFILE");
  return named.empty() ? "default" : std::string(named);
}

std::optional<Profile> AwsProfiles::find(const std::string& name) const {
  const Section* credentials = find_section(credentials_, name);
  const Section* config = find_section(config_, "profile " + name);
  if (config == nullptr && name == "default") config = find_section(config_, name);
  if (credentials == nullptr && config == nullptr) return std::nullopt;
  const auto text = [&](const std::string& of) {
    const std::string_view first = setting(credentials, of);
    return std::string(first.empty() ? setting(config, of) : first);
  };
  Profile profile;
  profile.name = name;
  // A pair comes whole from one file.
  const bool in_credentials = !setting(credentials, "aws_access_key_id").empty();
  const Section* pair = in_credentials ? credentials : config;
  profile.pair.access_key = setting(pair, "aws_access_key_id");
  profile.pair.secret_key = Secret(std::string(setting(pair, "aws_secret_access_key")));
  profile.pair.session_token = Secret(std::string(setting(pair, "aws_session_token")));
  profile.pair.may_change = true;
  profile.pair.origin = "profile " + printable(name, 64);
  profile.role_arn = text("role_arn");
  profile.source_profile = text("source_profile");
  profile.credential_source = text("credential_source");
  profile.web_identity_token_file = text("web_identity_token_file");
  profile.external_id = text("external_id");
  profile.role_session_name = text("role_session_name");
  profile.region = text("region");
  for (const std::string other : {"sso_session", "sso_start_url", "credential_process"}) {
    if (!text(other).empty()) profile.unsupported = other;
  }
  return profile;
}

std::string AwsProfiles::describe(const std::string& name) const {
  return fmt::format("profile {} in {} and {}", printable(name, 64), credentials_path_, config_path_);
}

}  // namespace vodlift::s3
