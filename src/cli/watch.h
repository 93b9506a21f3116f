// Follows uploads on the screen until they end.
#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/session.h"

namespace vodlift::cli {

// The members of the upload object (docs/api.md) that are shown.
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

// The size of the terminal at standard output. Without a terminal it is 24 rows of 80 columns.
struct ScreenSize {
  std::size_t rows = 24;
  std::size_t columns = 80;
};
ScreenSize screen_size();

using MonotonicTime = std::chrono::steady_clock::time_point;

// The rate of a counter over the last seconds.
class RateMeter {
 public:
  void add(MonotonicTime now, std::int64_t bytes);
  // Bytes a second; 0 while there are too few samples.
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

// One line for a file or a pipe, without line break; equal text means that nothing has changed.
std::string plain_line(const UploadView& upload);

// Turns successive answers of the daemon into output: whole new lines, or, for a terminal, the block of progress lines
// that is drawn over the old one.
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
  std::map<std::int64_t, std::string> last_shown_;
  std::map<std::int64_t, RateMeter> meters_;
  std::size_t drawn_lines_ = 0;
};

// "there is no upload 3", or "account 7 has no upload 3".
std::string no_upload(const std::vector<std::int64_t>& ids, std::optional<std::int64_t> cdn);

// Asks the daemon repeatedly and shows changes until each of `ids` (1..100) has ended. Waits at most 30 s for a daemon
// that restarts. Answers the exit code: kDone when all are completed.
int watch_uploads(Session& session, std::optional<std::int64_t> cdn, const std::vector<std::int64_t>& ids);

}  // namespace vodlift::cli
