#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <memory>
#include <optional>
#include <string>

#include "base/encoding.h"
#include "cli/session.h"
#include "cli/text.h"

namespace vodlift::cli {
namespace {

using boost::json::object;
using boost::json::value;

constexpr std::size_t kMaxLineBytes = 300;

// "HTTP 503 in 1.2 s", or why there was no answer.
std::string outcome(const value& one) {
  const std::string error = printable(text_at(one, "error"), kMaxLineBytes);
  const std::int64_t status = integer_at(one, "http_status");
  if (status == 0) return error.empty() ? "-" : error;
  return fmt::format("HTTP {} in {} ms{}{}", status, integer_at(one, "took_ms"), error.empty() ? "" : ": ", error);
}

std::string last_outcome(const value& callback) {
  const value& last = callback.at("last");
  return last.is_null() ? "-" : outcome(last);
}

std::string show_list(const boost::json::array& callbacks) {
  Table table({"ID", "UPLOAD", "CDN", "STATE", "TRIES", "RECEIVER", "NEXT TRY", "LAST ANSWER"});
  for (const value& one : callbacks) {
    table.add({cell(one, "id"), cell(one, "upload"), cell(one, "cdn"), cell(one, "state"), cell(one, "attempts"),
               cell(one, "receiver"), time_cell(one, "next_attempt"), last_outcome(one)});
  }
  return table.text("no callbacks");
}

std::string show_one(const value& callback) {
  Table table({"callback", cell(callback, "id")});
  table.add({"upload", cell(callback, "upload")});
  table.add({"account", cell(callback, "cdn")});
  table.add({"state", cell(callback, "state")});
  table.add({"URL", cell(callback, "url")});
  table.add({"webhook-id", cell(callback, "webhook_id")});
  table.add({"created", time_cell(callback, "created")});
  table.add({"next try", time_cell(callback, "next_attempt")});
  table.add({"body", printable(text_at(callback, "body"), kMaxLineBytes)});
  for (const value& one : callback.at("tries").as_array()) {
    table.add({fmt::format("try {}", integer_at(one, "number")), time_cell(one, "at") + "  " + outcome(one)});
  }
  return table.text("");
}

std::string show_test(const value& answer) {
  return fmt::format("{}: {}\n", answer.at("delivered").as_bool() ? "delivered" : "not delivered", outcome(answer));
}

struct ListOptions {
  std::optional<std::int64_t> cdn;
  std::optional<std::int64_t> upload;
  std::string state;
  std::string receiver;
  std::string cursor;
  int limit = 25;
};

void add_list(CLI::App& noun, Session& session) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* list = noun.add_subcommand("list", "List callbacks, newest first");
  list->add_option("--cdn", options->cdn, "Only callbacks of this account");
  list->add_option("--upload", options->upload, "Only the callback of this upload");
  list->add_option("--state", options->state, "Only callbacks in this state")
      ->check(CLI::IsMember({"pending", "delivered", "failed", "stopped"}));
  list->add_option("--receiver", options->receiver, "Only callbacks to this host, or host:port");
  list->add_option("--limit", options->limit, "At most this many")->check(CLI::Range(1, 100))->capture_default_str();
  list->add_option("--cursor", options->cursor, "Go on where an earlier list ended (next, with --json)");
  session.attach(*list, [&session, options] {
    object fields{{"limit", options->limit}};
    if (options->cdn) fields["cdn"] = *options->cdn;
    if (options->upload) fields["upload"] = *options->upload;
    if (!options->state.empty()) fields["state"] = options->state;
    if (!options->receiver.empty()) fields["receiver"] = options->receiver;
    if (!options->cursor.empty()) fields["cursor"] = options->cursor;
    return session.call_and_show({"GET", "/callbacks", fields}, [](const value& page) {
      const std::string next = text_at(page, "next");
      return show_list(page.at("items").as_array()) +
             (next.empty() ? "" : fmt::format("There are more; go on with: --cursor {}\n", next));
    });
  });
}

void add_one(CLI::App& noun, Session& session, const char* verb, const char* about, const char* method,
             const char* path) {
  auto id = std::make_shared<std::int64_t>();
  CLI::App* command = noun.add_subcommand(verb, about);
  command->add_option("id", *id, "The callback; \"callback list\" shows the ids")->required();
  session.attach(*command, [&session, id, method, path] {
    return session.call_and_show({method, fmt::format(fmt::runtime(path), *id)}, show_one);
  });
}

void add_test(CLI::App& noun, Session& session) {
  struct TestOptions {
    std::int64_t cdn = 0;
    std::string url;
  };
  auto options = std::make_shared<TestOptions>();
  CLI::App* test = noun.add_subcommand("test", "Send a test callback to a URL, signed as the account's are");
  test->add_option("--cdn", options->cdn, "The account's number")->required();
  test->add_option("--url", options->url, "The receiver's URL")->required();
  session.attach(*test, [&session, options]() -> int {
    const auto answer = session.call({"POST", "/callbacks/test", {{"cdn", options->cdn}, {"url", options->url}}});
    if (!answer) return session.fail(answer.error());
    print(session.json() ? boost::json::serialize(*answer) + "\n" : show_test(*answer));
    return answer->at("delivered").as_bool() ? kDone : kFailed;
  });
}

}  // namespace

void add_callback_commands(CLI::App& app, Session& session) {
  CLI::App* noun =
      app.add_subcommand("callback", "Callbacks: what was delivered, and sending again")->require_subcommand(1);
  add_list(*noun, session);
  add_one(*noun, session, "show", "Show a callback with each of its tries", "GET", "/callbacks/{}");
  add_one(*noun, session, "send", "Send a callback again, with the same id and body", "POST", "/callbacks/{}/send");
  add_test(*noun, session);
}

}  // namespace vodlift::cli
