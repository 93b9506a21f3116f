// The database and the ports over it. Only sqlite_stores.cc and postgres_stores.cc name an engine.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "app/config.h"
#include "app/store_engine.h"
#include "base/clock.h"
#include "core/account_directory.h"
#include "core/account_repository.h"
#include "core/attempt_history.h"
#include "core/bandwidth_limit.h"
#include "core/bandwidth_shares.h"
#include "core/callback_history.h"
#include "core/callback_queue.h"
#include "core/change_feed.h"
#include "core/multipart_journal.h"
#include "core/multipart_ledger.h"
#include "core/nodes.h"
#include "core/people.h"
#include "core/sessions.h"
#include "core/statistics.h"
#include "core/storage.h"
#include "core/store_health.h"
#include "core/upload_retention.h"
#include "core/upload_store.h"
#include "core/work_queue.h"

namespace vodlift::app {

// Everything that lasts. The ports go before the engine, which has the database that they are built over.
struct Stores {
  std::unique_ptr<LocalChangeFeed> feed = std::make_unique<LocalChangeFeed>();
  std::unique_ptr<StoreEngine> engine;
  NodeTerm self;
  std::unique_ptr<Nodes> nodes;
  std::unique_ptr<AccountRepository> account_rows;
  std::unique_ptr<AccountDirectory> accounts;
  std::unique_ptr<UploadStore> uploads;
  std::unique_ptr<UploadRetention> retention;
  std::unique_ptr<WorkQueue> queue;
  std::unique_ptr<AttemptHistory> attempt_history;
  std::unique_ptr<Statistics> statistics;
  std::unique_ptr<CallbackQueue> callbacks;
  std::unique_ptr<CallbackHistory> callback_history;
  std::unique_ptr<MultipartJournal> journal;
  std::unique_ptr<MultipartLedger> ledger;
  std::unique_ptr<BandwidthLimits> bandwidth_limits;
  std::unique_ptr<BandwidthShares> bandwidth_shares;  // null: there is one node
  // Looks at storages of other nodes too; goes before the storages given. Null: there is one node.
  std::function<std::unique_ptr<Storages>(Storages& local)> all_storages;
  std::unique_ptr<People> people;
  std::unique_ptr<Sessions> sessions;
  std::unique_ptr<StoreMonitor> monitor;
};

// What the database is opened for.
enum class StoreUse {
  serve,
  copy_from,  // alone; nothing of it is leased any more
  copy_to     // alone, and without its ports; it may be new, or an unfinished copy
};

// Opens the database and its ports in this node's name, and takes back what its last run had leased. `clock` must
// outlive them; `version` is this program's. Errors: what SqliteDatabase::open() or PgDatabase::open(),
// load_or_create_master_key() and the ports answer; config_invalid (an unfinished copy, or to copy from: there is
// none), locked (a node uses it, or may yet, and it shall be used alone).
Result<Stores> open_stores(const Config& config, const Clock& clock, std::string_view version,
                           StoreUse use = StoreUse::serve);

// The parts of open_stores() that an engine has. They fill all members but `accounts`; to copy to, the engine alone.
Result<> open_sqlite_stores(const Config& config, const Clock& clock, std::string_view version, StoreUse use,
                            Stores& stores);
Result<> open_postgres_stores(const Config& config, const Clock& clock, StoreUse use, Stores& stores);
// For these: refuses an unfinished copy. Errors: config_invalid.
Result<> check_complete(StoreEngine& engine, const Config& config);

// "[server] master_key_file PATH", for messages.
std::string about_master_key(const Config& config);

// Nothing that is pending waits longer than its kind may. To be called at the start and now and then, for the clock may
// have been wrong for a while. Errors: store_failed.
Result<> shorten_waits(Stores& stores);

// Goes on without what a damaged or missing log of the database has lost: see SqliteOptions::accept_loss. Errors: those
// of SqliteDatabase::open(), wrong_state (the database is not SQLite).
Result<> accept_loss_of_log(const Config& config, const Clock& clock);

// What `vodlift init` leaves beside the configuration file: the database is there from then on, so one that is missing
// is refused.
std::filesystem::path init_note_of(const std::filesystem::path& config);

}  // namespace vodlift::app
