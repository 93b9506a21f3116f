// What the routes of uploads share: finding them, and the fields that narrow a list.
#pragma once

#include <array>
#include <limits>
#include <optional>
#include <string_view>

#include "core/upload_fields.h"
#include "core/upload_request.h"
#include "core/upload_search.h"
#include "rest/route.h"

namespace vodlift::rest {

inline constexpr std::int64_t kOperator = 0;  // as in NewUpload::key_id
inline constexpr int kMaxPage = 100;          // uploads of one answer
inline constexpr std::int64_t kMaxErrors = 20;
inline constexpr std::size_t kMaxSearchBytes = 1024;
inline constexpr std::size_t kMaxStorageBytes = 255;

// How an upload is refused that does not exist, or not for the account.
Error no_upload(UploadId id, std::optional<AccountId> cdn);

// The upload: with `cdn` it must be of that account. Errors: upload_not_found, not_found (no such account), those of
// UploadStore::find().
Result<Upload> existing_upload(const Context& context, UploadId id, std::optional<AccountId> cdn);

// The upload as the caller reads it, with how its runs ended, whether its source may be deleted, and the id of its
// callback. Errors: those of existing_upload(), AttemptHistory and CallbackHistory.
Result<boost::json::value> upload_detail(const Context& context, const Caller& caller, UploadId id,
                                         std::optional<AccountId> cdn);

inline constexpr FieldSpec kId = {.name = "id",
                                  .type = FieldType::number,
                                  .required = true,
                                  .low = 1,
                                  .high = std::numeric_limits<std::int64_t>::max(),
                                  .audited = true};
inline constexpr FieldSpec kCursor = {.name = "cursor", .high = 128};
inline constexpr FieldSpec kLimit = {.name = "limit", .type = FieldType::number, .low = 1, .high = kMaxPage};
// Whole Unix seconds.
constexpr FieldSpec moment_field(std::string_view name) {
  constexpr std::int64_t kEndOfYear9999 = 253'402'300'799;
  return {.name = name, .type = FieldType::number, .low = 0, .high = kEndOfYear9999, .audited = true};
}

// What narrows a list of uploads.
inline constexpr std::array kFilterFields = {
    kCdnIfGiven,
    FieldSpec{.name = "state", .type = FieldType::words, .words = kUploadStates.all(), .audited = true},
    FieldSpec{.name = "error", .type = FieldType::texts, .high = kMaxErrors, .audited = true},
    FieldSpec{.name = "bucket", .high = kMaxBucketBytes, .audited = true},
    FieldSpec{.name = "storage", .high = kMaxStorageBytes, .audited = true},
    FieldSpec{.name = "priority", .type = FieldType::number, .low = 0, .high = kMaxPriority, .audited = true},
    moment_field("since"),
    moment_field("until"),
    FieldSpec{.name = "text", .high = kMaxSearchBytes, .audited = true},
};

// The search that these fields and `cursor` ask for. Errors: invalid_value, not_found (no such account).
Result<UploadSearch> read_search(const Context& context, const Fields& fields);

// "next", "complete" and "searched_to" of an answer about a page.
boost::json::object extent_json(std::int64_t next, const std::optional<WallTime>& searched_to);

// The id that a cursor stands for; an empty one is 0. Errors: invalid_value.
Result<std::int64_t> read_cursor(std::string_view text);

// The upload as the caller reads it, with `actions`: what the caller may do with it now. Operators alone get the
// `detail` of its error.
boost::json::object upload_json(const Upload& upload, const Caller& caller, WallTime now);

// Whether two checked requests ask for the same.
bool same_request(const UploadRequest& one, const UploadRequest& other);
// How a request is refused whose Idempotency-Key got this upload from another one.
Error other_request(UploadId id);

std::span<const Route> upload_change_routes();
std::span<const Route> upload_batch_routes();

}  // namespace vodlift::rest
