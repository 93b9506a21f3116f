// files.getstorage and files.list: the storages of an account, and its files on them.
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string>
#include <utility>

#include "base/encoding.h"
#include "door/file_list.h"
#include "legacy/command.h"

namespace vodlift::legacy {
namespace {

Result<FileQuery> query_of(const Caller& caller, const Fields& fields) {
  auto query = door::read_file_query(fields);
  if (!query) return query;
  const std::string_view path = fields.text("path");
  // Reported as a missing folder, so that nobody learns which folders another account has.
  if (query->folder.user != caller.account->user) {
    return Error{Errc::source_not_found, "folder " + printable(path) + " does not exist"};
  }
  if (auto within = caller.scope.check_path(path); !within) return within.error();
  return query;
}

void answer_files(const FileList& found, Reply& reply) {
  reply.success(
      found.complete ? "Files of this folder" : "Some files of this folder, which is too large for a whole list",
      door::files_json(found), door::extent_json(found));
}

// The folder of a storage where the caller's files may lie: its user's, or the part of it that the key reaches; empty:
// none.
std::string folder_of(const Caller& caller, const std::string& storage) {
  std::string folder = storage + "/" + caller.account->user;
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
  door::run_on(services.blocking, caller.account->cdn, reply, [&services, reply, caller] {
    const auto found = services.storages.list_everywhere();
    if (!found) return reply->failure(found.error());
    boost::json::array list;
    for (const StorageInfo& storage : *found) {
      const std::string folder = folder_of(caller, storage.name);
      if (folder.empty()) continue;
      list.emplace_back(door::to_json(storage, folder));
    }
    reply->success("Storages of this account", std::move(list));
  });
}

}  // namespace

std::span<const Command> file_commands() {
  static const std::array kCommands = {
      Command{.name = "files.getstorage",
              .permission = Permission::files,
              .about = "lists the storages where your files may lie",
              .answer = "a list of the storages with your folder on each",
              .run = files_getstorage},
      Command{.name = "files.list",
              .permission = Permission::files,
              .fields = door::file_list_fields(),
              .about = "lists your files on a storage",
              .answer = "a list of at most 100 files; `total`, `complete` and `skipped` stand next to `data`",
              .run = files_list},
  };
  return kCommands;
}

}  // namespace vodlift::legacy
