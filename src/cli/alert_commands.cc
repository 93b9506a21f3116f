// What the operator is told unasked: what is open, and whether it arrives.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <string>

#include "base/encoding.h"
#include "cli/session.h"
#include "cli/text.h"

namespace vodlift::cli {
namespace {

using boost::json::value;

constexpr std::size_t kMaxAnswerBytes = 300;

std::string show_alerts(const value& answer) {
  const auto& receivers = answer.at("receivers").as_array();
  if (receivers.empty()) {
    return "nobody is told: [alerts] has no webhook and no command; vodlift overview tells what needs a person\n";
  }
  Table table({"OPENED", "SEVERITY", "CODE", "TITLE"});
  for (const value& one : answer.at("items").as_array()) {
    table.add({time_cell(one, "opened"), cell(one, "severity"), cell(one, "code"), cell(one, "title")});
  }
  std::string text = table.text("no alert is open");
  for (const value& one : receivers) {
    if (one.at("failing_since").is_null()) continue;
    text += fmt::format("alerts to {} have failed since {}: {}\n", cell(one, "receiver"),
                        time_cell(one, "failing_since"), cell(one, "error"));
  }
  return text;
}

std::string show_answers(const boost::json::array& answers) {
  std::string text;
  for (const value& one : answers) {
    const std::string output = printable(text_at(one, "output"), kMaxAnswerBytes);
    text += fmt::format("{}: {}: {} in {} ms{}{}\n", cell(one, "receiver"),
                        one.at("delivered").as_bool() ? "delivered" : "not delivered", cell(one, "answer"),
                        integer_at(one, "took_ms"), output.empty() ? "" : ": ", output);
  }
  return text;
}

int run_alert_test(Session& session) {
  const auto answers = session.list({"POST", "/alerts/test"});
  if (!answers) return session.fail(answers.error());
  if (answers->empty()) {
    return session.fail(
        {Errc::invalid_value, "nobody is told: give [alerts] webhook or command in the configuration file"});
  }
  print(session.json() ? boost::json::serialize(*answers) + "\n" : show_answers(*answers));
  const bool all = std::ranges::all_of(*answers, [](const value& one) { return one.at("delivered").as_bool(); });
  return all ? kDone : kFailed;
}

}  // namespace

void add_alert_commands(CLI::App& app, Session& session) {
  CLI::App* noun = app.add_subcommand("alerts", "Show the alerts that are open, or test who is told");
  noun->require_subcommand(0, 1);
  CLI::App* test = noun->add_subcommand("test", "Send a test alert to every receiver, and print what each answers");
  session.attach(*test, [&session] { return run_alert_test(session); });
  session.attach(*noun, [&session, noun, test] {
    if (noun->got_subcommand(test)) return session.exit_code();  // it has run
    return session.call_and_show({"GET", "/alerts"}, show_alerts);
  });
}

}  // namespace vodlift::cli
