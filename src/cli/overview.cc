// `vodlift overview`: how things stand, and what needs a person.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <memory>
#include <optional>
#include <string>

#include "base/encoding.h"
#include "cli/session.h"
#include "cli/text.h"
#include "cli/top.h"

namespace vodlift::cli {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

constexpr std::size_t kMaxTextBytes = 1000;

std::string text_of(const value& one, std::string_view name) { return printable(text_at(one, name), kMaxTextBytes); }

std::string size_cell(const value& one, std::string_view name) {
  return human_bytes(static_cast<double>(integer_at(one, name)));
}

// The severity and the title, and below them what is known and what to do.
std::string show_need(const value& need, std::int64_t now) {
  const std::string severity = text_of(need, "severity");
  const auto color = severity == "critical" ? Color::red : Color::yellow;
  std::string text =
      fmt::format("{}  {}\n", colored(fmt::format("{:<8}", severity), color, STDOUT_FILENO), text_of(need, "title"));
  const auto add = [&text](std::string_view line) { text += fmt::format("{:10}{}\n", "", line); };
  add(text_of(need, "detail"));
  std::string extent;
  if (const std::int64_t since = integer_at(need, "since"); since != 0)
    extent = fmt::format("for {}", human_duration(now - since));
  if (const std::int64_t affected = integer_at(need, "affected"); affected > 0) {
    extent += fmt::format("{}{}{} waiting", extent.empty() ? "" : "; ", affected,
                          cell(need, "at_least") == "yes" ? " or more" : "");
  }
  if (!extent.empty()) add(extent);
  add("-> " + text_of(need, "fix"));
  return text;
}

std::string show_queue(const array& queue, std::int64_t now) {
  Table table({"PRIORITY", "READY", "SIZE", "LONGEST WAIT"});
  for (const value& one : queue) {
    table.add({cell(one, "priority"), cell(one, "uploads") + (cell(one, "complete") == "no" ? " or more" : ""),
               size_cell(one, "bytes"), human_duration(now - integer_at(one, "oldest"))});
  }
  return table.text("nothing waits for its turn");
}

std::string show_running(const array& running) {
  Table table({"RUNNING", "CDN", "DONE", "SIZE", "SOURCE"});
  for (const value& one : running) {
    table.add({cell(one, "id"), cell(one, "cdn"), fmt::format("{}%", integer_at(one, "percent")),
               size_cell(one, "size"), cell(one, "path")});
  }
  return table.text("nothing is being sent");
}

// Sums of the minutes that began at `since` or later.
object sums_of(const array& minutes, std::int64_t since, std::int64_t now) {
  const auto sum = [&](std::string_view name) {
    std::int64_t all = 0;
    for (const value& one : minutes) all += integer_at(one, "begins") < since ? 0 : integer_at(one, name);
    return all;
  };
  std::int64_t begins = now;
  std::int64_t longest_wait = 0;
  for (const value& one : minutes) {
    if (integer_at(one, "begins") < since) continue;
    begins = std::min(begins, integer_at(one, "begins"));
    longest_wait = std::max(longest_wait, integer_at(one, "longest_wait_s"));
  }
  const std::int64_t bytes = sum("bytes_sent");
  return {{"seconds", now - begins},
          {"bytes_sent", bytes},
          {"bytes_per_s", bytes / std::max<std::int64_t>(now - begins, 1)},
          {"completed", sum("completed")},
          {"failed", sum("failed")},
          {"cancelled", sum("cancelled")},
          {"longest_wait_s", longest_wait}};
}

struct Span {
  const char* name;
  std::int64_t seconds;
};
constexpr std::array kSpans = {Span{"5 min", 300}, Span{"1 h", 3600}};

array throughput_of(const array& minutes, std::int64_t now) {
  array spans;
  for (const Span& span : kSpans) spans.push_back(sums_of(minutes, now - span.seconds, now));
  return spans;
}

std::string show_throughput(const array& spans) {
  Table table({"LAST", "SENT", "RATE", "COMPLETED", "FAILED", "CANCELLED", "LONGEST WAIT"});
  for (std::size_t i = 0; i < kSpans.size(); ++i) {
    const value& one = spans.at(i);
    table.add({kSpans.at(i).name, size_cell(one, "bytes_sent"), size_cell(one, "bytes_per_s") + "/s",
               cell(one, "completed"), cell(one, "failed"), cell(one, "cancelled"),
               human_duration(integer_at(one, "longest_wait_s"))});
  }
  return table.text("");
}

// Of the last 24 hours; empty: there were none.
std::string show_errors(const array& errors) {
  if (errors.empty()) return {};
  Table table({"FAILED IN 24 H", "ERROR"});
  for (const value& one : errors) table.add({cell(one, "uploads"), cell(one, "code")});
  return "\n" + table.text("");
}
std::string show_accounts(const array& accounts) {
  if (accounts.empty()) return {};
  Table table({"CDN", "SENT IN 24 H", "COMPLETED", "FAILED"});
  for (const value& one : accounts) {
    const std::string cdn = cell(one, "cdn");
    table.add({cdn == "-" ? "others" : cdn, size_cell(one, "bytes"), cell(one, "completed"), cell(one, "failed")});
  }
  return "\n" + table.text("");
}

std::string show_buckets(const array& buckets) {
  if (buckets.empty()) return {};
  Table table({"BUCKET", "CDN", "SENT IN 24 H", "COMPLETED", "FAILED"});
  for (const value& one : buckets) {
    const std::string bucket = cell(one, "bucket");
    table.add({bucket == "-" ? "others" : bucket, cell(one, "cdn"), size_cell(one, "bytes"), cell(one, "completed"),
               cell(one, "failed")});
  }
  return "\n" + table.text("");
}

// Of the whole server; empty: one account was asked for.
std::string show_server(const value& facts) {
  const value& server = facts.at("server");
  if (server.is_null()) return {};
  // Not known of a database on another machine.
  const bool knows_disk = !server.at("disk_free_bytes").is_null();
  const std::string disk =
      knows_disk ? fmt::format("the disk of the database has {} free; ", size_cell(server, "disk_free_bytes")) : "";
  return fmt::format("\n{}requests and answers hold {} of {}\n", disk, size_cell(server, "memory_bytes"),
                     size_cell(server, "memory_limit_bytes"));
}

std::string show(const value& facts) {
  const std::int64_t now = integer_at(facts, "at");
  std::string text = text_of(facts, "sentence") + "\n";
  for (const value& need : facts.at("attention").as_array()) text += "\n" + show_need(need, now);
  if (const std::string line = totals(facts.at("counts").as_array()); !line.empty()) text += "\n" + line + "\n";
  text += show_server(facts);
  text += "\n" + show_queue(facts.at("queue").as_array(), now);
  text += "\n" + show_running(facts.at("running").as_array());
  text += "\n" + show_throughput(facts.at("throughput").as_array());
  return text + show_errors(facts.at("errors").as_array()) + show_accounts(facts.at("today").as_array()) +
         show_buckets(facts.at("buckets_today").as_array());
}

int run_overview(Session& session, std::optional<std::int64_t> cdn) {
  object whose;
  if (cdn) whose["cdn"] = *cdn;
  auto overview = session.call({"GET", "/overview", whose});
  if (!overview) return session.fail(overview.error());
  const std::int64_t now = integer_at(*overview, "at");
  object fields = whose;
  fields["resolution"] = "minute";
  fields["since"] = std::max<std::int64_t>(now - kSpans.back().seconds, 0);
  const auto minutes = session.list({"GET", "/statistics", fields});
  if (!minutes) return session.fail(minutes.error());
  overview->as_object()["throughput"] = throughput_of(*minutes, now);
  print(session.json() ? boost::json::serialize(*overview) + "\n" : show(*overview));
  return kDone;
}

}  // namespace

void add_overview_command(CLI::App& app, Session& session) {
  auto cdn = std::make_shared<std::optional<std::int64_t>>();
  CLI::App* overview = app.add_subcommand("overview", "Show how things stand, and what needs a person with what to do");
  overview->add_option("--cdn", *cdn, "Only what concerns this account");
  session.attach(*overview, [&session, cdn] { return run_overview(session, *cdn); });
}

}  // namespace vodlift::cli
