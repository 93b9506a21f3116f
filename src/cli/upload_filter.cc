#include "cli/upload_filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>

#include "base/near_miss.h"
#include "cli/text.h"
#include "core/upload.h"

namespace vodlift::cli {
namespace {

// What is wrong with a word of --state; empty: nothing.
std::string state_error(const std::string& word) {
  const auto& states = kUploadStates.all();
  if (std::ranges::find(states, word) != states.end()) return {};
  const std::string_view meant = near_miss_of(word, states);
  return fmt::format("there is no state \"{}\"{}; the states are {}", word,
                     meant.empty() ? "" : fmt::format(", did you mean {}?", meant), fmt::join(states, ", "));
}

boost::json::array list_of(const std::vector<std::string>& texts) {
  return boost::json::array(texts.begin(), texts.end());
}

}  // namespace

CLI::Option* add_state_option(CLI::App& command, std::vector<std::string>& states) {
  return command
      .add_option("--state", states,
                  "Only uploads in this state, or in one of several, such as failed,cancelled; the states are "
                  "queued, paused, uploading, completed, failed and cancelled")
      ->type_name("STATE")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Validator(state_error, ""));
}

void UploadFilterOptions::attach(CLI::App& command) {
  add_state_option(command, states);
  command.add_option("--error", errors, "Only uploads with this error, such as s3_credential, or with one of several")
      ->type_name("CODE")
      ->delimiter(',')
      ->allow_extra_args(false);
  command.add_option("--bucket", bucket, "Only uploads to this bucket");
  command.add_option("--storage", storage, "Only uploads of files on this storage");
  command.add_option("--priority", priority, "Only uploads of this priority, 0 to 9")->check(CLI::Range(0, 9));
  command
      .add_option("--since", since, "Only uploads queued since then: 2h, 30m, 7d, or a day such as 2027-01-31 (UTC)")
      ->type_name("TIME");
  command.add_option("--until", until, "Only uploads queued before then")->type_name("TIME");
  command.add_option("--text", text, "Only uploads with this in the path or the destination");
}

bool UploadFilterOptions::empty() const {
  return !cdn && states.empty() && errors.empty() && bucket.empty() && storage.empty() && !priority && since.empty() &&
         until.empty() && text.empty();
}

Result<boost::json::object> UploadFilterOptions::fields() const {
  boost::json::object fields;
  if (cdn) fields["cdn"] = *cdn;
  if (!states.empty()) fields["state"] = list_of(states);
  if (!errors.empty()) fields["error"] = list_of(errors);
  if (!bucket.empty()) fields["bucket"] = bucket;
  if (!storage.empty()) fields["storage"] = storage;
  if (priority) fields["priority"] = *priority;
  for (const auto& [name, time] : {std::pair("since", since), std::pair("until", until)}) {
    if (time.empty()) continue;
    const auto moment = parse_past(fmt::format("--{}", name), time);
    if (!moment) return moment.error();
    fields[name] = *moment;
  }
  if (!text.empty()) fields["text"] = text;
  return fields;
}

}  // namespace vodlift::cli
