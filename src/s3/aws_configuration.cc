#include "s3/aws_configuration.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/encoding.h"
#include "base/file.h"
#include "base/text.h"

namespace vodlift::s3 {
namespace {

constexpr std::size_t kMaxAwsFileBytes = std::size_t{256} * 1024;

constexpr std::array kVariables = {"AWS_ACCESS_KEY_ID",
                                   "AWS_SECRET_ACCESS_KEY",
                                   "AWS_SESSION_TOKEN",
                                   "AWS_PROFILE",
                                   "AWS_SHARED_CREDENTIALS_FILE",
                                   "AWS_CONFIG_FILE",
                                   "HOME",
                                   "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                                   "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                                   "AWS_CONTAINER_AUTHORIZATION_TOKEN",
                                   "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
                                   "AWS_EC2_METADATA_DISABLED",
                                   "AWS_EC2_METADATA_SERVICE_ENDPOINT",
                                   "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
                                   "AWS_WEB_IDENTITY_TOKEN_FILE",
                                   "AWS_ROLE_ARN",
                                   "AWS_ROLE_SESSION_NAME",
                                   "AWS_REGION",
                                   "AWS_DEFAULT_REGION",
                                   "AWS_ENDPOINT_URL",
                                   "AWS_ENDPOINT_URL_S3",
                                   "AWS_ENDPOINT_URL_STS",
                                   "AWS_CA_BUNDLE",
                                   "HTTPS_PROXY",
                                   "https_proxy",
                                   "NO_PROXY",
                                   "no_proxy"};

// Files may have been written on Windows.
constexpr std::string_view kSpace = " \t\r";

std::string one_space(std::string_view text) {
  std::string out;
  for (const char c : trimmed(text, kSpace)) {
    const bool space = c == ' ' || c == '\t';
    if (space && out.ends_with(' ')) continue;
    out += space ? ' ' : c;
  }
  return out;
}

// A comment may follow a value after white space.
std::string_view without_comment(std::string_view value) {
  for (std::size_t at = 1; at < value.size(); ++at) {
    const bool mark = value[at] == '#' || value[at] == ';';
    if (mark && (value[at - 1] == ' ' || value[at - 1] == '\t')) return trimmed(value.substr(0, at), kSpace);
  }
  return value;
}

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

AwsEnvironment::AwsEnvironment(const std::map<std::string, std::string>& variables) {
  for (const auto& [name, value] : variables) variables_.emplace(name, Secret(value));
}

AwsEnvironment AwsEnvironment::of_process() {
  AwsEnvironment environment;
  for (const char* name : kVariables) {
    if (const char* value = std::getenv(name)) environment.variables_.emplace(name, Secret(value));
  }
  return environment;
}

std::string_view AwsEnvironment::get(std::string_view name) const {
  const auto at = variables_.find(name);
  return at == variables_.end() ? std::string_view() : at->second.reveal();
}

std::string AwsEnvironment::region() const {
  const std::string_view region = get("AWS_REGION");
  return std::string(region.empty() ? get("AWS_DEFAULT_REGION") : region);
}

std::string AwsEnvironment::endpoint(std::string_view service) const {
  std::string_view url = get("AWS_ENDPOINT_URL_" + std::string(service));
  if (url.empty()) url = get("AWS_ENDPOINT_URL");
  while (url.ends_with('/')) url.remove_suffix(1);
  return std::string(url);
}

void AwsEnvironment::apply_to(net::HttpRequest& request) const {
  if (!request.url.starts_with("https://")) return;
  request.ca_file = get("AWS_CA_BUNDLE");
  const auto either = [this](std::string_view lower, std::string_view upper) {
    const std::string_view value = get(lower);
    return std::string(value.empty() ? get(upper) : value);
  };
  request.proxy = either("https_proxy", "HTTPS_PROXY");
  request.no_proxy = either("no_proxy", "NO_PROXY");
}

Result<IniFile> parse_ini(std::string_view text) {
  IniFile file;
  text = without_byte_order_mark(text);
  std::map<std::string, Secret>* section = nullptr;
  bool has_setting = false;  // in this section, so that an indented line can belong to it
  for (int number = 1; !text.empty(); ++number) {
    const auto fault = [number](std::string_view what) {
      return Error{Errc::config_invalid, fmt::format("line {}: {}", number, what)};
    };
    const std::size_t end = text.find('\n');
    const std::string_view raw = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const std::string_view line = trimmed(raw, kSpace);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.find('\0') != std::string_view::npos) return fault("a NUL character");
    if ((raw.front() == ' ' || raw.front() == '\t') && has_setting) continue;
    if (line.front() == '[') {
      const std::size_t close = line.find(']');
      const std::string_view rest = close == std::string_view::npos ? "" : trimmed(line.substr(close + 1), kSpace);
      if (close == std::string_view::npos || (!rest.empty() && rest.front() != '#' && rest.front() != ';')) {
        return fault("expected a section such as [default] or [profile NAME]");
      }
      std::string name = one_space(line.substr(1, close - 1));
      if (name.empty()) return fault("a section without a name");
      section = &file[std::move(name)];
      has_setting = false;
      continue;
    }
    const std::size_t equals = line.find('=');
    const std::string name = to_lower(trimmed(line.substr(0, equals), kSpace));
    if (equals == std::string_view::npos || name.empty()) return fault("expected NAME = VALUE");
    if (section == nullptr) return fault("a setting before the first section");
    (*section)[name] = Secret(std::string(without_comment(trimmed(line.substr(equals + 1), kSpace))));
    has_setting = true;
  }
  return file;
}

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

std::string AwsProfiles::default_name(const AwsEnvironment& environment) {
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
  // Key and secret come from the same file.
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
