#include "audit/audit_line.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/encoding.h"

namespace vodlift::audit {
namespace {

constexpr std::size_t kUsualBytes = 512;  // of a line

// Kept for the next one, which is mostly of the same second.
std::string_view seconds_as_text(std::int64_t seconds) {
  thread_local std::int64_t kept = -1;
  thread_local std::string text;
  if (seconds != kept || text.empty()) {
    text = fmt::format("{:%Y-%m-%dT%H:%M:%S}", fmt::gmtime(static_cast<std::time_t>(seconds)));
    kept = seconds;
  }
  return text;
}

void append(std::string& line, std::string_view name, std::string_view value) {
  line.append(1, '"').append(name).append("\":").append(json_string(printable(value, kMaxValueBytes))).append(1, ',');
}

void append(std::string& line, std::string_view name, std::int64_t number) {
  if (number != 0) line.append(1, '"').append(name).append("\":").append(std::to_string(number)).append(1, ',');
}

}  // namespace

std::string audit_line(const AuditEntry& entry, WallTime when) {
  std::string line;
  line.reserve(kUsualBytes);
  line.append(R"({"time":")").append(seconds_as_text(to_unix_seconds(when)));
  fmt::format_to(std::back_inserter(line), R"(.{:03}Z",)", to_unix_ms(when) % 1000);
  append(line, "door", entry.door);
  append(line, "address", entry.address);
  append(line, "cdn", entry.cdn);
  append(line, "key", entry.key_id);
  append(line, "command", entry.command);
  const std::size_t count = std::min(entry.what.size(), kMaxFields);
  if (count > 0) {
    line.append(R"("what":{)");
    for (std::size_t i = 0; i < count; ++i) append(line, entry.what[i].first, std::string_view(entry.what[i].second));
    line.back() = '}';
    line.append(1, ',');
  }
  append(line, "result", entry.failure ? std::string_view("failure") : std::string_view("success"));
  if (entry.failure) append(line, "error", info(*entry.failure).name);
  append(line, "upload", entry.upload);
  line.back() = '}';
  line.append(1, '\n');
  return line;
}

}  // namespace vodlift::audit
