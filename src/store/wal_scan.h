// What SQLite's write-ahead log holds, as its bytes say it: SQLite itself takes the first bad frame for the log's end.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/error.h"

namespace vodlift::store {

// One filling of a log from its beginning. A log that begins anew raises both numbers by one; a new file has another
// salt. Both 0: none.
struct WalGeneration {
  std::uint32_t number = 0;
  std::uint32_t salt = 0;

  [[nodiscard]] bool known() const { return number != 0 || salt != 0; }
  // Whether a log of this generation can have become one of the `other` by beginning anew.
  [[nodiscard]] bool precedes(const WalGeneration& other) const;
  bool operator==(const WalGeneration&) const = default;
};

struct WalState {
  std::uint64_t bytes = 0;  // of the file; 0: there is none, or it is empty
  bool has_header = false;  // whole and sound; only then the next two count
  WalGeneration generation;
  std::uint32_t frames = 0;  // up to the last commit that SQLite will find
  std::uint64_t end = 0;     // where in the file that commit ends
  // A transaction that came after a later commit lies behind the first bad frame. Such a commit had been synced, so the
  // log is damaged. (After a power cut, the last transaction may be torn in any way; nothing follows it then.)
  bool broken = false;
};

// Reads the log from beginning to end. Errors: io_error.
Result<WalState> scan_wal(const std::filesystem::path& log);

// The generation of an open log, from its header; none where the header is not whole.
WalGeneration wal_generation(int log);

}  // namespace vodlift::store
