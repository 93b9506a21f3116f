#include "postgres/pg_callback_queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <span>

#include "base/encoding.h"
#include "base/random.h"
#include "core/callback_url.h"
#include "core/store_rules.h"
#include "core/stored_upload.h"
#include "postgres/callback_statements.h"
#include "postgres/pg_receivers.h"

namespace vodlift::postgres {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kWebhookIdBytes = 16;
// How many delays one look ends, so that it holds nobody up for long; the next look continues.
constexpr int kDelaysStep = 1000;

std::optional<milliseconds> first_delay(PgTransaction& transaction) {
  auto row = transaction.connection.run(sql::kFirstDelayedCallback);
  if (!row.next()) return std::nullopt;
  return std::max(from_unix_ms(row.integer("next_attempt_ms")) - transaction.now(), milliseconds(0));
}

// The accounts from `first` on and below `end` that have callbacks due, until there are `most`.
void add_due_accounts(PgConnection& connection, AccountId first, AccountId end, std::size_t most,
                      std::vector<AccountId>& found) {
  if (found.size() >= most) return;
  auto row = connection.run(sql::kDueAccounts, first, end, most - found.size());
  while (row.next()) found.push_back(row.integer("account"));
}

void add_due_receivers(PgConnection& connection, AccountId account, const std::string& after,
                       const std::optional<std::string>& last, std::size_t most, std::vector<std::string>& found) {
  if (found.size() >= most) return;
  auto row = connection.run(sql::kDueReceivers, account, after, last, most - found.size());
  while (row.next()) found.push_back(row.text("receiver"));
}

// The attempts of several callbacks, as rows.
class AttemptRows {
 public:
  void add(std::int64_t callback, std::int64_t number, WallTime at, const CallbackAttempt& attempt, std::string error) {
    callbacks_.push_back(callback);
    numbers_.push_back(number);
    at_.push_back(to_unix_ms(at));
    took_.push_back(attempt.took.count());
    statuses_.push_back(attempt.http_status);
    errors_.push_back(std::move(error));
  }
  void insert(PgConnection& connection) const {
    if (callbacks_.empty()) return;
    connection.run(sql::kInsertCallbackAttempts, callbacks_, numbers_, at_, took_, statuses_, errors_);
  }

 private:
  std::vector<std::int64_t> callbacks_;
  std::vector<std::int64_t> numbers_;
  std::vector<std::int64_t> at_;
  std::vector<std::int64_t> took_;
  std::vector<int> statuses_;
  std::vector<std::string> errors_;
};

// A callback that was changed, and whose sums count it. In one order for all nodes.
struct Counted {
  AccountId account = 0;
  std::string receiver;
  bool own_sums = false;
  std::int64_t id = 0;
  std::int64_t number = 0;  // of its last attempt
  UploadId upload = 0;

  auto operator<=>(const Counted&) const = default;  // NOLINT(modernize-use-nullptr): false alarm
};

}  // namespace

void insert_callbacks(PgTransaction& transaction, const std::vector<NewCallback>& callbacks) {
  if (callbacks.empty()) return;
  std::map<std::pair<AccountId, std::string>, int> waiting;
  std::vector<std::string> receivers;
  for (const NewCallback& one : callbacks) {
    receivers.push_back(callback_receiver(one.ended.request.callback));
    ++waiting[{one.ended.account, receivers.back()}];
  }
  std::map<std::pair<AccountId, std::string>, bool> own;
  for (const auto& [place, count] : waiting) own[place] = count_waiting(transaction, place.first, place.second, count);
  std::vector<std::int64_t> uploads;
  std::vector<std::int64_t> accounts;
  std::vector<bool> own_sums;
  std::vector<std::string> webhook_ids;
  std::vector<Bytes> urls;
  std::vector<Bytes> bodies;
  for (std::size_t at = 0; at < callbacks.size(); ++at) {
    const Upload& ended = callbacks[at].ended;
    uploads.push_back(ended.id);
    accounts.push_back(ended.account);
    own_sums.push_back(own[{ended.account, receivers[at]}]);
    webhook_ids.push_back("msg_" + random_hex(kWebhookIdBytes));
    urls.push_back({ended.request.callback});
    bodies.push_back({callbacks[at].body});
    transaction.tell({.kind = Change::Kind::callbacks_due, .upload = ended.id});
  }
  auto row = transaction.connection.run(sql::kInsertCallbacks, uploads, accounts, receivers, own_sums, webhook_ids,
                                        urls, bodies, to_unix_ms(transaction.now()));
  while (row.next()) transaction.changed_callback(row.integer("callback_id"));
}

Result<std::vector<AccountId>> PgCallbackQueue::due_accounts(AccountId from, int limit) {
  bool delays_are_over = false;  // callbacks whose delay is over must be made due first
  const auto list = [&](PgTransaction& transaction) -> Result<std::vector<AccountId>> {
    delays_are_over = first_delay(transaction) == milliseconds(0);
    const auto most = static_cast<std::size_t>(std::max(limit, 0));
    std::vector<AccountId> found;
    add_due_accounts(transaction.connection, from, std::numeric_limits<AccountId>::max(), most, found);
    add_due_accounts(transaction.connection, 1, from, most, found);  // the lowest account is 1
    return found;
  };
  auto listed = queue_.database.read(list);
  if (!listed || !delays_are_over) return listed;
  const auto ended = queue_.database.write([&](PgTransaction& transaction) -> Result<> {
    auto row = transaction.connection.run(sql::kEndCallbackDelays, to_unix_ms(transaction.now()), kDelaysStep);
    while (row.next()) transaction.changed_callback(row.integer("id"));
    return {};
  });
  if (!ended) return ended.error();
  return queue_.database.read(list);
}

Result<std::vector<DueReceiver>> PgCallbackQueue::due_receivers(AccountId account, const std::string& after, int limit,
                                                                int depth) {
  return queue_.database.read([&](PgTransaction& transaction) -> Result<std::vector<DueReceiver>> {
    PgConnection& connection = transaction.connection;
    const auto most = static_cast<std::size_t>(std::max(limit, 0));
    std::vector<std::string> names;
    add_due_receivers(connection, account, after, std::nullopt, most, names);
    add_due_receivers(connection, account, "", after, most, names);
    std::vector<DueReceiver> found;
    if (names.empty()) return found;
    const auto failing = find_failing(transaction, account, names);
    for (std::string& name : names) {
      const auto since = failing.find(name);
      found.push_back({name, {}, since == failing.end() ? std::nullopt : std::optional(since->second)});
    }
    auto row = connection.run(sql::kDueCallbacks, account, names, depth);
    while (row.next()) {
      found[static_cast<std::size_t>(row.integer("number") - 1)].ids.push_back(row.integer("id"));
    }
    return found;
  });
}

Result<std::vector<ClaimedCallback>> PgCallbackQueue::claim(const std::vector<std::int64_t>& ids, milliseconds lease) {
  const std::vector<std::int64_t> first(ids.begin(),
                                        ids.begin() + std::min(std::ssize(ids), std::ptrdiff_t{kMaxClaimed}));
  return queue_.database.write([&](PgTransaction& transaction) -> Result<std::vector<ClaimedCallback>> {
    std::map<std::int64_t, ClaimedCallback> by_id;
    auto row = transaction.connection.run(sql::kClaimCallbacks, first, to_unix_ms(transaction.now() + lease),
                                          queue_.self.node, queue_.self.term);
    while (row.next()) {
      const std::int64_t id = row.integer("id");
      by_id[id] = {id,
                   row.integer("fence"),
                   row.integer("upload_id"),
                   row.integer("account"),
                   row.text("webhook_id"),
                   row.text("url"),
                   row.text("receiver"),
                   row.text("body"),
                   static_cast<int>(row.integer("attempts")),
                   trace_in(row.text("options"), row.text("token"))};
      transaction.changed_callback(id);
    }
    std::vector<ClaimedCallback> claimed;
    for (const std::int64_t id : first) {
      if (auto one = by_id.extract(id)) claimed.push_back(std::move(one.mapped()));
    }
    return claimed;
  });
}

Result<std::vector<std::int64_t>> PgCallbackQueue::record(const std::vector<RecordedAttempt>& attempts) {
  for (const auto& [callback, attempt] : attempts) {
    if (may_follow_an_attempt(attempt.next)) continue;
    return Error{Errc::internal, fmt::format("callback {} must not become {}", callback.id, to_string(attempt.next))};
  }
  return queue_.database.write([&](PgTransaction& transaction) -> Result<std::vector<std::int64_t>> {
    const WallTime now = transaction.now();
    std::map<std::int64_t, const CallbackAttempt*> by_id;
    std::vector<std::int64_t> ids;
    std::vector<std::int64_t> fences;
    std::vector<std::string_view> states;
    std::vector<std::int64_t> next;
    std::vector<std::int64_t> without_lease;
    for (const auto& [callback, attempt] : attempts) {
      if (!by_id.emplace(callback.id, &attempt).second) {
        without_lease.push_back(callback.id);  // the first attempt ends the lease
        continue;
      }
      ids.push_back(callback.id);
      fences.push_back(callback.fence);
      states.push_back(to_string(attempt.next));
      next.push_back(to_unix_ms(attempt.next == CallbackState::pending ? now + attempt.delay : now));
    }
    std::set<Counted> recorded;
    auto row = transaction.connection.run(sql::kRecordCallbacks, ids, fences, states, next);
    while (row.next()) {
      recorded.insert({row.integer("account"), row.text("receiver"), row.integer("own_sums") != 0, row.integer("id"),
                       row.integer("attempts"), 0});
    }
    AttemptRows rows;
    for (const Counted& one : recorded) {
      const CallbackAttempt& attempt = *by_id.at(one.id);
      const std::string error = printable(attempt.error, kMaxCallbackErrorBytes);
      rows.add(one.id, one.number, now - attempt.took, attempt, error);
      change_receiver(transaction, one.account, one.receiver, one.own_sums,
                      [&](ReceiverSums& sums) { sums.count(attempt, error, now); });
      transaction.changed_callback(one.id);
      by_id.erase(one.id);
    }
    rows.insert(transaction.connection);
    for (const auto& [id, attempt] : by_id) without_lease.push_back(id);
    for (const auto& [callback, attempt] : attempts) {
      transaction.tell({Change::Kind::callbacks_due, callback.account, callback.upload});
    }
    return without_lease;
  });
}

Result<int> PgCallbackQueue::refuse(AccountId account, const std::string& receiver, const std::string& reason,
                                    int limit) {
  const auto find = [&](PgTransaction& transaction) -> Result<std::vector<std::int64_t>> {
    std::vector<std::int64_t> ids;
    auto row = transaction.connection.run(sql::kDueCallbacksNotAskedFor, account, receiver, limit);
    while (row.next()) ids.push_back(row.integer("id"));
    return ids;
  };
  // Where there is none, nothing need be written.
  const auto due = queue_.database.read(find);
  if (!due || due->empty()) return due ? Result<int>(0) : due.error();
  return queue_.database.write([&](PgTransaction& transaction) -> Result<int> {
    const auto ids = find(transaction);
    if (!ids) return ids.error();
    std::set<Counted> refused;
    auto row = transaction.connection.run(sql::kRefuseCallbacks, *ids, to_unix_ms(transaction.now()));
    while (row.next()) {
      refused.insert({row.integer("account"), row.text("receiver"), row.integer("own_sums") != 0, row.integer("id"),
                      row.integer("attempts"), row.integer("upload_id")});
    }
    AttemptRows rows;
    for (const Counted& one : refused) {
      rows.add(one.id, one.number, transaction.now(), {}, printable(reason, kMaxCallbackErrorBytes));
      change_receiver(transaction, one.account, one.receiver, one.own_sums,
                      [&](ReceiverSums& sums) { sums.count_refused(transaction.now()); });
      transaction.changed_callback(one.id);
      transaction.tell({Change::Kind::callbacks_due, account, one.upload});
    }
    rows.insert(transaction.connection);
    return static_cast<int>(refused.size());
  });
}

Result<> PgCallbackQueue::reclaim() {
  return queue_.database.write([&](PgTransaction& transaction) -> Result<> {
    auto row = transaction.connection.run(sql::kReclaimCallbacks, queue_.self.node, queue_.self.term,
                                          to_unix_ms(transaction.now()));
    while (row.next()) transaction.changed_callback(row.integer("id"));
    transaction.tell({.kind = Change::Kind::callbacks_due});
    return {};
  });
}

Result<std::optional<milliseconds>> PgCallbackQueue::next_due() {
  return queue_.database.read([&](PgTransaction& transaction) -> Result<std::optional<milliseconds>> {
    if (transaction.connection.run(sql::kAnyDueCallback).next()) return std::optional(milliseconds(0));
    return first_delay(transaction);
  });
}

}  // namespace vodlift::postgres
