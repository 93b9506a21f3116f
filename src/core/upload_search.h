// Lists of uploads that a filter narrows, page by page.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "core/api_key.h"
#include "core/upload.h"

namespace vodlift {

// Which uploads are wanted. What is empty narrows nothing; all that is given must hold.
struct UploadFilter {
  std::optional<AccountId> account{};
  KeyScope scope{};                   // of the caller's key
  std::vector<UploadState> states{};  // in one of these
  std::vector<Errc> errors{};         // with an error of one of these codes, whether it ended the upload or not
  std::string bucket{};
  std::string storage{};  // of the source file
  std::optional<int> priority{};
  std::optional<WallTime> created_since{};  // then or later
  std::optional<WallTime> created_until{};  // before then
  std::string text{};                       // a part of path or destination_path, byte by byte

  // Looks at the account, the state, the error's code, the time of creation, and the request's paths, bucket and
  // priority.
  [[nodiscard]] bool holds(const Upload& upload) const;

  // The states in which an upload can be that it holds: none is left out by `states` or because it has no error.
  [[nodiscard]] std::vector<UploadState> possible_states() const;
};

// Times of creation grow with the ids, unless the clock was set back. A search by time allows for so much; where the
// clock was set back by more, it may miss uploads of the time in between.
inline constexpr std::chrono::minutes kClockSetBack{10};

struct UploadSearch {
  UploadFilter filter{};
  UploadId before = 0;  // only uploads older than this one; 0: from the newest on
  int limit = 25;       // of uploads found, 1..100
  int look_at = 2000;   // how many uploads one call looks at, 1..2,000
};

// What one call found.
struct UploadPage {
  std::vector<Upload> uploads;  // newest first
  UploadId next = 0;            // `before` of the next call; 0: there are no more
  // Set where the call has looked at as many uploads as it may, and the rest is not known: everything was looked at
  // that was created since then. The next call goes on from there.
  std::optional<WallTime> searched_to{};
};

}  // namespace vodlift
