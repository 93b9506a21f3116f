#include "cli/top.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <ctime>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "cli/text.h"
#include "core/upload.h"

namespace vodlift::cli {
namespace {

using boost::json::object;
using boost::json::value;

constexpr std::chrono::seconds kBetweenFrames{1};
constexpr int kMostRunning = 100;

struct Answers {
  boost::json::array counts;
  boost::json::array running;
};

Result<Answers> ask(Session& session, const object& whose) {
  auto counts = session.list({"GET", "/counts", whose});
  if (!counts) return counts.error();
  object fields = whose;
  fields["state"] = "uploading";
  fields["limit"] = kMostRunning;
  auto running = session.list({"GET", "/uploads", fields});
  if (!running) return running.error();
  return Answers{std::move(*counts), std::move(*running)};
}

int run_top(Session& session, std::optional<std::int64_t> cdn) {
  object whose;
  if (cdn) whose["cdn"] = *cdn;
  TopView view;
  // Without a terminal, or as JSON: once.
  const bool live = ::isatty(STDOUT_FILENO) == 1 && !session.json();
  while (true) {
    const auto answers = ask(session, whose);
    if (!answers) return session.fail(answers.error());
    if (session.json()) {
      print(boost::json::serialize(object{{"counts", answers->counts}, {"running", answers->running}}) + "\n");
      return kDone;
    }
    const ScreenSize screen = screen_size();
    print(view.frame(answers->counts, answers->running, std::chrono::steady_clock::now(), screen.rows, screen.columns));
    if (!live) return kDone;
    std::this_thread::sleep_for(kBetweenFrames);
  }
}

}  // namespace

std::string totals(const boost::json::array& counts) {
  constexpr std::array kOrder = {UploadState::uploading, UploadState::queued,    UploadState::paused,
                                 UploadState::failed,    UploadState::cancelled, UploadState::completed};
  std::string line;
  for (const UploadState state : kOrder) {
    std::int64_t uploads = 0;
    for (const value& one : counts) {
      if (text_at(one, "state") == to_string(state)) uploads += integer_at(one, "uploads");
    }
    if (uploads != 0) line += fmt::format("{}{} {}", line.empty() ? "" : ", ", uploads, to_string(state));
  }
  return line;
}

std::string TopView::frame(const boost::json::array& counts, const boost::json::array& running, MonotonicTime now,
                           std::size_t rows, std::size_t columns) {
  std::map<std::int64_t, RateMeter> meters;
  std::vector<std::string> lines;
  double rate = 0;
  for (const value& upload : running) {
    const UploadView one = view_of(upload);
    RateMeter& meter = meters[one.id] = std::move(meters_[one.id]);
    meter.add(now, one.bytes_sent);
    rate += meter.rate();
    // The last column stays empty: some terminals break the line there.
    lines.push_back(progress_line(one, meter.rate(), std::time(nullptr), std::max<std::size_t>(columns, 2) - 1));
  }
  meters_ = std::move(meters);  // drops the meters of uploads that ended
  const std::size_t room = std::max<std::size_t>(rows, 4) - 3;
  if (lines.size() > room) {
    const std::size_t hidden = lines.size() - room + 1;
    lines.resize(room - 1);
    lines.push_back(fmt::format("… and {} more", hidden));
  }
  std::string head = totals(counts);
  if (head.empty()) head = "no uploads";
  if (rate >= 1) head += fmt::format("; {}/s", human_bytes(rate));
  lines.insert(lines.begin(), {head, ""});
  std::string out = drawn_lines_ == 0 ? "" : fmt::format("\x1b[{}A\r\x1b[J", drawn_lines_);
  for (const std::string& line : lines) out += line + "\n";
  drawn_lines_ = lines.size();
  return out;
}

void add_top_command(CLI::App& app, Session& session) {
  auto cdn = std::make_shared<std::optional<std::int64_t>>();
  CLI::App* top = app.add_subcommand("top", "Show what is being sent and how fast, once a second, until Ctrl-C");
  top->add_option("--cdn", *cdn, "Only uploads of this account");
  session.attach(*top, [&session, cdn] { return run_top(session, *cdn); });
}

}  // namespace vodlift::cli
