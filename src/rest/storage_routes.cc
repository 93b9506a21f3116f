#include <array>
#include <boost/json/array.hpp>
#include <utility>

#include "door/file_list.h"
#include "rest/route.h"

namespace vodlift::rest {
namespace {

using boost::json::object;
using boost::json::value;

Result<value> list(const Context& context, const Fields& /*fields*/) {
  boost::json::array answer;
  for (const StorageInfo& storage : context.storages.list()) answer.push_back(door::to_json(storage));
  return collection(std::move(answer));
}

// Answers when the storage does; one that hangs holds no thread of this API.
void files(const Context& context, const Caller& /*caller*/, const Fields& fields,
           const std::shared_ptr<Reply>& reply) {
  auto query = door::read_file_query(fields);
  if (!query) return reply->failure(query.error());
  context.storages.list_files(std::move(*query), [reply](const Result<FileList>& found) {
    reply->guard([&] {
      if (!found) return reply->failure(found.error());
      object answer = door::extent_json(*found);
      answer["items"] = door::files_json(*found);
      answer["next"] = nullptr;
      reply->success({}, answer);
    });
  });
}

}  // namespace

std::span<const Route> storage_routes() {
  static const std::array kRoutes = {
      Route{.name = "storage.list", .method = "GET", .path = "/storages", .run = run_at_once<list>},
      Route{.name = "file.list", .method = "GET", .path = "/files", .fields = door::file_list_fields(), .run = files},
  };
  return kRoutes;
}

}  // namespace vodlift::rest
