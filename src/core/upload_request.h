// The rules for the fields of an upload request, for every door.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/part_plan.h"
#include "core/upload.h"

namespace vodlift {

inline constexpr std::size_t kMaxKeyBytes = 1024;
inline constexpr std::size_t kMaxMetadataBytes = 2048;  // names and values together, as S3 counts them
inline constexpr std::size_t kMaxPathBytes = 4095;
inline constexpr std::size_t kMaxCallbackBytes = 2048;
inline constexpr std::size_t kMaxBucketBytes = 255;                         // of old buckets of AWS; 63 elsewhere
inline constexpr int kMaxPriority = 9;                                      // is sent first; 0 last
inline constexpr std::int64_t kMaxObjectBytes = kMaxParts * kMaxPartBytes;  // 48.8 TiB

// The parts of a source path: "sestore4/jb/path/to/file.mp4".
struct SourcePath {
  std::string storage;  // "sestore4"
  std::string user;     // "jb"
  std::string file;     // "path/to/file.mp4", relative to the user's folder
};

// Parses `path` without looking at the disk. Errors: invalid_value (empty segment, `.`, `..`, NUL, too long, no file),
// storage_unavailable for a literal `sestore{#}` (the message says to call files.getstorage).
Result<SourcePath> parse_source_path(std::string_view path);

// The storage that a path names, parsed or not: what is before the first "/".
inline std::string_view storage_of(std::string_view path) { return path.substr(0, path.find('/')); }

// The same for a folder: "sestore4/jb" or a folder below it, with or without one "/" at the end. `file` is the folder's
// path relative to the user's folder, empty for the user's folder itself. Errors: as parse_source_path.
Result<SourcePath> parse_folder_path(std::string_view path);

// Checks every field of `request` against the limits of S3 and of this server; lower-cases metadata names and
// completes a callback without scheme to http://. `user` is the account's folder; every other folder is refused.
// Errors: invalid_value, source_not_found (another user's folder, reported as missing), storage_unavailable.
// Uses neither files nor network.
Result<UploadRequest> validate(UploadRequest request, std::string_view user);

// Whether `name` can be a bucket of S3 or an S3-compatible store (3-63 of a-z A-Z 0-9 . _ -, no IP address).
Result<> check_bucket_name(std::string_view name);

}  // namespace vodlift
