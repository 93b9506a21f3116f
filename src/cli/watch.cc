#include "cli/watch.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <ctime>
#include <functional>
#include <thread>

#include "base/encoding.h"
#include "cli/text.h"

namespace vodlift::cli {
namespace {

// Long enough to even out parts that are confirmed in bursts, short enough to follow a change.
constexpr std::chrono::seconds kRateWindow{10};
constexpr std::size_t kMaxNameWidth = 24;
constexpr std::size_t kMinNameWidth = 12;
constexpr std::size_t kLeastNameWidth = 6;  // where there is no room for more
constexpr std::size_t kMaxBarWidth = 30;
constexpr std::size_t kMinBarWidth = 8;
// The width of the rest of a progress line in most cases.
constexpr std::size_t kTextWidth = 70;

std::string cut(std::string text, std::size_t width) {
  if (width_of(text) <= width) return text;
  while (!text.empty() && width_of(text) >= width) {
    // Whole code points: their continuation bytes go first.
    while (text.size() > 1 && (static_cast<unsigned char>(text.back()) & 0xC0U) == 0x80U) text.pop_back();
    text.pop_back();
  }
  return text + "…";
}

std::string short_name(const UploadView& upload, std::size_t width = kMaxNameWidth) {
  const std::string name = upload.destination_path.substr(upload.destination_path.rfind('/') + 1);
  return cut(printable(name), width);
}

std::string bar(std::int64_t percent, std::size_t width) {
  const std::size_t filled = static_cast<std::size_t>(std::clamp<std::int64_t>(percent, 0, 100)) * width / 100;
  std::string out(filled, '=');
  if (filled < width) out += '>';
  out.resize(width, ' ');
  return out;
}

// "72.0 MiB of 1.2 GiB", the rate and the time left, as far as they are known.
struct Figures {
  std::string bytes;
  std::string speed;
};

Figures figures_of(const UploadView& upload, double bytes_per_second) {
  Figures figures;
  figures.bytes = fmt::format("  {} of {}", human_bytes(static_cast<double>(upload.bytes_sent)),
                              human_bytes(static_cast<double>(upload.size)));
  if (bytes_per_second >= 1) {
    const double left = static_cast<double>(upload.size - upload.bytes_sent) / bytes_per_second;
    figures.speed =
        fmt::format("  {}/s  {} left", human_bytes(bytes_per_second), human_duration(static_cast<std::int64_t>(left)));
  }
  return figures;
}

// The bar's width depends only on the terminal, so that it does not jump with the length of the numbers. Where the
// line is too long, the bar goes first, then most of the name, then the bytes: the time left stays.
std::string uploading_line(const UploadView& upload, double bytes_per_second, std::size_t columns) {
  const std::size_t bar_width = columns < kTextWidth ? 0 : std::clamp(columns - kTextWidth, kMinBarWidth, kMaxBarWidth);
  const std::size_t name_width = std::clamp(columns / 5, kMinNameWidth, kMaxNameWidth);
  const Figures figures = figures_of(upload, bytes_per_second);
  const auto line = [&](std::size_t name, std::size_t bar_columns, const std::string& bytes) {
    const std::string drawn = bar_columns == 0 ? "" : fmt::format("[{}] ", bar(upload.percent, bar_columns));
    return fmt::format("{} {} {}{:>3}%{}{}", upload.id, short_name(upload, name), drawn, upload.percent, bytes,
                       figures.speed);
  };
  std::string text = line(name_width, bar_width, figures.bytes);
  if (width_of(text) > columns) text = line(name_width, 0, figures.bytes);
  if (width_of(text) > columns) text = line(kLeastNameWidth, 0, figures.bytes);
  if (width_of(text) > columns) text = line(kLeastNameWidth, 0, "");
  return text;
}

// Waiting for a source does not count as an attempt.
std::string next_step(const UploadView& upload) {
  const bool waits = upload.error_code == "source_busy" || upload.error_code == "source_changed";
  return waits ? "looks again" : fmt::format("attempt {}", upload.attempts + 1);
}

std::string waiting_line(const UploadView& upload, std::int64_t now_unix) {
  std::string line = fmt::format("{} {} {}", upload.id, short_name(upload), upload.state);
  if (upload.next_attempt > now_unix) {
    line += fmt::format(", {} in {}", next_step(upload), human_duration(upload.next_attempt - now_unix));
  }
  if (!upload.error_message.empty()) line += fmt::format(": {}", printable(upload.error_message));
  return line;
}

std::string ended_line(const UploadView& upload, const std::string& name) {
  if (upload.has_failed()) {
    const std::string why = upload.error_code.empty() ? "" : fmt::format(": {}: ", upload.error_code);
    return fmt::format("{} {}{}{}", name, upload.state, why, printable(upload.error_message, 2048));
  }
  const std::int64_t seconds = upload.finished - upload.started;
  std::string line = fmt::format("{} {}, {}", name, upload.state, human_bytes(static_cast<double>(upload.size)));
  if (upload.started > 0 && seconds > 0) {
    line += fmt::format(" in {}, {}/s", human_duration(seconds),
                        human_bytes(static_cast<double>(upload.size) / static_cast<double>(seconds)));
  }
  return line;
}

constexpr std::chrono::milliseconds kPollInterval{250};
constexpr std::chrono::seconds kRestartPatience{30};

WatchView::Style style_for(const Session& session) {
  if (session.json()) return WatchView::Style::json;
  return ::isatty(STDOUT_FILENO) == 1 ? WatchView::Style::terminal : WatchView::Style::plain;
}

}  // namespace

ScreenSize screen_size() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_row, size.ws_col};
}

bool UploadView::has_ended() const { return state == "completed" || has_failed(); }

bool UploadView::has_failed() const { return state == "failed" || state == "cancelled"; }

UploadView view_of(const boost::json::value& upload) {
  UploadView view;
  view.id = integer_at(upload, "id");
  view.state = text_at(upload, "state");
  view.destination_path = text_at(upload, "destination_path");
  view.size = integer_at(upload, "size");
  view.bytes_sent = integer_at(upload, "bytes_sent");
  view.percent = integer_at(upload, "percent");
  view.attempts = integer_at(upload, "attempts");
  view.created = integer_at(upload, "created");
  view.started = integer_at(upload, "started");
  view.finished = integer_at(upload, "finished");
  view.next_attempt = integer_at(upload, "next_attempt");
  if (const auto* error = upload.is_object() ? upload.get_object().if_contains("error") : nullptr) {
    view.error_code = text_at(*error, "code");
    view.error_message = text_at(*error, "message");
    if (const std::string detail = text_at(*error, "detail"); !detail.empty()) {
      view.error_message += fmt::format(" ({})", detail);
    }
  }
  return view;
}

void RateMeter::add(MonotonicTime now, std::int64_t bytes) {
  // A retry may start from an earlier byte: older samples are not valid any more.
  if (!samples_.empty() && bytes < samples_.back().bytes) samples_.clear();
  samples_.push_back({now, bytes});
  while (samples_.size() > 2 && now - samples_[1].at >= kRateWindow) samples_.pop_front();
}

double RateMeter::rate() const {
  if (samples_.size() < 2) return 0;
  const std::chrono::duration<double> span = samples_.back().at - samples_.front().at;
  if (span < std::chrono::milliseconds(500)) return 0;
  return static_cast<double>(samples_.back().bytes - samples_.front().bytes) / span.count();
}

std::string progress_line(const UploadView& upload, double bytes_per_second, std::int64_t now_unix,
                          std::size_t columns) {
  if (upload.has_ended()) return ended_line(upload, fmt::format("{} {}", upload.id, short_name(upload)));
  const std::string line =
      upload.state == "uploading" ? uploading_line(upload, bytes_per_second, columns) : waiting_line(upload, now_unix);
  return cut(line, columns);
}

std::string plain_line(const UploadView& upload) {
  if (upload.has_ended()) return ended_line(upload, std::to_string(upload.id));
  if (upload.state == "uploading") {
    return fmt::format("{} uploading {}%, {} of {}", upload.id, upload.percent,
                       human_bytes(static_cast<double>(upload.bytes_sent)),
                       human_bytes(static_cast<double>(upload.size)));
  }
  std::string line = fmt::format("{} {}", upload.id, upload.state);
  if (upload.next_attempt > 0) {
    line += fmt::format(", {} at {}", next_step(upload), human_time(upload.next_attempt));
  }
  if (!upload.error_message.empty()) line += fmt::format(": {}", printable(upload.error_message));
  return line;
}

std::string WatchView::update(const boost::json::array& uploads, MonotonicTime now, std::int64_t now_unix,
                              std::size_t rows, std::size_t columns) {
  std::vector<UploadView> views;
  std::string out;
  for (const boost::json::value& upload : uploads) {
    views.push_back(view_of(upload));
    if (style_ == Style::terminal) continue;
    // Equal plain lines: nothing worth showing has changed, although times in the JSON have.
    std::string line = plain_line(views.back());
    std::string& last = last_shown_[views.back().id];
    if (line == last) continue;
    out += style_ == Style::json ? boost::json::serialize(upload) : line;
    out += '\n';
    last = std::move(line);
  }
  return style_ == Style::terminal ? redraw(views, now, now_unix, rows, columns) : out;
}

std::string WatchView::redraw(const std::vector<UploadView>& uploads, MonotonicTime now, std::int64_t now_unix,
                              std::size_t rows, std::size_t columns) {
  std::string ended;
  std::vector<std::string> running;
  // What runs first: where the screen is too small, what waits is hidden.
  std::vector<UploadView> sorted = uploads;
  std::ranges::stable_sort(sorted, std::greater(), [](const UploadView& one) { return one.state == "uploading"; });
  for (const UploadView& upload : sorted) {
    RateMeter& meter = meters_[upload.id];
    meter.add(now, upload.bytes_sent);
    // The last column stays empty: some terminals break the line there.
    std::string line = progress_line(upload, meter.rate(), now_unix, std::max<std::size_t>(columns, 2) - 1);
    if (!upload.has_ended()) {
      running.push_back(std::move(line));
    } else if (last_shown_.emplace(upload.id, line).second) {
      ended += line + "\n";
    }
  }
  // Lines above the screen cannot be drawn over.
  const std::size_t room = std::max<std::size_t>(rows, 3) - 2;
  const std::size_t hidden = running.size() > room ? running.size() - room + 1 : 0;
  running.resize(running.size() - hidden);
  if (hidden > 0) running.push_back(fmt::format("… and {} more", hidden));

  std::string out;
  if (drawn_lines_ > 0) out = fmt::format("\x1b[{}A\r\x1b[J", drawn_lines_);
  out += ended;
  for (const std::string& line : running) out += line + "\n";
  drawn_lines_ = running.size();
  return out;
}

std::string no_upload(const std::vector<std::int64_t>& ids, std::optional<std::int64_t> cdn) {
  const std::string who = cdn ? fmt::format("account {} has no upload", *cdn) : "there is no upload";
  return fmt::format("{} {}", who, fmt::join(ids, ", "));
}

int watch_uploads(Session& session, std::optional<std::int64_t> cdn, const std::vector<std::int64_t>& ids) {
  boost::json::object fields = {{"ids", boost::json::array(ids.begin(), ids.end())}};
  if (cdn) fields["cdn"] = *cdn;
  WatchView view(style_for(session));
  MonotonicTime last_answer = std::chrono::steady_clock::now();
  bool answered = false;
  for (;; std::this_thread::sleep_for(kPollInterval)) {
    const auto found = session.list({"GET", "/uploads", fields});
    const MonotonicTime now = std::chrono::steady_clock::now();
    if (!found) {
      const bool restarting = found.error().code == Errc::network || found.error().code == Errc::overloaded;
      if (answered && restarting && now - last_answer < kRestartPatience) continue;
      return session.fail(found.error());
    }
    last_answer = now;
    answered = true;
    if (found->size() != ids.size()) {
      return session.fail({Errc::upload_not_found, no_upload(ids, cdn)});
    }
    const boost::json::array& uploads = *found;
    const ScreenSize screen = screen_size();
    print(view.update(uploads, now, std::time(nullptr), screen.rows, screen.columns));
    if (std::ranges::all_of(uploads, [](const auto& upload) { return view_of(upload).has_ended(); })) {
      return std::ranges::any_of(uploads, [](const auto& upload) { return view_of(upload).has_failed(); }) ? kFailed
                                                                                                           : kDone;
    }
  }
}

}  // namespace vodlift::cli
