#include "panel/site.h"

#include <brotli/decode.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace vodlift::panel {
namespace {

constexpr std::string_view kAssets = "assets/";
constexpr std::string_view kIndex = "index.html";

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kProtection = {{
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
     "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
     "require-trusted-types-for 'script'; trusted-types 'none'"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Permissions-Policy", "camera=(), geolocation=(), microphone=()"},
    {"Referrer-Policy", "no-referrer"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
}};

// Whether an Accept-Encoding names Brotli, and not with q=0.
bool takes_brotli(std::string_view accepted) {
  while (!accepted.empty()) {
    const std::size_t comma = std::min(accepted.find(','), accepted.size());
    std::string_view one = accepted.substr(0, comma);
    accepted.remove_prefix(std::min(comma + 1, accepted.size()));
    one.remove_prefix(std::min(one.find_first_not_of(' '), one.size()));
    const std::string_view coding = one.substr(0, one.find_first_of("; "));
    if (coding != "br") continue;
    const std::size_t weight = one.find("q=0");
    return weight == std::string_view::npos || one.find_first_of("123456789", weight) != std::string_view::npos;
  }
  return false;
}

// Empty: what the program carries is damaged.
std::string uncompressed(const Asset& asset) {
  std::string text(asset.bytes, '\0');
  std::size_t written = text.size();
  // The library's types: bytes of both kinds.
  const auto* from = reinterpret_cast<const std::uint8_t*>(asset.brotli.data());
  auto* to = reinterpret_cast<std::uint8_t*>(text.data());
  const auto done = BrotliDecoderDecompress(asset.brotli.size(), from, &written, to);
  if (done != BROTLI_DECODER_RESULT_SUCCESS || written != text.size()) return {};
  return text;
}

net::Response plain(int status, std::string_view text) {
  net::Response response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = fmt::format("{}\n", text);
  return response;
}

net::Response file(const Asset& asset, const net::Request& request) {
  net::Response response;
  response.content_type = asset.content_type;
  response.headers.emplace_back("Vary", "Accept-Encoding");
  response.headers.emplace_back("Cache-Control", asset.for_ever ? "public, max-age=31536000, immutable" : "no-cache");
  if (takes_brotli(request.header("accept-encoding"))) {
    response.headers.emplace_back("Content-Encoding", "br");
    response.body = asset.brotli;
    return response;
  }
  response.body = uncompressed(asset);
  if (response.body.empty() && asset.bytes > 0) return plain(500, "This file of the Control Panel is damaged.");
  return response;
}

// Names of buckets and people have dots too; they are pages, one level below their kind.
bool names_file(std::string_view path) {
  if (path.starts_with(kAssets) || path.starts_with('.') || path.find("/.") != std::string_view::npos) return true;
  return path.find('/') == std::string_view::npos && path.find('.') != std::string_view::npos;
}

}  // namespace

const Asset* Site::find(std::string_view path) const {
  const auto found = std::ranges::lower_bound(assets_, path, {}, &Asset::path);
  return found != assets_.end() && found->path == path ? &*found : nullptr;
}

net::Response Site::answer(const net::Request& request) const {
  if (request.method != "GET" && request.method != "HEAD") {
    net::Response response = plain(405, "The Control Panel takes GET and HEAD.");
    response.headers.emplace_back("Allow", "GET, HEAD");
    return response;
  }
  if (assets_.empty()) {
    return plain(404, "This vodlift was built without its Control Panel. The API and the command line are there.");
  }
  const std::string_view path = std::string_view(request.target).substr(0, request.target.find('?'));
  if (!path.starts_with(kPath)) {
    net::Response response = plain(308, "The Control Panel is at /panel/.");
    response.headers.emplace_back("Location", kPath);
    return response;
  }
  const std::string_view name = path.substr(kPath.size());
  if (const Asset* asset = find(name)) return file(*asset, request);
  if (names_file(name)) return plain(404, "The Control Panel has no such file.");
  const Asset* index = find(kIndex);
  return index == nullptr ? plain(500, "The Control Panel lacks its first page.") : file(*index, request);
}

void protect(net::Response& response) {
  for (const auto& [name, value] : kProtection) response.headers.emplace_back(name, value);
  const bool has_cache =
      std::ranges::any_of(response.headers, [](const auto& header) { return header.first == "Cache-Control"; });
  if (!has_cache) response.headers.emplace_back("Cache-Control", "no-store");
}

}  // namespace vodlift::panel
