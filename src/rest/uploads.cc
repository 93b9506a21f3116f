#include "rest/uploads.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <charconv>
#include <tuple>
#include <variant>

#include "base/encoding.h"
#include "core/upload_decisions.h"
#include "core/upload_json.h"

namespace vodlift::rest {
namespace {

constexpr std::size_t kMaxShownBytes = 64;

Result<std::vector<Errc>> read_errors(const std::vector<std::string>& names) {
  std::vector<Errc> codes;
  for (const std::string& name : names) {
    codes.push_back(errc_from_name(name));
    if (info(codes.back()).name == name) continue;
    return Error{Errc::invalid_value, fmt::format("error: there is no code \"{}\"; docs/failures.md has them",
                                                  printable(name, kMaxShownBytes))};
  }
  return codes;
}

std::optional<WallTime> read_moment(const Fields& fields, std::string_view name) {
  const auto seconds = fields.number_if_given(name);
  if (!seconds) return std::nullopt;
  return from_unix_ms(*seconds * 1000);
}

// Whether the change would be carried out now. An upload that failed or was cancelled is retried as a new one.
bool may_change(const Upload& upload, UploadChange change) {
  const bool again = upload.state == UploadState::failed || upload.state == UploadState::cancelled;
  if (again) return change == UploadChange::retry;
  return std::holds_alternative<ChangeStep>(decide_change(upload.state, Wanted::nothing, change));
}

}  // namespace

Error no_upload(UploadId id, std::optional<AccountId> cdn) {
  if (!cdn) return {Errc::upload_not_found, fmt::format("there is no upload {}", id), "see: vodlift status"};
  return {Errc::upload_not_found, fmt::format("account {} has no upload {}", *cdn, id),
          fmt::format("see: vodlift status --cdn {}", *cdn)};
}

Result<Upload> existing_upload(const Context& context, UploadId id, std::optional<AccountId> cdn) {
  if (cdn) {
    if (auto known = known_account(context, *cdn); !known) return known.error();
  }
  UploadQuery query;
  query.ids = {id};
  auto found = cdn ? context.uploads.find(*cdn, query) : context.uploads.find_in_all(query);
  if (!found) return found.error();
  if (found->empty()) return no_upload(id, cdn);
  return std::move(found->front());
}

Result<UploadSearch> read_search(const Context& context, const Fields& fields) {
  UploadSearch search;
  UploadFilter& filter = search.filter;
  filter.account = fields.number_if_given("cdn");
  if (filter.account) {
    if (auto known = known_account(context, *filter.account); !known) return known.error();
  }
  for (const std::string_view word : fields.words("state")) filter.states.push_back(upload_state_from(word).value());
  auto errors = read_errors(fields.texts("error"));
  if (!errors) return errors.error();
  filter.errors = std::move(*errors);
  filter.bucket = fields.text("bucket");
  filter.storage = fields.text("storage");
  if (const auto priority = fields.number_if_given("priority")) filter.priority = static_cast<int>(*priority);
  filter.created_since = read_moment(fields, "since");
  filter.created_until = read_moment(fields, "until");
  filter.text = fields.text("text");
  const auto before = read_cursor(fields.text("cursor"));
  if (!before) return before.error();
  search.before = *before;
  return search;
}

Result<std::int64_t> read_cursor(std::string_view text) {
  std::int64_t id = 0;
  if (text.empty()) return id;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (problem == std::errc() && end == text.data() + text.size() && id > 0) return id;
  return Error{Errc::invalid_value, fmt::format("cursor: expected the \"next\" of an earlier answer, found {}",
                                                printable(text, kMaxShownBytes))};
}

bool same_request(const UploadRequest& one, const UploadRequest& other) {
  const auto members = [](const UploadRequest& request) {
    return std::tie(request.path, request.destination_path, request.bucket, request.acl, request.metadata,
                    request.callback, request.priority, request.options);
  };
  return members(one) == members(other);
}

Error other_request(UploadId id) {
  return {Errc::invalid_value,
          fmt::format("Idempotency-Key: upload {} was made with this key, from another request", id)};
}

boost::json::object extent_json(std::int64_t next, const std::optional<WallTime>& searched_to) {
  boost::json::object extent;
  extent["next"] = next == 0 ? boost::json::value(nullptr) : boost::json::value(std::to_string(next));
  extent["complete"] = !searched_to;
  extent["searched_to"] = searched_to ? boost::json::value(to_unix_seconds(*searched_to)) : boost::json::value(nullptr);
  return extent;
}

boost::json::object upload_json(const Upload& upload, const Caller& caller, WallTime now) {
  boost::json::object json = to_operator_json(upload, now);
  if (!caller.is_operator() && upload.error) json["error"].as_object().erase("detail");
  boost::json::array actions;
  const bool permitted = role_may(caller.who.role, Act::change_uploads);
  for (std::size_t at = 0; at < Words<UploadChange>::kCount; ++at) {
    const auto change = static_cast<UploadChange>(at);
    if (permitted && may_change(upload, change)) actions.emplace_back(to_string(change));
  }
  json["actions"] = std::move(actions);
  return json;
}

}  // namespace vodlift::rest
