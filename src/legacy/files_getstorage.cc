#include "legacy/files_getstorage.h"

#include <boost/json/array.hpp>
#include <utility>

namespace vodlift::legacy {
namespace {

// Where the caller's files may lie on a storage: its user's folder, or what the key reaches of it; empty: nowhere.
std::string folder_of(const Caller& caller, const std::string& storage) {
  std::string folder = storage + "/" + caller.account.user;
  if (caller.scope.holds_path(folder)) return folder;
  KeyScope within;
  within.path_prefix = folder;
  return within.holds_path(caller.scope.path_prefix) ? caller.scope.path_prefix : std::string();
}

}  // namespace

void files_getstorage(const Services& services, const Caller& caller, const Fields& /*fields*/,
                      const std::shared_ptr<Reply>& reply) {
  run_blocking(services, reply, [&services, reply, caller] {
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

}  // namespace vodlift::legacy
