#include "s3/credential_services.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "base/encoding.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "s3/s3_xml.h"
#include "s3/sigv4.h"

namespace vodlift::s3 {
namespace {

using namespace std::chrono_literals;

constexpr int kTries = 3;
constexpr std::chrono::milliseconds kFirstPause = 100ms;
constexpr std::chrono::milliseconds kMetadataTimeout = 1s;
constexpr std::size_t kMaxTokenFileBytes = std::size_t{16} * 1024;
constexpr std::size_t kMaxRoleBytes = 256;
constexpr std::string_view kEcsHost = "http://169.254.170.2";
constexpr std::string_view kRolePath = "/latest/meta-data/iam/security-credentials/";

net::HttpRequest metadata_request(std::string method, std::string url) {
  net::HttpRequest request;
  request.method = std::move(method);
  request.url = std::move(url);
  request.connect_timeout = kMetadataTimeout;
  request.total_timeout = kMetadataTimeout;
  request.max_response_bytes = kMaxCredentialAnswer;
  return request;
}

bool is_header_value(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return is_ascii(c) && !is_control(c); });
}

std::string_view first_line(std::string_view text) { return text.substr(0, text.find_first_of("\r\n")); }

bool is_unreserved_path(std::string_view text) {
  return std::ranges::all_of(text,
                             [](char c) { return is_ascii(c) && !is_control(c) && c != ' ' && c != '#' && c != '\\'; });
}

bool is_trusted_plain_host(const std::string& host) {
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) {
    return (ntohl(v4.s_addr) >> 24) == 127 || host == "169.254.170.2" || host == "169.254.170.23";
  }
  return host == "localhost" || host == "[::1]" || host == "[fd00:ec2::23]";
}

Result<std::string> authorization_of(const AwsEnvironment& environment) {
  const std::string file(environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"));
  std::string token(environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN"));
  if (!file.empty()) {
    auto text = read_small_file(file, kMaxTokenFileBytes);
    if (!text) {
      return Error{Errc::s3_credential,
                   fmt::format("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: {}", text.error().message)};
    }
    token = first_line(*text);
  }
  if (!token.empty() && !is_header_value(token)) {
    return Error{Errc::s3_credential, "the container's authorization token is not one line of visible characters"};
  }
  return token;
}

Error refusal(std::string_view what, const net::HttpResponse& response) {
  return {Errc::s3_credential, fmt::format("{} answered {}", what, response.status)};
}

using namespace std::chrono_literals;

// AWS's own limit for the token of a web identity.
constexpr std::size_t kMaxTokenBytes = 20000;
constexpr std::chrono::milliseconds kConnectTimeout = 3s;
constexpr std::chrono::milliseconds kTimeout = 6s;

std::string host_of(std::string_view endpoint) {
  const std::size_t slashes = endpoint.find("://");
  return std::string(slashes == std::string_view::npos ? endpoint : endpoint.substr(slashes + 3));
}

bool may_pass(std::string_view code) {
  return code == "Throttling" || code == "ThrottlingException" || code == "RequestLimitExceeded" ||
         code == "IDPCommunicationError" || code == "ServiceUnavailable" || code == "InternalFailure";
}

std::string_view advice_for(std::string_view code) {
  if (code == "AccessDenied") {
    return "; the role's trust policy must allow it (sts:AssumeRole, with the external id if it asks for one)";
  }
  if (code == "ExpiredToken" || code == "ExpiredTokenException" || code == "InvalidIdentityToken") {
    return "; the token or the credentials of the request have expired";
  }
  if (code == "SignatureDoesNotMatch") return "; check the secret key, and this machine's clock";
  return "";
}

Error refusal(const std::string& action, const std::string& role_arn, const net::HttpResponse& response) {
  const auto error = parse_sts_error(response.body);
  const std::string code = error ? error->code : "";
  std::string message =
      fmt::format("STS {} of {}: {} {}", action, printable(role_arn, 200), response.status, printable(code, 64));
  if (error && !error->message.empty()) message += fmt::format(" ({})", printable(error->message, 200));
  message += advice_for(code);
  return {may_pass(code) ? Errc::s3_transient : Errc::s3_credential, std::move(message)};
}

// Sends what `make` gives, up to three times while there is no answer, or one that asks for a retry (429, 5xx). Errors:
// network, timeout, tls, interrupted, s3_transient.
Result<net::HttpResponse> perform_with_retries(net::HttpClient& client, const std::function<net::HttpRequest()>& make) {
  for (int tries = 1;; ++tries) {
    auto response = client.perform(make());
    const bool may_retry = response ? response->status == 429 || response->status >= 500
                                    : response.error().code == Errc::network || response.error().code == Errc::timeout;
    if (!may_retry) return response;
    if (tries == kTries) {
      if (!response) return response;
      return Error{Errc::s3_transient, fmt::format("answered {} {} times", response->status, kTries)};
    }
    std::this_thread::sleep_for(kFirstPause * tries);
  }
}

}  // namespace

Result<> check_container_url(std::string_view url) {
  const auto refuse = [](std::string_view why) {
    return Error{Errc::s3_credential, fmt::format("AWS_CONTAINER_CREDENTIALS_FULL_URI: {}", why)};
  };
  const bool tls = url.starts_with("https://");
  if (!tls && !url.starts_with("http://")) return refuse("expected http:// or https://");
  const std::string_view rest = url.substr(tls ? 8 : 7);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (authority.empty() || authority.find('@') != std::string_view::npos || !is_unreserved_path(rest)) {
    return refuse("expected a host and a path, nothing else");
  }
  if (tls) return {};
  const std::size_t bracket = authority.find(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (is_trusted_plain_host(std::string(authority.substr(0, colon)))) return {};
  return refuse("http:// is allowed only to loopback and to the addresses of ECS and EKS; use https://");
}

bool has_container_endpoint(const AwsEnvironment& environment) {
  return !environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").empty() ||
         !environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI").empty();
}

Result<Credentials> container_credentials(net::HttpClient& client, const AwsEnvironment& environment) {
  const std::string_view relative = environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  std::string url(environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"));
  if (!relative.empty()) {
    if (!relative.starts_with('/') || !is_unreserved_path(relative)) {
      return Error{Errc::s3_credential, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: expected a path beginning with /"};
    }
    url = std::string(kEcsHost) + std::string(relative);
  } else if (auto allowed = check_container_url(url); !allowed) {
    return allowed.error();
  }
  const auto token = authorization_of(environment);
  if (!token) return token.error();
  const auto response = perform_with_retries(client, [&] {
    net::HttpRequest request = metadata_request("GET", url);
    request.headers.emplace_back("Accept: application/json");
    if (!token->empty()) request.headers.push_back("Authorization: " + *token);
    if (url.starts_with("https://")) request.ca_file = environment.get("AWS_CA_BUNDLE");
    return request;
  });
  if (!response) return with_context("the container's credentials endpoint", response.error());
  if (response->status != 200) return refusal("the container's credentials endpoint", *response);
  auto credentials = parse_credentials_json(response->body);
  if (!credentials) return with_context("the container's credentials endpoint", credentials.error());
  credentials->origin = "the container's role";
  return credentials;
}

bool is_instance_metadata_disabled(const AwsEnvironment& environment) {
  return to_lower(environment.get("AWS_EC2_METADATA_DISABLED")) == "true";
}

Result<Credentials> instance_credentials(net::HttpClient& client, const AwsEnvironment& environment) {
  constexpr std::string_view kWhat = "the instance metadata service (IMDSv2)";
  if (is_instance_metadata_disabled(environment)) {
    return Error{Errc::s3_credential, fmt::format("{} is switched off by AWS_EC2_METADATA_DISABLED", kWhat)};
  }
  std::string base(environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT"));
  while (base.ends_with('/')) base.pop_back();
  if (base.empty()) {
    const bool v6 = environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE") == "IPv6";
    base = v6 ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
  }
  const auto token = perform_with_retries(client, [&] {
    net::HttpRequest request = metadata_request("PUT", base + "/latest/api/token");
    request.headers.emplace_back("X-aws-ec2-metadata-token-ttl-seconds: 21600");
    return request;
  });
  if (!token) {
    Error error = with_context(kWhat, token.error());
    error.message +=
        "; on an EC2 instance: is the service on, and in a container is its hop limit 2 "
        "(aws ec2 modify-instance-metadata-options --http-put-response-hop-limit 2)?";
    return error;
  }
  if (token->status != 200) return refusal(kWhat, *token);
  if (!is_header_value(token->body))
    return Error{Errc::s3_credential, fmt::format("{}: the token is malformed", kWhat)};
  const auto get = [&](const std::string& path) -> Result<std::string> {
    auto response = perform_with_retries(client, [&] {
      net::HttpRequest request = metadata_request("GET", base + path);
      request.headers.push_back("X-aws-ec2-metadata-token: " + token->body);
      return request;
    });
    if (!response) return with_context(kWhat, response.error());
    if (response->status == 404) {
      return Error{Errc::s3_credential, fmt::format("{}: the instance has no role; attach an instance profile", kWhat)};
    }
    if (response->status != 200) return refusal(kWhat, *response);
    return std::move(response->body);
  };
  const auto roles = get(std::string(kRolePath));
  if (!roles) return roles.error();
  const std::string role(first_line(*roles));
  if (role.empty() || role.size() > kMaxRoleBytes || !is_header_value(role)) {
    return Error{Errc::s3_credential, fmt::format("{}: the instance has no role; attach an instance profile", kWhat)};
  }
  const auto document = get(std::string(kRolePath) + uri_encode(role));
  if (!document) return document.error();
  auto credentials = parse_credentials_json(*document);
  if (!credentials) return with_context(kWhat, credentials.error());
  credentials->origin = "the instance's role " + role;
  return credentials;
}

std::string Sts::endpoint_of(const std::string& region) const {
  std::string configured = environment_.endpoint("STS");
  if (!configured.empty()) return configured;
  return fmt::format("https://sts.{}.amazonaws.com{}", region, region.starts_with("cn-") ? ".cn" : "");
}

Result<Credentials> Sts::call(const std::string& action, const RoleRequest& role, Form form,
                              const Credentials* base) const {
  std::string region = role.region.empty() ? "us-east-1" : role.region;
  const std::string endpoint = endpoint_of(region);
  std::string session = role.session_name;
  if (session.empty()) session = environment_.get("AWS_ROLE_SESSION_NAME");
  if (session.empty()) session = "vodlift";
  form.insert(form.begin(), {{"Action", action},
                             {"Version", "2011-06-15"},
                             {"RoleArn", role.role_arn},
                             {"RoleSessionName", session},
                             {"DurationSeconds", "3600"}});
  std::string body;
  for (const auto& [name, value] : form) {
    if (!body.empty()) body += '&';
    body.append(name).append("=").append(uri_encode(value));
  }
  const auto response = perform_with_retries(client_, [&] {
    net::HttpRequest request;
    request.method = "POST";
    request.url = endpoint + "/";
    request.headers = {"Content-Type: application/x-www-form-urlencoded; charset=utf-8"};
    if (base != nullptr) {
      UnsignedRequest unsigned_request;
      unsigned_request.method = request.method;
      unsigned_request.host = host_of(endpoint);
      unsigned_request.path = "/";
      unsigned_request.headers = {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"}};
      const Sha256Digest digest = sha256(bytes_of(body));
      unsigned_request.payload_hash = to_hex({digest.data(), digest.size()});
      request.headers =
          sign(unsigned_request, {base->access_key, base->secret_key, base->session_token, region, "sts"}, clock_.now())
              .headers;
    }
    request.body = body;
    request.connect_timeout = kConnectTimeout;
    request.total_timeout = kTimeout;
    request.max_response_bytes = kMaxCredentialAnswer;
    environment_.apply_to(request);
    return request;
  });
  if (!response) return with_context(fmt::format("STS {}", action), response.error());
  if (response->status != 200) return refusal(action, role.role_arn, *response);
  auto credentials = parse_sts_answer(response->body, action);
  if (!credentials) return with_context(fmt::format("STS {}", action), credentials.error());
  return credentials;
}

Result<Credentials> Sts::assume_role(const RoleRequest& role, const Credentials& base) const {
  Form form;
  if (!role.external_id.empty()) form.emplace_back("ExternalId", role.external_id);
  auto credentials = call("AssumeRole", role, std::move(form), &base);
  if (credentials) credentials->origin = fmt::format("role {} by {}", printable(role.role_arn, 200), base.origin);
  return credentials;
}

Result<Credentials> Sts::assume_role_with_web_identity(const RoleRequest& role, const std::string& token_file) const {
  auto text = read_small_file(token_file, kMaxTokenBytes);
  if (!text) return Error{Errc::s3_credential, fmt::format("the web identity token: {}", text.error().message)};
  const std::size_t end = text->find_last_not_of(" \t\r\n");
  text->resize(end == std::string::npos ? 0 : end + 1);
  if (text->empty()) return Error{Errc::s3_credential, fmt::format("the web identity token {} is empty", token_file)};
  auto credentials = call("AssumeRoleWithWebIdentity", role, {{"WebIdentityToken", std::move(*text)}}, nullptr);
  if (credentials) credentials->origin = fmt::format("role {} by web identity", printable(role.role_arn, 200));
  return credentials;
}

}  // namespace vodlift::s3
