// The engine PostgreSQL: a database on a server, for several nodes.
#include <string>
#include <utility>

#include "app/process.h"
#include "app/stores.h"
#include "core/upload_json.h"
#include "postgres/pg_account_repository.h"
#include "postgres/pg_attempt_history.h"
#include "postgres/pg_bandwidth_limits.h"
#include "postgres/pg_bandwidth_shares.h"
#include "postgres/pg_callback_history.h"
#include "postgres/pg_callback_queue.h"
#include "postgres/pg_monitor.h"
#include "postgres/pg_multipart_journal.h"
#include "postgres/pg_multipart_ledger.h"
#include "postgres/pg_nodes.h"
#include "postgres/pg_people.h"
#include "postgres/pg_remote_storages.h"
#include "postgres/pg_sessions.h"
#include "postgres/pg_statistics.h"
#include "postgres/pg_tables.h"
#include "postgres/pg_upload_retention.h"
#include "postgres/pg_upload_store.h"
#include "postgres/pg_work_queue.h"
#include "store/database_lock.h"
#include "store/master_key.h"

namespace vodlift::app {
namespace {

// The server's own tools copy a database whole, with what several nodes write meanwhile.
class BackupsElsewhere final : public Backups {
 public:
  void make(BackupRequest /*request*/, Done done) override {
    done(Error{Errc::wrong_state,
               "the database is in PostgreSQL: back it up with pg_basebackup or pg_dump, and copy the master key file "
               "(docs/postgresql.md)"});
  }
};

class PostgresEngine final : public StoreEngine {
 public:
  PostgresEngine(store::DatabaseLock lock, std::unique_ptr<postgres::PgDatabase> database)
      : lock_(std::move(lock)), database_(std::move(database)), tables_(*database_) {}

  postgres::PgDatabase& database() { return *database_; }
  void keep(std::unique_ptr<postgres::PgAlone> alone) { alone_ = std::move(alone); }
  // Whose changes are waited for by drain(); they go before this, after the last drain().
  void use(postgres::PgUploadStore& uploads, postgres::PgWorkQueue& queue) {
    uploads_ = &uploads;
    queue_ = &queue;
  }

  void start() override {}
  void stop() override {}
  void drain() override {
    uploads_->drain();
    queue_->drain();
  }
  [[nodiscard]] bool is_shared() const override { return true; }
  [[nodiscard]] std::optional<Error> outdated() const override { return database_->outdated(); }
  Backups& backups() override { return backups_; }
  void stop_backups() override {}
  void limit_open_uploads(std::int64_t most) override { database_->limit_open_uploads(most); }
  StoredTables& tables() override { return tables_; }
  Result<> check_alone() override { return alone_ ? alone_->check() : Result<>(); }
  void write_metrics(MetricsText& text) const override { database_->metrics().write(text); }

 private:
  const store::DatabaseLock lock_;
  const std::unique_ptr<postgres::PgDatabase> database_;
  postgres::PgTables tables_;
  std::unique_ptr<postgres::PgAlone> alone_;
  postgres::PgUploadStore* uploads_ = nullptr;
  postgres::PgWorkQueue* queue_ = nullptr;
  BackupsElsewhere backups_;
};

postgres::PgOptions postgres_options(const Config& config, LocalChangeFeed& feed) {
  postgres::PgOptions options;
  options.url = config.store.url;
  options.connections = static_cast<std::size_t>(config.store.connections);
  options.accept_unsafe = config.store.accept_unsafe;
  options.most_open_uploads = config.limits.open_uploads_per_account;
  options.feed = &feed;
  options.tell_nodes = true;
  return options;
}

// Reads or makes the key that seals the database's secrets. Each node has a copy of the same file.
Result<Secret> master_key_for(postgres::PgDatabase& database, const Config& config) {
  const auto holds_secrets = postgres::PgAccountRepository::holds_secrets(database);
  if (!holds_secrets) return holds_secrets.error();
  auto key = store::load_or_create_master_key(config.server.master_key_file, !*holds_secrets);
  if (!key && *holds_secrets) {
    return with_context("each node of a database needs a copy of the same master key file", key.error());
  }
  return key;
}

Result<> open_postgres_ports(PostgresEngine& engine, const Config& config, const Clock& clock, Stores& stores) {
  postgres::PgDatabase& database = engine.database();
  stores.nodes = std::make_unique<postgres::PgNodes>(database);
  const auto self = stores.nodes->join(config.store.node.empty() ? host_name() : config.store.node);
  if (!self) return self.error();
  stores.self = *self;
  const postgres::PgQueue queue{database, *stores.feed,
                                [&clock](const Upload& ended) { return callback_body(ended, clock.now()); }, *self};
  auto uploads = std::make_unique<postgres::PgUploadStore>(queue);
  auto work = std::make_unique<postgres::PgWorkQueue>(queue);
  engine.use(*uploads, *work);
  stores.uploads = std::move(uploads);
  stores.queue = std::move(work);
  stores.retention = std::make_unique<postgres::PgUploadRetention>(database);
  stores.attempt_history = std::make_unique<postgres::PgAttemptHistory>(database);
  stores.statistics = std::make_unique<postgres::PgStatistics>(database);
  stores.callbacks = std::make_unique<postgres::PgCallbackQueue>(queue);
  stores.callback_history = std::make_unique<postgres::PgCallbackHistory>(database);
  stores.journal = std::make_unique<postgres::PgMultipartJournal>(queue);
  stores.ledger = std::make_unique<postgres::PgMultipartLedger>(database);
  stores.bandwidth_limits = std::make_unique<postgres::PgBandwidthLimits>(database);
  stores.bandwidth_shares = std::make_unique<postgres::PgBandwidthShares>(database);
  stores.people = std::make_unique<postgres::PgPeople>(database);
  stores.sessions = std::make_unique<postgres::PgSessions>(database);
  stores.monitor = std::make_unique<postgres::PgMonitor>(database);
  stores.all_storages = [&database, nodes = stores.nodes.get(), self = stores.self](Storages& local) {
    return std::make_unique<postgres::PgRemoteStorages>(local, *nodes, self, database,
                                                        postgres::PgRemoteStorages::Patience{});
  };
  return {};
}

}  // namespace

Result<> open_postgres_stores(const Config& config, const Clock& clock, StoreUse use, Stores& stores) {
  // A second process of this node would take away what the first one runs.
  auto lock = store::DatabaseLock::take(config.store.folder / "node");
  if (!lock) return lock.error();
  auto database = postgres::PgDatabase::open(postgres_options(config, *stores.feed));
  if (!database) return with_context("[store] url", database.error());
  auto engine = std::make_unique<PostgresEngine>(std::move(*lock), std::move(*database));
  PostgresEngine& opened = *engine;
  stores.engine = std::move(engine);
  if (use != StoreUse::serve) {
    auto alone = postgres::PgAlone::take(config.store.url);
    if (!alone) return with_context("[store] url", alone.error());
    opened.keep(std::move(*alone));
  }
  if (use == StoreUse::copy_to) return {};
  if (auto complete = check_complete(opened, config); !complete) return complete;
  auto master_key = master_key_for(opened.database(), config);
  if (!master_key) return master_key.error();
  auto rows = postgres::PgAccountRepository::open(opened.database(), Seal(std::move(*master_key)));
  if (!rows) return with_context(about_master_key(config), rows.error());
  stores.account_rows = std::move(*rows);
  return open_postgres_ports(opened, config, clock, stores);
}

}  // namespace vodlift::app
