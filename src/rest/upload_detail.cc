// One upload with its history: GET /uploads/{id}.
#include <algorithm>
#include <boost/json/array.hpp>

#include "base/encoding.h"
#include "core/source_verdict.h"
#include "core/upload_advice.h"
#include "rest/uploads.h"

namespace vodlift::rest {
namespace {

using boost::json::object;
using boost::json::value;

constexpr std::size_t kMaxTextBytesShown = 4096;

value error_json(const std::optional<UploadError>& error, const Caller& caller) {
  if (!error) return nullptr;
  const std::string detail = printable(error->detail, kMaxTextBytesShown);
  object json{{"code", info(error->code).name},
              {"message", printable(error->message, kMaxTextBytesShown)},
              {"retryable", error->retryable}};
  if (caller.is_operator()) json["detail"] = detail.empty() ? value(nullptr) : value(detail);
  return json;
}

object attempt_json(const UploadAttempt& attempt, const Caller& caller) {
  return {{"number", attempt.number},
          {"runs", attempt.times},
          {"end", kAttemptEnds.word(attempt.how)},
          {"started", to_unix_seconds(attempt.started)},
          {"ended", to_unix_seconds(attempt.ended)},
          {"first_byte", attempt.first_byte},
          {"last_byte", attempt.last_byte},
          {"node", attempt.node},
          {"error", error_json(attempt.error, caller)}};
}

// Of the multipart upload that is open; null: there is none.
Result<value> parts_json(const Context& context, const Upload& upload) {
  const auto parts = context.attempts.parts_of(upload.id);
  if (!parts) return parts.error();
  if (parts->part_size <= 0) return value(nullptr);
  const std::int64_t size = parts->part_size;
  const WallTime now = context.clock.now();
  boost::json::array ages;
  for (const auto& confirmed : parts->times) {
    const auto age = [&] { return std::max<std::int64_t>(0, to_unix_seconds(now) - to_unix_seconds(*confirmed)); };
    ages.push_back(confirmed ? value(age()) : value(nullptr));
  }
  return value(object{{"size", size},
                      {"count", (upload.size + size - 1) / size},
                      {"confirmed", boost::json::array(parts->ranges.begin(), parts->ranges.end())},
                      {"ages", std::move(ages)}});
}

// What the upload's last error means and what to do about it; null: it has none.
value advice_json(const Upload& upload, const Caller& caller) {
  const auto advice = upload.error ? upload_advice(upload.error->code) : std::nullopt;
  if (!advice || upload.state == UploadState::completed) return nullptr;
  std::string_view fix = caller.is_operator() ? advice->operator_fix : advice->fix;
  if (fix.empty()) fix = kAskOperator;
  return object{{"cause", advice->cause}, {"fix", fix}};
}

// The id of the upload's callback; null where it has none yet.
Result<value> callback_of(const Context& context, const Upload& upload) {
  if (!is_end(upload.state) || upload.request.callback.empty()) return value(nullptr);
  const auto story = context.callbacks.find_of(upload.id);
  if (story) return value(story->callback.id);
  if (story.error().code == Errc::not_found) return value(nullptr);
  return story.error();
}

}  // namespace

Result<value> upload_detail(const Context& context, const Caller& caller, UploadId id, std::optional<AccountId> cdn) {
  const auto upload = existing_upload(context, id, cdn);
  if (!upload) return upload.error();
  const auto attempts = context.attempts.attempts_of(id);
  if (!attempts) return attempts.error();
  const auto callback = callback_of(context, *upload);
  if (!callback) return callback.error();
  const auto parts = parts_json(context, *upload);
  if (!parts) return parts.error();
  object json = upload_json(*upload, caller, context.clock.now());
  boost::json::array history;
  for (const UploadAttempt& attempt : *attempts) history.push_back(attempt_json(attempt, caller));
  json["history"] = std::move(history);
  const SourceVerdict verdict = source_verdict(*upload);
  json["source"] = object{{"may_delete", verdict.may_delete}, {"reason", verdict.reason}};
  json["callback_id"] = *callback;
  json["parts"] = *parts;
  json["advice"] = advice_json(*upload, caller);
  json["trace_id"] = upload->trace.id;
  json["retried_as"] = upload->retried_as == 0 ? value(nullptr) : value(upload->retried_as);
  return value(std::move(json));
}

}  // namespace vodlift::rest
