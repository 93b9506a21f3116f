// What needs a person now, in words.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "core/principal.h"
#include "core/upload_store.h"

namespace vodlift::rest {

struct Context;

// One thing that does not mend itself.
struct Need {
  std::string_view code{};      // "bucket_denied"
  std::string_view kind{};      // what it is about: "bucket", "storage", "callbacks", "clock", …
  std::string_view severity{};  // "critical": uploads fail or stand still; "warning"
  std::string mark{};           // the same for as long as it is the same need, whatever its figures are
  std::string title{};          // one sentence
  std::string detail{};
  std::string fix{};  // what a customer can do, or whom to ask; it names no command of the server
  std::string operator_fix{};
  std::optional<WallTime> since{};
  // Uploads or callbacks that wait for it; with `at_least`, there may be more.
  std::optional<std::int64_t> affected{};
  bool at_least = false;
  AccountId cdn = 0;     // 0: of no account, or of several
  std::string bucket{};  // where it is about one; likewise the next two
  std::string storage{};
  std::string receiver{};
};

inline constexpr std::size_t kMostNeeds = 20;
// Uploads that are counted for one of them, and that are looked at for that.
inline constexpr int kMostAffected = 100;
inline constexpr int kAffectedLookedAt = 500;
// The free space of the database's disk below which somebody should know.
inline constexpr std::int64_t kLowDiskBytes = std::int64_t{1} << 30;
// An upload that is ready and has not begun after this time, while none is running; and whatever is running.
inline constexpr std::chrono::minutes kStuckAfter{2};
inline constexpr std::chrono::hours kBehindAfter{1};
// All tries to tell the operator something have failed for so long.
inline constexpr std::chrono::minutes kAlertsFailAfter{1};
// All attempts to deliver callbacks to a receiver have failed for so long.
inline constexpr std::chrono::minutes kCallbacksFailAfter{10};

// From when on something is one. The overview has these, an operator's alerts may have others.
struct NeedLimits {
  std::chrono::seconds behind_after = kBehindAfter;
  std::int64_t low_disk_bytes = kLowDiskBytes;
};

// Whose needs: those of an account; nothing: of the whole server.
using NeedView = std::optional<AccountId>;

// The gravest first, kMostNeeds at most. Without `cdn`: of the whole server. Otherwise what the uploads of that account
// wait for: its buckets, storages, and its callbacks. `queue`, `running`: what waits and how many uploads run, of the
// same. Blocks for storages that do not answer, some seconds at most, and for the database.
std::vector<Need> find_needs(const Context& context, NeedView cdn, const QueueState& queue, std::int64_t running);

// The same of each of these views, with one look at the storages for all. Errors: store_failed.
Result<std::vector<std::vector<Need>>> find_needs(const Context& context, std::span<const NeedView> views,
                                                  const NeedLimits& limits = {});

// As somebody with this role reads it.
boost::json::object to_json(const Need& need, Role role);

// "40 s", "12 min", "1 h 04 min", "3 d 2 h".
std::string duration_text(std::chrono::seconds time);

}  // namespace vodlift::rest
