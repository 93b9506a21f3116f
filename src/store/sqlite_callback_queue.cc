#include "store/sqlite_callback_queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <span>

#include "base/encoding.h"
#include "base/random.h"
#include "core/callback_url.h"
#include "core/store_rules.h"
#include "core/stored_upload.h"
#include "store/sqlite_receivers.h"
#include "store/sqlite_statements.h"

namespace vodlift::store {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kWebhookIdBytes = 16;
// How many delays one look ends, so that it holds nobody up for long; the next look continues.
constexpr int kDelaysStep = 1000;

// The accounts from `first` on and below `end` that have callbacks due, until there are `limit`.
void add_due_accounts(SqliteConnection& connection, AccountId first, AccountId end, std::size_t limit,
                      std::vector<AccountId>& found) {
  while (found.size() < limit) {
    auto row = connection.prepare(sql::kNextDueAccount);
    row.bind(first);
    if (!row.step() || row.integer("account") >= end) return;
    found.push_back(row.integer("account"));
    first = found.back() + 1;
  }
}

std::vector<std::int64_t> due_callbacks(SqliteConnection& connection, AccountId account, const std::string& receiver,
                                        int depth) {
  std::vector<std::int64_t> ids;
  auto row = connection.prepare(sql::kDueCallbacks);
  row.bind(account, receiver, depth);
  while (row.step()) ids.push_back(row.integer("id"));
  return ids;
}

// The account's receivers behind `after`, up to `last` where that is given, until there are `limit`.
void add_due_receivers(SqliteConnection& connection, AccountId account, std::string after,
                       const std::optional<std::string>& last, std::size_t limit, int depth, WallTime now,
                       std::vector<DueReceiver>& found) {
  while (found.size() < limit) {
    {
      auto row = connection.prepare(sql::kNextDueReceiver);
      row.bind(account, after);
      if (!row.step()) return;
      after = row.text("receiver");
    }
    if (last && after > *last) return;
    found.push_back(
        {after, due_callbacks(connection, account, after, depth), find_failing(connection, account, after, now)});
  }
}

void record_one(SqliteConnection& connection, const RecordedAttempt& one, WallTime now,
                std::vector<std::int64_t>& lost) {
  const auto& [callback, attempt] = one;
  const WallTime next = attempt.next == CallbackState::pending ? now + attempt.delay : now;
  connection.prepare(sql::kRecordCallback)
      .bind(callback.id, callback.fence, to_string(attempt.next), to_unix_ms(next))
      .run();
  if (connection.changes() != 1) {
    lost.push_back(callback.id);
    return;
  }
  const std::string error = printable(attempt.error, kMaxCallbackErrorBytes);
  connection.prepare(sql::kInsertCallbackAttempt)
      .bind(callback.id, to_unix_ms(now - attempt.took), std::int64_t{attempt.took.count()}, attempt.http_status, error)
      .run();
  count_attempt(connection, callback.id, attempt, error, now);
}

struct RefusedCallback {
  std::int64_t id = 0;
  UploadId upload = 0;
};

std::vector<RefusedCallback> find_to_refuse(SqliteConnection& connection, AccountId account,
                                            const std::string& receiver, int limit) {
  std::vector<RefusedCallback> found;
  auto row = connection.prepare(sql::kDueCallbacksNotAskedFor);
  row.bind(account, receiver, limit);
  while (row.step()) found.push_back({row.integer("id"), row.integer("upload_id")});
  return found;
}

}  // namespace

void insert_callback(SqliteConnection& connection, const Upload& ended, const std::string& body, WallTime now) {
  const std::string webhook_id = "msg_" + random_hex(kWebhookIdBytes);
  const std::string receiver = callback_receiver(ended.request.callback);
  const bool own_sums = count_waiting(connection, ended.account, receiver, now);
  connection.prepare(sql::kInsertCallback)
      .bind(ended.id, webhook_id, ended.request.callback, body, to_unix_ms(now), ended.account, receiver, own_sums)
      .run();
}

Result<std::vector<AccountId>> SqliteCallbackQueue::due_accounts(AccountId from, int limit) {
  const WallTime now = queue_.clock.now();
  bool delays_are_over = false;  // callbacks whose delay is over must be made due first
  const auto list = [&](SqliteConnection& connection) -> Result<std::vector<AccountId>> {
    const auto first = time_until(connection.prepare(sql::kFirstDelayedCallback), "next_attempt_ms", now);
    delays_are_over = !delays_are_over && first && *first <= milliseconds(0);
    std::vector<AccountId> found;
    if (delays_are_over) return found;
    const auto most = static_cast<std::size_t>(std::max(limit, 0));
    add_due_accounts(connection, from, std::numeric_limits<AccountId>::max(), most, found);
    add_due_accounts(connection, 1, from, most, found);  // the lowest account is 1
    return found;
  };
  auto listed = queue_.database.read(list);
  if (!listed || !delays_are_over) return listed;
  const auto ended = queue_.database.write([&](SqliteConnection& connection) -> Result<> {
    connection.prepare(sql::kEndCallbackDelays).bind(to_unix_ms(now), kDelaysStep).run();
    return {};
  });
  if (!ended) return ended.error();
  return queue_.database.read(list);
}

Result<std::vector<DueReceiver>> SqliteCallbackQueue::due_receivers(AccountId account, const std::string& after,
                                                                    int limit, int depth) {
  return queue_.database.read([&](SqliteConnection& connection) -> Result<std::vector<DueReceiver>> {
    const WallTime now = queue_.clock.now();
    const auto most = static_cast<std::size_t>(std::max(limit, 0));
    std::vector<DueReceiver> found;
    add_due_receivers(connection, account, after, std::nullopt, most, depth, now, found);
    add_due_receivers(connection, account, "", after, most, depth, now, found);
    return found;
  });
}

Result<std::vector<ClaimedCallback>> SqliteCallbackQueue::claim(const std::vector<std::int64_t>& ids,
                                                                milliseconds lease) {
  return queue_.database.write([&](SqliteConnection& connection) -> Result<std::vector<ClaimedCallback>> {
    const WallTime now = queue_.clock.now();
    std::vector<ClaimedCallback> claimed;
    for (const std::int64_t id : std::span(ids).first(std::min(ids.size(), kMaxClaimed))) {
      connection.prepare(sql::kClaimCallback)
          .bind(id, to_unix_ms(now + lease), queue_.self.node, queue_.self.term)
          .run();
      if (connection.changes() != 1) continue;
      auto row = connection.prepare(sql::kSelectCallback);
      row.bind(id);
      if (!row.step()) break;
      claimed.push_back({row.integer("id"), row.integer("fence"), row.integer("upload_id"), row.integer("account"),
                         row.text("webhook_id"), row.text("url"), row.text("receiver"), row.text("body"),
                         static_cast<int>(row.integer("attempts")), trace_in(row.text("options"), row.text("token"))});
    }
    return claimed;
  });
}

Result<std::vector<std::int64_t>> SqliteCallbackQueue::record(const std::vector<RecordedAttempt>& attempts) {
  for (const auto& [callback, attempt] : attempts) {
    if (may_follow_an_attempt(attempt.next)) continue;
    return Error{Errc::internal, fmt::format("callback {} must not become {}", callback.id, to_string(attempt.next))};
  }
  auto lost = queue_.database.write([&](SqliteConnection& connection) -> Result<std::vector<std::int64_t>> {
    const WallTime now = queue_.clock.now();
    std::vector<std::int64_t> without_lease;
    for (const RecordedAttempt& one : attempts) record_one(connection, one, now, without_lease);
    return without_lease;
  });
  if (!lost) return lost;
  for (const auto& [callback, attempt] : attempts) {
    queue_.feed.publish({Change::Kind::callbacks_due, callback.account, callback.upload});
  }
  return lost;
}

Result<int> SqliteCallbackQueue::refuse(AccountId account, const std::string& receiver, const std::string& reason,
                                        int limit) {
  using Refused = std::vector<RefusedCallback>;
  const auto find = [&](SqliteConnection& connection) -> Result<Refused> {
    return find_to_refuse(connection, account, receiver, limit);
  };
  // Where there is none, nothing need be written.
  const auto due = queue_.database.read(find);
  if (!due || due->empty()) return due ? Result<int>(0) : due.error();
  const std::string error = printable(reason, kMaxCallbackErrorBytes);
  const auto refused = queue_.database.write([&](SqliteConnection& connection) -> Result<Refused> {
    const WallTime now = queue_.clock.now();
    auto found = find(connection);
    if (!found) return found;
    for (const RefusedCallback& one : *found) {
      connection.prepare(sql::kRefuseCallback).bind(one.id, to_unix_ms(now)).run();
      connection.prepare(sql::kInsertCallbackAttempt).bind(one.id, to_unix_ms(now), std::int64_t{0}, 0, error).run();
      count_refused(connection, one.id, now);
    }
    return found;
  });
  if (!refused) return refused.error();
  for (const RefusedCallback& one : *refused) {
    queue_.feed.publish({Change::Kind::callbacks_due, account, one.upload});
  }
  return static_cast<int>(refused->size());
}

Result<> SqliteCallbackQueue::reclaim() {
  auto reclaimed = queue_.database.write([&](SqliteConnection& connection) -> Result<> {
    connection.prepare(sql::kReclaimCallbacks)
        .bind(queue_.self.node, queue_.self.term, to_unix_ms(queue_.clock.now()))
        .run();
    return {};
  });
  if (reclaimed) queue_.feed.publish({.kind = Change::Kind::callbacks_due});
  return reclaimed;
}

Result<std::optional<milliseconds>> SqliteCallbackQueue::next_due() {
  return queue_.database.read([&](SqliteConnection& connection) -> Result<std::optional<milliseconds>> {
    const WallTime now = queue_.clock.now();
    if (const auto due = time_until(connection.prepare(sql::kAnyDueCallback), "next_attempt_ms", now)) {
      return std::optional(milliseconds(0));
    }
    return time_until(connection.prepare(sql::kFirstDelayedCallback), "next_attempt_ms", now);
  });
}

}  // namespace vodlift::store
