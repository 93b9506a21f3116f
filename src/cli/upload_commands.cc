#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/near_miss.h"
#include "base/text.h"
#include "cli/session.h"
#include "cli/text.h"
#include "cli/watch.h"
#include "core/upload_fields.h"
#include "core/upload_request.h"

namespace vodlift::cli {
namespace {

using boost::json::object;
using boost::json::value;

constexpr std::array<std::string_view, 4> kVerbs = {"cancel", "pause", "resume", "retry"};

// The options that give an upload's fields, by the fields' names.
struct UploadInput {
  std::int64_t cdn = 0;
  std::map<std::string_view, std::string> texts;               // fields of one value; empty: not given
  std::map<std::string_view, std::vector<std::string>> pairs;  // fields of names and values: NAME=VALUE
  bool watch = false;
};

struct StatusOptions {
  std::optional<std::int64_t> id;
  std::optional<std::int64_t> cdn;
  int limit = 25;
  std::vector<std::string> states;
  bool watch = false;
};

// The NAME=VALUE words of `flag` as an object. Errors: invalid_value.
Result<object> parse_pairs(std::string_view flag, const std::vector<std::string>& words) {
  object pairs;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Error{Errc::invalid_value, fmt::format("{}: expected NAME=VALUE, found \"{}\"", flag, word)};
    }
    if (!pairs.emplace(word.substr(0, equals), word.substr(equals + 1)).second) {
      return Error{Errc::invalid_value, fmt::format("{}: \"{}\" is given twice", flag, word.substr(0, equals))};
    }
  }
  return pairs;
}

// The name of a field on the command line: "--cache-control".
std::string flag_of(std::string_view field) {
  if (field == "path") return "path";
  if (field == "destination_path") return "--to";
  if (field == "metadata") return "--meta";
  if (field == "tags") return "--tag";
  std::string flag = "--" + std::string(field);
  std::ranges::replace(flag, '_', '-');
  return flag;
}

// The field's explanation, which is Markdown that begins with a small letter, as a sentence of --help.
std::string help_of(const FieldSpec& spec) {
  std::string help(spec.about);
  std::erase(help, '`');
  if (is_lower(help.front())) help.front() = static_cast<char>(help.front() - 'a' + 'A');
  if (spec.name == "destination_path") help += "; by default the path below the user's folder";
  if (spec.type == FieldType::pairs) help += ", as NAME=VALUE; may be repeated";
  return help;
}

// What is wrong with a word of --state; empty: nothing.
std::string state_error(const std::string& word) {
  const auto& states = kUploadStates.all();
  if (std::ranges::find(states, word) != states.end()) return {};
  const std::string_view meant = near_miss_of(word, states);
  return fmt::format("there is no state \"{}\"{}; the states are {}", word,
                     meant.empty() ? "" : fmt::format(", did you mean {}?", meant), fmt::join(states, ", "));
}

// CLI11 cannot require these, because the verbs of `upload` do without them.
Result<> check_given(const UploadInput& input) {
  std::string missing;
  if (input.texts.at("path").empty()) missing += " path";
  if (input.cdn == 0) missing += " --cdn";
  if (input.texts.at("bucket").empty()) missing += " --bucket";
  if (missing.empty()) return {};
  // `upload cancle` takes the misspelt verb for a path.
  const std::string& path = input.texts.at("path");
  const std::string_view verb = near_miss_of(path, kVerbs);
  std::string hint;
  if (!verb.empty()) {
    hint = fmt::format("; did you mean {}?", verb);
  } else if (!path.empty() && path.find('/') == std::string::npos) {
    hint = fmt::format("; \"{}\" is neither a path (storage/user/file) nor one of the commands {}", path,
                       fmt::join(kVerbs, ", "));
  }
  return Error{Errc::missing_field, fmt::format("upload needs{}{}; see: vodlift upload --help", missing, hint)};
}

// The fields of a new upload. A field that was not given is left to the daemon's default.
Result<object> upload_fields_of(const UploadInput& input) {
  if (auto given = check_given(input); !given) return given.error();
  const auto source = parse_source_path(input.texts.at("path"));
  if (!source) return source.error();
  object fields{{"cdn", input.cdn}};
  for (const FieldSpec& spec : upload_field_specs()) {
    if (spec.type == FieldType::pairs) {
      auto pairs = parse_pairs(flag_of(spec.name), input.pairs.at(spec.name));
      if (!pairs) return pairs.error();
      if (!pairs->empty()) fields.emplace(spec.name, std::move(*pairs));
      continue;
    }
    const std::string& text = input.texts.at(spec.name);
    if (text.empty()) {
      if (spec.name == "destination_path") fields.emplace(spec.name, source->file);
    } else if (spec.type == FieldType::number) {
      fields.emplace(spec.name, std::stoll(text));
    } else {
      fields.emplace(spec.name, text);
    }
  }
  return fields;
}

int run_upload(Session& session, const UploadInput& input) {
  const auto fields = upload_fields_of(input);
  if (!fields) return session.fail(fields.error());
  if (!input.watch) {
    return session.call_and_show({"POST", "/uploads", *fields}, [](const value& queued) {
      return fmt::format("queued as upload {0}; follow it with: vodlift status {0} --watch\n",
                         integer_at(queued, "id"));
    });
  }
  const auto queued = session.call({"POST", "/uploads", *fields});
  if (!queued) return session.fail(queued.error());
  return watch_uploads(session, input.cdn, {integer_at(*queued, "id")});
}

struct ChangeOptions {
  std::int64_t id = 0;
  std::optional<std::int64_t> cdn;
};

std::string show_changed(const value& upload, std::string_view verb) {
  const std::int64_t id = integer_at(upload, "id");
  const std::string state = text_at(upload, "state");
  // Its worker has it and gives it back soon.
  if (state == "uploading" && verb == "cancel") return fmt::format("upload {} is being cancelled\n", id);
  if (state == "uploading" && verb == "pause") return fmt::format("upload {} is being paused\n", id);
  return fmt::format("upload {} is {}\n", id, state);
}

// `vodlift upload VERB ID`.
void add_change(CLI::App& upload, Session& session, const std::string& verb, const std::string& about) {
  auto options = std::make_shared<ChangeOptions>();
  CLI::App* command = upload.add_subcommand(verb, about);
  command->add_option("id", options->id, "The upload")->required();
  command->add_option("--cdn", options->cdn, "The account that the upload must be of");
  session.attach(*command, [&session, options, verb] {
    object fields;
    if (options->cdn) fields["cdn"] = *options->cdn;
    return session.call_and_show({"POST", fmt::format("/uploads/{}/{}", options->id, verb), fields},
                                 [&verb](const value& changed) { return show_changed(changed, verb); });
  });
}

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
  return table.text("");
}

int show_upload(Session& session, const StatusOptions& options) {
  object fields;
  if (options.cdn) fields["cdn"] = *options.cdn;
  return session.call_and_show({"GET", fmt::format("/uploads/{}", *options.id), fields}, show_one);
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
  if (options.id) return show_upload(session, options);
  object fields = {{"limit", options.limit}};
  if (!options.states.empty()) fields["state"] = boost::json::array(options.states.begin(), options.states.end());
  if (options.cdn) fields["cdn"] = *options.cdn;
  if (options.watch) return watch_unfinished(session, fields, options);
  return session.list_and_show({"GET", "/uploads", fields}, show_list);
}

// The option that gives one field.
void add_field(CLI::App& upload, UploadInput& input, const FieldSpec& spec) {
  const std::string flag = flag_of(spec.name);
  if (spec.type == FieldType::pairs) {
    upload.add_option(flag, input.pairs[spec.name], help_of(spec))->allow_extra_args(false);
    return;
  }
  CLI::Option* option = upload.add_option(flag, input.texts[spec.name], help_of(spec));
  if (spec.type == FieldType::number) option->check(CLI::Range(spec.low, spec.high))->type_name("NUMBER");
  if (spec.type == FieldType::word) {
    option->check(CLI::IsMember(std::vector<std::string>(spec.words.begin(), spec.words.end())));
  }
  if (!spec.otherwise.empty()) option->default_str(std::string(spec.otherwise));
}

void add_upload(CLI::App& app, Session& session) {
  auto input = std::make_shared<UploadInput>();
  CLI::App* upload = app.add_subcommand("upload", "Queue a file for upload, or change a queued upload");
  upload->add_option("--cdn", input->cdn, "The account's number");
  for (const FieldSpec& spec : upload_field_specs()) add_field(*upload, *input, spec);
  upload->add_flag("--watch", input->watch, "Show the progress until the upload ends; the exit code says how it ended");
  session.attach(*upload, [&session, input, upload] {
    // Runs after a verb too, which has done the work already.
    if (!upload->get_subcommands().empty()) return session.exit_code();
    return run_upload(session, *input);
  });
  add_change(*upload, session, "cancel", "End an upload before it is complete");
  add_change(*upload, session, "pause", "Pause an upload; parts already sent are kept");
  add_change(*upload, session, "resume", "Resume a paused upload");
  add_change(*upload, session, "retry", "Retry an upload now, or queue a failed or cancelled one again");
}

void add_status(CLI::App& app, Session& session) {
  auto options = std::make_shared<StatusOptions>();
  CLI::App* status = app.add_subcommand("status", "Show one upload, or the newest ones");
  CLI::Option* id = status->add_option("id", options->id, "The upload");
  status->add_option("--cdn", options->cdn, "Only uploads of this account");
  status->add_option("--limit", options->limit, "At most this many of the newest uploads")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  status
      ->add_option("--state", options->states,
                   "Only uploads in this state, or in one of several, such as failed,cancelled; the states are "
                   "queued, paused, uploading, completed, failed and cancelled")
      ->type_name("STATE")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Validator(state_error, ""))
      ->excludes(id);
  status->add_flag("--watch", options->watch,
                   "Show the progress of the upload, or of all listed uploads, until they end; the exit code says how "
                   "they ended");
  session.attach(*status, [&session, options] { return run_status(session, *options); });
}

}  // namespace

void add_upload_commands(CLI::App& app, Session& session) {
  add_upload(app, session);
  add_status(app, session);
}

}  // namespace vodlift::cli
