#include "legacy/files_list.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string>
#include <utility>

#include "base/encoding.h"
#include "core/content_type.h"

namespace vodlift::legacy {
namespace {

Result<FileQuery> query_of(const Caller& caller, const Fields& fields) {
  const std::string_view path = fields.text("path");
  auto folder = parse_folder_path(path);
  if (!folder) return folder.error();
  // Told as a missing folder: whether another account has it is nobody's business.
  if (folder->user != caller.account.user) {
    return Error{Errc::source_not_found, "folder " + printable(path) + " does not exist"};
  }
  if (auto within = caller.scope.check_path(path); !within) return within.error();
  FileQuery query;
  query.folder = std::move(*folder);
  query.only_video = fields.text("type") == "video";
  query.offset = fields.number("offset");
  if (!fields.text("filter").empty()) {  // some clients send every field they know
    auto filter = Wildcard::parse(fields.text("filter"));
    if (!filter) return filter.error();
    query.filter = std::move(*filter);
  }
  return query;
}

void answer(const FileList& found, Reply& reply) {
  boost::json::array files;
  files.reserve(found.files.size());
  for (const ListedFile& file : found.files) {
    boost::json::object row;
    row["path"] = file.path;
    row["size"] = file.size;
    row["modified"] = to_unix_ms(file.modified) / 1000;
    row["type"] = content_type_for(file.path);
    files.emplace_back(std::move(row));
  }
  boost::json::object beside;
  beside["total"] = found.total;
  beside["complete"] = found.complete;
  beside["skipped"] = found.skipped;
  reply.success(found.complete ? "Files of this folder" : "Files of this folder, which is too large to be listed whole",
                std::move(files), beside);
}

}  // namespace

void files_list(const Services& services, const Caller& caller, const Fields& fields,
                const std::shared_ptr<Reply>& reply) {
  auto query = query_of(caller, fields);
  if (!query) return reply->failure(query.error());
  services.storages.list_files(std::move(*query), [reply](const Result<FileList>& found) {
    reply->guard([&] { found ? answer(*found, *reply) : reply->failure(found.error()); });
  });
}

}  // namespace vodlift::legacy
