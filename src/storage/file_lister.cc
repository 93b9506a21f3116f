#include "storage/file_lister.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <string>
#include <utility>

#include "base/encoding.h"
#include "base/log.h"
#include "core/content_type.h"
#include "storage/open_beneath.h"

namespace vodlift::storage {
namespace {

// Seconds that a WallTime cannot hold become the nearest that it can.
WallTime modified_at(const struct stat& status) {
  constexpr std::int64_t kLimit = std::numeric_limits<std::int64_t>::max() / 1000;
  return from_unix_ms(std::clamp<std::int64_t>(status.st_mtim.tv_sec, -kLimit, kLimit) * 1000);
}

std::string folder_beneath_root(const SourcePath& folder) {
  return folder.file.empty() ? folder.user : folder.user + "/" + folder.file;
}

// Everything that decides what a walk finds. NUL is in none of the parts.
std::string key_of(const FileQuery& query) {
  std::string key = query.folder.storage + "/" + folder_beneath_root(query.folder);
  key += '\0';
  key += query.only_video ? "video" : "all";
  key += std::to_string(static_cast<int>(query.depth));
  key += '\0';
  if (query.filter) key += query.filter->text();
  return key;
}

bool is_wanted(const FileQuery& query, std::string_view name, std::string_view path) {
  if (query.only_video && !is_video(name)) return false;
  return !query.filter || query.filter->matches(query.filter->for_paths() ? path : name);
}

}  // namespace

WalkCache::Found WalkCache::find(const std::string& key, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  while (!kept_.empty() && now - kept_.front().since > kMaxAge) drop(kept_.begin());
  const auto found = std::ranges::find(kept_, key, &Kept::key);
  return found == kept_.end() ? nullptr : found->walk;
}

void WalkCache::put(const std::string& key, Found walk, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  const auto before = std::ranges::find(kept_, key, &Kept::key);
  if (before != kept_.end()) drop(before);
  const std::size_t bytes = walk->files.bytes();
  if (bytes > kMaxBytes) return;
  while (!kept_.empty() && (kept_.size() >= kMaxWalks || bytes_ + bytes > kMaxBytes)) drop(kept_.begin());
  bytes_ += bytes;
  kept_.push_back({key, std::move(walk), now});
}

void WalkCache::drop(std::list<Kept>::iterator one) {
  bytes_ -= one->walk->files.bytes();
  kept_.erase(one);
}

FileLister::FileLister(std::string storage, bool cross_mounts, std::shared_ptr<WalkCache> cache, WalkLimits limits)
    : storage_(std::move(storage)), cross_mounts_(cross_mounts), cache_(std::move(cache)), limits_(limits) {}

void FileLister::stop() {
  stopping_ = true;
  thread_.stop();
}

bool FileLister::stop_within(std::chrono::milliseconds grace) {
  stopping_ = true;
  return thread_.stop_within(grace);
}

void FileLister::list(FileQuery query, std::function<Result<Root>()> root, Done done) {
  const std::string user = query.folder.user;
  {
    const std::lock_guard lock(mutex_);
    if (under_way_[user] >= kMaxOfAccount) {
      return done(Error{Errc::overloaded, fmt::format("{} listings of storage {} are under way for this account "
                                                      "already; wait for their answers",
                                                      kMaxOfAccount, storage_)});
    }
    ++under_way_[user];
  }
  const auto leave = [this, user] {
    const std::lock_guard lock(mutex_);
    if (--under_way_[user] == 0) under_way_.erase(user);
  };
  const auto shared_done = std::make_shared<Done>(std::move(done));
  const bool taken = thread_.post([this, query = std::move(query), root = std::move(root), shared_done, leave] {
    run(query, root, [&](Result<FileList> list) {
      leave();  // first: a client that has the answer may ask again
      (*shared_done)(std::move(list));
    });
  });
  if (taken) return;
  leave();
  (*shared_done)(Error{Errc::overloaded, "more listings than usual; try again in a few minutes"});
}

void FileLister::run(const FileQuery& query, const std::function<Result<Root>()>& root, const Done& done) {
  Result<FileList> list = Error{Errc::internal, "unexpected error in the listing"};
  try {
    const auto opened = root();
    if (opened) {
      list = page(query, (*opened)->get());
    } else {
      list = opened.error();
    }
  } catch (const std::exception& unexpected) {
    log::error("unexpected error in a listing", {{"storage", storage_}, {"reason", unexpected.what()}});
  }
  done(std::move(list));
}

Result<FileList> FileLister::page(const FileQuery& query, int root) {
  auto found = walk(query, root);
  if (!found) return found.error();
  const Walk& walk = **found;
  FileList list;
  list.total = static_cast<std::int64_t>(walk.files.size());
  list.complete = walk.complete;
  list.skipped = walk.skipped;
  const std::string beneath = folder_beneath_root(query.folder) + "/";
  const std::size_t limit = std::min(query.limit, kMaxListedEntries);
  for (std::string& name : walk.files.slice(static_cast<std::size_t>(query.offset), limit)) {
    const bool folder = name.ends_with('/');
    if (folder) name.pop_back();
    struct stat status {};
    const UniqueFd fd = open_beneath(root, beneath + name, O_PATH, cross_mounts_);
    if (!fd.valid() || ::fstat(fd.get(), &status) != 0) continue;
    if (folder ? !S_ISDIR(status.st_mode) : !S_ISREG(status.st_mode)) continue;
    list.files.push_back(
        {fmt::format("{}/{}{}", query.folder.storage, beneath, name), status.st_size, modified_at(status), folder});
  }
  return list;
}

Result<WalkCache::Found> FileLister::walk(const FileQuery& query, int root) {
  const std::string key = key_of(query);
  if (query.offset > 0) {
    if (auto kept = cache_->find(key, std::chrono::steady_clock::now())) return kept;
  }
  const WalkSource source{root, folder_beneath_root(query.folder), query.folder.storage.size() + 1, cross_mounts_,
                          query.depth};
  const auto wanted = [&](std::string_view name, std::string_view path) { return is_wanted(query, name, path); };
  auto found = walk_tree(source, limits_, wanted, stopping_);
  if (!found) return refusal(query, found.error(), root);
  const auto kept = std::make_shared<const Walk>(std::move(*found));
  if (!stopping_) cache_->put(key, kept, std::chrono::steady_clock::now());
  return kept;
}

Error FileLister::refusal(const FileQuery& query, const Error& error, int root) const {
  const std::string name = printable(query.folder.storage + "/" + folder_beneath_root(query.folder));
  if (error.code == Errc::source_not_found) return {error.code, fmt::format("folder {} {}", name, error.message)};
  if (error.code != Errc::not_found) {
    return {Errc::storage_unavailable, fmt::format("folder {} cannot be read: {}", name, error.message)};
  }
  const bool has_user = open_beneath(root, query.folder.user, O_PATH | O_DIRECTORY, cross_mounts_).valid();
  if (has_user) return {Errc::source_not_found, fmt::format("folder {} does not exist", name)};
  return {Errc::not_found, "the user's folder is not there"};
}

}  // namespace vodlift::storage
