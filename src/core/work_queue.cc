#include "core/work_queue.h"

#include <fmt/format.h>

namespace vodlift {

Error lease_lost(const Lease& lease) {
  return {Errc::lease_lost, fmt::format("upload {} is no longer leased under fence {}: another worker has taken it, or "
                                        "it has ended",
                                        lease.id, lease.fence)};
}

}  // namespace vodlift
