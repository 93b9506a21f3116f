// What is found at a bucket's store: the doctor's test, the policy to paste, and what waits to be aborted.
#include <fmt/format.h>

#include <array>
#include <boost/json/array.hpp>

#include "base/encoding.h"
#include "rest/buckets.h"

namespace vodlift::rest {
namespace {

using boost::json::object;
using boost::json::value;

constexpr int kMaxLitter = 1000;  // rows of one answer

// An operator reads all. A customer gets what can be done at the store, or whom to ask.
object finding_json(const BucketFinding& one, bool for_operator) {
  std::string message = one.message;
  std::string fix = one.fix;
  if (for_operator) {
    if (!one.detail.empty()) message += fmt::format(" ({})", one.detail);
    if (!one.operator_fix.empty()) fix = one.operator_fix;
  } else if (fix.empty() && !one.operator_fix.empty()) {
    fix = kAskOperator;
  }
  return {{"topic", one.topic},
          {"finding", to_string(one.finding)},
          {"message", printable(message, kMaxFindingBytes)},
          {"fix", printable(fix, kMaxFindingBytes)}};
}

Result<value> check(const Context& context, const Caller& caller, const Fields& fields) {
  const bool policy_only = fields.flag("policy_only");
  const bool public_read = fields.flag("public_read");
  const auto found = existing_bucket(context, fields);
  if (!found) return found.error();
  const auto& bucket = *found;
  BucketReport report;
  if (!policy_only) report = context.doctor.check(*bucket);
  return value(report_json(*bucket, report, context.doctor.policy(*bucket, public_read), caller.is_operator()));
}

Result<value> litter(const Context& context, const Fields& fields) {
  const auto cdn = fields.number_if_given("cdn");
  const auto left =
      context.ledger.abandoned(cdn, static_cast<int>(fields.number_if_given("limit").value_or(kMaxLitter)));
  if (!left) return left.error();
  boost::json::array answer;
  for (const AbandonedMultipart& one : *left) {
    answer.push_back(object{{"cdn", one.account},
                            {"bucket", one.place.bucket},
                            {"endpoint", one.place.endpoint},
                            {"key", one.place.key},
                            {"multipart_id", one.multipart_id},
                            {"upload", one.upload},
                            {"since", to_unix_seconds(one.abandoned)},
                            {"tries", one.attempts},
                            {"next_try", to_unix_seconds(one.next_attempt)},
                            {"error", one.error}});
  }
  return collection(std::move(answer));
}

constexpr std::array kCheckFields = {kCdn, kBucket, flag_field("policy_only"), flag_field("public_read")};
constexpr std::array kLitterFields = {
    kCdnIfGiven,
    FieldSpec{.name = "limit", .type = FieldType::number, .low = 1, .high = kMaxLitter},
};

constexpr std::array kBucketCheckRoutes = {
    Route{.name = "bucket.check",
          .act = Act::change_uploads,
          .load = Load::outside,
          .method = "POST",
          .path = "/buckets/{cdn}/{bucket}/check",
          .fields = kCheckFields,
          .mutating = true,  // it writes to the bucket
          .audited_answer = "result",
          .run = run_at_once<check>},
    Route{.name = "bucket.litter",
          .act = Act::configure,
          .method = "GET",
          .path = "/litter",
          .fields = kLitterFields,
          .run = run_at_once<litter>},
};

}  // namespace

std::span<const Route> bucket_check_routes() { return kBucketCheckRoutes; }

object report_json(const BucketAccess& bucket, const BucketReport& report, const std::string& policy,
                   bool for_operator) {
  boost::json::array findings;
  for (const BucketFinding& one : report.findings) findings.push_back(finding_json(one, for_operator));
  return {{"cdn", bucket.cdn},
          {"bucket", bucket.bucket},
          {"result", to_string(report.worst())},
          {"access_denied", report.access_denied},
          {"findings", std::move(findings)},
          {"policy", policy}};
}

}  // namespace vodlift::rest
