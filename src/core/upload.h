// The upload: its states, the one table of legal moves, and what is known of it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/words.h"
#include "core/trace.h"

namespace vodlift {

using UploadId = std::int64_t;   // >= 1, never reused
using AccountId = std::int64_t;  // the CDN number, >= 1

// Where an upload stands. Spelled alike in JSON, database, callback and panel (docs/upload-states.md).
enum class UploadState { queued, paused, uploading, completed, failed, cancelled };

inline constexpr Words<UploadState> kUploadStates = {
    {UploadState::queued, "queued"},       {UploadState::paused, "paused"}, {UploadState::uploading, "uploading"},
    {UploadState::completed, "completed"}, {UploadState::failed, "failed"}, {UploadState::cancelled, "cancelled"},
};
std::string_view to_string(UploadState state);
std::optional<UploadState> upload_state_from(std::string_view word);

// True when an upload in `from` may go to `to`: the only place that knows.
bool may_move(UploadState from, UploadState to);
// completed, failed and cancelled: nothing leaves them.
bool is_end(UploadState state);

// What may be asked of an upload (docs/upload-states.md).
enum class UploadChange { cancel, pause, resume, retry, set_priority };
std::string_view to_string(UploadChange change);

// Visibility of the object. `private` sends no ACL header at all (docs/api.md, field acl).
enum class Acl { private_acl, public_read };
inline constexpr Words<Acl> kAcls = {{Acl::private_acl, "private"}, {Acl::public_read, "public-read"}};
std::string_view to_string(Acl acl);  // "private", "public-read"
std::optional<Acl> acl_from(std::string_view word);

using Metadata = std::map<std::string, std::string>;  // names lower-case

// How a store confirms bytes. Known from its answers, kept for each endpoint.
enum class ChecksumMode {
  unknown,           // not seen yet: CRC32C is sent, and MD5 is at hand in case the store ignores it
  crc32c,            // the store computes and confirms CRC32C, of the whole object
  crc32c_composite,  // of a multipart upload: CRC32C of each part, and of the whole only over those
  md5,               // the store does not support CRC32C: Content-MD5 is sent, ETags are compared
};
std::string_view to_string(ChecksumMode mode);  // "unknown", "crc32c", "crc32c-composite", "md5"
std::optional<ChecksumMode> checksum_mode_from(std::string_view word);

// What to do where an object of that key is there already.
enum class Overwrite { replace, keep, fail };
inline constexpr Words<Overwrite> kOverwrites = {
    {Overwrite::replace, "replace"},
    {Overwrite::keep, "keep"},
    {Overwrite::fail, "fail"},
};
std::string_view to_string(Overwrite overwrite);
std::optional<Overwrite> overwrite_from(std::string_view word);

// The options of an upload, besides the contract's fields; empty: not asked for.
struct UploadOptions {
  std::string content_type;  // empty: by the extension of destination_path
  std::string cache_control;
  std::string content_disposition;
  std::string storage_class;
  Metadata tags;  // names as they are, at most 10
  Overwrite overwrite = Overwrite::replace;
  std::string checksum;  // that the source must have: "crc32c:<base64>", "md5:<hex>" or "sha256:<hex>", hex lower-case

  bool operator==(const UploadOptions&) const = default;
};

// What the client asked for; checked by validate() in upload_request.h before it gets here.
struct UploadRequest {
  std::string path;              // "sestore4/jb/path/to/file.mp4"
  std::string destination_path;  // the object's key, byte-exact, 1..1024 bytes
  std::string bucket;
  Acl acl = Acl::private_acl;
  Metadata metadata;
  std::string callback;  // absolute http(s) URL; empty: none
  int priority = 5;      // 0..9, 9 first
  UploadOptions options;
};

// One version of a source file. Two equal identities mean: nobody has written in between. Times are nanoseconds since
// 1970; those that an int64 cannot hold are the nearest that it can.
struct SourceIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = 0;         // bytes
  std::int64_t change_ns = 0;    // ctime
  std::int64_t modified_ns = 0;  // mtime

  bool operator==(const SourceIdentity&) const = default;
  // Whether `other` is the same file with the same size and mtime. Then the content tells whether it was written to.
  [[nodiscard]] bool may_equal(const SourceIdentity& other) const {
    return device == other.device && inode == other.inode && size == other.size && modified_ns == other.modified_ns;
  }
};

// A part the store has confirmed. Part numbers follow S3 and begin at 1.
struct Part {
  int number = 0;
  std::int64_t size = 0;  // bytes
  std::string etag;       // as the store gave it, quotes included
  std::uint32_t crc32c = 0;
  std::string md5;  // 16 raw bytes where the store is checked by MD5, else empty

  bool operator==(const Part&) const = default;
};

// What was kept of a multipart upload so that it can go on after a restart.
struct OpenMultipart {
  std::string multipart_id;    // the store's upload id; empty: none is open
  std::string endpoint;        // where it lies, from the ledger; empty: not known
  std::int64_t part_size = 0;  // bytes, every part but the last
  SourceIdentity source;       // the version the parts were read from
  // How its parts are confirmed, as agreed when it was opened. unknown: no part of it can be used again.
  ChecksumMode checksum_mode = ChecksumMode::unknown;
  Acl acl = Acl::private_acl;  // it was opened with
  std::vector<Part> parts;     // by number
};

// How the object was confirmed.
struct Verification {
  std::string etag;        // without quotes
  std::string checksum;    // "crc32c:<base64>", "crc32c-composite:<base64>-N", "md5:<hex>", "etag-md5:<hex>-N"
  std::string version_id;  // empty where the bucket keeps none
};

// Why an attempt did not succeed.
struct UploadError {
  Errc code = Errc::internal;
  std::string message;  // a customer may read it
  bool retryable = false;
  std::string detail{};  // for the operator alone, like Error::detail; empty: nothing
};

// Where the upload's callback stands; `none` where none was asked for.
enum class CallbackState { none, waiting, pending, delivered, failed, stopped };
std::string_view to_string(CallbackState state);
std::optional<CallbackState> callback_state_from(std::string_view word);

// An upload as the API shows it: committed facts only.
struct Upload {
  UploadId id = 0;
  AccountId account = 0;
  UploadState state = UploadState::queued;
  UploadRequest request;
  std::optional<Acl> acl_applied;
  std::int64_t size = 0;        // bytes, as seen at submit and again at each start
  std::int64_t bytes_sent = 0;  // bytes in confirmed parts
  int attempts = 0;             // tries begun; an interrupted one goes on and is not counted again
  std::optional<UploadError> error;
  Verification verification;
  WallTime created;
  std::optional<WallTime> started;
  std::optional<WallTime> finished;
  std::optional<WallTime> next_attempt;  // set while queued for a later try
  CallbackState callback_state = CallbackState::none;
  UploadId retry_of = 0;                    // the upload that this one repeats; 0: none
  UploadId retried_as = 0;                  // the newest upload that repeats this one; 0: none
  std::optional<WallTime> attempt_started;  // the attempt under way, or the last one
  std::int64_t attempt_first_byte = 0;      // bytes confirmed when it began
  Trace trace;                              // always known

  // True when it ended without sending anything, because an object was there and was to be kept: `size` and
  // `verification` tell of that object, and no ACL was applied.
  [[nodiscard]] bool kept() const { return state == UploadState::completed && !acl_applied; }
  // Whole percent of bytes_sent; 100 only when completed.
  [[nodiscard]] int percent() const;
};

}  // namespace vodlift
