#include "store/sqlite_callback_queue.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/random.h"
#include "store/sqlite_statements.h"

namespace vodlift::store {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxErrorBytes = 512;
constexpr std::size_t kWebhookIdBytes = 16;
constexpr int kMaxClaim = 1000;

bool may_follow_an_attempt(CallbackState state) {
  return state == CallbackState::pending || state == CallbackState::delivered || state == CallbackState::failed ||
         state == CallbackState::stopped;
}

std::vector<std::int64_t> due_at(SqliteConnection& connection, WallTime now, int limit) {
  std::vector<std::int64_t> due;
  auto row = connection.prepare(sql::kDueCallbacks);
  row.bind(to_unix_ms(now), limit);
  while (row.step()) due.push_back(row.integer("id"));
  return due;
}

}  // namespace

void insert_callback(SqliteConnection& connection, const Upload& ended, const std::string& body, WallTime now) {
  const std::string webhook_id = "msg_" + random_hex(kWebhookIdBytes);
  connection.prepare(sql::kInsertCallback)
      .bind(ended.id, webhook_id, ended.request.callback, body, to_unix_ms(now))
      .run();
}

Result<std::vector<ClaimedCallback>> SqliteCallbackQueue::claim(int limit, milliseconds lease) {
  return queue_.database.write([&](SqliteConnection& connection) -> Result<std::vector<ClaimedCallback>> {
    const WallTime now = queue_.clock.now();
    std::vector<ClaimedCallback> claimed;
    for (const std::int64_t id : due_at(connection, now, std::clamp(limit, 0, kMaxClaim))) {
      connection.prepare(sql::kClaimCallback)
          .bind(id, to_unix_ms(now + lease), queue_.self.node, queue_.self.term)
          .run();
      auto row = connection.prepare(sql::kSelectCallback);
      row.bind(id);
      if (!row.step()) break;
      claimed.push_back({row.integer("id"), row.integer("fence"), row.integer("upload_id"), row.integer("account"),
                         row.text("webhook_id"), row.text("url"), row.text("body"),
                         static_cast<int>(row.integer("attempts"))});
    }
    return claimed;
  });
}

Result<> SqliteCallbackQueue::record(const ClaimedCallback& callback, const CallbackAttempt& attempt) {
  if (!may_follow_an_attempt(attempt.next)) {
    return Error{Errc::internal, fmt::format("callback {} must not become {}", callback.id, to_string(attempt.next))};
  }
  auto recorded = queue_.database.write([&](SqliteConnection& connection) -> Result<> {
    const WallTime now = queue_.clock.now();
    const WallTime next = attempt.next == CallbackState::pending ? now + attempt.delay : now;
    connection.prepare(sql::kRecordCallback)
        .bind(callback.id, callback.fence, to_string(attempt.next), to_unix_ms(next))
        .run();
    if (connection.changes() != 1) {
      return Error{Errc::lease_lost, fmt::format("callback {} of upload {} is no longer leased under fence {}",
                                                 callback.id, callback.upload, callback.fence)};
    }
    const std::string error = printable(attempt.error, kMaxErrorBytes);
    connection.prepare(sql::kInsertCallbackAttempt)
        .bind(callback.id, to_unix_ms(now - attempt.took), std::int64_t{attempt.took.count()}, attempt.http_status,
              error)
        .run();
    return {};
  });
  if (recorded) queue_.feed.publish({Change::Kind::callbacks_due, callback.account, callback.upload});
  return recorded;
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
    return time_until(connection.prepare(sql::kNextDueCallback), "next_attempt_ms", queue_.clock.now());
  });
}

}  // namespace vodlift::store
