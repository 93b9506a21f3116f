// Between the rows of a database and the structs of uploads: what the columns mean is the same for every database.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/row.h"
#include "core/upload.h"
#include "core/upload_store.h"
#include "core/work_queue.h"

namespace vodlift {

// An upload with what only the store and its worker know.
struct StoredUpload {
  Upload upload;
  std::string token;
  std::int64_t fence = 0;
  std::optional<Unanswered> unanswered{};  // as in ClaimedUpload
  bool only_look = false;
};

// The JSON objects that the columns of these names hold.
struct UploadTexts {
  std::string metadata;
  std::string options;
};
UploadTexts texts_of(const NewUpload& upload);

// The trace of an upload, from the columns of these names.
Trace trace_in(const std::string& options, const std::string& token);

// An upload from a row that has a column for each member, and `callback_state` of its callback. Nothing: the row holds
// a word that this build does not know.
std::optional<StoredUpload> read_stored_upload(const Row& row, UploadId id);

// What a filter of uploads looks at, and nothing else; false: as above.
bool read_filtered_upload(const Row& row, Upload& upload);

// An open multipart upload, without its parts, and one of these.
OpenMultipart read_multipart(const Row& row);
Part read_part(const Row& row);

// Text of others, fit to be kept: printable, at most 1,024 bytes.
std::string kept_message(std::string_view message);

// The columns of an error. All are NULL if there is no error.
struct ErrorColumns {
  std::optional<std::string_view> code{};
  std::optional<std::string> message{};
  std::optional<bool> retryable{};
  std::optional<std::string> detail{};

  explicit ErrorColumns(const std::optional<UploadError>& error);
};

}  // namespace vodlift
