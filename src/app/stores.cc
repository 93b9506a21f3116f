#include "app/stores.h"

#include <fmt/format.h>

#include "app/config_store.h"
#include "base/log.h"
#include "core/multipart_policy.h"
#include "core/retry_policy.h"
#include "worker/dispatcher.h"

namespace vodlift::app {
namespace {

// What the last run of this node had leased.
Result<> take_back(Stores& stores) {
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

// Nobody else works on the database, so what is leased was leased by one that crashed.
Result<> take_all_back(Stores& stores) {
  if (auto taken = take_back(stores); !taken) return taken;
  if (auto rescued = stores.queue->rescue(worker::kMaxCrashes); !rescued) return rescued.error();
  const auto counts = stores.uploads->counts();
  if (!counts) return counts.error();
  for (const UploadCount& count : *counts) {
    if (count.state != UploadState::uploading || count.uploads == 0) continue;
    return Error{Errc::locked,
                 fmt::format("{} uploads of the account {} are leased to a node that crashed: try again in "
                             "two minutes",
                             count.uploads, count.account)};
  }
  return stores.nodes->leave(stores.self);
}

}  // namespace

Result<> shorten_waits(Stores& stores) {
  auto shortened = stores.nodes->shorten_waits({kLongestUploadWait, kLongestCallbackWait, kLongestReaperWait});
  if (!shortened) return shortened;
  stores.feed->publish({.kind = Change::Kind::uploads_due});
  stores.feed->publish({.kind = Change::Kind::callbacks_due});
  return {};
}

Result<Stores> open_stores(const Config& config, const Clock& clock, std::string_view version, StoreUse use) {
  Stores stores;
  auto opened = config.store.url.empty() ? open_sqlite_stores(config, clock, version, use, stores)
                                         : open_postgres_stores(config, clock, use, stores);
  if (!opened) return opened.error();
  if (use == StoreUse::copy_to) return stores;
  stores.accounts = std::make_unique<AccountDirectory>(*stores.account_rows);
  stores.accounts->follow(*stores.feed);
  if (auto loaded = stores.accounts->refresh(); !loaded) return with_context(about_master_key(config), loaded.error());
  auto taken = use == StoreUse::serve ? take_back(stores) : take_all_back(stores);
  if (!taken) return taken.error();
  return stores;
}

Result<> check_complete(StoreEngine& engine, const Config& config) {
  const auto source = engine.tables().copied_from();
  if (!source) return source.error();
  if (!*source) return {};
  return Error{Errc::config_invalid,
               fmt::format("the database {} is an unfinished copy of another one: run vodlift store migrate again, or "
                           "{} and begin anew",
                           shown_database(config.store),
                           config.store.url.empty() ? "move the file with its .mark away" : "drop its schema vodlift")};
}

std::string about_master_key(const Config& config) {
  return fmt::format("[server] master_key_file {}", config.server.master_key_file.string());
}

std::filesystem::path init_note_of(const std::filesystem::path& config) { return config.string() + ".init"; }

}  // namespace vodlift::app
