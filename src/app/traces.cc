#include "app/traces.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "app/process.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/text.h"
#include "core/callback_url.h"

namespace vodlift::app {
namespace {

constexpr std::size_t kMostFileBytes = std::size_t{16} * 1024;
constexpr std::size_t kMostHeaders = 16;

bool is_header(std::string_view line) {
  const std::size_t colon = line.find(':');
  return colon != std::string_view::npos && colon > 0 && std::ranges::all_of(line.substr(0, colon), is_token_char) &&
         is_ascii(line) && !has_control(line);
}

}  // namespace

Config::Traces read_traces(ConfigSection& section, const std::filesystem::path& directory) {
  Config::Traces traces;
  if (const auto url = section.text("url"); url && !url->empty()) {
    if (const auto parsed = parse_callback_url(*url)) {
      traces.url = parsed->url;
    } else {
      section.fault("url",
                    "expected the address of an OTLP collector such as \"http://127.0.0.1:4318/v1/traces\": http:// or "
                    "https://, a host, no user name, printable ASCII, 2048 bytes at most");
    }
  }
  if (const auto file = section.text("headers_file"); file && !file->empty()) {
    traces.headers_file = (directory / std::filesystem::path(*file)).lexically_normal();
  }
  section.refuse_unknown();
  return traces;
}

Result<telemetry::Collector> collector_of(const Config::Traces& traces) {
  telemetry::Collector collector;
  collector.url = traces.url;
  collector.host = host_name();
  if (traces.url.empty() || traces.headers_file.empty()) return collector;
  const auto text = read_small_file(traces.headers_file, kMostFileBytes);
  if (!text) return with_context("[traces] headers_file", text.error());
  std::string_view rest = *text;
  for (int number = 1; !rest.empty(); ++number) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = trimmed(rest.substr(0, end), " \t\r");
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty()) continue;
    // The line itself may be a secret.
    if (!is_header(line) || collector.headers.size() == kMostHeaders) {
      return Error{Errc::invalid_value,
                   fmt::format("[traces] headers_file: line {} of {}: expected \"Name: value\" in printable ASCII, {} "
                               "lines at most",
                               number, traces.headers_file.string(), kMostHeaders)};
    }
    collector.headers.emplace_back(std::string(line));
  }
  return collector;
}

}  // namespace vodlift::app
