#include "core/work_queue.h"

#include <fmt/format.h>

namespace vodlift {

Error lease_lost(const Lease& lease) {
  return {Errc::lease_lost, fmt::format("upload {} is no longer leased under fence {}: another worker has taken it, or "
                                        "it has ended",
                                        lease.id, lease.fence)};
}

Result<std::vector<ClaimedUpload>> claim_next(WorkQueue& queue, FairShare& share, const Places& places,
                                              std::chrono::milliseconds lease) {
  const auto choice = share.choose(places, [&](const CandidateQuery& query) { return queue.candidates(query); });
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
  share.charge(*choice, ids);
  return claimed;
}

}  // namespace vodlift
