// aws.upload: queue a file for upload to S3.
#pragma once

#include <array>
#include <string_view>

#include "core/upload_options.h"
#include "core/upload_request.h"
#include "legacy/command.h"

namespace vodlift::legacy {

inline constexpr std::array<std::string_view, 2> kAclWords = {"private", "public-read"};

inline constexpr std::array<std::string_view, 3> kOverwriteWords = {"replace", "keep", "fail"};

inline constexpr std::array kAwsUploadFields = {
    FieldSpec{.name = "path",
              .required = true,
              .high = kMaxPathBytes,
              .audited = true,
              .about = "the source: `storage/user/file`, such as `sestore4/jb/path/to/file.mp4`"},
    FieldSpec{.name = "destination_path",
              .required = true,
              .high = kMaxKeyBytes,
              .audited = true,
              .about = "the object's key"},
    FieldSpec{.name = "bucket",
              .required = true,
              .high = kMaxBucketBytes,
              .audited = true,
              .about = "one of your configured buckets"},
    FieldSpec{.name = "acl",
              .type = FieldType::word,
              .words = kAclWords,
              .otherwise = "private",
              .about = "who may read the object"},
    FieldSpec{.name = "metadata",
              .type = FieldType::pairs,
              .about = "names and values that are kept with the object; `{}`, `[]` and no field are the same"},
    FieldSpec{.name = "callback",
              .high = kMaxCallbackBytes,
              .otherwise = "",
              .about = "where to tell the end; empty: nowhere"},
    FieldSpec{.name = "priority",
              .type = FieldType::number,
              .low = 0,
              .high = kMaxPriority,
              .otherwise = "5",
              .about = "9 goes first"},
    FieldSpec{.name = "content_type",
              .high = kMaxContentTypeBytes,
              .otherwise = "",
              .about = "the object's media type; empty: by the extension of `destination_path`"},
    FieldSpec{.name = "cache_control",
              .high = kMaxCacheControlBytes,
              .otherwise = "",
              .about = "the object's `Cache-Control`, such as `max-age=86400`"},
    FieldSpec{.name = "content_disposition",
              .high = kMaxContentDispositionBytes,
              .otherwise = "",
              .about = "the object's `Content-Disposition`, such as `attachment; filename=\"a.mp4\"`"},
    FieldSpec{.name = "storage_class",
              .high = kMaxStorageClassBytes,
              .otherwise = "",
              .about = "one of the store's, such as `STANDARD_IA`; empty: the bucket's own"},
    FieldSpec{.name = "tags", .type = FieldType::pairs, .about = "the object's tags: names and values, 10 at most"},
    FieldSpec{.name = "overwrite",
              .type = FieldType::word,
              .words = kOverwriteWords,
              .otherwise = "replace",
              .audited = true,
              .about = "what to do where an object of that key is there already"},
    FieldSpec{.name = "checksum",
              .high = kMaxChecksumBytes,
              .otherwise = "",
              .about = "that the source must have: `crc32c:<base64>`, `md5:<hex>` or `sha256:<hex>`; empty: any"},
};

// Answers the upload's id once it is committed and synced to disk; the same signed bytes get the same id again, even
// when the source has gone since. Errors: those of UploadIntake::check() and UploadStore::insert().
void aws_upload(const Services& services, const Caller& caller, const Fields& fields,
                const std::shared_ptr<Reply>& reply);

}  // namespace vodlift::legacy
