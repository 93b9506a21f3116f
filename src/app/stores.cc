#include "app/stores.h"

#include <fmt/format.h>

#include "base/log.h"
#include "core/multipart_policy.h"
#include "core/retry_policy.h"
#include "core/upload_json.h"
#include "store/master_key.h"
#include "worker/dispatcher.h"

namespace vodlift::app {
namespace {

// The database belongs to one process at a time (its lock file), so there is one node.
constexpr const char* kNodeName = "local";

// Opens the ports of the queue in this node's name, and takes back what its last run has leased.
Result<> open_queue(Stores& stores, const Clock& clock) {
  stores.nodes = std::make_unique<store::SqliteNodes>(*stores.database, clock);
  const auto self = stores.nodes->join(kNodeName);
  if (!self) return self.error();
  stores.self = *self;
  const store::SqliteQueue queue{*stores.database,
                                 clock,
                                 *stores.feed,
                                 [&clock](const Upload& ended) { return callback_body(ended, clock.now()); },
                                 *self,
                                 since_boot};
  stores.uploads = std::make_unique<store::SqliteUploadStore>(queue);
  stores.retention = std::make_unique<store::SqliteUploadRetention>(*stores.database, *stores.uploads);
  stores.queue = std::make_unique<store::SqliteWorkQueue>(queue);
  stores.attempt_history = std::make_unique<store::SqliteAttemptHistory>(*stores.database);
  stores.statistics = std::make_unique<store::SqliteStatistics>(*stores.database, clock);
  stores.callbacks = std::make_unique<store::SqliteCallbackQueue>(queue);
  stores.callback_history = std::make_unique<store::SqliteCallbackHistory>(*stores.database, clock, *stores.feed);
  stores.journal = std::make_unique<store::SqliteMultipartJournal>(queue);
  stores.ledger = std::make_unique<store::SqliteMultipartLedger>(*stores.database, clock);
  stores.bandwidth_limits = std::make_unique<store::SqliteBandwidthLimits>(*stores.database);
  const auto reclaimed = stores.queue->reclaim(worker::kMaxCrashes);
  if (!reclaimed && reclaimed.error().code == Errc::store_failed) {
    log::error("what the last run had leased cannot be taken back yet; its uploads wait until their leases are over",
               {{"reason", reclaimed.error().message}});
    return {};
  }
  if (!reclaimed) return reclaimed.error();
  if (*reclaimed > 0) log::info("took back uploads that the last run had leased", {{"uploads", *reclaimed}});
  if (auto reclaimed_callbacks = stores.callbacks->reclaim(); !reclaimed_callbacks) return reclaimed_callbacks;
  return shorten_waits(stores);
}

store::SqliteOptions options_of(const Config& config) {
  store::SqliteOptions options;
  options.path = config.store.path;
  options.most_open_uploads = config.limits.open_uploads_per_account;
  options.signs = {config.server.master_key_file, config.audit.path, init_note_of(config.file)};
  return options;
}

}  // namespace

Result<> shorten_waits(Stores& stores) {
  auto shortened = stores.nodes->shorten_waits({kLongestUploadWait, kLongestCallbackWait, kLongestReaperWait});
  if (!shortened) return shortened;
  stores.feed->publish({.kind = Change::Kind::uploads_due});
  stores.feed->publish({.kind = Change::Kind::callbacks_due});
  return {};
}

Result<Stores> open_stores(const Config& config, const Clock& clock) {
  Stores stores;
  auto options = options_of(config);
  options.feed = stores.feed.get();
  auto database = store::SqliteDatabase::open(std::move(options), clock);
  if (!database) return database.error();
  stores.database = std::move(*database);

  const auto holds_secrets = store::SqliteAccountRepository::holds_secrets(*stores.database);
  if (!holds_secrets) return holds_secrets.error();
  auto master_key = store::load_or_create_master_key(config.server.master_key_file, !*holds_secrets);
  if (!master_key) return master_key.error();
  stores.master_key = store::fingerprint_of(*master_key);
  auto account_rows =
      store::SqliteAccountRepository::open(*stores.database, *stores.feed, Seal(std::move(*master_key)));
  const auto about_key_file = fmt::format("[server] master_key_file {}", config.server.master_key_file.string());
  if (!account_rows) return with_context(about_key_file, account_rows.error());
  stores.account_rows = std::move(*account_rows);
  stores.accounts = std::make_unique<AccountDirectory>(*stores.account_rows);
  stores.accounts->follow(*stores.feed);
  if (auto loaded = stores.accounts->refresh(); !loaded) return with_context(about_key_file, loaded.error());

  if (auto opened = open_queue(stores, clock); !opened) return opened.error();
  stores.people = std::make_unique<store::SqlitePeople>(*stores.database, clock);
  stores.sessions = std::make_unique<store::SqliteSessions>(*stores.database, clock);
  stores.check = std::make_unique<store::BackgroundCheck>(*stores.database, config.store.path);
  stores.monitor = std::make_unique<store::SqliteMonitor>(*stores.database, *stores.check);
  return stores;
}

Result<> accept_loss_of_log(const Config& config, const Clock& clock) {
  store::SqliteOptions options = options_of(config);
  options.accept_loss = true;
  const auto database = store::SqliteDatabase::open(options, clock);
  if (!database) return database.error();
  return {};
}

std::filesystem::path init_note_of(const std::filesystem::path& config) { return config.string() + ".init"; }

}  // namespace vodlift::app
