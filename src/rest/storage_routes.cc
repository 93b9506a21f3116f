#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <utility>

#include "base/encoding.h"
#include "core/content_type.h"
#include "core/upload_request.h"
#include "door/file_list.h"
#include "rest/uploads.h"

namespace vodlift::rest {
namespace {

using boost::json::object;
using boost::json::value;

constexpr std::size_t kMaxShownBytes = 200;

Result<value> list_storages(const Context& context, const Fields& /*fields*/) {
  const auto found = context.storages.list_everywhere();
  if (!found) return found.error();
  boost::json::array answer;
  for (const StorageInfo& storage : *found) answer.push_back(door::to_json(storage));
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

boost::json::array entries_json(const FileList& found) {
  boost::json::array entries;
  entries.reserve(found.files.size());
  for (const ListedFile& entry : found.files) {
    const std::string_view path = entry.path;
    entries.emplace_back(object{{"kind", entry.folder ? "folder" : "file"},
                                {"name", path.substr(path.rfind('/') + 1)},
                                {"path", path},
                                {"size", entry.folder ? value(nullptr) : value(entry.size)},
                                {"modified", to_unix_ms(entry.modified) / 1000},
                                {"type", entry.folder ? value(nullptr) : value(content_type_for(path))}});
  }
  return entries;
}

// What the folder itself holds. Answers as files() does.
void folder(const Context& context, const Caller& /*caller*/, const Fields& fields,
            const std::shared_ptr<Reply>& reply) {
  auto query = door::read_folder_query(fields);
  if (!query) return reply->failure(query.error());
  const auto offset = read_cursor(fields.text("cursor"));
  if (!offset) return reply->failure(offset.error());
  query->depth = ListDepth::entries;
  query->offset = *offset;
  query->limit = static_cast<std::size_t>(fields.number("limit"));
  const std::int64_t end = *offset + fields.number("limit");
  context.storages.list_files(std::move(*query), [reply, end](const Result<FileList>& found) {
    reply->guard([&] {
      if (!found) return reply->failure(found.error());
      object answer = door::extent_json(*found);
      answer["items"] = entries_json(*found);
      answer["next"] = end < found->total ? value(std::to_string(end)) : value(nullptr);
      reply->success({}, answer);
    });
  });
}

// Those of a list of files, but a page is asked for by its cursor.
std::span<const FieldSpec> folder_fields() {
  static const std::vector<FieldSpec> kFields = [] {
    std::vector<FieldSpec> fields;
    std::ranges::copy_if(door::file_list_fields(), std::back_inserter(fields),
                         [](const FieldSpec& spec) { return spec.name != "offset"; });
    fields.push_back(kCursor);
    fields.push_back(kLimit);
    fields.back().otherwise = "100";
    return fields;
  }();
  return kFields;
}

}  // namespace

std::span<const Route> storage_routes() {
  static const std::array kRoutes = {
      Route{.name = "storage.list",
            .act = Act::read,
            .shared = true,
            .method = "GET",
            .path = "/storages",
            .run = run_at_once<list_storages>},
      Route{.name = "file.list",
            .act = Act::read,
            .is_of = is_of,
            .method = "GET",
            .path = "/files",
            .fields = door::file_list_fields(),
            .run = files},
      Route{.name = "folder.list",
            .act = Act::read,
            .is_of = is_of,
            .method = "GET",
            .path = "/folders",
            .fields = folder_fields(),
            .run = folder},
  };
  return kRoutes;
}

}  // namespace vodlift::rest
