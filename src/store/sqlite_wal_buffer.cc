#include "store/sqlite_wal_buffer.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

namespace vodlift::store {
namespace {

// The system's VFS takes no more at a time: of a length it looks at the last 17 bits only.
constexpr int kHeldBytes = 0x1FFFF;

sqlite3_vfs* system_vfs() {
  static sqlite3_vfs* const vfs = sqlite3_vfs_find(nullptr);
  return vfs;
}

// What SQLite has as its open file; the system's file lies behind it, in the same memory.
struct WalFile {
  sqlite3_file base;
  sqlite3_int64 begin;  // where what is held belongs
  int held;
  char* bytes;
};
static_assert(sizeof(WalFile) % alignof(std::max_align_t) == 0);

WalFile& wal_of(sqlite3_file* file) { return *reinterpret_cast<WalFile*>(file); }
sqlite3_file* below(sqlite3_file* file) { return reinterpret_cast<sqlite3_file*>(&wal_of(file) + 1); }

// Also after a failure nothing is held: SQLite gives the transaction up, and the next one writes to the same place.
int flush(sqlite3_file* file) {
  WalFile& wal = wal_of(file);
  const int held = std::exchange(wal.held, 0);
  if (held == 0) return SQLITE_OK;
  return below(file)->pMethods->xWrite(below(file), wal.bytes, held, wal.begin);
}

// Calls the system's method once everything is where it belongs.
template <auto method, class... Arguments>
int after_flush(sqlite3_file* file, Arguments... arguments) {
  if (const int code = flush(file); code != SQLITE_OK) return code;
  return (below(file)->pMethods->*method)(below(file), arguments...);
}

template <auto method, class... Arguments>
int passed_on(sqlite3_file* file, Arguments... arguments) {
  return (below(file)->pMethods->*method)(below(file), arguments...);
}

int write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
  WalFile& wal = wal_of(file);
  if (wal.held > 0 && (offset != wal.begin + wal.held || size > kHeldBytes - wal.held)) {
    if (const int code = flush(file); code != SQLITE_OK) return code;
  }
  if (size > kHeldBytes) return below(file)->pMethods->xWrite(below(file), bytes, size, offset);
  if (wal.held == 0) wal.begin = offset;
  std::memcpy(wal.bytes + wal.held, bytes, static_cast<std::size_t>(size));
  wal.held += size;
  return SQLITE_OK;
}

int close(sqlite3_file* file) {
  const int flushed = flush(file);
  sqlite3_free(wal_of(file).bytes);
  const int closed = below(file)->pMethods->xClose(below(file));
  return flushed != SQLITE_OK ? flushed : closed;
}

// Version 1: all that SQLite asks of a log.
constexpr sqlite3_io_methods kMethods = {
    .iVersion = 1,
    .xClose = close,
    .xRead = after_flush<&sqlite3_io_methods::xRead>,
    .xWrite = write,
    .xTruncate = after_flush<&sqlite3_io_methods::xTruncate>,
    .xSync = after_flush<&sqlite3_io_methods::xSync>,
    .xFileSize = after_flush<&sqlite3_io_methods::xFileSize>,
    .xLock = passed_on<&sqlite3_io_methods::xLock>,
    .xUnlock = passed_on<&sqlite3_io_methods::xUnlock>,
    .xCheckReservedLock = passed_on<&sqlite3_io_methods::xCheckReservedLock>,
    .xFileControl = passed_on<&sqlite3_io_methods::xFileControl>,
    .xSectorSize = passed_on<&sqlite3_io_methods::xSectorSize>,
    .xDeviceCharacteristics = passed_on<&sqlite3_io_methods::xDeviceCharacteristics>,
    .xShmMap = nullptr,
    .xShmLock = nullptr,
    .xShmBarrier = nullptr,
    .xShmUnmap = nullptr,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

// SQLite maps the log's index, a file that it has made longer by single bytes. Where the disk's blocks are smaller than
// a page, the rest of a page is a hole, and writing to it when the disk is full would end the process (SIGBUS).
void* map_without_holes(void* address, std::size_t length, int protection, int flags, int fd, off_t offset) {
  if ((flags & MAP_SHARED) != 0 && (protection & PROT_WRITE) != 0) {
    const int fault = ::posix_fallocate(fd, offset, static_cast<off_t>(length));
    if (fault != 0) {
      errno = fault;
      return MAP_FAILED;
    }
  }
  return ::mmap(address, length, protection, flags, fd, offset);
}

int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* flags_out) {
  if ((flags & SQLITE_OPEN_WAL) == 0) return system_vfs()->xOpen(system_vfs(), name, file, flags, flags_out);
  WalFile& wal = wal_of(file);
  wal = {};
  wal.bytes = static_cast<char*>(sqlite3_malloc(kHeldBytes));
  if (wal.bytes == nullptr) return SQLITE_NOMEM;
  const int code = system_vfs()->xOpen(system_vfs(), name, below(file), flags, flags_out);
  if (code == SQLITE_OK) {
    wal.base.pMethods = &kMethods;
  } else {
    sqlite3_free(wal.bytes);
  }
  return code;
}

}  // namespace

const char* buffered_wal_vfs() {
  static constexpr const char* kName = "vodlift-buffered-wal";
  static sqlite3_vfs vfs = [] {
    sqlite3_vfs made = *system_vfs();
    made.pNext = nullptr;
    made.zName = kName;
    made.szOsFile += static_cast<int>(sizeof(WalFile));
    made.xOpen = open;
    return made;
  }();
  [[maybe_unused]] static const int mapping =
      system_vfs()->xSetSystemCall(system_vfs(), "mmap", reinterpret_cast<sqlite3_syscall_ptr>(map_without_holes));
  [[maybe_unused]] static const int registered = sqlite3_vfs_register(&vfs, 0);
  return kName;
}

}  // namespace vodlift::store
