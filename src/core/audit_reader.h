// Port: the audit log, read from its end.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "core/upload.h"

namespace vodlift {

// One call looks at so many lines at most, and at so many bytes. Where it ends because of that, it says how far it has
// come.
inline constexpr int kMostAuditLinesSearched = 5000;
inline constexpr std::int64_t kMostAuditBytesSearched = std::int64_t{8} * 1024 * 1024;

// Which lines are wanted. What is empty narrows nothing; all that is given must hold.
struct AuditQuery {
  std::optional<AccountId> cdn{};
  std::string command{};            // "key.revoke", or with a dot at its end what all begin with: "key."
  std::string who{};                // a person's name
  UploadId upload = 0;              // made or changed, alone or with others that were named; 0: any
  std::optional<WallTime> since{};  // then or later
  std::optional<WallTime> until{};  // before then
  std::string before{};             // `next` of the page before; empty: from the newest on
  int limit = 25;                   // 1..100

  // Whether it asks for what only the content of a line tells.
  [[nodiscard]] bool asks_for_content() const { return cdn || !command.empty() || !who.empty() || upload != 0; }
};

// One line of the log.
struct AuditRecord {
  // When the call ended; of a damaged line: when the one after it did, or when the file was written last.
  WallTime at;
  boost::json::object members{};  // as docs/security.md names them
  bool damaged = false;           // the line cannot be read, and `members` is empty
};

struct AuditPage {
  std::vector<AuditRecord> records;  // newest first
  std::string next{};                // for AuditQuery::before; empty: there are no more
  // Set where the call has looked at as much as it may: at all that is younger than this.
  std::optional<WallTime> searched_to{};
};

// Whether the chain of the log's lines is whole (docs/security.md).
struct AuditCheck {
  std::int64_t files = 0;
  std::int64_t lines = 0;      // that fit
  std::int64_t unchained = 0;  // of older versions, before the chain began
  std::int64_t half = 0;       // that a crash cut short
  std::string newest{};        // the value of the chain; empty: there is none
  bool has_kept = false;       // some line carries the value that was asked for
  struct Fault {
    std::string file;
    std::int64_t line = 0;  // from 1
  };
  std::optional<Fault> fault{};  // the first line that does not fit; nothing after it was looked at
};

// Any thread.
class AuditReader {
 public:
  AuditReader() = default;
  AuditReader(const AuditReader&) = delete;
  AuditReader& operator=(const AuditReader&) = delete;
  virtual ~AuditReader() = default;

  // Blocks for the disk. A line that is damaged is answered as such, unless the query asks for content. Lines that were
  // removed since the page before are left out. Errors: invalid_value (`before`), io_error.
  virtual Result<AuditPage> read(const AuditQuery& query) = 0;

  // Reads the whole log, which takes some seconds a GiB. `kept`: a value of the chain that was noted earlier; empty:
  // none. Errors: io_error.
  virtual Result<AuditCheck> check(const std::string& kept) = 0;
};

}  // namespace vodlift
