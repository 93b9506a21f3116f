#include "store/sqlite_statistics.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "store/statistics_statements.h"

namespace vodlift::store {
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

std::map<AccountId, Queue> queues_of(SqliteConnection& connection, WallTime now) {
  std::map<AccountId, Queue> queues;
  {
    auto row = connection.prepare(sql::kQueuedCounts);
    while (row.step()) queues[row.integer("account")].queued = row.integer("uploads");
  }
  for (auto& [account, queue] : queues) {
    auto row = connection.prepare(sql::kOldestQueued);
    row.bind(account);
    if (!row.step()) continue;
    queue.wait = std::max(seconds(0), std::chrono::floor<seconds>(now - from_unix_ms(row.integer("created_ms"))));
  }
  return queues;
}

// Which accounts have rings of their own, within one transaction.
class Rings {
 public:
  Rings(SqliteConnection& connection, WallTime now) : connection_(connection), now_(now) {
    auto row = connection.prepare(sql::kRings);
    while (row.step()) active_[row.integer("account")] = from_unix_ms(row.integer("active_ms"));
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
    connection_.prepare(sql::kPutRing).bind(account, to_unix_ms(now_)).run();
  }

  // Once in a transaction, for that removes all that one account's rings have.
  bool make_room() {
    const auto idle = std::min_element(active_.begin(), active_.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    if (made_room_ || now_ - idle->second < kIdleRing) return false;
    made_room_ = true;
    for (const auto statement : {sql::kDeleteRing, sql::kDeleteStatistics, sql::kDeleteStatisticsErrors}) {
      connection_.prepare(statement).bind(idle->first).run();
    }
    active_.erase(idle);
    return true;
  }

  SqliteConnection& connection_;
  const WallTime now_;
  std::map<AccountId, WallTime> active_;
  bool made_room_ = false;
};

// Counts the uploads of the account that have ended since this was called last.
void take_ends(SqliteConnection& connection, AccountId account, StatisticsSlot& sums) {
  struct Ended {
    UploadState state{};
    std::int64_t uploads = 0;
  };
  std::vector<Ended> all;
  {
    auto row = connection.prepare(sql::kEndsSince);
    row.bind(account);
    while (row.step()) {
      const auto state = upload_state_from(row.text("state"));
      const std::int64_t uploads = row.integer("uploads");
      const std::int64_t before = row.integer("known");
      if (!state || !is_end(*state) || uploads == before) continue;
      all.push_back({*state, uploads});
      // Fewer than before: they were counted again, after a fault.
      const std::int64_t more = std::max<std::int64_t>(uploads - before, 0);
      if (*state == UploadState::completed) sums.completed = more;
      if (*state == UploadState::failed) sums.failed = more;
      if (*state == UploadState::cancelled) sums.cancelled = more;
    }
  }
  for (const Ended& one : all) connection.prepare(sql::kPutEnds).bind(account, to_string(one.state), one.uploads).run();
}

void add_to_slot(SqliteConnection& connection, AccountId account, Resolution resolution, const StatisticsSlot& sums,
                 WallTime now) {
  const std::int64_t slot_s = slot_seconds(resolution);
  const WallTime begins = slot_begin(resolution, now);
  const std::int64_t begins_s = to_unix_seconds(begins);
  const std::int64_t first_s = begins_s - slot_s * (ring_of(resolution).slots - 1);
  connection.prepare(sql::kAddToSlot)
      .bind(account, slot_s, begins_s, sums.bytes_sent, sums.completed, sums.failed, sums.cancelled, sums.most_queued,
            std::int64_t{sums.longest_wait.count()})
      .run();
  connection.prepare(sql::kForgetSlots).bind(account, slot_s, first_s).run();
  for (const auto& [code, errors] : sums.errors) {
    connection.prepare(sql::kAddErrors)
        .bind(account, slot_s, begins_s, info(code).name, errors.failed, errors.retried)
        .run();
  }
  connection.prepare(sql::kForgetSlotErrors).bind(account, slot_s, first_s).run();
}

void add_to_rings(SqliteConnection& connection, AccountId account, const StatisticsSlot& sums, WallTime now) {
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
  BucketHour(SqliteConnection& connection, WallTime now)
      : connection_(connection), begins_s_(to_unix_seconds(slot_begin(Resolution::hour, now))) {}

  void add(AccountId account, const std::map<std::string, BucketWork, std::less<>>& buckets) {
    for (const auto& [bucket, work] : buckets) {
      const bool own = has(account, bucket) || has_room();
      connection_.prepare(sql::kAddToBucket)
          .bind(begins_s_, own ? account : kOtherAccounts, own ? std::string_view(bucket) : std::string_view(),
                work.bytes_sent, work.completed, work.failed)
          .run();
    }
  }

  void forget_old() {
    connection_.prepare(sql::kForgetBuckets)
        .bind(begins_s_ - (kBucketHours - 1) * slot_seconds(Resolution::hour))
        .run();
  }

 private:
  bool has(AccountId account, std::string_view bucket) {
    auto row = connection_.prepare(sql::kHasBucket);
    row.bind(begins_s_, account, bucket);
    return row.step();
  }

  bool has_room() {
    if (room_ < 0) {
      auto row = connection_.prepare(sql::kCountBuckets);
      row.bind(begins_s_);
      row.step();
      room_ = std::max<std::int64_t>(kMostBuckets - row.integer("buckets"), 0);
    }
    if (room_ == 0) return false;
    --room_;
    return true;
  }

  SqliteConnection& connection_;
  const std::int64_t begins_s_;
  std::int64_t room_ = -1;  // for buckets with sums of their own; -1: not known yet
};

}  // namespace

// What there is to be added.
struct SqliteStatistics::Look {
  std::map<AccountId, Queue> queues;
  std::set<AccountId> accounts;  // that have anything queued, or uploads that have ended
  StatisticsSlot all;            // what is queued of all accounts
};

Result<SqliteStatistics::Look> SqliteStatistics::look(WallTime now) {
  return database_.read([&](SqliteConnection& connection) -> Result<Look> {
    Look found;
    found.queues = queues_of(connection, now);
    for (const auto& [account, queue] : found.queues) {
      found.accounts.insert(account);
      found.all.most_queued += queue.queued;
      found.all.longest_wait = std::max(found.all.longest_wait, queue.wait);
    }
    auto row = connection.prepare(sql::kAccountsWithEnds);
    while (row.step()) found.accounts.insert(row.integer("account"));
    return found;
  });
}

Result<> SqliteStatistics::add(Collected& collected) {
  const WallTime now = clock_.now();
  auto found = look(now);
  if (!found) return found.error();
  for (const auto& [account, sums] : collected) found->accounts.insert(account);
  const std::vector<AccountId> accounts(found->accounts.begin(), found->accounts.end());
  for (std::size_t at = 0; at < accounts.size(); at += kAccountsAStep) {
    const auto step = std::span(accounts).subspan(at, std::min(kAccountsAStep, accounts.size() - at));
    auto added = database_.write([&](SqliteConnection& connection) -> Result<> {
      Rings rings(connection, now);
      BucketHour hour(connection, now);
      StatisticsSlot all = at == 0 ? found->all : StatisticsSlot();
      for (const AccountId account : step) {
        StatisticsSlot one;
        if (const auto sums = collected.find(account); sums != collected.end()) {
          one.bytes_sent = sums->second.bytes_sent;
          one.errors = sums->second.errors;
          hour.add(account, sums->second.buckets);
        }
        if (const auto queue = found->queues.find(account); queue != found->queues.end()) {
          one.most_queued = queue->second.queued;
          one.longest_wait = queue->second.wait;
        }
        take_ends(connection, account, one);
        add_counters(all, one);
        add_to_rings(connection, rings.ring_for(account), one, now);
      }
      add_to_rings(connection, kAllAccounts, all, now);
      hour.forget_old();
      return {};
    });
    if (!added) return added;
    for (const AccountId account : step) collected.erase(account);
  }
  return {};
}

Result<std::vector<StatisticsSlot>> SqliteStatistics::series(const SeriesQuery& query) {
  return database_.read([&](SqliteConnection& connection) -> Result<std::vector<StatisticsSlot>> {
    auto slots = empty_slots(query, clock_.now());
    if (slots.empty()) return slots;
    const std::int64_t slot_s = slot_seconds(query.resolution);
    const std::int64_t first_s = to_unix_seconds(slots.front().begins);
    const auto slot_of = [&](const SqliteStatement& row) {
      return slot_at(slots, query.resolution, from_unix_ms(row.integer("begins_s") * 1000));
    };
    {
      auto row = connection.prepare(sql::kSlots);
      row.bind(query.account, slot_s, first_s);
      while (row.step()) {
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
    auto row = connection.prepare(sql::kSlotErrors);
    row.bind(query.account, slot_s, first_s);
    while (row.step()) {
      StatisticsSlot* slot = slot_of(row);
      if (slot == nullptr) continue;
      slot->errors[errc_from_name(row.text("code"))] = {row.integer("failed"), row.integer("retried")};
    }
    return slots;
  });
}

Result<std::vector<AccountSums>> SqliteStatistics::busiest(WallTime since) {
  return database_.read([&](SqliteConnection& connection) -> Result<std::vector<AccountSums>> {
    std::vector<AccountSums> sums;
    auto row = connection.prepare(sql::kBusiest);
    row.bind(slot_seconds(Resolution::hour), to_unix_seconds(slot_begin(Resolution::hour, since)), kOtherAccounts,
             kMostBusiest);
    while (row.step()) {
      sums.push_back({row.integer("account"), row.integer("sent"), row.integer("completed"), row.integer("failed"),
                      row.integer("cancelled")});
    }
    return sums;
  });
}

Result<std::vector<BucketSums>> SqliteStatistics::busiest_buckets(AccountId account, WallTime since) {
  return database_.read([&](SqliteConnection& connection) -> Result<std::vector<BucketSums>> {
    std::vector<BucketSums> sums;
    auto row = connection.prepare(sql::kBusiestBuckets);
    row.bind(to_unix_seconds(slot_begin(Resolution::hour, since)), account, kMostBusiest);
    while (row.step()) {
      sums.push_back({row.integer("account"),
                      row.text("bucket"),
                      {row.integer("sent"), row.integer("completed"), row.integer("failed")}});
    }
    return sums;
  });
}

}  // namespace vodlift::store
