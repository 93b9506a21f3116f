// How the progress of uploads is shown while somebody watches. Nothing here knows of clocks or terminals.
#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace vodlift::cli {

// What the upload object (docs/api.md) tells that matters to somebody who watches.
struct UploadView {
  std::int64_t id = 0;
  std::string state;
  std::string destination_path;
  std::int64_t size = 0;
  std::int64_t bytes_sent = 0;
  std::int64_t percent = 0;
  std::int64_t attempts = 0;
  std::int64_t created = 0;  // Unix seconds, as all times; 0: not yet
  std::int64_t started = 0;
  std::int64_t finished = 0;
  std::int64_t next_attempt = 0;
  std::string error_code;
  std::string error_message;

  [[nodiscard]] bool has_ended() const;
  [[nodiscard]] bool has_failed() const;  // ended, but not completed
};

UploadView view_of(const boost::json::value& upload);

using MonotonicTime = std::chrono::steady_clock::time_point;

// The rate of a counter over the last seconds.
class RateMeter {
 public:
  void add(MonotonicTime now, std::int64_t bytes);
  // Bytes a second; 0 while too little is known.
  [[nodiscard]] double rate() const;

 private:
  struct Sample {
    MonotonicTime at;
    std::int64_t bytes;
  };
  std::deque<Sample> samples_;
};

// One line for a terminal of `columns`, without line break: bar, percent, rate and time left while the upload runs.
std::string progress_line(const UploadView& upload, double bytes_per_second, std::int64_t now_unix,
                          std::size_t columns);

// One line for a file or a pipe, without line break; equal text means nothing to tell.
std::string plain_line(const UploadView& upload);

// Turns successive answers of the daemon into what is to be written: whole new lines only, or, for a terminal, the
// block of progress lines drawn anew over the old one.
class WatchView {
 public:
  enum class Style { terminal, plain, json };
  explicit WatchView(Style style) : style_(style) {}

  // `rows` and `columns` of the terminal are used by Style::terminal only.
  std::string update(const boost::json::array& uploads, MonotonicTime now, std::int64_t now_unix, std::size_t rows,
                     std::size_t columns);

 private:
  std::string redraw(const std::vector<UploadView>& uploads, MonotonicTime now, std::int64_t now_unix, std::size_t rows,
                     std::size_t columns);

  const Style style_;
  std::map<std::int64_t, std::string> last_told_;
  std::map<std::int64_t, RateMeter> meters_;
  std::size_t drawn_lines_ = 0;
};

}  // namespace vodlift::cli
