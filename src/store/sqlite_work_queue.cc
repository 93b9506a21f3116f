#include "store/sqlite_work_queue.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "core/upload_decisions.h"
#include "core/upload_request.h"
#include "store/sqlite_statements.h"

namespace vodlift::store {
namespace {

using std::chrono::milliseconds;

constexpr int kMaxClaim = 1000;
constexpr int kMaxReadyAccounts = 100;
// How many delays one claim ends, so that it holds nobody up for long; the next claim continues.
constexpr int kDelaysStep = 1000;
// How many rows one transaction takes back, for the same reason.
constexpr int kTakeBackStep = 100;

std::optional<AccountId> next_ready_account(SqliteConnection& connection, int priority, AccountId after) {
  auto row = connection.prepare(sql::kNextReadyAccount);
  row.bind(priority, after);
  if (!row.step()) return std::nullopt;
  return row.integer("account");
}

// Uploads of an account that is gone count too.
int weight_of(SqliteConnection& connection, AccountId account) {
  auto row = connection.prepare(sql::kWeight);
  row.bind(account);
  return row.step() ? static_cast<int>(row.integer("weight")) : kDefaultWeight;
}

std::optional<ReadyQueue::Head> ready_head(SqliteConnection& connection, int priority, AccountId account, bool large) {
  auto row = connection.prepare(sql::kReadyHead);
  row.bind(priority, account, large);
  if (!row.step()) return std::nullopt;
  return ReadyQueue::Head{row.integer("id"), row.integer("rest")};
}

// What is ready, as FairShare asks for it inside a claim's transaction; what it takes is claimed.
class SqliteReadyQueue final : public ReadyQueue {
 public:
  SqliteReadyQueue(SqliteConnection& connection, WallTime now, WallTime lease_until, const NodeTerm& owner)
      : connection_(connection), now_(now), lease_until_(lease_until), owner_(owner) {}

  std::optional<AccountId> next_account(int priority, AccountId after) override {
    return next_ready_account(connection_, priority, after);
  }

  int weight(AccountId account) override {
    auto known = weights_.find(account);
    if (known == weights_.end()) known = weights_.emplace(account, weight_of(connection_, account)).first;
    return known->second;
  }

  std::optional<Head> head(int priority, AccountId account, bool large) override {
    return ready_head(connection_, priority, account, large);
  }

  void take(const Head& head) override {
    connection_.prepare(sql::kClaim)
        .bind(head.id, to_unix_ms(lease_until_), to_unix_ms(now_), owner_.node, owner_.term)
        .run();
    auto stored = load_upload(connection_, head.id);
    if (!stored) return;  // the connection has failed: nothing of the claim is kept
    const int its_weight = weight(stored->upload.account);
    const bool first_claim = stored->fence == 1;  // nobody can have begun anything
    claimed_.push_back({{head.id, stored->fence},
                        std::move(stored->upload),
                        std::move(stored->token),
                        first_claim ? OpenMultipart() : load_journal(connection_, head.id),
                        its_weight});
  }

  // What was taken, in its order.
  std::vector<ClaimedUpload> claimed() && { return std::move(claimed_); }

 private:
  SqliteConnection& connection_;
  const WallTime now_;
  const WallTime lease_until_;
  const NodeTerm owner_;
  std::map<AccountId, int> weights_;  // asked for so far
  std::vector<ClaimedUpload> claimed_;
};

// The turn of a large upload is over: the share charges what it sent.
void settle_turn(SqliteConnection& connection, const Lease& lease, FairShare& share) {
  auto row = connection.prepare(sql::kTurn);
  row.bind(lease.id, lease.fence);
  if (!row.step()) return;
  share.settle(static_cast<int>(row.integer("priority")), row.integer("account"),
               row.integer("sent") - charge_for(row.integer("planned")));
}

struct Orphan {
  Lease lease;
  int crashes = 0;
};

}  // namespace

class SqliteWorkQueue::Finish final : public WriteOperation {
 public:
  Finish(SqliteWorkQueue& store, const Lease& lease, UploadEnding ending, Done done)
      : store_(store), lease_(lease), ending_(std::move(ending)), done_(std::move(done)) {}

  Result<> run(SqliteConnection& connection) override {
    effects_ = store_.end(connection, lease_, ending_);
    if (!effects_) return effects_.error();
    return {};
  }

  void done(Result<> outcome) override {
    const bool made = outcome.has_value();
    done_(std::move(outcome));
    if (made) store_.publish(*effects_, lease_.id);
  }

  [[nodiscard]] bool patient() const override { return true; }

 private:
  SqliteWorkQueue& store_;
  const Lease lease_;
  const UploadEnding ending_;
  const Done done_;
  Result<EndEffects> effects_ = Error{};
};

class SqliteWorkQueue::PutBack final : public WriteOperation {
 public:
  PutBack(SqliteWorkQueue& store, const Lease& lease, Requeue how, Done done)
      : store_(store), lease_(lease), how_(std::move(how)), done_(std::move(done)) {}

  Result<> run(SqliteConnection& connection) override {
    settle_turn(connection, lease_, store_.fair_share_);
    return requeue_upload(connection, lease_, how_, /*crashed=*/false, store_.queue_.clock.now(), store_.queue_.body);
  }

  void done(Result<> outcome) override {
    const bool made = outcome.has_value();
    done_(std::move(outcome));
    if (made) store_.publish_all();
  }

  [[nodiscard]] bool patient() const override { return true; }

 private:
  SqliteWorkQueue& store_;
  const Lease lease_;
  const Requeue how_;
  const Done done_;
};

Result<std::vector<ClaimedUpload>> SqliteWorkQueue::claim(const Places& places, milliseconds lease) {
  return queue_.database.write([&](SqliteConnection& connection) -> Result<std::vector<ClaimedUpload>> {
    const WallTime now = queue_.clock.now();
    connection.prepare(sql::kEndDelays).bind(to_unix_ms(now), kDelaysStep).run();
    SqliteReadyQueue ready(connection, now, now + lease, queue_.self);
    fair_share_.fill(ready, {std::min(places.all, kMaxClaim), places.large});
    return std::move(ready).claimed();
  });
}

Result<std::vector<ReadyAccount>> SqliteWorkQueue::ready_accounts(int limit) {
  return queue_.database.read([&](SqliteConnection& connection) -> Result<std::vector<ReadyAccount>> {
    const auto most = std::clamp(limit, 0, kMaxReadyAccounts);
    std::vector<ReadyAccount> ready;
    for (int priority = kMaxPriority; priority >= 0; --priority) {
      auto account = next_ready_account(connection, priority, 0);
      while (account && std::ssize(ready) < most) {
        ready.push_back({*account, priority, weight_of(connection, *account),
                         ready_head(connection, priority, *account, false).has_value(),
                         ready_head(connection, priority, *account, true).has_value()});
        account = next_ready_account(connection, priority, *account);
      }
    }
    return ready;
  });
}

Result<std::vector<HeldLease>> SqliteWorkQueue::renew(const std::vector<Lease>& leases, milliseconds lease) {
  return queue_.database.write([&](SqliteConnection& connection) -> Result<std::vector<HeldLease>> {
    const std::int64_t until_ms = to_unix_ms(queue_.clock.now() + lease);
    std::vector<HeldLease> held;
    for (const Lease& one : leases) {
      auto row = connection.prepare(sql::kRenew);
      row.bind(one.id, one.fence, until_ms);
      if (row.step()) held.push_back({one, row.integer("recalled") != 0});
    }
    return held;
  });
}

Result<EndEffects> SqliteWorkQueue::end(SqliteConnection& connection, const Lease& lease, const UploadEnding& ending) {
  if (ending.size > kLargeUploadBytes) settle_turn(connection, lease, fair_share_);
  return end_upload(connection, lease, ending, queue_.clock.now(), queue_.body);
}

void SqliteWorkQueue::finish(const Lease& lease, UploadEnding ending, Done done) {
  queue_.database.post(std::make_unique<Finish>(*this, lease, std::move(ending), std::move(done)));
}

void SqliteWorkQueue::requeue(const Lease& lease, Requeue how, Done done) {
  queue_.database.post(std::make_unique<PutBack>(*this, lease, std::move(how), std::move(done)));
}

Result<int> SqliteWorkQueue::rescue(int max_crashes) {
  const std::int64_t now_ms = to_unix_ms(queue_.clock.now());
  return take_back(sql::kExpiredLeases, now_ms, 0, max_crashes);
}

Result<int> SqliteWorkQueue::reclaim(int max_crashes) {
  return take_back(sql::kLeasesOfEarlierTerms, queue_.self.node, queue_.self.term, max_crashes);
}

Result<int> SqliteWorkQueue::take_back(std::string_view statement, std::int64_t first, std::int64_t second,
                                       int max_crashes) {
  int taken = 0;
  for (;;) {
    const auto step = queue_.database.write([&](SqliteConnection& connection) -> Result<int> {
      const WallTime now = queue_.clock.now();
      std::vector<Orphan> orphans;
      {
        auto row = connection.prepare(statement);
        row.bind(first, second, kTakeBackStep);
        while (row.step()) {
          orphans.push_back({{row.integer("id"), row.integer("fence")}, static_cast<int>(row.integer("crashes"))});
        }
      }
      for (const auto& [lease, crashes_before] : orphans) {
        const int crashes = crashes_before + 1;
        if (decide_rescue(wanted_of(connection, lease), crashes, max_crashes) == UploadState::failed) {
          UploadEnding failed;
          failed.state = UploadState::failed;
          failed.error = crashed_repeatedly(crashes);
          const auto ended = end_upload(connection, lease, failed, now, queue_.body);
          if (!ended) return ended.error();
        } else {
          auto back = requeue_upload(connection, lease, {}, /*crashed=*/true, now, queue_.body);
          if (!back) return back.error();
        }
      }
      return static_cast<int>(orphans.size());
    });
    if (!step) return step.error();
    taken += *step;
    if (*step < kTakeBackStep) break;
  }
  if (taken > 0) publish_all();
  return taken;
}

Result<std::optional<milliseconds>> SqliteWorkQueue::next_due() {
  return queue_.database.read([&](SqliteConnection& connection) -> Result<std::optional<milliseconds>> {
    const WallTime now = queue_.clock.now();
    if (const auto ready = time_until(connection.prepare(sql::kAnyReady), "next_attempt_ms", now)) {
      return std::optional(milliseconds(0));
    }
    return time_until(connection.prepare(sql::kFirstDelayed), "next_attempt_ms", now);
  });
}

void SqliteWorkQueue::publish(const EndEffects& effects, UploadId id) {
  if (effects.successor) queue_.feed.publish({.kind = Change::Kind::uploads_due});
  if (effects.callback) queue_.feed.publish({.kind = Change::Kind::callbacks_due, .upload = id});
}

// For changes after which uploads as well as callbacks may be due.
void SqliteWorkQueue::publish_all() {
  queue_.feed.publish({.kind = Change::Kind::uploads_due});
  queue_.feed.publish({.kind = Change::Kind::callbacks_due});
}

}  // namespace vodlift::store
