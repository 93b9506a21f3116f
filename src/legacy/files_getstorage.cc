#include "legacy/files_getstorage.h"

#include <boost/json/array.hpp>
#include <utility>

namespace vodlift::legacy {

void files_getstorage(const Services& services, const Caller& caller, const Fields& /*fields*/,
                      const std::shared_ptr<Reply>& reply) {
  run_blocking(services, reply, [&services, reply, user = caller.account.user] {
    boost::json::array list;
    for (const StorageInfo& storage : services.storages.list()) {
      boost::json::object row;
      row["storage"] = storage.name;
      row["path"] = storage.name + "/" + user;
      row["available"] = storage.available;
      row["bytes_free"] = storage.bytes_free;
      list.emplace_back(std::move(row));
    }
    reply->success("Storages of this account", std::move(list));
  });
}

}  // namespace vodlift::legacy
