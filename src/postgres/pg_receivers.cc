#include "postgres/pg_receivers.h"

#include "core/stored_rows.h"
#include "postgres/callback_statements.h"

namespace vodlift::postgres {
namespace {

bool has_room(PgConnection& connection, AccountId account) {
  auto row = connection.run(sql::kCountReceivers, account);
  return row.next() && row.integer("receivers") < kMostReceivers && row.integer("own") < kMostReceiversOfOne;
}

// Removes idle receivers, if that was not tried just now.
bool make_room(PgTransaction& transaction, AccountId account) {
  PgConnection& connection = transaction.connection;
  const WallTime now = transaction.now();
  const auto swept = connection.run(sql::kPutReceiversSwept, to_unix_ms(now), to_unix_ms(now - kReceiverSweep));
  if (swept.changes() == 0) return false;
  connection.run(sql::kForgetIdleReceivers, to_unix_ms(now - kIdleReceiver));
  return has_room(connection, account);
}

std::optional<std::int64_t> ms_of(const std::optional<WallTime>& time) {
  if (!time) return std::nullopt;
  return to_unix_ms(*time);
}

}  // namespace

bool count_waiting(PgTransaction& transaction, AccountId account, const std::string& receiver, int callbacks) {
  PgConnection& connection = transaction.connection;
  const std::int64_t now_ms = to_unix_ms(transaction.now());
  if (connection.run(sql::kAddWaiting, account, receiver, now_ms, callbacks).changes() == 1) return true;
  const bool own = has_room(connection, account) || make_room(transaction, account);
  if (own) {
    connection.run(sql::kAddReceiver, account, receiver, now_ms, callbacks);
  } else {
    connection.run(sql::kAddWaiting, kOtherReceivers, "", now_ms, callbacks);
  }
  return own;
}

std::optional<CallbackReceiver> lock_receiver(PgConnection& connection, AccountId account,
                                              const std::string& receiver) {
  auto row = connection.run(sql::kLockReceiver, account, receiver);
  if (!row.next()) return std::nullopt;
  return read_receiver(row);
}

void put_receiver(PgConnection& connection, const CallbackReceiver& one) {
  const ReceiverSums& sums = one.sums;
  std::optional<std::int64_t> latency;
  if (sums.latency) latency = sums.latency->count();
  connection.run(sql::kPutReceiver, one.account, one.receiver, sums.day, sums.delivered.last, sums.delivered.before,
                 sums.failed.last, sums.failed.before, sums.waiting, latency, sums.last_error, ms_of(sums.last_failure),
                 ms_of(sums.last_success), ms_of(sums.failing_since), ms_of(sums.used));
}

std::map<std::string, ReceiverFailing> find_failing(PgTransaction& transaction, AccountId account,
                                                    const std::vector<std::string>& receivers) {
  std::map<std::string, ReceiverFailing> failing;
  auto row = transaction.connection.run(sql::kReceiversNamed, account, receivers);
  while (row.next()) {
    const CallbackReceiver one = read_receiver(row);
    if (const auto since = one.sums.failing(transaction.now())) failing.emplace(one.receiver, *since);
  }
  return failing;
}

std::vector<CallbackReceiver> list_receivers(PgTransaction& transaction, AccountId account) {
  std::vector<CallbackReceiver> receivers;
  auto row = transaction.connection.run(sql::kReceivers, account, kMostReceiversListed);
  while (row.next()) {
    receivers.push_back(read_receiver(row));
    receivers.back().sums.turn_to(transaction.now());
  }
  return receivers;
}

}  // namespace vodlift::postgres
