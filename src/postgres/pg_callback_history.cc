#include "postgres/pg_callback_history.h"

#include <algorithm>
#include <limits>

#include "core/retry_policy.h"
#include "postgres/callback_statements.h"
#include "postgres/pg_receivers.h"

namespace vodlift::postgres {
namespace {

// Callbacks that are read at once.
constexpr int kWalkStep = 500;

CallbackState callback_state_in(const PgResult& row) {
  return callback_state_from(row.text("state")).value_or(CallbackState::pending);
}

PgResult read_step(PgConnection& connection, const CallbackQuery& query, std::int64_t below) {
  const std::string_view state = query.state ? to_string(*query.state) : "";
  const bool in_rare_state = query.state && *query.state != CallbackState::delivered;
  if (query.account == 0) {
    return in_rare_state ? connection.run(sql::kCallbacksInState, below, kWalkStep, state)
                         : connection.run(sql::kCallbacks, below, kWalkStep);
  }
  return query.state ? connection.run(sql::kCallbacksOfAccountInState, below, kWalkStep, query.account, state)
                     : connection.run(sql::kCallbacksOfAccount, below, kWalkStep, query.account);
}

// Shows the search what the best index for it has.
void walk(PgConnection& connection, const CallbackQuery& query, CallbackSearch& search) {
  std::int64_t below = query.before > 0 ? query.before : std::numeric_limits<std::int64_t>::max();
  for (int seen = kWalkStep; seen == kWalkStep;) {
    seen = 0;
    auto row = read_step(connection, query, below);
    while (row.next()) {
      ++seen;
      below = row.integer("id");
      const WallTime created = from_unix_ms(row.integer("created_ms"));
      if (!search.look(below, created, callback_state_in(row), row.text("receiver"))) return;
    }
  }
}

std::vector<CallbackTry> last_attempts(PgConnection& connection, std::int64_t id, int most) {
  std::vector<CallbackTry> attempts;
  if (most == 0) return attempts;
  auto row = connection.run(sql::kCallbackAttempts, id, most);
  while (row.next()) {
    attempts.push_back({static_cast<int>(row.integer("number")), from_unix_ms(row.integer("at_ms")),
                        std::chrono::milliseconds(row.integer("took_ms")), static_cast<int>(row.integer("http_status")),
                        row.text("error")});
  }
  std::reverse(attempts.begin(), attempts.end());
  return attempts;
}

// With `most` attempts of it.
std::optional<CallbackStory> story_of(PgConnection& connection, std::int64_t id, int most, WallTime now) {
  auto row = connection.run(sql::kViewCallback, id);
  if (!row.next()) return std::nullopt;
  CallbackStory story;
  CallbackView& callback = story.callback;
  callback.id = row.integer("id");
  callback.upload = row.integer("upload_id");
  callback.account = row.integer("account");
  callback.webhook_id = row.text("webhook_id");
  callback.url = row.text("url");
  callback.receiver = row.text("receiver");
  story.body = row.text("body");
  callback.state = callback_state_in(row);
  callback.attempts = static_cast<int>(row.integer("attempts"));
  const auto lease_until = row.optional_time("lease_until_ms");
  callback.under_way = lease_until && *lease_until > now;
  callback.created = from_unix_ms(row.integer("created_ms"));
  const WallTime next = from_unix_ms(row.integer("next_attempt_ms"));
  if (callback.state == CallbackState::pending && !callback.under_way) callback.next_attempt = next;
  story.attempts = last_attempts(connection, id, most);
  if (!story.attempts.empty()) story.callback.last = story.attempts.back();
  return story;
}

}  // namespace

Result<std::vector<CallbackReceiver>> PgCallbackHistory::receivers(AccountId account) {
  return database_.read([&](PgTransaction& transaction) -> Result<std::vector<CallbackReceiver>> {
    return list_receivers(transaction, account);
  });
}

Result<CallbackPage> PgCallbackHistory::list(const CallbackQuery& query) {
  return database_.read([&](PgTransaction& transaction) -> Result<CallbackPage> {
    CallbackSearch search(query);
    walk(transaction.connection, query, search);
    CallbackPage page = search.page();
    for (const std::int64_t id : search.ids()) {
      if (auto story = story_of(transaction.connection, id, 1, transaction.now())) {
        page.callbacks.push_back(std::move(story->callback));
      }
    }
    return page;
  });
}

Result<CallbackStory> PgCallbackHistory::find(std::int64_t id) {
  return database_.read([&](PgTransaction& transaction) -> Result<CallbackStory> {
    auto story = story_of(transaction.connection, id, kKeptCallbackAttempts, transaction.now());
    if (!story) return no_such_callback(id);
    return std::move(*story);
  });
}

Result<CallbackStory> PgCallbackHistory::find_of(UploadId upload) {
  return database_.read([&](PgTransaction& transaction) -> Result<CallbackStory> {
    auto row = transaction.connection.run(sql::kCallbackOf, upload);
    if (!row.next()) return no_callback_of(upload);
    auto story = story_of(transaction.connection, row.integer("id"), kKeptCallbackAttempts, transaction.now());
    if (!story) return no_callback_of(upload);
    return std::move(*story);
  });
}

Result<> PgCallbackHistory::send_again(std::int64_t id) {
  return database_.write([&](PgTransaction& transaction) -> Result<> {
    PgConnection& connection = transaction.connection;
    auto locked = connection.run(sql::kLockCallback, id);
    bool own_sums = locked.next() && locked.integer("own_sums") != 0;
    const auto story = story_of(connection, id, 0, transaction.now());
    if (!story) return no_such_callback(id);
    const CallbackView& callback = story->callback;
    if (auto may = may_send_again(callback.under_way); !may) return may;
    if (callback.state != CallbackState::pending) {
      own_sums = count_waiting(transaction, callback.account, callback.receiver, 1);
    }
    connection.run(sql::kSendCallbackAgain, id, to_unix_ms(transaction.now()), own_sums);
    // Room for all that its schedule has now.
    connection.run(sql::kForgetCallbackAttempts, id, callback.attempts + kMaxCallbackAttempts - kKeptCallbackAttempts);
    transaction.changed_callback(id);
    transaction.tell({Change::Kind::callbacks_due, callback.account, callback.upload});
    return {};
  });
}

}  // namespace vodlift::postgres
