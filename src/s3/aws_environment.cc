#include "s3/aws_environment.h"

#include <array>
#include <cstdlib>

namespace vodlift::s3 {
namespace {

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

}  // namespace vodlift::s3
