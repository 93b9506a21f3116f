#include "cli/upload_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <vector>

#include "cli/text.h"
#include "core/upload_request.h"

namespace vodlift::cli {
namespace {

using boost::json::object;
using boost::json::value;

constexpr std::size_t kMostFiles = 100'000;
constexpr std::size_t kMaxRefusals = 20;  // that are shown

struct FoundFile {
  std::string path;
  std::int64_t size = 0;
};

Error too_large(const std::string& folder) {
  return {
      Errc::invalid_value,
      fmt::format("{}: the folder has too many files for one command; name the folders below it one by one", folder)};
}

// All files of the folder before the first is queued: so nothing is queued of a folder that is too large.
Result<std::vector<FoundFile>> list_files(Session& session, const std::string& folder, const FolderOptions& options) {
  std::vector<FoundFile> files;
  object query{{"path", folder}};
  if (!options.filter.empty()) query["filter"] = options.filter;
  if (options.all_types) query["type"] = "all";
  while (true) {
    query["offset"] = files.size();
    const auto page = session.call({"GET", "/files", query});
    if (!page) return page.error();
    if (cell(*page, "complete") != "yes") return too_large(folder);
    const boost::json::array& items = page->at("items").as_array();
    for (const value& one : items) files.push_back({text_at(one, "path"), integer_at(one, "size")});
    if (files.size() > kMostFiles) return too_large(folder);
    // A page may be short of files that were deleted meanwhile.
    if (items.empty() || std::ssize(files) >= integer_at(*page, "total")) return files;
  }
}

// The key of a file: what stands behind the folder, after `prefix`.
Result<std::string> key_of(const std::string& path, std::size_t folder_bytes, const std::string& prefix) {
  if (!prefix.empty()) return prefix + path.substr(folder_bytes);
  const auto source = parse_source_path(path);
  if (!source) return source.error();
  return source->file;
}

// What became of the files.
struct Queued {
  std::vector<std::int64_t> ids;
  std::int64_t bytes = 0;
  std::int64_t refused = 0;
  boost::json::array refusals;

  void refuse(const std::string& path, const Error& why) {
    ++refused;
    if (refusals.size() >= kMaxRefusals) return;
    refusals.push_back(object{{"path", path}, {"code", info(why.code).name}, {"detail", why.message}});
  }

  [[nodiscard]] std::string text() const {
    std::string text =
        fmt::format("{} queued ({})", files_text(std::ssize(ids)), human_bytes(static_cast<double>(bytes)));
    if (!ids.empty()) text += fmt::format(" as uploads {} to {}", ids.front(), ids.back());
    text += '\n';
    if (refused > 0) text += fmt::format("{} could not be queued:\n", files_text(refused));
    for (const value& one : refusals) text += fmt::format("  {}: {}\n", text_at(one, "path"), text_at(one, "detail"));
    if (refused > std::ssize(refusals)) text += "  …\n";
    return text;
  }

  [[nodiscard]] object json() const {
    return {{"ids", boost::json::array(ids.begin(), ids.end())},
            {"bytes", bytes},
            {"refused", refused},
            {"refusals", refusals}};
  }

  static std::string files_text(std::int64_t count) { return fmt::format("{} file{}", count, count == 1 ? "" : "s"); }
};

Result<> queue(Session& session, object fields, const FoundFile& file, std::size_t folder_bytes, Queued& done) {
  const auto key = key_of(file.path, folder_bytes, text_at(fields, "destination_path"));
  if (!key) return key.error();
  fields["path"] = file.path;
  fields["destination_path"] = *key;
  const auto queued = session.call({"POST", "/uploads", fields});
  if (!queued) return queued.error();
  done.ids.push_back(integer_at(*queued, "id"));
  done.bytes += file.size;
  return {};
}

int show_dry_run(const Session& session, const std::vector<FoundFile>& files) {
  std::int64_t bytes = 0;
  for (const FoundFile& file : files) bytes += file.size;
  if (session.json()) {
    print(boost::json::serialize(object{{"files", files.size()}, {"bytes", bytes}}) + "\n");
  } else {
    print(fmt::format("{} would be queued ({})\n", Queued::files_text(std::ssize(files)),
                      human_bytes(static_cast<double>(bytes))));
  }
  return kDone;
}

}  // namespace

int upload_folder(Session& session, const object& fields, const FolderOptions& options) {
  std::string folder = text_at(fields, "path");
  if (folder.ends_with('/')) folder.pop_back();
  const auto files = list_files(session, folder, options);
  if (!files) return session.fail(files.error());
  if (options.dry_run) return show_dry_run(session, *files);
  Queued done;
  for (const FoundFile& file : *files) {
    const auto queued = queue(session, fields, file, folder.size() + 1, done);
    // Without a daemon the others would fail alike.
    if (!queued && queued.error().code == Errc::network) return session.fail(queued.error());
    if (!queued) done.refuse(file.path, queued.error());
  }
  print(session.json() ? boost::json::serialize(done.json()) + "\n" : done.text());
  return done.refused == 0 ? kDone : kFailed;
}

}  // namespace vodlift::cli
