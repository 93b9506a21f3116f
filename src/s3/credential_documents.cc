#include "s3/credential_documents.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <charconv>

#include "base/encoding.h"
#include "s3/xml_root.h"

namespace vodlift::s3 {
namespace {

constexpr std::size_t kMaxKeyBytes = 128;
constexpr std::size_t kMaxSecretBytes = 256;
constexpr std::size_t kMaxTokenBytes = std::size_t{16} * 1024;

bool is_visible(char c) { return c > ' ' && c < '\x7f'; }

Error unfit(std::string_view what) { return {Errc::s3_credential, fmt::format("the answer {}", what)}; }

std::optional<int> number_at(std::string_view text, std::size_t at, std::size_t digits) {
  int number = 0;
  for (const char c : text.substr(at, digits)) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

std::string string_at(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string() : std::string(text->data(), text->size());
}

// `expires` is the text that was told.
Result<Credentials> checked(Credentials credentials, std::string_view expires) {
  if (!are_usable(credentials) || credentials.session_token.empty()) {
    return unfit("holds no usable access key, secret key and token");
  }
  credentials.expires = parse_iso_time(expires);
  if (!credentials.expires) return unfit("does not tell when the credentials expire");
  return credentials;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string one_space(std::string_view text) {
  std::string out;
  for (const char c : trimmed(text)) {
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
    if (mark && (value[at - 1] == ' ' || value[at - 1] == '\t')) return trimmed(value.substr(0, at));
  }
  return value;
}

}  // namespace

std::optional<WallTime> parse_iso_time(std::string_view text) {
  constexpr std::string_view kForm = "dddd-dd-ddTdd:dd:dd";
  if (text.size() < kForm.size() + 1 || text.size() > kForm.size() + 12 || !text.ends_with('Z')) return std::nullopt;
  for (std::size_t at = 0; at < kForm.size(); ++at) {
    const bool digit = text[at] >= '0' && text[at] <= '9';
    if (kForm[at] == 'd' ? !digit : text[at] != kForm[at]) return std::nullopt;
  }
  const std::string_view fraction = text.substr(kForm.size(), text.size() - kForm.size() - 1);
  if (!fraction.empty()) {
    const bool digits =
        fraction.size() > 1 && std::ranges::all_of(fraction.substr(1), [](char c) { return c >= '0' && c <= '9'; });
    if (fraction.front() != '.' || !digits) return std::nullopt;
  }
  const auto year = number_at(text, 0, 4);
  const auto month = number_at(text, 5, 2);
  const auto day = number_at(text, 8, 2);
  const auto hour = number_at(text, 11, 2);
  const auto minute = number_at(text, 14, 2);
  const auto second = number_at(text, 17, 2);
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *year < 1970 || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second);
}

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
  pugi::xml_document document;
  const pugi::xml_node root = load_root(document, xml, (action + "Response").c_str());
  const pugi::xml_node found = root.child((action + "Result").c_str()).child("Credentials");
  if (!found) return unfit(fmt::format("is not one to {}", action));
  Credentials credentials;
  credentials.access_key = text_of(found, "AccessKeyId");
  credentials.secret_key = Secret(text_of(found, "SecretAccessKey"));
  credentials.session_token = Secret(text_of(found, "SessionToken", kMaxTokenBytes + 1));
  return checked(std::move(credentials), text_of(found, "Expiration"));
}

std::optional<StsError> parse_sts_error(std::string_view xml) {
  pugi::xml_document document;
  const pugi::xml_node error = load_root(document, xml, "ErrorResponse").child("Error");
  StsError told{text_of(error, "Code"), text_of(error, "Message")};
  if (told.code.empty()) return std::nullopt;
  return told;
}

Result<IniFile> parse_ini(std::string_view text) {
  IniFile file;
  std::map<std::string, Secret>* section = nullptr;
  bool has_setting = false;  // in this section, so that an indented line can belong to it
  for (int number = 1; !text.empty(); ++number) {
    const auto fault = [number](std::string_view what) {
      return Error{Errc::config_invalid, fmt::format("line {}: {}", number, what)};
    };
    const std::size_t end = text.find('\n');
    const std::string_view raw = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const std::string_view line = trimmed(raw);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.find('\0') != std::string_view::npos) return fault("a NUL character");
    if ((raw.front() == ' ' || raw.front() == '\t') && has_setting) continue;
    if (line.front() == '[') {
      const std::size_t close = line.find(']');
      const std::string_view rest = close == std::string_view::npos ? "" : trimmed(line.substr(close + 1));
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
    std::string name(trimmed(line.substr(0, equals)));
    if (equals == std::string_view::npos || name.empty()) return fault("expected NAME = VALUE");
    if (section == nullptr) return fault("a setting before the first section");
    std::ranges::transform(name, name.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    (*section)[std::move(name)] = Secret(std::string(without_comment(trimmed(line.substr(equals + 1)))));
    has_setting = true;
  }
  return file;
}

}  // namespace vodlift::s3
