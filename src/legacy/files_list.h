// files.list: the files of a folder and all beneath it.
#pragma once

#include <array>
#include <string_view>

#include "core/upload_request.h"
#include "legacy/command.h"

namespace vodlift::legacy {

inline constexpr std::array<std::string_view, 2> kListedTypes = {"video", "all"};

inline constexpr std::array kFilesListFields = {
    FieldSpec{.name = "path",
              .type = FieldType::text,
              .required = true,
              .high = kMaxPathBytes,
              .about = "the folder: `storage/user` or one beneath it, such as `sestore4/jb/path`"},
    FieldSpec{.name = "type",
              .type = FieldType::word,
              .words = kListedTypes,
              .otherwise = "video",
              .about = "`video`: by the file's extension"},
    FieldSpec{.name = "offset",
              .type = FieldType::number,
              .low = 0,
              .high = 10'000'000,
              .otherwise = "0",
              .about = "skip so many; one answer has 100 at most"},
    FieldSpec{.name = "filter",
              .type = FieldType::text,
              .high = Wildcard::kMaxBytes,
              .about = "a shell wildcard, such as `*.mp4`"},
};

// Answers a list of {path, size, modified, type}; beside it stand `total`, `complete` and `skipped` (core/storage.h,
// FileList). Errors beside those of Storages::list_files(): invalid_value; another user's folder is as absent.
void files_list(const Services& services, const Caller& caller, const Fields& fields,
                const std::shared_ptr<Reply>& reply);

}  // namespace vodlift::legacy
