// `vodlift upload cancel`, `pause`, `resume` and `retry`: of uploads that are named, or of all that a filter holds.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cli/session.h"
#include "cli/text.h"
#include "cli/upload_filter.h"
#include "cli/upload_views.h"

namespace vodlift::cli {
namespace {

using boost::json::object;
using boost::json::value;

constexpr std::size_t kMaxRefusals = 20;  // that are shown
constexpr std::size_t kMaxNamed = 400;    // ids of one request

struct Verb {
  std::string name;  // "retry"
  std::string past;  // "retried"
};

struct ChangeOptions {
  std::vector<std::int64_t> ids;
  UploadFilterOptions filter;
  bool all = false;
  bool dry_run = false;
};

std::string show_changed(const value& upload, std::string_view verb) {
  const std::int64_t id = integer_at(upload, "id");
  const std::string state = text_at(upload, "state");
  // Its worker has it and gives it back soon.
  if (state == "uploading" && verb == "cancel") return fmt::format("upload {} is being cancelled\n", id);
  if (state == "uploading" && verb == "pause") return fmt::format("upload {} is being paused\n", id);
  return fmt::format("upload {} is {}\n", id, state);
}

using Entries = std::map<std::int64_t, const value*>;  // by id

Entries entries_of(const value& answer, std::string_view list) {
  Entries entries;
  for (const value& one : answer.at(list).as_array()) entries[integer_at(one, "id")] = &one;
  return entries;
}

// Reports what became of each upload that a request has named, in the order of the command line. Answers the worst exit
// code.
int show_each(const Session& session, const Verb& verb, std::span<const std::int64_t> ids, const value& answer) {
  const Entries changes = entries_of(answer, "changes");
  const Entries refusals = entries_of(answer, "refusals");
  int worst = kDone;
  for (const std::int64_t id : ids) {
    if (const auto refusal = refusals.find(id); refusal != refusals.end()) {
      const value& why = *refusal->second;
      worst = std::max(worst, session.fail({errc_from_name(text_at(why, "code")), text_at(why, "detail")}));
    } else if (const auto change = changes.find(id); change != changes.end()) {
      const value& upload = change->second->at("upload");
      if (session.json()) print(boost::json::serialize(upload) + "\n");
      if (!session.json()) session.say(show_changed(upload, verb.name));
    }
  }
  return worst;
}

// Goes on behind one that is refused; the exit code is the worst.
int change_named(Session& session, const Verb& verb, const ChangeOptions& options) {
  object fields;
  if (options.filter.cdn) fields["cdn"] = *options.filter.cdn;
  if (options.ids.size() == 1) {
    // One upload is changed by its own route, so that the audit log names the change.
    return session.call_and_show({"POST", fmt::format("/uploads/{}/{}", options.ids.front(), verb.name), fields},
                                 [&verb](const value& changed) { return show_changed(changed, verb.name); });
  }
  fields["action"] = verb.name;
  int worst = kDone;
  for (std::span<const std::int64_t> left = options.ids; !left.empty();) {
    const auto ids = left.first(std::min(left.size(), kMaxNamed));
    left = left.subspan(ids.size());
    fields["ids"] = boost::json::array(ids.begin(), ids.end());
    const auto answer = session.call({"POST", "/uploads/bulk", fields});
    if (!answer) return session.fail(answer.error());
    worst = std::max(worst, show_each(session, verb, ids, *answer));
  }
  return worst;
}

// All that one command did, over several calls.
class Sum {
 public:
  void add(const value& answer) {
    for (const char* name : {"matched", "bytes", "changed", "refused"}) {
      sum_[name] = integer_at(sum_, name) + integer_at(answer, name);
    }
    for (const value& one : answer.at("refusals").as_array()) {
      if (refusals_.size() < kMaxRefusals) refusals_.push_back(one);
    }
  }

  [[nodiscard]] object json() const {
    object json = sum_;
    json["refusals"] = refusals_;
    return json;
  }

  [[nodiscard]] std::string text(const Verb& verb, bool dry_run) const {
    const std::string size = human_bytes(static_cast<double>(integer_at(sum_, "bytes")));
    if (dry_run) return fmt::format("{} would be {} ({})\n", uploads("matched"), verb.past, size);
    std::string text = fmt::format("{} {}\n", uploads("changed"), verb.past);
    if (refused() == 0) return text;
    text += fmt::format("{} could not be {}:\n", uploads("refused"), verb.past);
    for (const value& one : refusals_) text += fmt::format("  {}: {}\n", integer_at(one, "id"), text_at(one, "detail"));
    if (refused() > std::ssize(refusals_)) text += "  …\n";
    return text;
  }

  [[nodiscard]] std::int64_t refused() const { return integer_at(sum_, "refused"); }

 private:
  [[nodiscard]] std::string uploads(std::string_view name) const {
    const std::int64_t count = integer_at(sum_, name);
    return fmt::format("{} upload{}", count, count == 1 ? "" : "s");
  }

  object sum_{{"matched", 0}, {"bytes", 0}, {"changed", 0}, {"refused", 0}};
  boost::json::array refusals_;
};

int change_matching(Session& session, const Verb& verb, const ChangeOptions& options) {
  auto fields = options.filter.fields();
  if (!fields) return session.fail(fields.error());
  (*fields)["action"] = verb.name;
  if (options.all) (*fields)["all"] = true;
  if (options.dry_run) (*fields)["dry_run"] = true;
  Sum sum;
  while (true) {
    const auto answer = session.call({"POST", "/uploads/bulk", *fields});
    if (!answer) return session.fail(answer.error());
    sum.add(*answer);
    const value& next = answer->at("next");
    if (next.is_null()) break;
    (*fields)["cursor"] = next;
  }
  if (session.json()) {
    print(boost::json::serialize(sum.json()) + "\n");
  } else if (options.dry_run || sum.refused() > 0) {
    print(sum.text(verb, options.dry_run));
  } else {
    session.say(sum.text(verb, false));
  }
  return sum.refused() == 0 ? kDone : kFailed;
}

int run_change(Session& session, const Verb& verb, const ChangeOptions& options) {
  UploadFilterOptions narrowed = options.filter;
  narrowed.cdn.reset();
  const bool by_filter = !narrowed.empty() || options.all || options.dry_run;
  if (!options.ids.empty() && by_filter) {
    return session.fail({Errc::missing_field, "name uploads, or give a filter; not both"});
  }
  if (!options.ids.empty()) return change_named(session, verb, options);
  if (options.filter.empty() && !options.all) {
    return session.fail({Errc::missing_field,
                         fmt::format("upload {0} needs the ids of uploads, or a filter such as --state failed --since "
                                     "2h, or --all; see: vodlift upload {0} --help",
                                     verb.name)});
  }
  return change_matching(session, verb, options);
}

void add_change(CLI::App& upload, Session& session, const Verb& verb, const std::string& about) {
  auto options = std::make_shared<ChangeOptions>();
  CLI::App* command = upload.add_subcommand(verb.name, about);
  command->add_option("id", options->ids, "The uploads; without them all that the options below name");
  command->add_option("--cdn", options->filter.cdn, "The account that the uploads must be of");
  options->filter.attach(*command);
  command->add_flag("--all", options->all, "All uploads");
  command->add_flag("--dry-run", options->dry_run, "Change nothing; say how many uploads there are and how large");
  session.attach(*command, [&session, options, verb] { return run_change(session, verb, *options); });
}

}  // namespace

void add_upload_changes(CLI::App& upload, Session& session) {
  add_change(upload, session, {"cancel", "cancelled"}, "End uploads before they are complete");
  add_change(upload, session, {"pause", "paused"}, "Pause uploads; parts already sent are kept");
  add_change(upload, session, {"resume", "resumed"}, "Resume paused uploads");
  add_change(upload, session, {"retry", "retried"}, "Retry uploads now, or queue failed or cancelled ones again");
}

}  // namespace vodlift::cli
