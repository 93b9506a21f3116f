// files.getstorage and files.list: the storages of an account, and its files on them.
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string>
#include <utility>

#include "base/encoding.h"
#include "core/content_type.h"
#include "core/upload_request.h"
#include "legacy/command.h"

namespace vodlift::legacy {
namespace {

constexpr std::array<std::string_view, 2> kListedTypes = {"video", "all"};

constexpr std::array kListFields = {
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

Result<FileQuery> query_of(const Caller& caller, const Fields& fields) {
  const std::string_view path = fields.text("path");
  auto folder = parse_folder_path(path);
  if (!folder) return folder.error();
  // Reported as a missing folder, so that nobody learns which folders another account has.
  if (folder->user != caller.account.user) {
    return Error{Errc::source_not_found, "folder " + printable(path) + " does not exist"};
  }
  if (auto within = caller.scope.check_path(path); !within) return within.error();
  FileQuery query;
  query.folder = std::move(*folder);
  query.only_video = fields.text("type") == "video";
  query.offset = fields.number("offset");
  if (!fields.text("filter").empty()) {  // some clients send every field, empty or not
    auto filter = Wildcard::parse(fields.text("filter"));
    if (!filter) return filter.error();
    query.filter = std::move(*filter);
  }
  return query;
}

void answer_files(const FileList& found, Reply& reply) {
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
  boost::json::object members;
  members["total"] = found.total;
  members["complete"] = found.complete;
  members["skipped"] = found.skipped;
  reply.success(
      found.complete ? "Files of this folder" : "Some files of this folder, which is too large for a whole list",
      std::move(files), members);
}

// The folder of a storage where the caller's files may lie: its user's, or the part of it that the key reaches; empty:
// none.
std::string folder_of(const Caller& caller, const std::string& storage) {
  std::string folder = storage + "/" + caller.account.user;
  if (caller.scope.holds_path(folder)) return folder;
  KeyScope within;
  within.path_prefix = folder;
  return within.holds_path(caller.scope.path_prefix) ? caller.scope.path_prefix : std::string();
}

// Answers a list of {path, size, modified, type}; `total`, `complete` and `skipped` (core/storage.h, FileList) stand
// next to it. Errors: those of Storages::list_files(), invalid_value; another user's folder counts as absent.
void files_list(const Services& services, const Caller& caller, const Fields& fields,
                const std::shared_ptr<Reply>& reply) {
  auto query = query_of(caller, fields);
  if (!query) return reply->failure(query.error());
  services.storages.list_files(std::move(*query), [reply](const Result<FileList>& found) {
    reply->guard([&] { found ? answer_files(*found, *reply) : reply->failure(found.error()); });
  });
}

// Answers every storage with the account's folder on it: [{storage, path, available, bytes_free}]. Takes no fields.
void files_getstorage(const Services& services, const Caller& caller, const Fields& /*fields*/,
                      const std::shared_ptr<Reply>& reply) {
  door::run_on(services.blocking, caller.account.cdn, reply, [&services, reply, caller] {
    boost::json::array list;
    for (const StorageInfo& storage : services.storages.list()) {
      const std::string folder = folder_of(caller, storage.name);
      if (folder.empty()) continue;
      boost::json::object row;
      row["storage"] = storage.name;
      row["path"] = folder;
      row["available"] = storage.available;
      row["bytes_free"] = storage.bytes_free;
      list.emplace_back(std::move(row));
    }
    reply->success("Storages of this account", std::move(list));
  });
}

constexpr std::array kCommands = {
    Command{.name = "files.getstorage",
            .permission = Permission::files,
            .about = "lists the storages where your files may lie",
            .answer = "a list of the storages with your folder on each",
            .run = files_getstorage},
    Command{.name = "files.list",
            .permission = Permission::files,
            .fields = kListFields,
            .about = "lists your files on a storage",
            .answer = "a list of at most 100 files; `total`, `complete` and `skipped` stand next to `data`",
            .run = files_list},
};

}  // namespace

std::span<const Command> file_commands() { return kCommands; }

}  // namespace vodlift::legacy
