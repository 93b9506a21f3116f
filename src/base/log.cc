#include "base/log.h"

#include <fmt/format.h>
#include <spdlog/details/log_msg.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/encoding.h"
#include "base/late_log.h"
#include "base/worker_thread.h"

namespace vodlift::log {
namespace {

constexpr std::size_t kMaxFieldBytes = 512;
constexpr std::size_t kUsualBytes = 512;              // of a line
constexpr std::chrono::milliseconds kLateMoment{20};  // whose late lines are written together

std::atomic<Format> g_format{Format::console};

std::unique_ptr<spdlog::formatter> formatter_of(Format format) {
  if (format == Format::json) {
    return std::make_unique<spdlog::pattern_formatter>(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})",
                                                       spdlog::pattern_time_type::utc);
  }
  return std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%e%z %^%-5l%$ %v");
}

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto made = std::make_shared<spdlog::logger>("vodlift", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    made->set_formatter(formatter_of(Format::console));
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

// Of a field of a line for people: where it ends must be clear.
bool needs_quotes(std::string_view value) {
  return value.empty() ||
         std::any_of(value.begin(), value.end(), [](char c) { return c == ' ' || c == '"' || c == '='; });
}

// A field's text as it is shown: as it is, where nothing must be changed, else made in `room`.
std::string_view shown(std::string_view value, std::string& room) {
  if (is_plain(value, kMaxFieldBytes)) return value;
  room = printable(value, kMaxFieldBytes);
  return room;
}

// These two append, and do not format: each upload has lines, each with a dozen fields.
void append_json(std::string& line, std::string_view message, std::initializer_list<Field> fields) {
  line.append(R"("message":)");
  append_json_string(line, message);
  std::string room;
  for (const Field& field : fields) {
    line += ',';
    append_json_string(line, field.name());
    line += ':';
    if (field.is_number()) {
      line.append(field.value());
    } else {
      append_json_string(line, shown(field.value(), room));
    }
  }
}

void append_text(std::string& line, std::string_view message, std::initializer_list<Field> fields) {
  line.append(message);
  std::string room;
  for (const Field& field : fields) {
    line.append(1, ' ').append(field.name()).append(1, '=');
    if (field.is_number()) {
      line.append(field.value());
      continue;
    }
    const std::string_view value = shown(field.value(), room);
    needs_quotes(value) ? append_json_string(line, value) : void(line.append(value));
  }
}

std::string as_line(std::string_view message, std::initializer_list<Field> fields) {
  std::string line;
  line.reserve(kUsualBytes);
  g_format == Format::json ? append_json(line, message, fields) : append_text(line, message, fields);
  return line;
}

void write_now(spdlog::level::level_enum level, std::string_view message, std::initializer_list<Field> fields) {
  logger().log(level, "{}", as_line(message, fields));
}

// Lines that wait for the thread "log", which writes them. It writes the lines of kLateMoment together, because a
// wake-up and a write for each line cost more than the rest of the work. They wait as one text: memory that one thread
// takes and another gives back, for each line, makes both slow. The destructor writes the lines that still wait.
class LateLines {
 public:
  LateLines() {
    thread_.start("log", [this] { work(); });
    instance_ = this;
  }
  LateLines(const LateLines&) = delete;
  LateLines& operator=(const LateLines&) = delete;
  ~LateLines() { instance_ = nullptr; }

  void add(std::string_view message, std::initializer_list<Field> fields) {
    const std::string text = as_line(message, fields);
    spdlog::memory_buf_t line;
    const std::lock_guard lock(mutex_);
    if (const Format format = g_format; !formatter_ || format != format_) {
      formatter_ = formatter_of(format);
      format_ = format;
    }
    formatter_->format(spdlog::details::log_msg("late", spdlog::level::info, text), line);
    if (waiting_.size() + line.size() > kMaxLateBytes) {
      waiting_.clear();
      lost_ += std::exchange(lines_, 0);
    }
    waiting_.append(line.data(), line.size());
    if (++lines_ == 1) thread_.wake();
  }

  // So that a line that must not be late comes behind those that came before it.
  static void write_all() {
    if (LateLines* const late = instance_) late->write();
  }

 private:
  void work() {
    for (bool last = false; !last;) {
      thread_.wait();
      last = thread_.stopping() || (thread_.wait_for(kLateMoment) && thread_.stopping());
      write();
    }
  }

  void write() {
    const std::lock_guard turn(writing_);
    std::size_t lost = 0;
    {
      const std::lock_guard lock(mutex_);
      text_.clear();
      text_.swap(waiting_);
      lines_ = 0;
      lost = std::exchange(lost_, 0);
    }
    if (lost > 0)
      write_now(spdlog::level::warn, "log lines were lost, because standard error took no more", {{"lines", lost}});
    std::fwrite(text_.data(), 1, text_.size(), stderr);
  }

  static inline std::atomic<LateLines*> instance_{nullptr};

  std::mutex writing_;  // held by who writes: lines are written in their order
  std::string text_;    // that is written; guarded by writing_
  std::mutex mutex_;    // guards the next block
  std::string waiting_;
  std::size_t lines_ = 0;  // in waiting_
  std::size_t lost_ = 0;
  std::unique_ptr<spdlog::formatter> formatter_;
  Format format_ = Format::console;
  WorkerThread thread_;
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

void configure(Format format, Level level) {
  g_format = format;
  logger().set_level(spdlog_level(level));
  logger().set_formatter(formatter_of(format));
}

void event(Level level, std::string_view message, std::initializer_list<Field> fields) noexcept {
  const auto wanted = spdlog_level(level);
  try {
    if (!logger().should_log(wanted)) return;
    LateLines::write_all();
    write_now(wanted, message, fields);
  } catch (const std::exception&) {
    // A log line that cannot be built must not stop the work that it reports.
  }
}

}  // namespace vodlift::log
