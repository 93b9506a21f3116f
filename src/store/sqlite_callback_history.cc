#include "store/sqlite_callback_history.h"

#include <algorithm>
#include <limits>

#include "core/retry_policy.h"
#include "store/sqlite_receivers.h"
#include "store/sqlite_statements.h"

namespace vodlift::store {
namespace {

CallbackState state_in(const SqliteStatement& row) {
  return callback_state_from(row.text("state")).value_or(CallbackState::pending);
}

// Shows the search what the best index for it has.
void walk(SqliteConnection& connection, const CallbackQuery& query, CallbackSearch& search) {
  const std::int64_t below = query.before > 0 ? query.before : std::numeric_limits<std::int64_t>::max();
  const std::string state(query.state ? to_string(*query.state) : "");
  const bool in_rare_state = query.state && *query.state != CallbackState::delivered;
  auto row = connection.prepare(query.account == 0
                                    ? (in_rare_state ? sql::kCallbacksInState : sql::kCallbacks)
                                    : (query.state ? sql::kCallbacksOfAccountInState : sql::kCallbacksOfAccount));
  if (query.account == 0) {
    in_rare_state ? row.bind(below, state) : row.bind(below);
  } else {
    query.state ? row.bind(below, query.account, state) : row.bind(below, query.account);
  }
  while (row.step()) {
    const std::int64_t id = row.integer("id");
    const WallTime created = from_unix_ms(row.integer("created_ms"));
    const CallbackState in = state_in(row);
    if (!search.look(id, created, in, row.text("receiver"))) return;
  }
}

std::vector<CallbackTry> last_attempts(SqliteConnection& connection, std::int64_t id, int most) {
  std::vector<CallbackTry> attempts;
  auto row = connection.prepare(sql::kCallbackAttempts);
  row.bind(id, most);
  while (row.step()) {
    attempts.push_back({static_cast<int>(row.integer("number")), from_unix_ms(row.integer("at_ms")),
                        std::chrono::milliseconds(row.integer("took_ms")), static_cast<int>(row.integer("http_status")),
                        row.text("error")});
  }
  std::reverse(attempts.begin(), attempts.end());
  return attempts;
}

// With `most` attempts of it.
std::optional<CallbackStory> story_of(SqliteConnection& connection, std::int64_t id, int most, WallTime now) {
  CallbackStory story;
  {
    auto row = connection.prepare(sql::kViewCallback);
    row.bind(id);
    if (!row.step()) return std::nullopt;
    CallbackView& callback = story.callback;
    callback.id = row.integer("id");
    callback.upload = row.integer("upload_id");
    callback.account = row.integer("account");
    callback.webhook_id = row.text("webhook_id");
    callback.url = row.text("url");
    callback.receiver = row.text("receiver");
    story.body = row.text("body");
    callback.state = state_in(row);
    callback.attempts = static_cast<int>(row.integer("attempts"));
    const auto lease_until = row.optional_time("lease_until_ms");
    callback.under_way = lease_until && *lease_until > now;
    callback.created = from_unix_ms(row.integer("created_ms"));
    const WallTime next = from_unix_ms(row.integer("next_attempt_ms"));
    if (callback.state == CallbackState::pending && !callback.under_way) callback.next_attempt = next;
  }
  story.attempts = last_attempts(connection, id, most);
  if (!story.attempts.empty()) story.callback.last = story.attempts.back();
  return story;
}

// In whose sums it was counted as waiting.
bool has_own_sums(SqliteConnection& connection, std::int64_t id) {
  auto row = connection.prepare(sql::kViewCallback);
  row.bind(id);
  return row.step() && row.integer("own_sums") != 0;
}

}  // namespace

Result<std::vector<CallbackReceiver>> SqliteCallbackHistory::receivers(AccountId account) {
  return database_.read([&](SqliteConnection& connection) -> Result<std::vector<CallbackReceiver>> {
    return list_receivers(connection, account, clock_.now());
  });
}

Result<CallbackPage> SqliteCallbackHistory::list(const CallbackQuery& query) {
  return database_.read([&](SqliteConnection& connection) -> Result<CallbackPage> {
    CallbackSearch search(query);
    walk(connection, query, search);
    CallbackPage page = search.page();
    for (const std::int64_t id : search.ids()) {
      if (auto story = story_of(connection, id, 1, clock_.now())) page.callbacks.push_back(std::move(story->callback));
    }
    return page;
  });
}

Result<CallbackStory> SqliteCallbackHistory::find(std::int64_t id) {
  return database_.read([&](SqliteConnection& connection) -> Result<CallbackStory> {
    auto story = story_of(connection, id, kKeptCallbackAttempts, clock_.now());
    if (!story) return no_such_callback(id);
    return std::move(*story);
  });
}

Result<CallbackStory> SqliteCallbackHistory::find_of(UploadId upload) {
  return database_.read([&](SqliteConnection& connection) -> Result<CallbackStory> {
    std::int64_t id = 0;
    {
      auto row = connection.prepare(sql::kCallbackOf);
      row.bind(upload);
      if (row.step()) id = row.integer("id");
    }
    auto story = story_of(connection, id, kKeptCallbackAttempts, clock_.now());
    if (!story) return no_callback_of(upload);
    return std::move(*story);
  });
}

Result<> SqliteCallbackHistory::send_again(std::int64_t id) {
  Change news{.kind = Change::Kind::callbacks_due};
  auto sent = database_.write([&](SqliteConnection& connection) -> Result<> {
    const WallTime now = clock_.now();
    const auto story = story_of(connection, id, 0, now);
    if (!story) return no_such_callback(id);
    const CallbackView& callback = story->callback;
    if (auto may = may_send_again(callback.under_way); !may) return may;
    bool own_sums = has_own_sums(connection, id);
    if (callback.state != CallbackState::pending) {
      own_sums = count_waiting(connection, callback.account, callback.receiver, now);
    }
    connection.prepare(sql::kSendCallbackAgain).bind(id, to_unix_ms(now), own_sums).run();
    // Room for all that its schedule has now.
    connection.prepare(sql::kForgetCallbackAttempts)
        .bind(id, callback.attempts + kMaxCallbackAttempts - kKeptCallbackAttempts)
        .run();
    news.account = callback.account;
    news.upload = callback.upload;
    return {};
  });
  if (sent) feed_.publish(news);
  return sent;
}

}  // namespace vodlift::store
