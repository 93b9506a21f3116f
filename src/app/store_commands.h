// Commands that work on the database themselves, while no daemon runs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "core/backup.h"
#include "core/stored_tables.h"

namespace vodlift::app {

// Makes what a first start makes, database and master key, and notes beside the configuration file that they are there:
// a start without them is refused from then on. Run by root, it makes them for the owner of the database's folder. May
// be run again. Returns the exit code, as serve() does.
int init(const std::filesystem::path& config);

// Lets the daemon start after its database's log was damaged or lost: puts the log aside and keeps what is good of it.
// Ids are not given again. Changes nothing where nothing is lost. Returns the exit code, as serve() does.
int accept_loss(const std::filesystem::path& config);

// Puts a backup in the database's place (store/restore.h), for the owner of the database's folder. Errors: those of
// load_config(), store::open_backup() and store::restore().
Result<RestoreReport> restore(const RestoreRequest& request);

// Copies the database that `from` names, SQLite or PostgreSQL, into the one of the other kind that `to` names, and
// compares them row by row; a copy that was cut off goes on. The source stays as it is, but that what was running is
// taken back as after a crash. Errors: those of load_config(), open_stores() and copy_tables(); wrong_state (both are
// of one kind), config_invalid (another master key).
Result<std::vector<TableSum>> migrate_store(const std::filesystem::path& from, const std::filesystem::path& to,
                                            const CopyProgress& progress);

// Prints whether the audit log is as it was written, with the newest value of its chain, or names the first line that
// is not. `kept`: a value that was noted earlier, which must still be there; empty: none. The daemon may run. Returns
// the exit code, as serve() does.
int check_audit(const std::filesystem::path& config, const std::string& kept);

}  // namespace vodlift::app
