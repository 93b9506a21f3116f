// What `vodlift doctor` learns from a running daemon of storages, buckets, callbacks and the like.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "cli/doctor_exam.h"
#include "cli/text.h"

namespace vodlift::cli {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

// An abort that has failed so often has failed for half an hour.
constexpr std::int64_t kManyAborts = 5;
constexpr int kAuditLines = 10;
constexpr int kLitterAsked = 1000;

std::int64_t number_with(const array& items, std::string_view name) {
  return std::ranges::count_if(items, [name](const value& one) { return !text_at(one, name).empty(); });
}

std::string count_text(std::int64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

// A list of which only the first ones were made.
void add_rest(DoctorSection& section, std::string_view fact, array rows, std::size_t of) {
  rows.resize(std::max(rows.size(), of));
  section.list(fact, std::move(rows));
}

DoctorSection storages_section(ServerExam& exam) {
  DoctorSection section{.name = "storages"};
  exam.take_needs(section, {"storage"});
  const auto all = exam.items({"GET", "/storages"}, section);
  if (!all) return section;
  const auto gone = std::ranges::count_if(*all, [](const value& one) { return cell(one, "available") != "yes"; });
  if (gone > 0 && section.troubles.empty()) {
    section.troubles.push_back({fmt::format("{} not available.", count_text(gone, "storage is", "storages are")),
                                "Mount what is missing: vodlift storage list tells whether it is back."});
  }
  section.list("storages",
               picked_of_all(*all, {{"storage", "storage"}, {"available", "available"}, {"bytes_free", "free_bytes"}}));
  return section;
}

DoctorSection buckets_section(ServerExam& exam) {
  DoctorSection section{.name = "buckets"};
  exam.take_needs(section, {"bucket"});
  auto all = exam.items({"GET", "/buckets"}, section);
  if (!all) return section;
  const std::int64_t troubled = number_with(*all, "trouble");
  if (troubled > 0 && section.troubles.empty()) {
    section.troubles.push_back(
        {fmt::format("{} no uploads at present.", count_text(troubled, "bucket takes", "buckets take")),
         "Test each: vodlift bucket check --cdn CDN --bucket BUCKET"});
  }
  std::stable_partition(all->begin(), all->end(), [](const value& one) { return !text_at(one, "trouble").empty(); });
  array rows;
  for (const value& one : *all) {
    if (rows.size() > kMostDoctorItems) break;
    object row = picked(one, {{"cdn", "cdn"}, {"bucket", "bucket"}, {"endpoint", "endpoint"}, {"trouble", "verdict"}});
    if (text_at(one, "trouble").empty()) row["verdict"] = "nothing is known against it";
    rows.push_back(std::move(row));
  }
  section.facts["buckets"] = static_cast<std::int64_t>(all->size());
  add_rest(section, "verdicts", std::move(rows), all->size());
  return section;
}

DoctorSection callbacks_section(ServerExam& exam) {
  DoctorSection section{.name = "callbacks"};
  exam.take_needs(section, {"callbacks"});
  section.facts["waiting"] = exam.metric("vodlift_callbacks_waiting");
  section.facts["failing_receivers"] = exam.metric("vodlift_callback_receivers_failing");
  const auto all = exam.items({"GET", "/callbacks/receivers"}, section);
  if (!all) return section;
  array failing;
  for (const value& one : *all) {
    if (integer_at(one, "failing_since") == 0) continue;
    failing.push_back(picked(one, {{"cdn", "cdn"},
                                   {"receiver", "receiver"},
                                   {"pending", "waiting"},
                                   {"failing_since", "failing_since_at"},
                                   {"disabled", "disabled"},
                                   {"last_error", "last_error"}}));
  }
  section.list("failing", std::move(failing));
  return section;
}

DoctorSection multipart_section(ServerExam& exam) {
  DoctorSection section{.name = "multipart_uploads"};
  section.facts["in_use"] = exam.metric("vodlift_multipart_uploads", {{"kind", "in_use"}});
  section.facts["litter"] = exam.metric("vodlift_multipart_uploads", {{"kind", "litter"}});
  const auto all = exam.items({"GET", "/litter", {{"limit", kLitterAsked}}}, section);
  if (!all) return section;
  const auto stuck = std::ranges::count_if(
      *all, [](const value& one) { return integer_at(one, "tries") >= kManyAborts && !text_at(one, "error").empty(); });
  if (stuck > 0) {
    section.troubles.push_back(
        {fmt::format("{} could not be removed from the store.",
                     count_text(stuck, "abandoned multipart upload", "abandoned multipart uploads")),
         "See vodlift bucket litter for the reason, and vodlift bucket check: the key needs s3:AbortMultipartUpload."});
  }
  section.list(
      "waiting_to_be_removed",
      picked_of_all(
          *all, {{"cdn", "cdn"}, {"bucket", "bucket"}, {"since", "since_at"}, {"tries", "tries"}, {"error", "error"}}));
  return section;
}

DoctorSection limits_section(ServerExam& exam) {
  DoctorSection section{.name = "limits"};
  const auto all = exam.items({"GET", "/limits"}, section);
  if (!all) return section;
  array rows;
  for (const value& one : *all) {
    object row = picked(one, {{"scope", "scope"}, {"rate", "rate"}, {"time_zone", "time_zone"}});
    row["other_rates_at_times"] = static_cast<std::int64_t>(array_in(one, "timetable").size());
    rows.push_back(std::move(row));
  }
  section.list("bandwidth", std::move(rows));
  return section;
}

DoctorSection audit_section(ServerExam& exam) {
  DoctorSection section{.name = "audit_log"};
  const auto lines = exam.items({"GET", "/audit", {{"limit", kAuditLines}}}, section);
  if (!lines) return section;
  const auto damaged = std::ranges::count_if(*lines, [](const value& one) { return cell(one, "damaged") == "yes"; });
  if (damaged > 0) {
    section.troubles.push_back({fmt::format("{} of the newest {} lines cannot be read.", damaged, lines->size()),
                                "See where the log is damaged: vodlift audit check --config FILE"});
  }
  section.facts["whole_log"] = "not checked here; vodlift audit check --config FILE does it";
  section.list("newest", picked_of_all(*lines, {{"time", "time"},
                                                {"who", "who"},
                                                {"door", "door"},
                                                {"cdn", "cdn"},
                                                {"command", "command"},
                                                {"result", "result"},
                                                {"error", "error"}}));
  return section;
}

}  // namespace

std::vector<DoctorSection> examine_surroundings(ServerExam& exam) {
  return {storages_section(exam),  buckets_section(exam), callbacks_section(exam),
          multipart_section(exam), limits_section(exam),  audit_section(exam)};
}

}  // namespace vodlift::cli
