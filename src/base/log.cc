#include "base/log.h"

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <cstddef>
#include <memory>

#include "base/encoding.h"
#include "base/late_log.h"

namespace vodlift::log {
namespace {

constexpr std::size_t kMaxFieldBytes = 512;

std::atomic<Format> g_format{Format::console};

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto made = std::make_shared<spdlog::logger>("vodlift", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %^%-5l%$ %v");
    made->flush_on(spdlog::level::info);
    return made;
  }();
  return *instance;
}

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

std::string as_json(std::string_view message, std::initializer_list<Field> fields) {
  std::string line = fmt::format(R"("message":{})", json_string(message));
  for (const Field& field : fields) {
    line += fmt::format(",{}:{}", json_string(field.name),
                        field.is_number ? field.value : json_string(printable(field.value, kMaxFieldBytes)));
  }
  return line;
}

std::string as_text(std::string_view message, std::initializer_list<Field> fields) {
  std::string line(message);
  for (const Field& field : fields) {
    const std::string value = printable(field.value, kMaxFieldBytes);
    const bool plain = !value.empty() && value.find_first_of(" \"=") == std::string::npos;
    line += plain ? fmt::format(" {}={}", field.name, value) : fmt::format(" {}={}", field.name, json_string(value));
  }
  return line;
}

std::string as_line(std::string_view message, std::initializer_list<Field> fields) {
  return g_format == Format::json ? as_json(message, fields) : as_text(message, fields);
}

// The lines that a thread of its own writes, to where logger() writes. Its end writes what waits.
class LateLines {
 public:
  void add(std::string_view message, std::initializer_list<Field> fields) {
    tell_lost();
    lines_->info("{}", as_line(message, fields));
  }

 private:
  // Once there is room again: before, this line would be lost as well.
  void tell_lost() {
    const std::size_t lost = thread_->overrun_counter();
    const std::size_t told = told_;
    if (lost == told || thread_->queue_size() > kMaxLateLines / 2) return;
    told_ = lost;
    lines_->warn("{}", as_line("log lines were lost, because standard error took no more", {{"lines", lost - told}}));
  }

  std::shared_ptr<spdlog::details::thread_pool> thread_ = std::make_shared<spdlog::details::thread_pool>(
      kMaxLateLines, 1, [] { pthread_setname_np(pthread_self(), "log"); });
  std::shared_ptr<spdlog::async_logger> lines_ = std::make_shared<spdlog::async_logger>(
      "late", logger().sinks().front(), thread_, spdlog::async_overflow_policy::overrun_oldest);
  std::atomic<std::size_t> told_{0};
};

}  // namespace

void info_late(std::string_view message, std::initializer_list<Field> fields) noexcept {
  try {
    if (!logger().should_log(spdlog::level::info)) return;
    static LateLines lines;
    lines.add(message, fields);
  } catch (const std::exception&) {  // as event()
  }
}

Field::Field(std::string_view field, std::string_view text) noexcept : name(field) {
  try {
    value = text;
  } catch (const std::exception&) {  // the line comes without it
  }
}

void configure(Format format, Level level) {
  g_format = format;
  logger().set_level(spdlog_level(level));
  if (format == Format::json) {
    logger().set_formatter(std::make_unique<spdlog::pattern_formatter>(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})", spdlog::pattern_time_type::utc));
  }
}

void event(Level level, std::string_view message, std::initializer_list<Field> fields) noexcept {
  const auto wanted = spdlog_level(level);
  try {
    if (!logger().should_log(wanted)) return;
    logger().log(wanted, "{}", as_line(message, fields));
  } catch (const std::exception&) {
    // A log line that cannot be built must not stop the work that it reports.
  }
}

}  // namespace vodlift::log
