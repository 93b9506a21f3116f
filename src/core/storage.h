// Port: the sestores, where source files lie.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "core/upload.h"
#include "core/upload_request.h"
#include "core/wildcard.h"

namespace vodlift {

// One open source file: the file that was checked is the file that is sent. Any thread may call the const methods.
class SourceFile {
 public:
  SourceFile() = default;
  SourceFile(const SourceFile&) = delete;
  SourceFile& operator=(const SourceFile&) = delete;
  virtual ~SourceFile() = default;

  // The version that was opened.
  [[nodiscard]] virtual const SourceIdentity& identity() const = 0;

  // As many bytes as lie in memory already, at most `buffer.size()`; 0 when the disk would have to be asked.
  // Never blocks. Errors as read().
  virtual Result<std::size_t> read_cached(std::int64_t offset, std::span<std::uint8_t> buffer) const = 0;

  // Fills `buffer` from `offset`, on a thread of the storage. `done` is called once, here or on a thread of the
  // storage, and must not block. The file and the buffer must live until then. Errors as read().
  virtual void read_async(std::int64_t offset, std::span<std::uint8_t> buffer,
                          std::function<void(Result<>)> done) const = 0;

  // Fills `buffer` from `offset`; blocks for the disk, some seconds at most. Bytes in memory need no other thread.
  // Errors: source_changed (the file ends earlier than it did), source_unreadable, storage_unavailable (no answer in
  // time).
  Result<> read(std::int64_t offset, std::span<std::uint8_t> buffer) const;

  // Has what other programs stored into mapped pages of this range written to the disk, after which each further store
  // moves the file's times. True: that is so now. False: it cannot be had, as on a file system in memory; then only the
  // content tells. Blocks as read() does, for as long as the disk needs for the range. Errors: storage_unavailable.
  virtual Result<bool> settle(std::int64_t offset, std::int64_t size) const = 0;

  // Fails with source_changed when the open file was written to since it was opened, by its size and modification time;
  // the message tells which. Returns its identity now. If that is another than identity(), then only the change time
  // moved: the file has another name or mode now, or was written to and got its old modification time back. Only its
  // content tells. Blocks and fails as read() besides.
  virtual Result<SourceIdentity> check_unchanged() const = 0;
};

// What files.getstorage tells of one storage.
struct StorageInfo {
  std::string name;  // "sestore4"
  bool available = false;
  std::int64_t bytes_free = 0;
  // Where it is not available: since when, as far as this process has noticed.
  std::optional<std::chrono::seconds> gone_for{};
  // It is not available because its root, which is there, has no folder at all, and an upload asked for one: most
  // likely nothing is mounted there.
  bool bare = false;
};

inline constexpr std::size_t kMaxListedFiles = 100;      // of one answer, unless a query says otherwise
inline constexpr std::size_t kMaxListedEntries = 1'000;  // whatever a query says

// What of a folder is listed.
enum class ListDepth {
  below,    // its files, and those of all folders beneath it
  here,     // its files
  entries,  // the folders in it, then its files
};

// Which files of a folder are asked for.
struct FileQuery {
  SourcePath folder;  // `file` names the folder, empty for the user's own
  ListDepth depth = ListDepth::below;
  bool only_video = true;          // by extension, see is_video()
  std::optional<Wildcard> filter;  // on a file's name; with a slash in it, on its path relative to the folder
  std::int64_t offset = 0;         // so many are skipped
  std::size_t limit = kMaxListedFiles;
};

struct ListedFile {
  std::string path;  // "sestore4/jb/path/to/file.mp4"
  std::int64_t size = 0;
  WallTime modified;
  bool folder = false;  // with ListDepth::entries: it is a folder, whose size says nothing
};

struct FileList {
  std::vector<ListedFile> files;  // the query's `limit` at most; folders first, then by the bytes of their paths
  std::int64_t total = 0;         // what matches, wherever `offset` is
  bool complete = true;           // false: the folder holds more than was looked at; `total` and the order are of that
  // Left out, unlooked at: names that are no UTF-8, paths too long for an upload, folders that may not be entered.
  std::int64_t skipped = 0;
};

// All configured storages. Any thread; calls block for the disk where nothing else is said.
class Storages {
 public:
  Storages() = default;
  Storages(const Storages&) = delete;
  Storages& operator=(const Storages&) = delete;
  virtual ~Storages() = default;

  // Opens a regular file beneath the storage's root, following no link. Errors: storage_unknown, storage_unavailable
  // (its root is not there, or it does not answer in time), source_not_found (absent, a link, not a regular file, not
  // readable: the message says which), source_busy (it cannot be opened at the moment, several times within a second).
  virtual Result<std::unique_ptr<SourceFile>> open(const SourcePath& path) = 0;

  // open() of a file that can be opened without asking the disk, as most can; nothing where it would have to be asked,
  // which open() then finds out. Never blocks.
  virtual std::optional<Result<std::unique_ptr<SourceFile>>> open_cached(const SourcePath& path) = 0;

  // Whether new uploads may name the storage: it does not drain. Never blocks. Storages that are not known, too.
  [[nodiscard]] virtual bool takes_uploads(std::string_view /*storage*/) { return true; }

  // Of this node, by name.
  virtual std::vector<StorageInfo> list() = 0;

  // Of all nodes that share the database, by name. Errors: overloaded, store_failed.
  virtual Result<std::vector<StorageInfo>> list_everywhere() { return list(); }

  // Lists regular files, and folders where they are asked for, through no link; does not block. `done` is called once,
  // here or on a thread of the storage, so one that hangs holds up only itself. Links and files of other kinds are left
  // out. A file that was deleted meanwhile is left out too, so a page may be short before the end of the list. Errors:
  // storage_unknown, storage_unavailable, source_not_found (no such folder, or it may not be read), overloaded (too
  // many listings under way, for the account or in all).
  virtual void list_files(FileQuery query, std::function<void(Result<FileList>)> done) = 0;
};

}  // namespace vodlift
