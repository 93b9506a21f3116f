#include "store/sqlite_work_queue.h"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <utility>

#include "core/store_rules.h"
#include "core/upload_decisions.h"
#include "core/upload_request.h"
#include "store/sqlite_statements.h"

namespace vodlift::store {
namespace {

using std::chrono::milliseconds;

// How many delays one look ends, so that it holds nobody up for long; the next look continues.
constexpr int kDelaysStep = 1000;
// How many rows one transaction takes back, for the same reason.
constexpr int kTakeBackStep = 100;

// Uploads of an account that is gone count too.
int weight_of(SqliteConnection& connection, AccountId account) {
  auto row = connection.prepare(sql::kWeight);
  row.bind(account);
  return row.step() ? static_cast<int>(row.integer("weight")) : kDefaultWeight;
}

// The accounts of one priority that have small uploads or, where these are asked for, large ones, in ascending order.
class ReadyAccounts {
 public:
  ReadyAccounts(SqliteConnection& connection, int priority, bool with_large)
      : connection_(connection), priority_(priority), with_large_(with_large) {}

  // The first one from `account` on, which must not be lower than in the last call.
  std::optional<AccountId> next(AccountId account) {
    if (!small_ || *small_ < account) small_ = seek(false, account);
    if (with_large_ && (!large_ || *large_ < account)) large_ = seek(true, account);
    const AccountId next = std::min(small_.value_or(kNone), large_.value_or(kNone));
    return next == kNone ? std::nullopt : std::optional(next);
  }

 private:
  static constexpr AccountId kNone = std::numeric_limits<AccountId>::max();

  std::optional<AccountId> seek(bool large, AccountId account) {
    auto row = connection_.prepare(sql::kNextReadyAccount);
    row.bind(priority_, large, account);
    return row.step() ? row.integer("account") : kNone;
  }

  SqliteConnection& connection_;
  const int priority_;
  const bool with_large_;
  std::optional<AccountId> small_;  // kNone: no more
  std::optional<AccountId> large_;
};

// The first `limit` ready uploads of one kind; `more`: there are others.
std::vector<Candidate::Head> ready_heads(SqliteConnection& connection, const Candidate& of, bool large, int limit,
                                         bool with_buckets, bool& more) {
  std::vector<Candidate::Head> heads;
  if (limit <= 0) return heads;
  auto row = connection.prepare(with_buckets ? sql::kReadyHeadsWithBuckets : sql::kReadyHeads);
  row.bind(of.priority, large, of.account, limit + 1);
  while (row.step() && !more) {
    more = std::ssize(heads) == limit;
    if (more) break;
    heads.push_back({row.integer("id"), row.integer("rest"), with_buckets ? std::string(row.text("bucket")) : ""});
  }
  return heads;
}

// Lists candidates until there are enough.
class CandidateList {
 public:
  CandidateList(SqliteConnection& connection, const CandidateQuery& query) : connection_(connection), query_(query) {}

  Candidates list() && {
    for (int priority = next_priority(kMaxPriority); priority >= 0 && !listed_.more_accounts;
         priority = next_priority(priority - 1)) {
      const AccountId from = query_.from.at(static_cast<std::size_t>(priority));
      list_between(priority, from, std::numeric_limits<AccountId>::max());
      if (from > 1) list_between(priority, 1, from);  // the lowest account is 1
    }
    return std::move(listed_);
  }

 private:
  // The highest priority, `most` at most, that has something ready; -1: none.
  int next_priority(int most) {
    auto row = connection_.prepare(sql::kNextReadyPriority);
    row.bind(most);
    return row.step() ? static_cast<int>(row.integer("priority")) : -1;
  }

  // Accounts from `first` on and below `end`.
  void list_between(int priority, AccountId first, AccountId end) {
    ReadyAccounts accounts(connection_, priority, query_.places.large > 0);
    for (auto account = accounts.next(first); account && *account < end; account = accounts.next(*account + 1)) {
      listed_.more_accounts = uploads_ >= query_.uploads;
      if (listed_.more_accounts) return;
      if (query_.leaves_out && query_.leaves_out(*account)) {
        listed_.left_out = true;
        continue;
      }
      Candidate one;
      one.priority = priority;
      one.account = *account;
      one.weight = weight_of(connection_, *account);
      one.small = heads(one, false, query_.places.all, one.more_small);
      one.large = heads(one, true, query_.places.large, one.more_large);
      uploads_ += static_cast<int>(one.small.size() + one.large.size());
      listed_.accounts.push_back(std::move(one));
    }
  }

  [[nodiscard]] std::vector<Candidate::Head> heads(const Candidate& of, bool large, int places, bool& more) const {
    return ready_heads(connection_, of, large, std::min(query_.depth, places), query_.with_buckets, more);
  }

  SqliteConnection& connection_;
  const CandidateQuery& query_;
  Candidates listed_;
  int uploads_ = 0;  // listed
};

using Owner = std::pair<std::int64_t, std::int64_t>;  // node and term

struct Orphan {
  Lease lease;
  int crashes_alone = 0;
  bool only_look = false;
  Owner owner;
};

std::vector<Orphan> orphans_of(SqliteConnection& connection, std::string_view statement, std::int64_t first,
                               std::int64_t second) {
  std::vector<Orphan> orphans;
  auto row = connection.prepare(statement);
  row.bind(first, second, kTakeBackStep);
  while (row.step()) {
    orphans.push_back({{row.integer("id"), row.integer("fence")},
                       static_cast<int>(row.integer("crashes_alone")),
                       row.integer("only_look") != 0,
                       {row.integer("owner"), row.integer("owner_term")}});
  }
  return orphans;
}

std::map<Owner, std::int64_t> lease_counts(SqliteConnection& connection) {
  std::map<Owner, std::int64_t> counts;
  auto row = connection.prepare(sql::kLeaseOwners);
  while (row.step()) ++counts[{row.integer("owner"), row.integer("owner_term")}];
  return counts;
}

}  // namespace

class SqliteWorkQueue::Finish final : public WriteOperation {
 public:
  Finish(SqliteWorkQueue& store, const Lease& lease, UploadEnding ending, Done done)
      : store_(store), lease_(lease), ending_(std::move(ending)), done_(std::move(done)) {}

  Result<> run(SqliteConnection& connection) override {
    effects_ = end_upload(connection, lease_, ending_, end_of_run(ending_.state), store_.queue_);
    if (!effects_) return effects_.error();
    return {};
  }

  void done(Result<> outcome) override {
    if (outcome) store_.publish(*effects_, lease_.id);
    done_(std::move(outcome));
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
    return requeue_upload(connection, lease_, how_, Crash::none, store_.queue_);
  }

  void done(Result<> outcome) override {
    if (outcome) store_.publish_all();
    done_(std::move(outcome));
  }

  [[nodiscard]] bool patient() const override { return true; }

 private:
  SqliteWorkQueue& store_;
  const Lease lease_;
  const Requeue how_;
  const Done done_;
};

Result<Candidates> SqliteWorkQueue::candidates(const CandidateQuery& query) {
  const WallTime now = queue_.clock.now();
  bool delays_are_over = false;  // uploads whose delay is over must be made ready first
  const auto list = [&](SqliteConnection& connection) -> Result<Candidates> {
    const auto first = time_until(connection.prepare(sql::kFirstDelayed), "next_attempt_ms", now);
    delays_are_over = !delays_are_over && first && *first <= milliseconds(0);
    if (delays_are_over) return Candidates();
    return CandidateList(connection, query).list();
  };
  auto listed = queue_.database.read(list);
  if (!listed || !delays_are_over) return listed;
  const auto ended = queue_.database.write([&](SqliteConnection& connection) -> Result<> {
    connection.prepare(sql::kEndDelays).bind(to_unix_ms(now), kDelaysStep).run();
    return {};
  });
  if (!ended) return ended.error();
  return queue_.database.read(list);
}

Result<std::vector<ClaimedUpload>> SqliteWorkQueue::claim(const std::vector<UploadId>& ids, milliseconds lease) {
  return queue_.database.write([&](SqliteConnection& connection) -> Result<std::vector<ClaimedUpload>> {
    const WallTime now = queue_.clock.now();
    std::vector<ClaimedUpload> claimed;
    std::map<AccountId, int> weights;
    for (const UploadId id : std::span(ids).first(std::min(ids.size(), kMaxClaimed))) {
      connection.prepare(sql::kClaim)
          .bind(id, to_unix_ms(now + lease), to_unix_ms(now), queue_.self.node, queue_.self.term)
          .run();
      if (connection.changes() != 1) continue;
      auto stored = load_upload(connection, id);
      if (!stored) break;  // the connection has failed: nothing of the claim is kept
      const AccountId account = stored->upload.account;
      queue_.database.upload_counts().move(account, UploadState::queued, UploadState::uploading, stored->upload.size);
      if (!weights.contains(account)) weights[account] = weight_of(connection, account);
      const bool first_claim = stored->fence == 1;  // nobody can have begun anything
      claimed.push_back({{id, stored->fence},
                         std::move(stored->upload),
                         std::move(stored->token),
                         first_claim ? OpenMultipart() : load_journal(connection, id),
                         weights[account],
                         stored->unanswered,
                         stored->only_look});
    }
    return claimed;
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

void SqliteWorkQueue::finish(const Lease& lease, UploadEnding ending, Done done) {
  queue_.database.post(std::make_unique<Finish>(*this, lease, std::move(ending), std::move(done)));
}

void SqliteWorkQueue::requeue(const Lease& lease, Requeue how, Done done) {
  queue_.database.post(std::make_unique<PutBack>(*this, lease, std::move(how), std::move(done)));
}

Result<std::optional<WorkQueue::Suspect>> SqliteWorkQueue::next_suspect() {
  return queue_.database.read([](SqliteConnection& connection) -> Result<std::optional<Suspect>> {
    auto row = connection.prepare(sql::kNextSuspect);
    if (!row.step()) return std::optional<Suspect>();
    return std::optional<Suspect>({row.integer("id"), static_cast<int>(row.integer("crashes"))});
  });
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
  std::map<Owner, std::int64_t> leases;  // before the first step
  for (;;) {
    const auto step = queue_.database.write([&](SqliteConnection& connection) -> Result<int> {
      if (taken == 0) leases = lease_counts(connection);
      const std::vector<Orphan> orphans = orphans_of(connection, statement, first, second);
      for (const Orphan& orphan : orphans) {
        const bool alone = leases[orphan.owner] == 1;
        const int crashes_alone = orphan.crashes_alone + (alone ? 1 : 0);
        const auto held = held_upload(connection, orphan.lease);
        if (!held) return lease_lost(orphan.lease);
        const bool gives_up = decide_rescue(held->wanted, crashes_alone, max_crashes) == UploadState::failed;
        if (gives_up && orphan.only_look) {
          UploadEnding failed;
          failed.state = UploadState::failed;
          failed.error = crashed_repeatedly(crashes_alone);
          const auto ended = end_upload(connection, orphan.lease, failed, AttemptEnd::failed, queue_);
          if (!ended) return ended.error();
        } else {
          const Crash crash = alone ? Crash::alone : Crash::in_company;
          const Requeue how = requeue_after_crash(crashes_alone, gives_up, orphan.only_look);
          auto back = requeue_upload(connection, orphan.lease, how, crash, queue_);
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
