// The engine SQLite: one file, for one process.
#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "app/stores.h"
#include "core/upload_json.h"
#include "store/background_check.h"
#include "store/master_key.h"
#include "store/online_backup.h"
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
#include "store/sqlite_tables.h"
#include "store/sqlite_upload_retention.h"
#include "store/sqlite_upload_store.h"
#include "store/sqlite_work_queue.h"

namespace vodlift::app {
namespace {

// The database belongs to one process at a time (its lock file), so there is one node.
constexpr const char* kNodeName = "local";

class SqliteEngine final : public StoreEngine {
 public:
  SqliteEngine(std::unique_ptr<store::SqliteDatabase> database, const Clock& clock, store::OnlineBackup::About about)
      : database_(std::move(database)),
        tables_(*database_),
        check_(*database_, about.database),
        backups_(*database_, clock, std::move(about)) {}

  store::SqliteDatabase& database() { return *database_; }
  const store::BackgroundCheck& check() { return check_; }

  void start() override { check_.start(); }
  void stop() override { check_.stop(); }
  void drain() override { database_->drain(); }
  [[nodiscard]] bool is_shared() const override { return false; }
  [[nodiscard]] std::optional<Error> outdated() const override { return std::nullopt; }
  Backups& backups() override { return backups_; }
  void stop_backups() override { backups_.stop(); }
  void limit_open_uploads(std::int64_t most) override { database_->limit_open_uploads(most); }
  StoredTables& tables() override { return tables_; }
  Result<> check_alone() override { return {}; }  // its lock keeps all others out
  void write_metrics(MetricsText& text) const override { database_->metrics().write(text); }

 private:
  const std::unique_ptr<store::SqliteDatabase> database_;
  store::SqliteTables tables_;
  store::BackgroundCheck check_;
  store::OnlineBackup backups_;
};

store::SqliteOptions sqlite_options(const Config& config) {
  store::SqliteOptions options;
  options.path = config.store.path;
  options.most_open_uploads = config.limits.open_uploads_per_account;
  options.signs = {config.server.master_key_file, config.audit.path, init_note_of(config.file)};
  return options;
}

Result<> open_sqlite_ports(SqliteEngine& engine, const Clock& clock, Stores& stores) {
  store::SqliteDatabase& database = engine.database();
  stores.nodes = std::make_unique<store::SqliteNodes>(database, clock);
  const auto self = stores.nodes->join(kNodeName);
  if (!self) return self.error();
  stores.self = *self;
  const store::SqliteQueue queue{
      database, clock,     *stores.feed, [&clock](const Upload& ended) { return callback_body(ended, clock.now()); },
      *self,    since_boot};
  auto uploads = std::make_unique<store::SqliteUploadStore>(queue);
  stores.retention = std::make_unique<store::SqliteUploadRetention>(database, *uploads);
  stores.uploads = std::move(uploads);
  stores.queue = std::make_unique<store::SqliteWorkQueue>(queue);
  stores.attempt_history = std::make_unique<store::SqliteAttemptHistory>(database);
  stores.statistics = std::make_unique<store::SqliteStatistics>(database, clock);
  stores.callbacks = std::make_unique<store::SqliteCallbackQueue>(queue);
  stores.callback_history = std::make_unique<store::SqliteCallbackHistory>(database, clock, *stores.feed);
  stores.journal = std::make_unique<store::SqliteMultipartJournal>(queue);
  stores.ledger = std::make_unique<store::SqliteMultipartLedger>(database, clock);
  stores.bandwidth_limits = std::make_unique<store::SqliteBandwidthLimits>(database);
  stores.people = std::make_unique<store::SqlitePeople>(database, clock);
  stores.sessions = std::make_unique<store::SqliteSessions>(database, clock);
  stores.monitor = std::make_unique<store::SqliteMonitor>(database, engine.check());
  return {};
}

}  // namespace

Result<> open_sqlite_stores(const Config& config, const Clock& clock, std::string_view version, StoreUse use,
                            Stores& stores) {
  auto options = sqlite_options(config);
  options.feed = stores.feed.get();
  // The files of another database may be there before this one is.
  if (use == StoreUse::copy_to) options.signs.clear();
  if (std::error_code fault; use == StoreUse::copy_from && !std::filesystem::exists(options.path, fault)) {
    return Error{Errc::config_invalid, fmt::format("there is no database {}", options.path.string())};
  }
  auto database = store::SqliteDatabase::open(std::move(options), clock);
  if (!database) return database.error();
  const auto holds_secrets = store::SqliteAccountRepository::holds_secrets(**database);
  if (!holds_secrets) return holds_secrets.error();
  auto master_key = store::load_or_create_master_key(config.server.master_key_file, !*holds_secrets);
  if (!master_key) return master_key.error();
  auto engine = std::make_unique<SqliteEngine>(
      std::move(*database), clock,
      store::OnlineBackup::About{config.store.path, std::string(version), store::fingerprint_of(*master_key)});
  SqliteEngine& opened = *engine;
  stores.engine = std::move(engine);
  if (use == StoreUse::copy_to) return {};
  if (auto complete = check_complete(*stores.engine, config); !complete) return complete;
  auto rows = store::SqliteAccountRepository::open(opened.database(), *stores.feed, Seal(std::move(*master_key)));
  if (!rows) return with_context(about_master_key(config), rows.error());
  stores.account_rows = std::move(*rows);
  return open_sqlite_ports(opened, clock, stores);
}

Result<> accept_loss_of_log(const Config& config, const Clock& clock) {
  if (!config.store.url.empty()) {
    return Error{Errc::wrong_state,
                 "[store] url: the database is in PostgreSQL, which repairs its own log when it starts; there is "
                 "nothing to accept here"};
  }
  store::SqliteOptions options = sqlite_options(config);
  options.accept_loss = true;
  const auto database = store::SqliteDatabase::open(options, clock);
  if (!database) return database.error();
  return {};
}

}  // namespace vodlift::app
