// Port of the retention: uploads that have ended, and their removal.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "core/upload.h"

namespace vodlift {

// For so long after its end no upload may be removed: a repeat of a request about it, signed or with an
// Idempotency-Key, is answered with its id for 49 hours at most.
inline constexpr std::chrono::hours kLongestRepeat{50};

// Where a walk of ended uploads stands: they are in the order of their ends, and of their ids.
struct EndedPlace {
  WallTime ended{};
  UploadId id = 0;

  bool operator==(const EndedPlace&) const = default;
};

struct EndedPage {
  std::vector<Upload> removable;     // that wait for no callback, the longest ended first
  std::optional<EndedPlace> last{};  // of all that were looked at; nothing: there are no more
};

// Any thread; calls block. Errors of all: store_failed (nothing was changed).
class UploadRetention {
 public:
  UploadRetention() = default;
  UploadRetention(const UploadRetention&) = delete;
  UploadRetention& operator=(const UploadRetention&) = delete;
  virtual ~UploadRetention() = default;

  // Looks at the next `limit` uploads (1..1000) behind `after` that came into `state`, an end, until then.
  virtual Result<EndedPage> ended(UploadState state, const EndedPlace& after, WallTime until, int limit) = 0;

  // Removes those of `ids` that have ended and wait for no callback, with all that belongs to them: callbacks,
  // attempts, parts. Counts are of the uploads that are left; statistics keep what has ended. Ids are never given
  // again. What may be open at a store stays in the ledger. Answers how many were removed, when the disk has it. One
  // transaction: at most 1000 ids, and few where others must not wait.
  virtual Result<int> remove(const std::vector<UploadId>& ids) = 0;
};

}  // namespace vodlift
