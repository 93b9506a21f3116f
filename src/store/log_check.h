// Whether the write-ahead log that a start finds holds all that was acknowledged.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/error.h"
#include "store/store_mark.h"
#include "store/wal_scan.h"

namespace vodlift::store {

struct LogVerdict {
  enum class Fate {
    use,     // it is whole, or there is none
    drop,    // nothing of it is of use
    cut_off  // only what comes before its first fault is
  };
  Fate fate = Fate::use;
  bool loss = false;   // acknowledged changes are not there any more
  bool exact = false;  // what is there is all there ever was
  std::string fault;   // of the log, where its fate is not `use` or there is a loss: "its end is missing"
};

// A log that may be used.
struct CheckedLog {
  bool exact = false;  // what is there is all there ever was
  WalGeneration generation;
  std::uint32_t frames = 0;  // 0: the log has no commit, and no generation
  // The log is gone, but the database's file was written after the mark: another program may have moved the log into
  // the file. That is so if the file has the last id that the mark knows; otherwise refuse_lost_log() is the answer.
  bool may_be_in_file = false;
};

Error refuse_lost_log(const std::filesystem::path& database);

// `mark`: nothing where it is not known how far the log went.
LogVerdict judge_log(const WalState& log, const std::optional<MarkRecord>& mark);

// Scans the log of `database`, which nobody has open, and refuses a start after a loss; nothing is changed then. With
// `accept_loss`, and where a faulty log holds nothing of use, the log is put aside under another name (whole), and
// what is good of it stays. Errors: store_corrupt, store_failed (it cannot be read), io_error.
Result<CheckedLog> check_log(const std::filesystem::path& database, const std::optional<MarkRecord>& mark,
                             bool accept_loss);

}  // namespace vodlift::store
