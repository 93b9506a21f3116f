#include "postgres/pg_statistics.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "postgres/statistics_statements.h"

namespace vodlift::postgres {
namespace {

using std::chrono::seconds;

constexpr std::size_t kAccountsAStep = 100;
// When an account was active last is written this often.
constexpr std::chrono::hours kActiveStep{1};

struct Queue {
  std::int64_t queued = 0;
  seconds wait{0};
};

std::int64_t slot_seconds(Resolution resolution) { return ring_of(resolution).slot.count(); }

std::map<AccountId, Queue> queues_of(PgTransaction& transaction) {
  std::map<AccountId, Queue> queues;
  auto row = transaction.connection.run(sql::kQueues);
  while (row.next()) {
    Queue& queue = queues[row.integer("account")];
    queue.queued = row.integer("uploads");
    const auto created = row.optional_time("created_ms");
    if (created) queue.wait = std::max(seconds(0), std::chrono::floor<seconds>(transaction.now() - *created));
  }
  return queues;
}

// Which accounts have rings of their own, within one transaction.
class Rings {
 public:
  Rings(PgConnection& connection, WallTime now) : connection_(connection), now_(now) {
    auto row = connection.run(sql::kRings);
    while (row.next()) active_[row.integer("account")] = from_unix_ms(row.integer("active_ms"));
  }

  // Where to count what this account, which is active now, has done.
  AccountId ring_for(AccountId account) {
    const auto own = active_.find(account);
    if (own != active_.end()) {
      if (now_ - own->second >= kActiveStep) put(account);
      return account;
    }
    if (std::ssize(active_) >= kMostRings && !make_room()) return kOtherAccounts;
    put(account);
    return account;
  }

 private:
  void put(AccountId account) {
    active_[account] = now_;
    connection_.run(sql::kPutRing, account, to_unix_ms(now_));
  }

  // Once in a transaction, for that removes all that one account's rings have.
  bool make_room() {
    const auto idle = std::min_element(active_.begin(), active_.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    if (made_room_ || now_ - idle->second < kIdleRing) return false;
    made_room_ = true;
    for (const auto statement : {sql::kDeleteRing, sql::kDeleteStatistics, sql::kDeleteStatisticsErrors}) {
      connection_.run(statement, idle->first);
    }
    active_.erase(idle);
    return true;
  }

  PgConnection& connection_;
  const WallTime now_;
  std::map<AccountId, WallTime> active_;
  bool made_room_ = false;
};

// Counts the uploads of these accounts that have ended since this was called last.
std::map<AccountId, StatisticsSlot> take_ends(PgConnection& connection, const std::vector<AccountId>& accounts) {
  std::map<AccountId, StatisticsSlot> ends;
  auto row = connection.run(sql::kNewEndsOf, accounts);
  while (row.next()) {
    const auto state = upload_state_from(row.text("state"));
    if (!state) continue;
    const AccountId account = row.integer("account");
    const std::int64_t uploads = row.integer("uploads");
    // Fewer than before: they were counted again, after a fault.
    const std::int64_t known = row.integer("known");
    const std::int64_t more = std::max<std::int64_t>(uploads - known, 0);
    StatisticsSlot& sums = ends[account];
    if (*state == UploadState::completed) sums.completed = more;
    if (*state == UploadState::failed) sums.failed = more;
    if (*state == UploadState::cancelled) sums.cancelled = more;
    connection.run(sql::kPutEnds, account, to_string(*state), uploads, known);
  }
  return ends;
}

void add_to_slot(PgConnection& connection, AccountId account, Resolution resolution, const StatisticsSlot& sums,
                 WallTime now) {
  const std::int64_t slot_s = slot_seconds(resolution);
  const WallTime begins = slot_begin(resolution, now);
  const std::int64_t begins_s = to_unix_seconds(begins);
  const std::int64_t first_s = begins_s - slot_s * (ring_of(resolution).slots - 1);
  connection.run(sql::kAddToSlot, account, slot_s, begins_s, sums.bytes_sent, sums.completed, sums.failed,
                 sums.cancelled, sums.most_queued, std::int64_t{sums.longest_wait.count()});
  connection.run(sql::kForgetSlots, account, slot_s, first_s);
  for (const auto& [code, errors] : sums.errors) {
    connection.run(sql::kAddErrors, account, slot_s, begins_s, info(code).name, errors.failed, errors.retried);
  }
  connection.run(sql::kForgetSlotErrors, account, slot_s, first_s);
}

void add_to_rings(PgConnection& connection, AccountId account, const StatisticsSlot& sums, WallTime now) {
  for (const Resolution resolution : {Resolution::minute, Resolution::hour, Resolution::day}) {
    add_to_slot(connection, account, resolution, sums, now);
  }
}

void add_counters(StatisticsSlot& all, const StatisticsSlot& one) {
  all.bytes_sent += one.bytes_sent;
  all.completed += one.completed;
  all.failed += one.failed;
  all.cancelled += one.cancelled;
  for (const auto& [code, errors] : one.errors) {
    all.errors[code].failed += errors.failed;
    all.errors[code].retried += errors.retried;
  }
}

// Adds to the hour of now, within one transaction.
class BucketHour {
 public:
  BucketHour(PgConnection& connection, WallTime now)
      : connection_(connection), begins_s_(to_unix_seconds(slot_begin(Resolution::hour, now))) {}

  void add(AccountId account, const std::map<std::string, BucketWork, std::less<>>& buckets) {
    for (const auto& [bucket, work] : buckets) {
      const bool own = has(account, bucket) || has_room();
      connection_.run(sql::kAddToBucket, begins_s_, own ? account : kOtherAccounts,
                      Bytes{own ? std::string_view(bucket) : std::string_view()}, work.bytes_sent, work.completed,
                      work.failed);
    }
  }

  void forget_old() {
    connection_.run(sql::kForgetBuckets, begins_s_ - (kBucketHours - 1) * slot_seconds(Resolution::hour));
  }

 private:
  bool has(AccountId account, std::string_view bucket) {
    auto row = connection_.run(sql::kHasBucket, begins_s_, account, Bytes{bucket});
    return row.next();
  }

  bool has_room() {
    if (room_ < 0) {
      auto row = connection_.run(sql::kCountBuckets, begins_s_);
      room_ = row.next() ? std::max<std::int64_t>(kMostBuckets - row.integer("buckets"), 0) : 0;
    }
    if (room_ == 0) return false;
    --room_;
    return true;
  }

  PgConnection& connection_;
  const std::int64_t begins_s_;
  std::int64_t room_ = -1;  // for buckets with sums of their own; -1: not known yet
};

}  // namespace

// What there is to be added.
struct PgStatistics::Look {
  std::map<AccountId, Queue> queues;
  std::set<AccountId> accounts;  // that have anything queued, or uploads that have ended
  StatisticsSlot all;            // what is queued of all accounts
};

Result<PgStatistics::Look> PgStatistics::look() {
  return database_.read([&](PgTransaction& transaction) -> Result<Look> {
    Look found;
    found.queues = queues_of(transaction);
    for (const auto& [account, queue] : found.queues) {
      found.accounts.insert(account);
      found.all.most_queued += queue.queued;
      found.all.longest_wait = std::max(found.all.longest_wait, queue.wait);
    }
    auto row = transaction.connection.run(sql::kNewEnds);
    while (row.next()) found.accounts.insert(row.integer("account"));
    return found;
  });
}

// One step: what some accounts did, and the sums of these for all accounts.
void PgStatistics::add_step(PgTransaction& transaction, const std::vector<AccountId>& accounts, const Look& found,
                            const Collected& collected, StatisticsSlot all) {
  PgConnection& connection = transaction.connection;
  const WallTime now = transaction.now();
  connection.run(sql::kLockStatistics);
  Rings rings(connection, now);
  BucketHour hour(connection, now);
  auto ends = take_ends(connection, accounts);
  for (const AccountId account : accounts) {
    StatisticsSlot one = ends[account];
    if (const auto sums = collected.find(account); sums != collected.end()) {
      one.bytes_sent = sums->second.bytes_sent;
      one.errors = sums->second.errors;
      hour.add(account, sums->second.buckets);
    }
    if (const auto queue = found.queues.find(account); queue != found.queues.end()) {
      one.most_queued = queue->second.queued;
      one.longest_wait = queue->second.wait;
    }
    add_counters(all, one);
    add_to_rings(connection, rings.ring_for(account), one, now);
  }
  add_to_rings(connection, kAllAccounts, all, now);
  hour.forget_old();
}

Result<> PgStatistics::add(Collected& collected) {
  auto found = look();
  if (!found) return found.error();
  for (const auto& [account, sums] : collected) found->accounts.insert(account);
  const std::vector<AccountId> accounts(found->accounts.begin(), found->accounts.end());
  for (std::size_t at = 0; at < accounts.size(); at += kAccountsAStep) {
    const auto begin = accounts.begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = begin + static_cast<std::ptrdiff_t>(std::min(kAccountsAStep, accounts.size() - at));
    const std::vector<AccountId> step(begin, end);
    auto added = database_.write([&](PgTransaction& transaction) -> Result<> {
      add_step(transaction, step, *found, collected, at == 0 ? found->all : StatisticsSlot());
      return {};
    });
    if (!added) return added;
    for (const AccountId account : step) collected.erase(account);
  }
  return {};
}

Result<std::vector<StatisticsSlot>> PgStatistics::series(const SeriesQuery& query) {
  return database_.read([&](PgTransaction& transaction) -> Result<std::vector<StatisticsSlot>> {
    auto slots = empty_slots(query, transaction.now());
    if (slots.empty()) return slots;
    const std::int64_t slot_s = slot_seconds(query.resolution);
    const std::int64_t first_s = to_unix_seconds(slots.front().begins);
    const auto slot_of = [&](const PgResult& row) {
      return slot_at(slots, query.resolution, from_unix_ms(row.integer("begins_s") * 1000));
    };
    {
      auto row = transaction.connection.run(sql::kSlots, query.account, slot_s, first_s);
      while (row.next()) {
        StatisticsSlot* slot = slot_of(row);
        if (slot == nullptr) continue;
        slot->bytes_sent = row.integer("bytes_sent");
        slot->completed = row.integer("completed");
        slot->failed = row.integer("failed");
        slot->cancelled = row.integer("cancelled");
        slot->most_queued = row.integer("most_queued");
        slot->longest_wait = seconds(row.integer("longest_wait_s"));
      }
    }
    auto row = transaction.connection.run(sql::kSlotErrors, query.account, slot_s, first_s);
    while (row.next()) {
      StatisticsSlot* slot = slot_of(row);
      if (slot == nullptr) continue;
      slot->errors[errc_from_name(row.text("code"))] = {row.integer("failed"), row.integer("retried")};
    }
    return slots;
  });
}

Result<std::vector<AccountSums>> PgStatistics::busiest(WallTime since) {
  return database_.read([&](PgTransaction& transaction) -> Result<std::vector<AccountSums>> {
    std::vector<AccountSums> sums;
    auto row =
        transaction.connection.run(sql::kBusiest, slot_seconds(Resolution::hour),
                                   to_unix_seconds(slot_begin(Resolution::hour, since)), kOtherAccounts, kMostBusiest);
    while (row.next()) {
      sums.push_back({row.integer("account"), row.integer("sent"), row.integer("completed"), row.integer("failed"),
                      row.integer("cancelled")});
    }
    return sums;
  });
}

Result<std::vector<BucketSums>> PgStatistics::busiest_buckets(AccountId account, WallTime since) {
  return database_.read([&](PgTransaction& transaction) -> Result<std::vector<BucketSums>> {
    std::vector<BucketSums> sums;
    auto row = transaction.connection.run(sql::kBusiestBuckets, to_unix_seconds(slot_begin(Resolution::hour, since)),
                                          account, kMostBusiest);
    while (row.next()) {
      sums.push_back({row.integer("account"),
                      row.text("bucket"),
                      {row.integer("sent"), row.integer("completed"), row.integer("failed")}});
    }
    return sums;
  });
}

}  // namespace vodlift::postgres
