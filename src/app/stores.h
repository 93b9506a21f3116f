// The database and the ports over it: the only place that names the engine.
#pragma once

#include <memory>
#include <string>

#include "app/config.h"
#include "base/clock.h"
#include "core/account_directory.h"
#include "core/change_feed.h"
#include "store/background_check.h"
#include "store/sqlite_account_repository.h"
#include "store/sqlite_attempt_history.h"
#include "store/sqlite_bandwidth_limits.h"
#include "store/sqlite_callback_history.h"
#include "store/sqlite_callback_queue.h"
#include "store/sqlite_monitor.h"
#include "store/sqlite_multipart_journal.h"
#include "store/sqlite_multipart_ledger.h"
#include "store/sqlite_nodes.h"
#include "store/sqlite_people.h"
#include "store/sqlite_sessions.h"
#include "store/sqlite_statistics.h"
#include "store/sqlite_upload_retention.h"
#include "store/sqlite_upload_store.h"
#include "store/sqlite_work_queue.h"

namespace vodlift::app {

// Everything that lasts. The check and the ports go before the database that they are built over.
struct Stores {
  std::unique_ptr<LocalChangeFeed> feed = std::make_unique<LocalChangeFeed>();
  std::unique_ptr<store::SqliteDatabase> database;
  NodeTerm self;
  std::unique_ptr<store::SqliteNodes> nodes;
  std::unique_ptr<store::SqliteAccountRepository> account_rows;
  std::unique_ptr<AccountDirectory> accounts;
  std::unique_ptr<store::SqliteUploadStore> uploads;
  std::unique_ptr<store::SqliteUploadRetention> retention;
  std::unique_ptr<store::SqliteWorkQueue> queue;
  std::unique_ptr<store::SqliteAttemptHistory> attempt_history;
  std::unique_ptr<store::SqliteStatistics> statistics;
  std::unique_ptr<store::SqliteCallbackQueue> callbacks;
  std::unique_ptr<store::SqliteCallbackHistory> callback_history;
  std::unique_ptr<store::SqliteMultipartJournal> journal;
  std::unique_ptr<store::SqliteMultipartLedger> ledger;
  std::unique_ptr<store::SqliteBandwidthLimits> bandwidth_limits;
  std::unique_ptr<store::SqlitePeople> people;
  std::unique_ptr<store::SqliteSessions> sessions;
  std::unique_ptr<store::BackgroundCheck> check;
  std::unique_ptr<StoreMonitor> monitor;
  std::string master_key;  // its fingerprint
};

// Opens the database and its ports in this node's name, and takes back what its last run had leased. `clock` must
// outlive them. Errors: what SqliteDatabase::open(), load_or_create_master_key() and the ports answer.
Result<Stores> open_stores(const Config& config, const Clock& clock);

// Nothing that is pending waits longer than its kind may. To be called at the start and now and then, for the clock may
// have been wrong for a while. Errors: store_failed.
Result<> shorten_waits(Stores& stores);

// Goes on without what a damaged or missing log of the database has lost: see SqliteOptions::accept_loss. Errors: those
// of SqliteDatabase::open().
Result<> accept_loss_of_log(const Config& config, const Clock& clock);

// What `vodlift init` leaves beside the configuration file: the database is there from then on, so one that is missing
// is refused.
std::filesystem::path init_note_of(const std::filesystem::path& config);

}  // namespace vodlift::app
