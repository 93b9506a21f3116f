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
#include "cli/upload_folder.h"
#include "cli/upload_views.h"
#include "cli/watch.h"
#include "core/upload_fields.h"
#include "core/upload_request.h"

namespace vodlift::cli {
namespace {

using boost::json::object;
using boost::json::value;

constexpr std::array<std::string_view, 6> kVerbs = {"list", "show", "cancel", "pause", "resume", "retry"};

// The options that give an upload's fields, by the fields' names.
struct UploadInput {
  std::int64_t cdn = 0;
  std::map<std::string_view, std::string> texts;               // fields of one value; empty: not given
  std::map<std::string_view, std::vector<std::string>> pairs;  // fields of names and values: NAME=VALUE
  bool watch = false;
  FolderOptions folder;
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
  std::string key;
  if (!input.folder.recursive) {
    const auto source = parse_source_path(input.texts.at("path"));
    if (!source) return source.error();
    key = source->file;
  } else if (const auto folder = parse_folder_path(input.texts.at("path")); !folder) {
    return folder.error();
  }
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
      if (spec.name == "destination_path") fields.emplace(spec.name, key);
    } else if (spec.type == FieldType::number) {
      fields.emplace(spec.name, std::stoll(text));
    } else {
      fields.emplace(spec.name, text);
    }
  }
  return fields;
}

Error needs_recursive() {
  return {Errc::missing_field, "--dry-run, --filter and --all-types need --recursive: they are about a folder"};
}

int run_upload(Session& session, const UploadInput& input) {
  const FolderOptions& folder = input.folder;
  if (!folder.recursive && (folder.dry_run || folder.all_types || !folder.filter.empty())) {
    return session.fail(needs_recursive());
  }
  const auto fields = upload_fields_of(input);
  if (!fields) return session.fail(fields.error());
  if (folder.recursive) return upload_folder(session, *fields, folder);
  if (!input.watch) {
    return session.call_and_show({"POST", "/uploads", *fields},
                                 [](const value& queued) {
                                   return fmt::format(
                                       "queued as upload {0}; follow it with: vodlift status {0} --watch\n",
                                       integer_at(queued, "id"));
                                 },
                                 {"id"});
  }
  const auto queued = session.call({"POST", "/uploads", *fields});
  if (!queued) return session.fail(queued.error());
  return watch_uploads(session, input.cdn, {integer_at(*queued, "id")});
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
  CLI::App* upload = app.add_subcommand("upload", "Queue a file for upload; list, show and change uploads");
  upload->add_option("--cdn", input->cdn, "The account's number");
  for (const FieldSpec& spec : upload_field_specs()) add_field(*upload, *input, spec);
  CLI::Option* watch = upload->add_flag("--watch", input->watch,
                                        "Show the progress until the upload ends; the exit code says how it ended");
  upload
      ->add_flag("--recursive", input->folder.recursive,
                 "Queue every file of a folder and of those below it; --to is what each key begins with")
      ->excludes(watch, upload->get_option("--checksum"));
  upload->add_option("--filter", input->folder.filter, "Only files whose name matches, such as \"*.mp4\"");
  upload->add_flag("--all-types", input->folder.all_types, "Also files that are no videos by their extension");
  upload->add_flag("--dry-run", input->folder.dry_run, "Queue nothing; say how many files there are and how large");
  session.attach(*upload, [&session, input, upload] {
    // Runs after a verb too, which has done the work already.
    if (!upload->get_subcommands().empty()) return session.exit_code();
    return run_upload(session, *input);
  });
  add_upload_lists(*upload, session);
  add_upload_changes(*upload, session);
}

}  // namespace

void add_upload_commands(CLI::App& app, Session& session) {
  add_upload(app, session);
  add_status_command(app, session);
}

}  // namespace vodlift::cli
