#include "door/file_list.h"

#include <array>
#include <utility>

#include "core/content_type.h"
#include "core/upload_request.h"

namespace vodlift::door {
namespace {

constexpr std::array<std::string_view, 2> kListedTypes = {"video", "all"};

constexpr std::array kFields = {
    FieldSpec{.name = "path",
              .type = FieldType::text,
              .required = true,
              .high = kMaxPathBytes,
              .about = "the folder: `storage/user` or a folder below it, such as `sestore4/jb/path`"},
    FieldSpec{.name = "type",
              .type = FieldType::word,
              .words = kListedTypes,
              .otherwise = "video",
              .about = "`video`: only files whose extension is a video's"},
    FieldSpec{.name = "offset",
              .type = FieldType::number,
              .low = 0,
              .high = 10'000'000,
              .otherwise = "0",
              .about = "skip this many files; an answer has at most 100"},
    FieldSpec{.name = "filter",
              .type = FieldType::text,
              .high = Wildcard::kMaxBytes,
              .about = "only files whose name matches this shell wildcard, such as `*.mp4`"},
};

}  // namespace

std::span<const FieldSpec> file_list_fields() { return kFields; }

Result<FileQuery> read_folder_query(const Fields& fields) {
  auto folder = parse_folder_path(fields.text("path"));
  if (!folder) return folder.error();
  FileQuery query;
  query.folder = std::move(*folder);
  query.only_video = fields.text("type") == "video";
  if (!fields.text("filter").empty()) {  // some clients send every field, empty or not
    auto filter = Wildcard::parse(fields.text("filter"));
    if (!filter) return filter.error();
    query.filter = std::move(*filter);
  }
  return query;
}

Result<FileQuery> read_file_query(const Fields& fields) {
  auto query = read_folder_query(fields);
  if (query) query->offset = fields.number("offset");
  return query;
}

boost::json::array files_json(const FileList& found) {
  boost::json::array files;
  files.reserve(found.files.size());
  for (const ListedFile& file : found.files) {
    files.emplace_back(boost::json::object{{"path", file.path},
                                           {"size", file.size},
                                           {"modified", to_unix_ms(file.modified) / 1000},
                                           {"type", content_type_for(file.path)}});
  }
  return files;
}

boost::json::object extent_json(const FileList& found) {
  return {{"total", found.total}, {"complete", found.complete}, {"skipped", found.skipped}};
}

boost::json::object to_json(const StorageInfo& storage, std::string_view folder) {
  boost::json::object row{{"storage", storage.name}};
  if (!folder.empty()) row["path"] = folder;
  row["available"] = storage.available;
  row["bytes_free"] = storage.bytes_free;
  return row;
}

}  // namespace vodlift::door
