#include "cli/watch.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <ctime>
#include <thread>

namespace vodlift::cli {
namespace {

constexpr std::chrono::milliseconds kPollInterval{250};
constexpr std::chrono::seconds kRestartPatience{30};

struct ScreenSize {
  std::size_t rows = 24;
  std::size_t columns = 80;
};

ScreenSize screen_size() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_row, size.ws_col};
}

WatchView::Style style_for(const Session& session) {
  if (session.json()) return WatchView::Style::json;
  return ::isatty(STDOUT_FILENO) == 1 ? WatchView::Style::terminal : WatchView::Style::plain;
}

}  // namespace

int watch_uploads(Session& session, std::optional<std::int64_t> cdn, const std::vector<std::int64_t>& ids) {
  boost::json::object fields = {{"ids", boost::json::array(ids.begin(), ids.end())}};
  if (cdn) fields["cdn"] = *cdn;
  WatchView view(style_for(session));
  MonotonicTime last_answer = std::chrono::steady_clock::now();
  bool answered = false;
  for (;; std::this_thread::sleep_for(kPollInterval)) {
    const auto found = session.call("upload.list", fields);
    const MonotonicTime now = std::chrono::steady_clock::now();
    if (!found) {
      const bool restarting = found.error().code == Errc::network || found.error().code == Errc::overloaded;
      if (answered && restarting && now - last_answer < kRestartPatience) continue;
      return session.fail(found.error());
    }
    last_answer = now;
    answered = true;
    if (!found->is_array() || found->get_array().size() != ids.size()) {
      return session.fail(
          {Errc::upload_not_found, fmt::format("there is no upload {} of this account", fmt::join(ids, ", "))});
    }
    const boost::json::array& uploads = found->get_array();
    const ScreenSize screen = screen_size();
    print(view.update(uploads, now, std::time(nullptr), screen.rows, screen.columns));
    if (std::ranges::all_of(uploads, [](const auto& upload) { return view_of(upload).has_ended(); })) {
      return std::ranges::any_of(uploads, [](const auto& upload) { return view_of(upload).has_failed(); }) ? kFailed
                                                                                                           : kDone;
    }
  }
}

}  // namespace vodlift::cli
