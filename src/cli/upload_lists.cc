// `vodlift status`, `vodlift upload list` and `vodlift upload show`.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/pages.h"
#include "cli/session.h"
#include "cli/text.h"
#include "cli/top.h"
#include "cli/upload_filter.h"
#include "cli/upload_views.h"
#include "cli/watch.h"

namespace vodlift::cli {
namespace {

using boost::json::object;
using boost::json::value;

struct StatusOptions {
  std::optional<std::int64_t> id;
  std::optional<std::int64_t> cdn;
  int limit = 25;
  std::vector<std::string> states;
  bool watch = false;
};

std::string show_list(const boost::json::array& uploads) {
  Table table({"ID", "CDN", "STATE", "DONE", "SIZE", "BUCKET", "DESTINATION", "CREATED", "ERROR"});
  for (const value& upload : uploads) {
    const value* error = upload.as_object().if_contains("error");
    table.add({cell(upload, "id"), cell(upload, "cdn"), cell(upload, "state"),
               fmt::format("{}%", integer_at(upload, "percent")),
               human_bytes(static_cast<double>(integer_at(upload, "size"))), cell(upload, "bucket"),
               cell(upload, "destination_path"), time_cell(upload, "created"),
               error == nullptr ? "-" : cell(*error, "code")});
  }
  return table.text("no uploads");
}

// How the runs before this one ended; empty where there were none.
std::string show_history(const value& upload) {
  const value* history = upload.as_object().if_contains("history");
  if (history == nullptr || history->as_array().empty()) return {};
  Table table({"ATTEMPT", "STARTED", "ENDED", "RUNS", "END", "SENT", "ERROR"});
  for (const value& one : history->as_array()) {
    const value& error = one.at("error");
    table.add({cell(one, "number"), time_cell(one, "started"), time_cell(one, "ended"), cell(one, "runs"),
               cell(one, "end"), human_bytes(static_cast<double>(integer_at(one, "last_byte"))),
               error.is_null() ? "-" : fmt::format("{}: {}", cell(error, "code"), cell(error, "message"))});
  }
  return "\n" + table.text("");
}

std::string show_one(const value& upload) {
  const value* error = upload.as_object().if_contains("error");
  Table table({"upload", cell(upload, "id")});
  table.add({"account", cell(upload, "cdn")});
  table.add({"state", cell(upload, "state")});
  table.add({"source", cell(upload, "path")});
  table.add({"destination", fmt::format("s3://{}/{}", text_at(upload, "bucket"), text_at(upload, "destination_path"))});
  table.add({"size", fmt::format("{} bytes", integer_at(upload, "size"))});
  table.add({"sent", fmt::format("{} bytes ({}%)", integer_at(upload, "bytes_sent"), integer_at(upload, "percent"))});
  table.add({"attempts", cell(upload, "attempts")});
  table.add({"acl", fmt::format("{} (applied: {})", cell(upload, "acl"), cell(upload, "acl_applied"))});
  table.add({"etag", cell(upload, "etag")});
  table.add({"checksum", cell(upload, "checksum")});
  table.add({"version", cell(upload, "version_id")});
  const value* kept = upload.as_object().if_contains("kept");
  if (kept != nullptr && kept->is_bool() && kept->get_bool()) {
    table.add({"kept", "the object already existed; nothing was sent"});
  }
  table.add({"created", time_cell(upload, "created")});
  table.add({"started", time_cell(upload, "started")});
  table.add({"finished", time_cell(upload, "finished")});
  table.add({"next attempt", time_cell(upload, "next_attempt")});
  table.add({"callback", fmt::format("{} ({})", cell(upload, "callback"), cell(upload, "callback_state"))});
  if (error != nullptr && error->is_object()) {
    table.add({"error", fmt::format("{}: {}", cell(*error, "code"), cell(*error, "message"))});
    if (!text_at(*error, "detail").empty()) table.add({"error detail", cell(*error, "detail")});
  }
  const value* source = upload.as_object().if_contains("source");
  if (source != nullptr) table.add({"delete source?", text_at(*source, "reason")});
  return table.text("") + show_history(upload);
}

int show_upload(Session& session, std::int64_t id, std::optional<std::int64_t> cdn) {
  object fields;
  if (cdn) fields["cdn"] = *cdn;
  return session.call_and_show({"GET", fmt::format("/uploads/{}", id), fields}, show_one);
}

int watch_unfinished(Session& session, object fields, const StatusOptions& options) {
  if (options.states.empty()) fields["state"] = {"queued", "paused", "uploading"};
  const auto listed = session.list({"GET", "/uploads", fields});
  if (!listed) return session.fail(listed.error());
  std::vector<std::int64_t> ids;
  for (const value& upload : *listed) {
    if (!view_of(upload).has_ended()) ids.push_back(integer_at(upload, "id"));
  }
  if (ids.empty()) {
    if (!session.json()) print("no upload is waiting or running\n");
    return kDone;
  }
  return watch_uploads(session, options.cdn, ids);
}

int run_status(Session& session, const StatusOptions& options) {
  if (options.id && options.watch) return watch_uploads(session, options.cdn, {*options.id});
  if (options.id) return show_upload(session, *options.id, options.cdn);
  object fields = {{"limit", options.limit}};
  if (!options.states.empty()) fields["state"] = boost::json::array(options.states.begin(), options.states.end());
  if (options.cdn) fields["cdn"] = *options.cdn;
  if (options.watch) return watch_unfinished(session, fields, options);
  return session.list_and_show({"GET", "/uploads", fields}, show_list);
}

struct ListOptions {
  UploadFilterOptions filter;
  int limit = 25;
  std::string cursor;
};

int run_list(Session& session, const ListOptions& options) {
  auto fields = options.filter.fields();
  if (!fields) return session.fail(fields.error());
  if (!options.cursor.empty()) (*fields)["cursor"] = options.cursor;
  const auto page = read_pages(session, {"GET", "/uploads", std::move(*fields)}, options.limit);
  if (!page) return session.fail(page.error());
  if (session.json()) {
    print(boost::json::serialize(*page) + "\n");
    return kDone;
  }
  object whose;
  if (options.filter.cdn) whose["cdn"] = *options.filter.cdn;
  const auto counts = session.list({"GET", "/counts", whose});
  if (!counts) return session.fail(counts.error());
  const std::string line = totals(*counts);
  print(fmt::format("{}{}{}", line.empty() ? "" : line + "\n\n", show_list(page->at("items").as_array()),
                    rest_of(*page)));
  return kDone;
}

void add_status(CLI::App& app, Session& session) {
  auto options = std::make_shared<StatusOptions>();
  CLI::App* status = app.add_subcommand("status", "Show one upload, or the newest ones");
  CLI::Option* id = status->add_option("id", options->id, "The upload");
  status->add_option("--cdn", options->cdn, "Only uploads of this account");
  status->add_option("--limit", options->limit, "At most this many of the newest uploads")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  add_state_option(*status, options->states)->excludes(id);
  status->add_flag("--watch", options->watch,
                   "Show the progress of the upload, or of all listed uploads, until they end; the exit code says how "
                   "they ended");
  session.attach(*status, [&session, options] { return run_status(session, *options); });
}

void add_list(CLI::App& upload, Session& session) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* list = upload.add_subcommand("list", "List uploads, newest first");
  list->add_option("--cdn", options->filter.cdn, "Only uploads of this account");
  options->filter.attach(*list);
  list->add_option("--limit", options->limit, "At most this many")
      ->check(CLI::Range(1, kMostListed))
      ->capture_default_str();
  list->add_option("--cursor", options->cursor, "Go on where an earlier list ended");
  session.attach(*list, [&session, options] { return run_list(session, *options); });
}

void add_show(CLI::App& upload, Session& session) {
  auto options = std::make_shared<StatusOptions>();
  CLI::App* show = upload.add_subcommand("show", "Show one upload");
  show->add_option("id", options->id, "The upload")->required();
  show->add_option("--cdn", options->cdn, "The account that the upload must be of");
  session.attach(*show, [&session, options] { return show_upload(session, *options->id, options->cdn); });
}

}  // namespace

void add_upload_lists(CLI::App& upload, Session& session) {
  add_list(upload, session);
  add_show(upload, session);
}

void add_status_command(CLI::App& app, Session& session) { add_status(app, session); }

}  // namespace vodlift::cli
