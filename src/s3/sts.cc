#include "s3/sts.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/file.h"
#include "base/hash.h"
#include "s3/credential_documents.h"
#include "s3/metadata_credentials.h"
#include "s3/sigv4.h"

namespace vodlift::s3 {
namespace {

using namespace std::chrono_literals;

// AWS's own limit for the token of a web identity.
constexpr std::size_t kMaxTokenBytes = 20000;
constexpr std::chrono::milliseconds kConnectTimeout = 3s;
constexpr std::chrono::milliseconds kTimeout = 6s;

std::string host_of(std::string_view endpoint) {
  const std::size_t slashes = endpoint.find("://");
  return std::string(slashes == std::string_view::npos ? endpoint : endpoint.substr(slashes + 3));
}

bool passes_by_itself(std::string_view code) {
  return code == "Throttling" || code == "ThrottlingException" || code == "RequestLimitExceeded" ||
         code == "IDPCommunicationError" || code == "ServiceUnavailable" || code == "InternalFailure";
}

std::string_view advice_for(std::string_view code) {
  if (code == "AccessDenied") {
    return "; the role's trust policy must allow it (sts:AssumeRole, with the external id if it asks for one)";
  }
  if (code == "ExpiredToken" || code == "ExpiredTokenException" || code == "InvalidIdentityToken") {
    return "; the token or credentials it was asked with are no longer good";
  }
  if (code == "SignatureDoesNotMatch") return "; check the secret key, and this machine's clock";
  return "";
}

Error refusal(const std::string& action, const std::string& role_arn, const net::HttpResponse& response) {
  const auto told = parse_sts_error(response.body);
  const std::string code = told ? told->code : "";
  std::string message =
      fmt::format("STS {} of {}: {} {}", action, printable(role_arn, 200), response.status, printable(code, 64));
  if (told && !told->message.empty()) message += fmt::format(" ({})", printable(told->message, 200));
  message += advice_for(code);
  return {passes_by_itself(code) ? Errc::s3_transient : Errc::s3_credential, std::move(message)};
}

}  // namespace

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
