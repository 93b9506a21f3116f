#include <fmt/format.h>

#include <array>
#include <boost/json/array.hpp>
#include <utility>

#include "base/encoding.h"
#include "core/upload_request.h"
#include "door/file_list.h"
#include "rest/route.h"

namespace vodlift::rest {
namespace {

using boost::json::object;
using boost::json::value;

constexpr std::size_t kMaxShownBytes = 200;

Result<value> list(const Context& context, const Fields& /*fields*/) {
  boost::json::array answer;
  for (const StorageInfo& storage : context.storages.list()) answer.push_back(door::to_json(storage));
  return collection(std::move(answer));
}

// Folders of others get one answer, whether there is such a folder or not.
Result<> is_of(const Context& context, AccountId cdn, const Fields& fields) {
  const auto folder = parse_folder_path(fields.text("path"));
  if (!folder) return folder.error();
  const auto account = context.accounts.find_account(cdn);
  if (account && folder->user == account->user) return {};
  return Error{Errc::source_not_found,
               fmt::format("path: the account has no folder {}", printable(fields.text("path"), kMaxShownBytes))};
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
      Route{.name = "storage.list",
            .act = Act::read,
            .shared = true,
            .method = "GET",
            .path = "/storages",
            .run = run_at_once<list>},
      Route{.name = "file.list",
            .act = Act::read,
            .is_of = is_of,
            .method = "GET",
            .path = "/files",
            .fields = door::file_list_fields(),
            .run = files},
  };
  return kRoutes;
}

}  // namespace vodlift::rest
