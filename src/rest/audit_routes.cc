#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <boost/json/array.hpp>
#include <filesystem>
#include <string>

#include "core/people.h"
#include "rest/uploads.h"

namespace vodlift::rest {
namespace {

using boost::json::object;
using boost::json::value;

constexpr std::size_t kMaxCommandBytes = 64;
constexpr std::size_t kMaxChainBytes = 64;  // a SHA-256 as hex digits

std::string time_text(WallTime time) {
  const auto seconds = static_cast<std::time_t>(to_unix_seconds(time));
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds), to_unix_ms(time) % 1000);
}

// The members of a line that it lacks are null, or empty.
object record_json(const AuditRecord& record) {
  const auto member = [&](std::string_view name, const value& otherwise) {
    const value* found = record.members.if_contains(name);
    return found == nullptr ? otherwise : *found;
  };
  object json{{"time", time_text(record.at)}, {"damaged", record.damaged}};
  for (const char* name : {"door", "address", "command"}) json[name] = member(name, "");
  for (const char* name : {"who", "token", "cdn", "key", "upload", "call", "before", "after"})
    json[name] = member(name, nullptr);
  json["what"] = member("what", object());
  json["result"] = member("result", record.damaged ? "failure" : "success");
  json["error"] = member("error", record.damaged ? value("damaged") : value(nullptr));
  return json;
}

std::optional<WallTime> moment(const Fields& fields, std::string_view name) {
  const auto seconds = fields.number_if_given(name);
  if (!seconds) return std::nullopt;
  return from_unix_ms(*seconds * 1000);
}

Result<value> list_audit(const Context& context, const Fields& fields) {
  AuditQuery query;
  query.cdn = fields.number_if_given("cdn");
  if (query.cdn) {
    if (auto known = known_account(context, *query.cdn); !known) return known.error();
  }
  query.command = fields.text("command");
  query.who = fields.text("who");
  query.upload = fields.number_if_given("upload").value_or(0);
  query.since = moment(fields, "since");
  query.until = moment(fields, "until");
  query.before = fields.text("cursor");
  query.limit = static_cast<int>(fields.number_if_given("limit").value_or(query.limit));
  const auto page = context.audit_lines.read(query);
  if (!page) return page.error();
  boost::json::array items;
  for (const AuditRecord& record : page->records) items.push_back(record_json(record));
  object answer{{"items", std::move(items)}, {"complete", !page->searched_to}};
  answer["next"] = page->next.empty() ? value(nullptr) : value(page->next);
  answer["searched_to"] = page->searched_to ? value(to_unix_seconds(*page->searched_to)) : value(nullptr);
  return value(std::move(answer));
}

// Where a line does not fit, its file is named without its folder: that is the server's own affair.
Result<value> check(const Context& context, const Fields& fields) {
  const std::string kept(fields.text("kept"));
  const auto checked = context.audit_lines.check(kept);
  if (!checked) return checked.error();
  object answer{{"whole", !checked->fault && (kept.empty() || checked->has_kept)},
                {"files", checked->files},
                {"lines", checked->lines},
                {"unchained", checked->unchained},
                {"half", checked->half}};
  answer["newest"] = checked->newest.empty() ? value(nullptr) : value(checked->newest);
  answer["has_kept"] = kept.empty() ? value(nullptr) : value(checked->has_kept);
  answer["fault"] = nullptr;
  if (checked->fault) {
    answer["fault"] = object{{"file", std::filesystem::path(checked->fault->file).filename().string()},
                             {"line", checked->fault->line}};
  }
  return value(std::move(answer));
}

constexpr FieldSpec upload_field() {
  FieldSpec spec = kId;
  spec.name = "upload";
  spec.required = false;
  return spec;
}

constexpr std::array kFields = {
    kCdnIfGiven,
    FieldSpec{.name = "command", .high = kMaxCommandBytes},
    FieldSpec{.name = "who", .high = kMaxPersonNameBytes},
    upload_field(),
    moment_field("since"),
    moment_field("until"),
    kLimit,
    kCursor,
};

constexpr std::array kCheckFields = {FieldSpec{.name = "kept", .high = kMaxChainBytes}};

constexpr std::array kAuditRoutes = {
    Route{.name = "audit.list",
          .act = Act::read_audit,
          .method = "GET",
          .path = "/audit",
          .fields = kFields,
          .run = run_at_once<list_audit>},
    Route{.name = "audit.check",
          .act = Act::manage_people,
          .load = Load::outside,
          .method = "GET",
          .path = "/audit/check",
          .fields = kCheckFields,
          .run = run_at_once<check>},
};

}  // namespace

std::span<const Route> audit_routes() { return kAuditRoutes; }

}  // namespace vodlift::rest
