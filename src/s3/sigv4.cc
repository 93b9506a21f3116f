#include "s3/sigv4.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/encoding.h"
#include "base/hash.h"

namespace vodlift::s3 {
namespace {

ByteView view(const Sha256Digest& digest) { return {digest.data(), digest.size()}; }

// A header's value as both sides sign it: without white space at its ends, and with one space for each run inside.
std::string canonical_value(std::string_view value) {
  std::string out;
  bool gap = false;
  for (const char c : value) {
    if (c == ' ' || (c >= '\t' && c <= '\r')) {
      gap = !out.empty();
      continue;
    }
    if (gap) out += ' ';
    gap = false;
    out += c;
  }
  return out;
}

std::string canonical_query(const std::vector<std::pair<std::string, std::string>>& query) {
  std::vector<std::pair<std::string, std::string>> encoded;
  encoded.reserve(query.size());
  for (const auto& [name, value] : query) encoded.emplace_back(uri_encode(name), uri_encode(value));
  std::sort(encoded.begin(), encoded.end());
  std::string out;
  for (const auto& [name, value] : encoded) {
    if (!out.empty()) out += '&';
    out += name;
    out += '=';
    out += value;
  }
  return out;
}

Sha256Digest signing_key(const SigningCredentials& credentials, std::string_view date) {
  const Secret seed("AWS4" + std::string(credentials.secret_key.reveal()));
  Sha256Digest key = hmac_sha256(bytes_of(seed.reveal()), bytes_of(date));
  for (const std::string_view step : {std::string_view(credentials.region), std::string_view(credentials.service),
                                      std::string_view("aws4_request")}) {
    key = hmac_sha256(view(key), bytes_of(step));
  }
  return key;
}

// A signing key is valid for one day, one service and one region.
struct DerivedKey {
  Secret secret_key;
  std::string region;
  std::string service;
  std::string date;
  Secret key;

  [[nodiscard]] bool is_for(const SigningCredentials& credentials, std::string_view day) const {
    return date == day && region == credentials.region && service == credentials.service &&
           secret_key.reveal() == credentials.secret_key.reveal();
  }
};

// Four of the five HMACs of a signature make the signing key, so each thread keeps its last one.
ByteView kept_signing_key(const SigningCredentials& credentials, const std::string& date) {
  thread_local DerivedKey kept;
  if (!kept.is_for(credentials, date)) {
    const Sha256Digest key = signing_key(credentials, date);
    kept = {credentials.secret_key, credentials.region, credentials.service, date,
            Secret(std::string(key.begin(), key.end()))};
  }
  return bytes_of(kept.key.reveal());
}

}  // namespace

SignedRequest sign(const UnsignedRequest& request, const SigningCredentials& credentials, WallTime now) {
  const std::string timestamp =
      fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(std::chrono::floor<std::chrono::seconds>(now)));
  const std::string date = timestamp.substr(0, 8);

  auto headers = request.headers;
  headers.emplace_back("x-amz-content-sha256", request.payload_hash);
  headers.emplace_back("x-amz-date", timestamp);
  if (!credentials.session_token.empty()) {
    headers.emplace_back("x-amz-security-token", credentials.session_token.reveal());
  }

  std::map<std::string, std::string> canonical;  // sorted by name, values of equal names joined
  canonical["host"] = request.host;
  for (const auto& [name, value] : headers) {
    auto [at, is_new] = canonical.try_emplace(name, canonical_value(value));
    if (!is_new) at->second.append(",").append(canonical_value(value));
  }
  std::string canonical_headers;
  std::string signed_names;
  for (const auto& [name, value] : canonical) {
    canonical_headers.append(name).append(":").append(value).append("\n");
    if (!signed_names.empty()) signed_names += ';';
    signed_names += name;
  }

  const std::string path = uri_encode(request.path, /*keep_slash=*/true);
  const std::string query = canonical_query(request.query);
  const std::string canonical_request = fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, path, query,
                                                    canonical_headers, signed_names, request.payload_hash);
  const std::string scope = fmt::format("{}/{}/{}/aws4_request", date, credentials.region, credentials.service);
  const std::string string_to_sign =
      fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", timestamp, scope, to_hex(view(sha256(bytes_of(canonical_request)))));
  const std::string signature =
      to_hex(view(hmac_sha256(kept_signing_key(credentials, date), bytes_of(string_to_sign))));

  SignedRequest out;
  out.path_and_query = query.empty() ? path : path + "?" + query;
  out.authorization = fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
                                  credentials.access_key, scope, signed_names, signature);
  out.headers.reserve(headers.size() + 1);
  for (const auto& [name, value] : headers) out.headers.push_back(fmt::format("{}: {}", name, value));
  out.headers.push_back("Authorization: " + out.authorization);
  return out;
}

}  // namespace vodlift::s3
