#include "cli/upload_folder.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>

#include "cli/text.h"

namespace vodlift::cli {
namespace {

using boost::json::object;
using boost::json::value;

constexpr std::size_t kMaxRefusals = 20;  // that are shown

std::string files_text(std::int64_t count) { return fmt::format("{} file{}", count, count == 1 ? "" : "s"); }

// What became of the files.
class Outcome {
 public:
  // Of one request.
  void add(const value& answer) {
    accepted_ += integer_at(answer, "accepted");
    bytes_ += integer_at(answer, "bytes");
    refused_ += integer_at(answer, "refused");
    for (const value& file : answer.at("items").as_array()) {
      const value& problem = file.at("problem");
      if (problem.is_null()) {
        ids_.push_back(file.at("id"));
      } else if (refusals_.size() < kMaxRefusals) {
        refusals_.push_back(
            object{{"path", file.at("path")}, {"code", problem.at("code")}, {"detail", problem.at("detail")}});
      }
    }
  }

  [[nodiscard]] std::string text(bool dry_run) const {
    std::string text = fmt::format("{} {} ({})", files_text(accepted_), dry_run ? "would be queued" : "queued",
                                   human_bytes(static_cast<double>(bytes_)));
    if (!dry_run && !ids_.empty()) {
      text += fmt::format(" as uploads {} to {}", boost::json::serialize(ids_.front()),
                          boost::json::serialize(ids_.back()));
    }
    return text + '\n' + refusals();
  }

  // Why files could not be queued; empty: all could.
  [[nodiscard]] std::string refusals() const {
    std::string text;
    if (refused_ > 0) text += fmt::format("{} could not be queued:\n", files_text(refused_));
    for (const value& one : refusals_) text += fmt::format("  {}: {}\n", text_at(one, "path"), text_at(one, "detail"));
    if (refused_ > std::ssize(refusals_)) text += "  …\n";
    return text;
  }

  // A line each.
  [[nodiscard]] std::string ids() const {
    std::string text;
    for (const value& id : ids_) text += boost::json::serialize(id) + "\n";
    return text;
  }

  [[nodiscard]] object json(bool dry_run) const {
    object json{{"files", accepted_}, {"bytes", bytes_}, {"refused", refused_}, {"refusals", refusals_}};
    if (!dry_run) json["ids"] = ids_;
    return json;
  }

  [[nodiscard]] bool is_whole() const { return refused_ == 0; }

 private:
  boost::json::array ids_;
  std::int64_t accepted_ = 0;
  std::int64_t bytes_ = 0;
  std::int64_t refused_ = 0;
  boost::json::array refusals_;
};

}  // namespace

int upload_folder(Session& session, object fields, const FolderOptions& options) {
  fields["recursive"] = true;
  fields["dry_run"] = options.dry_run;
  if (!options.filter.empty()) fields["filter"] = options.filter;
  if (options.all_types) fields["type"] = "all";
  Outcome outcome;
  const auto show = [&] {
    if (session.json()) return print(boost::json::serialize(outcome.json(options.dry_run)) + "\n");
    if (!session.quiet() || options.dry_run) return print(outcome.text(options.dry_run));
    print(outcome.ids());
    fmt::print(stderr, "{}", outcome.refusals());  // a script reads ids alone
  };
  while (true) {
    const auto answer = session.call({"POST", "/uploads/batch", fields});
    if (!answer) {
      if (fields.contains("cursor")) show();  // what was queued stays queued
      return session.fail(answer.error());
    }
    outcome.add(*answer);
    const value& next = answer->at("next");
    if (next.is_null()) break;
    fields["cursor"] = next;
  }
  show();
  return outcome.is_whole() ? kDone : kFailed;
}

}  // namespace vodlift::cli
