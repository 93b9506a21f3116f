#include "s3/sigv4.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <span>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/text.h"

namespace vodlift::s3 {
namespace {

constexpr std::size_t kUsualHeaderBytes = 512;

ByteView view(const Sha256Digest& digest) { return {digest.data(), digest.size()}; }

constexpr bool is_white(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Appends a header's value as both sides sign it: without white space at its ends, and with one space for each run
// inside.
void append_canonical(std::string& out, std::string_view value) {
  const std::size_t begin = out.size();
  bool gap = false;
  for (const char c : value) {
    if (is_white(c)) {
      gap = out.size() > begin;
      continue;
    }
    if (gap) out += ' ';
    gap = false;
    out += c;
  }
}

struct CanonicalHeaders {
  std::string lines;
  std::string names;
};

// Sorted by name; values of equal names are joined.
CanonicalHeaders canonical(std::vector<std::pair<std::string_view, std::string_view>> headers) {
  std::stable_sort(headers.begin(), headers.end(),
                   [](const auto& left, const auto& right) { return left.first < right.first; });
  CanonicalHeaders out;
  out.lines.reserve(kUsualHeaderBytes);
  out.names.reserve(kUsualHeaderBytes);
  for (std::size_t at = 0; at < headers.size(); ++at) {
    const auto& [name, value] = headers[at];
    if (at > 0 && name == headers[at - 1].first) {
      out.lines.back() = ',';
    } else {
      out.lines.append(name).append(1, ':');
      if (at > 0) out.names += ';';
      out.names.append(name);
    }
    append_canonical(out.lines, value);
    out.lines += '\n';
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

  std::vector<std::pair<std::string_view, std::string_view>> headers;
  headers.reserve(request.headers.size() + 4);
  headers.emplace_back("host", request.host);
  for (const auto& [name, value] : request.headers) headers.emplace_back(name, value);
  headers.emplace_back("x-amz-content-sha256", request.payload_hash);
  headers.emplace_back("x-amz-date", timestamp);
  if (!credentials.session_token.empty()) {
    headers.emplace_back("x-amz-security-token", credentials.session_token.reveal());
  }
  const auto [canonical_headers, signed_names] = canonical(headers);

  const std::string path = uri_encode(request.path, /*keep_slash=*/true);
  const std::string query = canonical_query(request.query);
  const std::string canonical_request = joined({request.method, "\n", path, "\n", query, "\n", canonical_headers, "\n",
                                                signed_names, "\n", request.payload_hash});
  const std::string scope = joined({date, "/", credentials.region, "/", credentials.service, "/aws4_request"});
  const std::string string_to_sign =
      joined({"AWS4-HMAC-SHA256\n", timestamp, "\n", scope, "\n", to_hex(view(sha256(bytes_of(canonical_request))))});
  const std::string signature =
      to_hex(view(hmac_sha256(kept_signing_key(credentials, date), bytes_of(string_to_sign))));

  SignedRequest out;
  out.path_and_query = query.empty() ? path : joined({path, "?", query});
  out.authorization = joined({"AWS4-HMAC-SHA256 Credential=", credentials.access_key, "/", scope,
                              ", SignedHeaders=", signed_names, ", Signature=", signature});
  out.headers.reserve(headers.size());
  for (const auto& [name, value] : std::span(headers).subspan(1)) out.headers.push_back(joined({name, ": ", value}));
  out.headers.push_back(joined({"Authorization: ", out.authorization}));
  return out;
}

}  // namespace vodlift::s3
