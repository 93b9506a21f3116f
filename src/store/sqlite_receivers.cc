#include "store/sqlite_receivers.h"

#include "core/stored_rows.h"
#include "store/sqlite_statements.h"

namespace vodlift::store {
namespace {

std::int64_t number_in(SqliteStatement row, std::string_view column) { return row.step() ? row.integer(column) : 0; }

// The row of the others is no receiver.
bool has_room(SqliteConnection& connection, AccountId account) {
  const std::int64_t all = number_in(connection.prepare(sql::kCountReceivers), "receivers") - 1;
  auto own = connection.prepare(sql::kCountReceiversOf);
  own.bind(account);
  return all < kMostReceivers && own.step() && own.integer("receivers") < kMostReceiversOfOne;
}

// Removes idle receivers, if that was not tried just now.
bool make_room(SqliteConnection& connection, AccountId account, WallTime now) {
  const std::int64_t swept = number_in(connection.prepare(sql::kReceiversSwept), "value");
  if (now - from_unix_ms(swept) < kReceiverSweep) return false;
  connection.prepare(sql::kPutReceiversSwept).bind(to_unix_ms(now)).run();
  connection.prepare(sql::kForgetIdleReceivers).bind(to_unix_ms(now - kIdleReceiver)).run();
  return has_room(connection, account);
}

// Whose sums count this callback.
std::optional<CallbackReceiver> receiver_of(SqliteConnection& connection, std::int64_t callback) {
  auto row = connection.prepare(sql::kReceiverOf);
  row.bind(callback);
  if (!row.step()) return std::nullopt;
  return read_receiver(row);
}

std::optional<std::int64_t> ms_of(const std::optional<WallTime>& time) {
  if (!time) return std::nullopt;
  return to_unix_ms(*time);
}

void put(SqliteConnection& connection, const CallbackReceiver& one) {
  const ReceiverSums& sums = one.sums;
  std::optional<std::int64_t> latency;
  if (sums.latency) latency = sums.latency->count();
  connection.prepare(sql::kPutReceiver)
      .bind(one.account, one.receiver, sums.day, sums.delivered.last, sums.delivered.before, sums.failed.last,
            sums.failed.before, sums.waiting, latency, sums.last_error, ms_of(sums.last_failure),
            ms_of(sums.last_success), ms_of(sums.failing_since), ms_of(sums.used))
      .run();
}

}  // namespace

bool count_waiting(SqliteConnection& connection, AccountId account, const std::string& receiver, WallTime now) {
  connection.prepare(sql::kAddWaiting).bind(account, receiver, to_unix_ms(now)).run();
  if (connection.changes() == 1) return true;
  const bool own = has_room(connection, account) || make_room(connection, account, now);
  if (own) {
    connection.prepare(sql::kAddReceiver).bind(account, receiver, to_unix_ms(now)).run();
  } else {
    connection.prepare(sql::kAddWaiting).bind(kOtherReceivers, "", to_unix_ms(now)).run();
  }
  return own;
}

void count_attempt(SqliteConnection& connection, std::int64_t callback, const CallbackAttempt& attempt,
                   const std::string& error, WallTime now) {
  auto one = receiver_of(connection, callback);
  if (!one) return;
  one->sums.count(attempt, error, now);
  put(connection, *one);
}

void count_refused(SqliteConnection& connection, std::int64_t callback, WallTime now) {
  auto one = receiver_of(connection, callback);
  if (!one) return;
  one->sums.count_refused(now);
  put(connection, *one);
}

std::optional<ReceiverFailing> find_failing(SqliteConnection& connection, AccountId account,
                                            const std::string& receiver, WallTime now) {
  auto row = connection.prepare(sql::kReceiver);
  row.bind(account, receiver);
  if (!row.step()) return std::nullopt;
  return read_receiver(row).sums.failing(now);
}

std::vector<CallbackReceiver> list_receivers(SqliteConnection& connection, AccountId account, WallTime now) {
  std::vector<CallbackReceiver> receivers;
  auto row = connection.prepare(sql::kReceivers);
  row.bind(account, kMostReceiversListed);
  while (row.step()) {
    receivers.push_back(read_receiver(row));
    receivers.back().sums.turn_to(now);
  }
  return receivers;
}

}  // namespace vodlift::store
