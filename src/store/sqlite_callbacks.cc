#include "store/sqlite_callbacks.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/random.h"
#include "store/sqlite_callback_sql.h"

namespace vodlift::store {
namespace {

constexpr std::size_t kMaxErrorBytes = 512;
constexpr std::size_t kWebhookIdBytes = 16;

bool may_follow_an_attempt(CallbackState state) {
  return state == CallbackState::pending || state == CallbackState::delivered || state == CallbackState::failed ||
         state == CallbackState::stopped;
}

}  // namespace

void insert_callback(SqliteConnection& connection, const Upload& ended, const std::string& body, WallTime now) {
  const std::string webhook_id = "msg_" + random_hex(kWebhookIdBytes);
  connection.prepare(sql::kInsertCallback)
      .bind(ended.id, webhook_id, ended.request.callback, body, to_unix_ms(now))
      .run();
}

std::vector<ClaimedCallback> claim_due_callbacks(SqliteConnection& connection, int limit, WallTime now,
                                                 WallTime lease_until) {
  std::vector<std::int64_t> due;
  {
    auto row = connection.prepare(sql::kDueCallbacks);
    row.bind(to_unix_ms(now), limit);
    while (row.step()) due.push_back(row.integer(0));
  }
  std::vector<ClaimedCallback> claimed;
  for (const std::int64_t id : due) {
    connection.prepare(sql::kClaimCallback).bind(id, to_unix_ms(lease_until)).run();
    auto row = connection.prepare(sql::kSelectCallback);
    row.bind(id);
    if (!row.step()) break;
    claimed.push_back({row.integer(0), row.integer(1), row.integer(2), row.integer(3), row.text(4), row.text(5),
                       row.text(6), static_cast<int>(row.integer(7))});
  }
  return claimed;
}

Result<> record_attempt(SqliteConnection& connection, const ClaimedCallback& callback, const CallbackAttempt& attempt) {
  if (!may_follow_an_attempt(attempt.next)) {
    return Error{Errc::internal, fmt::format("callback {} must not become {}", callback.id, to_string(attempt.next))};
  }
  const WallTime next = attempt.next == CallbackState::pending ? attempt.next_attempt : attempt.at;
  connection.prepare(sql::kRecordCallback)
      .bind(callback.id, callback.fence, to_string(attempt.next), to_unix_ms(next))
      .run();
  if (connection.changes() != 1) {
    return Error{Errc::lease_lost, fmt::format("callback {} of upload {} is no longer leased under fence {}",
                                               callback.id, callback.upload, callback.fence)};
  }
  const std::string error = printable(attempt.error, kMaxErrorBytes);
  connection.prepare(sql::kInsertCallbackAttempt)
      .bind(callback.id, to_unix_ms(attempt.at), std::int64_t{attempt.took.count()}, attempt.http_status, error)
      .run();
  return {};
}

void release_callbacks(SqliteConnection& connection, WallTime now) {
  connection.prepare(sql::kReleaseCallbacks).bind(to_unix_ms(now)).run();
}

std::optional<WallTime> next_callback_due(SqliteConnection& connection) {
  auto row = connection.prepare(sql::kNextDueCallback);
  if (!row.step()) return std::nullopt;
  return from_unix_ms(row.integer(0));
}

}  // namespace vodlift::store
