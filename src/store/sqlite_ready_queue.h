// The ready uploads in SQLite, as a fair share asks for them.
#pragma once

#include <map>
#include <vector>

#include "core/fair_share.h"
#include "core/upload_store.h"
#include "store/sqlite_connection.h"

namespace vodlift::store {

// Inside a transaction of the caller's, on the connection's thread. What is taken is leased until `lease_until`.
class SqliteReadyQueue final : public ReadyQueue {
 public:
  SqliteReadyQueue(SqliteConnection& connection, WallTime now, WallTime lease_until)
      : connection_(connection), now_(now), lease_until_(lease_until) {}

  std::optional<AccountId> next_account(int priority, AccountId after) override;
  int weight(AccountId account) override;
  std::optional<Head> head(int priority, AccountId account, bool large) override;
  void take(const Head& head) override;

  // What was taken, in its order.
  std::vector<ClaimedUpload> claimed() && { return std::move(claimed_); }

 private:
  SqliteConnection& connection_;
  const WallTime now_;
  const WallTime lease_until_;
  std::map<AccountId, int> weights_;  // asked for so far
  std::vector<ClaimedUpload> claimed_;
};

// Uploads whose delay is over are ready from now on.
void end_delays(SqliteConnection& connection, WallTime now);

// Up to `limit` accounts that have ready uploads, highest priority first.
std::vector<ReadyAccount> ready_accounts(SqliteConnection& connection, int limit);

// Settles the turn of a large upload with the share; before the turn is ended. Does nothing for a small one.
void settle_turn(SqliteConnection& connection, const Lease& lease, FairShare& share);

}  // namespace vodlift::store
