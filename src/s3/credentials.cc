#include "s3/credentials.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>

#include "base/encoding.h"
#include "base/text.h"
#include "s3/s3_xml.h"

namespace vodlift::s3 {
namespace {

constexpr std::size_t kMaxKeyBytes = 128;
constexpr std::size_t kMaxSecretBytes = 256;
constexpr std::size_t kMaxTokenBytes = std::size_t{16} * 1024;

bool is_visible(char c) { return is_ascii(c) && !is_control(c) && c != ' '; }

Error unfit(std::string_view what) { return {Errc::s3_credential, fmt::format("the answer {}", what)}; }

std::string string_at(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string() : std::string(text->data(), text->size());
}

// `expires`: the time of expiry as the answer has it.
Result<Credentials> checked(Credentials credentials, std::string_view expires) {
  if (!are_usable(credentials) || credentials.session_token.empty()) {
    return unfit("has no usable access key, secret key and token");
  }
  credentials.expires = parse_iso_time(expires);
  if (!credentials.expires) return unfit("does not say when the credentials expire");
  return credentials;
}

}  // namespace

bool are_usable(const Credentials& credentials) {
  const std::string_view key = credentials.access_key;
  const std::string_view secret = credentials.secret_key.reveal();
  const std::string_view token = credentials.session_token.reveal();
  return !key.empty() && key.size() <= kMaxKeyBytes &&
         std::ranges::all_of(key, [](char c) { return is_visible(c) && c != ',' && c != '/'; }) && !secret.empty() &&
         secret.size() <= kMaxSecretBytes && std::ranges::all_of(secret, is_visible) &&
         token.size() <= kMaxTokenBytes && std::ranges::all_of(token, is_visible);
}

Result<Credentials> parse_credentials_json(std::string_view json) {
  if (json.size() > kMaxCredentialAnswer) return unfit("is too long");
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse(json, error);
  if (error || !parsed.is_object()) return unfit("is not a JSON object");
  const boost::json::object& object = parsed.get_object();
  for (const std::string_view name : {"Code", "code"}) {
    const std::string code = string_at(object, name);
    if (code.empty() || code == "Success") continue;
    std::string message = string_at(object, "Message");
    if (message.empty()) message = string_at(object, "message");
    return unfit(fmt::format("is {} ({})", printable(code, 64), printable(message, 200)));
  }
  Credentials credentials;
  credentials.access_key = string_at(object, "AccessKeyId");
  credentials.secret_key = Secret(string_at(object, "SecretAccessKey"));
  credentials.session_token = Secret(string_at(object, "Token"));
  return checked(std::move(credentials), string_at(object, "Expiration"));
}

Result<Credentials> parse_sts_answer(std::string_view xml, const std::string& action) {
  if (xml.size() > kMaxCredentialAnswer) return unfit("is too long");
  auto answer = parse_sts_credentials(xml, action, kMaxTokenBytes);
  if (!answer) return unfit(fmt::format("is not one to {}", action));
  Credentials credentials;
  credentials.access_key = std::move(answer->access_key);
  credentials.secret_key = std::move(answer->secret_key);
  credentials.session_token = std::move(answer->session_token);
  return checked(std::move(credentials), answer->expiration);
}

}  // namespace vodlift::s3
