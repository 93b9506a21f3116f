#include "core/work_queue.h"

#include <fmt/format.h>

#include <new>

#include "core/upload_decisions.h"

namespace vodlift {

Error lease_lost(const Lease& lease) {
  return {Errc::lease_lost, fmt::format("upload {} is no longer leased under fence {}: another worker has taken it, or "
                                        "it has ended",
                                        lease.id, lease.fence)};
}

Requeue requeue_after_crash(int crashes, bool gives_up, bool only_look) {
  Requeue how;
  how.unanswered = !only_look;
  how.only_look = gives_up;
  if (gives_up && !only_look) how.error = crashed_repeatedly(crashes);
  return how;
}

Result<std::vector<ClaimedUpload>> claim_next(WorkQueue& queue, FairShare& share, const Places& places,
                                              std::chrono::milliseconds lease, const FairShare::Room& room) {
  const auto choice = share.choose(
      places, [&](const CandidateQuery& query) { return queue.candidates(query); }, room);
  if (!choice) return choice.error();
  std::vector<UploadId> ids;
  for (const FairShare::Pick& pick : choice->picks) ids.push_back(pick.id);
  std::vector<ClaimedUpload> claimed;
  if (!ids.empty()) {
    auto answer = queue.claim(ids, lease);
    if (!answer) return answer;
    claimed = std::move(*answer);
  }
  ids.clear();
  for (const ClaimedUpload& one : claimed) ids.push_back(one.lease.id);
  try {
    share.charge(*choice, ids);
  } catch (const std::bad_alloc&) {  // one turn too many is better than claimed uploads that nobody has
  }
  return claimed;
}

}  // namespace vodlift
