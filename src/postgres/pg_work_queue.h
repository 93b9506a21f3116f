// The workers' side of the queue, in PostgreSQL.
#pragma once

#include <span>
#include <variant>
#include <vector>

#include "core/work_queue.h"
#include "postgres/group_commit.h"
#include "postgres/pg_candidates.h"
#include "postgres/pg_queue.h"

namespace vodlift::postgres {

// WorkQueue over a PgDatabase. Internally locked.
//
// Leases are renewed with one row for the whole node, as long as renew() names all that the node holds. A lease that it
// does not name may last a quarter longer than it was given for.
class PgWorkQueue final : public WorkQueue {
 public:
  explicit PgWorkQueue(PgQueue queue, CandidateLists::Pace pace = {});
  // Waits for the ends that are under way.
  ~PgWorkQueue() override = default;
  // Waits until they are answered.
  void drain() { given_back_.drain(); }

  Result<Candidates> candidates(const CandidateQuery& query) override;
  Result<std::vector<ClaimedUpload>> claim(const std::vector<UploadId>& ids, std::chrono::milliseconds lease) override;
  Result<std::vector<HeldLease>> renew(const std::vector<Lease>& leases, std::chrono::milliseconds lease) override;
  void finish(const Lease& lease, UploadEnding ending, Done done) override;
  void requeue(const Lease& lease, Requeue how, Done done) override;
  Result<std::optional<Suspect>> next_suspect() override;
  Result<int> rescue(int max_crashes) override;
  Result<int> reclaim(int max_crashes) override;
  Result<std::optional<std::chrono::milliseconds>> next_due() override;

 private:
  // A lease that is given back.
  struct GivenBack {
    Lease lease;
    std::variant<UploadEnding, Requeue> how;
  };

  Result<std::vector<Result<>>> give_back(std::span<const GivenBack> jobs);
  // Takes back what `statement` finds, in steps; its parameters are the two numbers and how many rows at most. The
  // first number is the time where none is given.
  Result<int> take_back(std::string_view statement, std::optional<std::int64_t> first, std::int64_t second,
                        int max_crashes);

  const PgQueue queue_;
  CandidateLists lists_;
  GroupCommit<GivenBack, void> given_back_;  // the last member: its thread uses the others
};

}  // namespace vodlift::postgres
