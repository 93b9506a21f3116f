#include "store/sqlite_ready_queue.h"

#include "core/upload_request.h"
#include "store/sqlite_ready_sql.h"
#include "store/sqlite_upload_rows.h"
#include "store/sqlite_upload_sql.h"

namespace vodlift::store {
namespace {

// So many delays one claim ends, so that it holds nobody up for long; the next one goes on.
constexpr int kDelaysStep = 1000;

std::optional<AccountId> next_ready_account(SqliteConnection& connection, int priority, AccountId after) {
  auto row = connection.prepare(sql::kNextReadyAccount);
  row.bind(priority, after);
  if (!row.step()) return std::nullopt;
  return row.integer(0);
}

int weight_of(SqliteConnection& connection, AccountId account) {
  auto row = connection.prepare(sql::kWeight);
  row.bind(account);
  return row.step() ? static_cast<int>(row.integer(0)) : kDefaultWeight;  // what an account left behind counts as well
}

std::optional<ReadyQueue::Head> ready_head(SqliteConnection& connection, int priority, AccountId account, bool large) {
  auto row = connection.prepare(sql::kReadyHead);
  row.bind(priority, account, large);
  if (!row.step()) return std::nullopt;
  return ReadyQueue::Head{row.integer(0), row.integer(1)};
}

}  // namespace

std::optional<AccountId> SqliteReadyQueue::next_account(int priority, AccountId after) {
  return next_ready_account(connection_, priority, after);
}

int SqliteReadyQueue::weight(AccountId account) {
  auto known = weights_.find(account);
  if (known == weights_.end()) known = weights_.emplace(account, weight_of(connection_, account)).first;
  return known->second;
}

std::optional<ReadyQueue::Head> SqliteReadyQueue::head(int priority, AccountId account, bool large) {
  return ready_head(connection_, priority, account, large);
}

void SqliteReadyQueue::take(const Head& head) {
  connection_.prepare(sql::kClaim).bind(head.id, to_unix_ms(lease_until_), to_unix_ms(now_)).run();
  auto stored = load_upload(connection_, head.id);
  if (!stored) return;  // the connection has failed: nothing of the claim is kept
  const int its_weight = weight(stored->upload.account);
  const bool first_claim = stored->fence == 1;  // so nobody can have begun anything
  claimed_.push_back({{head.id, stored->fence},
                      std::move(stored->upload),
                      std::move(stored->token),
                      first_claim ? MultipartJournal() : load_journal(connection_, head.id),
                      its_weight});
}

void end_delays(SqliteConnection& connection, WallTime now) {
  connection.prepare(sql::kEndDelays).bind(to_unix_ms(now), kDelaysStep).run();
}

std::vector<ReadyAccount> ready_accounts(SqliteConnection& connection, int limit) {
  std::vector<ReadyAccount> ready;
  for (int priority = kMaxPriority; priority >= 0; --priority) {
    auto account = next_ready_account(connection, priority, 0);
    while (account && std::ssize(ready) < limit) {
      ready.push_back({*account, priority, weight_of(connection, *account),
                       ready_head(connection, priority, *account, false).has_value(),
                       ready_head(connection, priority, *account, true).has_value()});
      account = next_ready_account(connection, priority, *account);
    }
  }
  return ready;
}

void settle_turn(SqliteConnection& connection, const Lease& lease, FairShare& share) {
  auto row = connection.prepare(sql::kTurn);
  row.bind(lease.id, lease.fence);
  if (!row.step()) return;
  const std::int64_t charged = charge_for(row.integer(2));
  share.settle(static_cast<int>(row.integer(0)), row.integer(1), row.integer(3) - charged);
}

}  // namespace vodlift::store
