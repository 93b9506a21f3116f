#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <memory>
#include <optional>

#include "cli/output.h"
#include "cli/session.h"
#include "cli/watch.h"
#include "core/upload_request.h"

namespace vodlift::cli {
namespace {

using boost::json::object;
using boost::json::value;

struct UploadOptions {
  std::string path;
  std::int64_t cdn = 0;
  std::string bucket;
  std::string destination;
  std::string acl = "private";
  std::vector<std::string> metadata;
  std::string callback;
  int priority = 5;
  std::string content_type;
  std::string cache_control;
  std::string content_disposition;
  std::string storage_class;
  std::vector<std::string> tags;
  std::string overwrite;
  std::string checksum;
  bool watch = false;
};

struct StatusOptions {
  std::optional<std::int64_t> id;
  std::optional<std::int64_t> cdn;
  int limit = 25;
  std::vector<std::string> states;
  bool watch = false;
};

// The object that the NAME=VALUE words of `flag` give. Errors: invalid_value.
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

// CLI11 cannot require these: the verbs of `upload` do without them.
Result<> check_given(const UploadOptions& options) {
  std::string missing;
  if (options.path.empty()) missing += " path";
  if (options.cdn == 0) missing += " --cdn";
  if (options.bucket.empty()) missing += " --bucket";
  if (missing.empty()) return {};
  return Error{Errc::missing_field, fmt::format("upload needs{}; see: vodlift upload --help", missing)};
}

Result<object> upload_fields(const UploadOptions& options) {
  if (auto given = check_given(options); !given) return given.error();
  const auto source = parse_source_path(options.path);
  if (!source) return source.error();
  auto metadata = parse_pairs("--meta", options.metadata);
  if (!metadata) return metadata.error();
  auto tags = parse_pairs("--tag", options.tags);
  if (!tags) return tags.error();
  object fields{{"cdn", options.cdn},
                {"path", options.path},
                {"destination_path", options.destination.empty() ? source->file : options.destination},
                {"bucket", options.bucket},
                {"acl", options.acl},
                {"metadata", std::move(*metadata)},
                {"callback", options.callback},
                {"priority", options.priority}};
  for (const auto& [name, text] : std::initializer_list<std::pair<std::string_view, std::string_view>>{
           {"content_type", options.content_type},
           {"cache_control", options.cache_control},
           {"content_disposition", options.content_disposition},
           {"storage_class", options.storage_class},
           {"overwrite", options.overwrite},
           {"checksum", options.checksum}}) {
    if (!text.empty()) fields.emplace(name, text);
  }
  if (!tags->empty()) fields.emplace("tags", std::move(*tags));
  return fields;
}

int run_upload(Session& session, const UploadOptions& options) {
  const auto fields = upload_fields(options);
  if (!fields) return session.fail(fields.error());
  if (!options.watch) {
    return session.call_and_show("upload.add", *fields, [](const value& queued) {
      return fmt::format("queued as upload {0}; follow it with: vodlift status {0} --watch\n",
                         integer_at(queued, "id"));
    });
  }
  const auto queued = session.call("upload.add", *fields);
  if (!queued) return session.fail(queued.error());
  return watch_uploads(session, options.cdn, {integer_at(*queued, "id")});
}

struct ChangeOptions {
  std::int64_t id = 0;
  std::optional<std::int64_t> cdn;
};

std::string show_changed(const value& upload) {
  return fmt::format("upload {} is {}\n", integer_at(upload, "id"), text_at(upload, "state"));
}

// `vodlift upload VERB ID`: the daemon's upload.VERB.
void add_change(CLI::App& upload, Session& session, const std::string& verb, const std::string& about) {
  auto options = std::make_shared<ChangeOptions>();
  CLI::App* command = upload.add_subcommand(verb, about);
  command->add_option("id", options->id, "The upload")->required();
  command->add_option("--cdn", options->cdn, "The account's number; needed where there is more than one account");
  session.attach(*command, [&session, options, verb] {
    object fields = {{"id", options->id}};
    if (options->cdn) fields["cdn"] = *options->cdn;
    return session.call_and_show("upload." + verb, fields, show_changed);
  });
}

std::string show_list(const value& uploads) {
  Table table({"ID", "STATE", "DONE", "SIZE", "BUCKET", "DESTINATION", "CREATED", "ERROR"});
  for (const value& upload : uploads.as_array()) {
    const value* error = upload.as_object().if_contains("error");
    table.add({cell(upload, "id"), cell(upload, "state"), fmt::format("{}%", integer_at(upload, "percent")),
               human_bytes(static_cast<double>(integer_at(upload, "size"))), cell(upload, "bucket"),
               cell(upload, "destination_path"), time_cell(upload, "created"),
               error == nullptr ? "-" : cell(*error, "code")});
  }
  return table.text("no uploads");
}

std::string show_one(const value& upload) {
  const value* error = upload.as_object().if_contains("error");
  Table table({"upload", cell(upload, "id")});
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
    table.add({"kept", "the object was there already; nothing was sent"});
  }
  table.add({"created", time_cell(upload, "created")});
  table.add({"started", time_cell(upload, "started")});
  table.add({"finished", time_cell(upload, "finished")});
  table.add({"next attempt", time_cell(upload, "next_attempt")});
  table.add({"callback", fmt::format("{} ({})", cell(upload, "callback"), cell(upload, "callback_state"))});
  if (error != nullptr && error->is_object()) {
    table.add({"error", fmt::format("{}: {}", cell(*error, "code"), cell(*error, "message"))});
  }
  return table.text("");
}

int show_upload(Session& session, const StatusOptions& options) {
  object fields = {{"ids", {*options.id}}};
  if (options.cdn) fields["cdn"] = *options.cdn;
  const auto found = session.call("upload.list", fields);
  if (!found) return session.fail(found.error());
  if (!found->is_array() || found->get_array().empty()) {
    return session.fail({Errc::upload_not_found, fmt::format("there is no upload {} of this account", *options.id)});
  }
  const value& upload = found->get_array().front();
  print(session.json() ? boost::json::serialize(upload) + "\n" : show_one(upload));
  return kDone;
}

int watch_unfinished(Session& session, object fields, const StatusOptions& options) {
  if (options.states.empty()) fields["states"] = {"queued", "paused", "uploading"};
  const auto listed = session.call("upload.list", fields);
  if (!listed) return session.fail(listed.error());
  std::vector<std::int64_t> ids;
  for (const value& upload : listed->as_array()) {
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
  if (!options.states.empty()) fields["states"] = boost::json::array(options.states.begin(), options.states.end());
  if (options.cdn) fields["cdn"] = *options.cdn;
  if (options.watch) return watch_unfinished(session, fields, options);
  return session.call_and_show("upload.list", fields, show_list);
}

void add_upload(CLI::App& app, Session& session) {
  auto options = std::make_shared<UploadOptions>();
  CLI::App* upload = app.add_subcommand("upload", "Queue a file for upload to a bucket");
  upload->add_option("path", options->path, "The file: STORAGE/USER/PATH, such as sestore4/jb/films/a.mp4");
  upload->add_option("--cdn", options->cdn, "The account's number");
  upload->add_option("--bucket", options->bucket, "The bucket");
  upload->add_option("--to", options->destination, "The object's key; by default the path below the user's folder");
  upload->add_option("--acl", options->acl, "Who may read the object")
      ->check(CLI::IsMember({"private", "public-read"}))
      ->capture_default_str();
  upload->add_option("--meta", options->metadata, "Metadata, NAME=VALUE; may be repeated")->allow_extra_args(false);
  upload->add_option("--callback", options->callback, "The URL to tell when the upload has ended");
  upload->add_option("--priority", options->priority, "9 goes first")->check(CLI::Range(0, 9))->capture_default_str();
  upload->add_option("--content-type", options->content_type, "The media type; by default from the key's extension");
  upload->add_option("--cache-control", options->cache_control, "The object's Cache-Control");
  upload->add_option("--content-disposition", options->content_disposition, "The object's Content-Disposition");
  upload->add_option("--storage-class", options->storage_class, "Such as STANDARD_IA; by default the bucket's own");
  upload->add_option("--tag", options->tags, "A tag of the object, NAME=VALUE; up to 10 times")
      ->allow_extra_args(false);
  upload
      ->add_option("--overwrite", options->overwrite,
                   "What to do where an object of that key is there already; replace it by default")
      ->check(CLI::IsMember({"replace", "keep", "fail"}));
  upload->add_option("--checksum", options->checksum,
                     "That the file must have: crc32c:<base64>, md5:<hex> or sha256:<hex>");
  upload->add_flag("--watch", options->watch, "Show the progress to the end; the exit code tells how it ended");
  session.attach(*upload, [&session, options, upload] {
    // Run after a verb too, which has done what was asked for.
    if (!upload->get_subcommands().empty()) return session.exit_code();
    return run_upload(session, *options);
  });
  add_change(*upload, session, "cancel", "End an upload before it is done");
  add_change(*upload, session, "pause", "Hold an upload back");
  add_change(*upload, session, "resume", "Let a paused upload go on");
  add_change(*upload, session, "retry", "Try an upload again now, or queue a failed or cancelled one anew");
}

void add_status(CLI::App& app, Session& session) {
  auto options = std::make_shared<StatusOptions>();
  CLI::App* status = app.add_subcommand("status", "Show one upload, or the newest ones");
  CLI::Option* id = status->add_option("id", options->id, "The upload");
  status->add_option("--cdn", options->cdn, "The account's number; needed where there is more than one account");
  status->add_option("--limit", options->limit, "How many of the newest")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  status
      ->add_option("--state", options->states,
                   "Of the newest only those in this state, or in one of several: --state failed,cancelled")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::IsMember({"queued", "paused", "uploading", "completed", "failed", "cancelled"}))
      ->excludes(id);
  status->add_flag("--watch", options->watch,
                   "Show the progress of the upload (or of all listed that have not ended) to the end; "
                   "the exit code tells how it ended");
  session.attach(*status, [&session, options] { return run_status(session, *options); });
}

}  // namespace

void add_upload_commands(CLI::App& app, Session& session) {
  add_upload(app, session);
  add_status(app, session);
}

}  // namespace vodlift::cli
