#include "audit/audit_line.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/encoding.h"

namespace vodlift::audit {
namespace {

void append(std::string& line, std::string_view name, std::string_view value) {
  fmt::format_to(std::back_inserter(line), R"(,"{}":{})", name, json_string(printable(value, kMaxValueBytes)));
}

void append(std::string& line, std::string_view name, std::int64_t number) {
  if (number != 0) fmt::format_to(std::back_inserter(line), R"(,"{}":{})", name, number);
}

}  // namespace

std::string audit_line(const AuditEntry& entry, WallTime when) {
  std::string line = fmt::format(R"({{"time":"{:%Y-%m-%dT%H:%M:%S}.{:03}Z")",
                                 fmt::gmtime(static_cast<std::time_t>(to_unix_seconds(when))), to_unix_ms(when) % 1000);
  append(line, "door", entry.door);
  append(line, "address", entry.address);
  append(line, "cdn", entry.cdn);
  append(line, "key", entry.key_id);
  append(line, "command", entry.command);
  const std::size_t count = std::min(entry.what.size(), kMaxFields);
  if (count > 0) {
    std::string what;
    for (std::size_t i = 0; i < count; ++i) append(what, entry.what[i].first, std::string_view(entry.what[i].second));
    line += R"(,"what":{)";
    line += std::string_view(what).substr(1);
    line += '}';
  }
  append(line, "result", entry.failure ? std::string_view("failure") : std::string_view("success"));
  if (entry.failure) append(line, "error", info(*entry.failure).name);
  append(line, "upload", entry.upload);
  line += "}\n";
  return line;
}

}  // namespace vodlift::audit
