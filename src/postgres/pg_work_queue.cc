#include "postgres/pg_work_queue.h"

#include <algorithm>
#include <map>
#include <utility>

#include "core/store_rules.h"
#include "core/upload_decisions.h"
#include "postgres/pg_upload_lifecycle.h"
#include "postgres/pg_upload_rows.h"
#include "postgres/queue_statements.h"

namespace vodlift::postgres {
namespace {

using std::chrono::milliseconds;

// How many delays one look ends, so that it holds nobody up for long; the next look continues.
constexpr int kDelaysStep = 1000;
// How many rows one transaction takes back, for the same reason.
constexpr int kTakeBackStep = 100;

std::optional<milliseconds> first_delay(PgTransaction& transaction) {
  auto row = transaction.connection.run(sql::kFirstDelayed);
  if (!row.next()) return std::nullopt;
  return std::max(from_unix_ms(row.integer("next_attempt_ms")) - transaction.now(), milliseconds(0));
}

using Owner = std::pair<std::int64_t, std::int64_t>;  // node and term

struct Orphan {
  int crashes_alone = 0;
  bool only_look = false;
  Owner owner;
};

std::map<UploadId, Orphan> orphans_of(PgConnection& connection, std::string_view statement, std::int64_t first,
                                      std::int64_t second) {
  std::map<UploadId, Orphan> orphans;
  auto row = connection.run(statement, first, second, kTakeBackStep);
  while (row.next()) {
    orphans[row.integer("id")] = {static_cast<int>(row.integer("crashes_alone")),
                                  row.integer("only_look") != 0,
                                  {row.integer("owner"), row.integer("owner_term")}};
  }
  return orphans;
}

std::map<Owner, std::int64_t> lease_counts(PgConnection& connection) {
  std::map<Owner, std::int64_t> counts;
  auto row = connection.run(sql::kLeaseCounts);
  while (row.next()) counts[{row.integer("owner"), row.integer("owner_term")}] = row.integer("leases");
  return counts;
}

// Of an upload whose worker is gone.
Result<> take_one_back(PgTransaction& transaction, const OpenUpload& open, const Orphan& orphan, bool alone,
                       int max_crashes, const PgQueue& queue) {
  const int crashes_alone = orphan.crashes_alone + (alone ? 1 : 0);
  const bool gives_up = decide_rescue(open.wanted, crashes_alone, max_crashes) == UploadState::failed;
  if (gives_up && orphan.only_look) {
    UploadEnding failed;
    failed.state = UploadState::failed;
    failed.error = crashed_repeatedly(crashes_alone);
    end_uploads(transaction, {{open, failed, AttemptEnd::failed}}, queue);
    return {};
  }
  const Crash crash = alone ? Crash::alone : Crash::in_company;
  return requeue_upload(transaction, open, requeue_after_crash(crashes_alone, gives_up, orphan.only_look), crash,
                        queue);
}

void tell_all(PgTransaction& transaction) {
  transaction.tell({.kind = Change::Kind::uploads_due});
  transaction.tell({.kind = Change::Kind::callbacks_due});
}

// Whether each of these leases of a node is among those to be renewed, or so young that it may last as long as they.
bool names_all(const std::map<UploadId, std::int64_t>& fences, PgResult& row, std::int64_t young_ms,
               std::vector<HeldLease>& held) {
  bool all = true;
  while (row.next()) {
    const Lease lease{row.integer("id"), row.integer("fence")};
    const auto named = fences.find(lease.id);
    if (named != fences.end() && named->second == lease.fence) {
      held.push_back({lease, row.integer("recalled") != 0});
    } else if (row.integer("lease_until_ms") < young_ms) {
      all = false;
    }
  }
  return all;
}

}  // namespace

PgWorkQueue::PgWorkQueue(PgQueue queue, CandidateLists::Pace pace)
    : queue_(std::move(queue)),
      lists_(queue_.feed, queue_.self.node, pace),
      given_back_("db-finish", 1, queue_.database.metrics().waiting,
                  [this](std::span<const GivenBack> jobs) { return give_back(jobs); }) {}

Result<Candidates> PgWorkQueue::candidates(const CandidateQuery& query) {
  bool delays_are_over = false;  // uploads whose delay is over must be made ready first
  const auto list = [&](PgTransaction& transaction) -> Result<Candidates> {
    delays_are_over = !delays_are_over && first_delay(transaction) == milliseconds(0);
    if (delays_are_over) return Candidates();
    return lists_.list(transaction.connection, query);
  };
  auto listed = queue_.database.read(list);
  if (!listed || !delays_are_over) return listed;
  const auto ended = queue_.database.write([&](PgTransaction& transaction) -> Result<> {
    auto row = transaction.connection.run(sql::kEndDelays, to_unix_ms(transaction.now()), kDelaysStep);
    while (row.next()) transaction.changed_upload(row.integer("id"));
    return {};
  });
  if (!ended) return ended.error();
  return queue_.database.read(list);
}

Result<std::vector<ClaimedUpload>> PgWorkQueue::claim(const std::vector<UploadId>& ids, milliseconds lease) {
  const std::vector<UploadId> first(ids.begin(), ids.begin() + std::min(std::ssize(ids), std::ptrdiff_t{kMaxClaimed}));
  return queue_.database.write([&](PgTransaction& transaction) -> Result<std::vector<ClaimedUpload>> {
    PgConnection& connection = transaction.connection;
    const WallTime now = transaction.now();
    std::map<UploadId, ClaimedUpload> by_id;
    std::vector<UploadId> begun;  // of which somebody may have begun something
    auto row = connection.run(sql::kClaim, queue_.self.node, queue_.self.term, first, to_unix_ms(now + lease),
                              to_unix_ms(now));
    while (row.next()) {
      auto stored = stored_upload_in(connection, row);
      if (!stored) break;  // the connection has failed: nothing of the claim is kept
      const UploadId id = stored->upload.id;
      transaction.counts.move(stored->upload.account, UploadState::queued, UploadState::uploading, stored->upload.size);
      transaction.changed_upload(id);
      if (stored->fence > 1) begun.push_back(id);
      by_id[id] = {{id, stored->fence},
                   std::move(stored->upload),
                   std::move(stored->token),
                   {},
                   static_cast<int>(row.integer("weight")),
                   stored->unanswered,
                   stored->only_look,
                   row.integer("storage_is_known") != 0};
    }
    for (auto& [id, journal] : load_journals(connection, begun)) by_id[id].journal = std::move(journal);
    std::vector<ClaimedUpload> claimed;
    for (const UploadId id : first) {
      if (auto one = by_id.extract(id)) claimed.push_back(std::move(one.mapped()));
    }
    return claimed;
  });
}

Result<std::vector<HeldLease>> PgWorkQueue::renew(const std::vector<Lease>& leases, milliseconds lease) {
  std::map<UploadId, std::int64_t> fences;
  for (const Lease& one : leases) fences[one.id] = one.fence;
  return queue_.database.write([&](PgTransaction& transaction) -> Result<std::vector<HeldLease>> {
    PgConnection& connection = transaction.connection;
    const std::int64_t until_ms = to_unix_ms(transaction.now() + lease);
    std::vector<HeldLease> held;
    auto row = connection.run(sql::kLeasesOf, queue_.self.node, queue_.self.term);
    const bool all = names_all(fences, row, until_ms - lease.count() / 4, held);
    if (held.empty()) return held;
    if (all && connection.run(sql::kRenewNode, queue_.self.node, queue_.self.term, until_ms).changes() == 1)
      return held;
    std::vector<UploadId> ids;
    std::vector<std::int64_t> of;
    for (const HeldLease& one : held) {
      ids.push_back(one.lease.id);
      of.push_back(one.lease.fence);
    }
    connection.run(sql::kRenewSome, ids, of, until_ms);
    return held;
  });
}

void PgWorkQueue::finish(const Lease& lease, UploadEnding ending, Done done) {
  if (auto whole = check_ending(lease, ending); !whole) return done(whole.error());
  given_back_.post({lease, std::move(ending)}, std::move(done));
}

void PgWorkQueue::requeue(const Lease& lease, Requeue how, Done done) {
  given_back_.post({lease, std::move(how)}, std::move(done));
}

// Locks all uploads of the group at first, in the order of their ids: groups of several nodes do not wait for each
// other in a circle.
Result<std::vector<Result<>>> PgWorkQueue::give_back(std::span<const GivenBack> jobs) {
  return queue_.database.write([&](PgTransaction& transaction) -> Result<std::vector<Result<>>> {
    transaction.together = jobs.size();
    std::vector<UploadId> ids;
    for (const GivenBack& job : jobs) ids.push_back(job.lease.id);
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    std::map<UploadId, OpenUpload> held;
    for (OpenUpload& open : lock_open(transaction.connection, ids)) held.emplace(open.id, std::move(open));
    std::vector<Result<>> answers;
    std::vector<EndOfUpload> ends;
    for (const GivenBack& job : jobs) {
      auto open = held.extract(job.lease.id);  // the first that gives it back ends the lease
      if (!open || !is_held(open.mapped(), job.lease)) {
        if (open) held.insert(std::move(open));
        answers.emplace_back(lease_lost(job.lease));
        continue;
      }
      if (const auto* ending = std::get_if<UploadEnding>(&job.how)) {
        ends.push_back({std::move(open.mapped()), *ending, end_of_run(ending->state)});
        answers.emplace_back();
        continue;
      }
      answers.push_back(requeue_upload(transaction, open.mapped(), std::get<Requeue>(job.how), Crash::none, queue_));
      tell_all(transaction);
    }
    end_uploads(transaction, ends, queue_);
    return answers;
  });
}

Result<std::optional<WorkQueue::Suspect>> PgWorkQueue::next_suspect() {
  return queue_.database.read([&](PgTransaction& transaction) -> Result<std::optional<Suspect>> {
    auto row = transaction.connection.run(sql::kNextSuspect, queue_.self.node);
    if (!row.next()) return std::optional<Suspect>();
    return std::optional<Suspect>({row.integer("id"), static_cast<int>(row.integer("crashes"))});
  });
}

Result<int> PgWorkQueue::rescue(int max_crashes) {
  return take_back(sql::kExpiredLeases, std::nullopt, 0, max_crashes);
}

Result<int> PgWorkQueue::reclaim(int max_crashes) {
  return take_back(sql::kLeasesOfEarlierTerms, queue_.self.node, queue_.self.term, max_crashes);
}

Result<int> PgWorkQueue::take_back(std::string_view statement, std::optional<std::int64_t> first, std::int64_t second,
                                   int max_crashes) {
  int taken = 0;
  std::map<Owner, std::int64_t> leases;  // before the first step
  for (;;) {
    const auto step = queue_.database.write([&](PgTransaction& transaction) -> Result<int> {
      PgConnection& connection = transaction.connection;
      if (taken == 0) leases = lease_counts(connection);
      const auto orphans = orphans_of(connection, statement, first.value_or(to_unix_ms(transaction.now())), second);
      std::vector<UploadId> ids;
      ids.reserve(orphans.size());
      for (const auto& [id, orphan] : orphans) ids.push_back(id);
      for (const OpenUpload& open : lock_open(connection, ids)) {
        const Orphan& orphan = orphans.at(open.id);
        auto back = take_one_back(transaction, open, orphan, leases[orphan.owner] == 1, max_crashes, queue_);
        if (!back) return back.error();
      }
      if (!orphans.empty()) tell_all(transaction);
      return static_cast<int>(orphans.size());
    });
    if (!step) return step.error();
    taken += *step;
    if (*step < kTakeBackStep) return taken;
  }
}

Result<std::optional<milliseconds>> PgWorkQueue::next_due() {
  return queue_.database.read([&](PgTransaction& transaction) -> Result<std::optional<milliseconds>> {
    if (lists_.any(transaction.connection)) return std::optional(milliseconds(0));
    return first_delay(transaction);
  });
}

}  // namespace vodlift::postgres
