#include "core/multipart_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace vodlift {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

// How far the begin that a store reports may lie from the time of our Create. The store reports whole seconds, and a
// Create with its retries takes some minutes at most.
constexpr milliseconds kBeforeIntent = 3s;
constexpr milliseconds kAfterIntent = 5min;

// A role has a new session after each renewal of its credentials.
std::string_view without_session(std::string_view principal) {
  if (principal.find(":assumed-role/") == std::string_view::npos) return principal;
  return principal.substr(0, principal.rfind('/'));
}

}  // namespace

bool create_may_have_worked(Errc code) {
  switch (code) {
    case Errc::s3_throttled:
    case Errc::s3_full:
    case Errc::s3_clock_skew:
    case Errc::s3_credential:
    case Errc::s3_region:
    case Errc::s3_access_denied:
    case Errc::s3_acl_refused:
    case Errc::s3_no_such_bucket:
    case Errc::s3_not_found:
    case Errc::s3_rejected:
    case Errc::address_denied:
      return false;
    default:
      return true;
  }
}

milliseconds reaper_retry_delay(int attempts, milliseconds first) {
  milliseconds delay = first;
  for (int i = 1; i < attempts && delay < kLongestReaperWait; ++i) delay *= 2;
  return std::min(delay, kLongestReaperWait);
}

bool concerns_whole_bucket(Errc code) { return code != Errc::s3_rejected && code != Errc::s3_unverifiable; }

Result<std::vector<ListedMultipart>> opened_by(const AbandonedMultipart& entry, const MultipartListing& listing,
                                               const std::vector<std::string>& known) {
  std::vector<ListedMultipart> found;
  for (const ListedMultipart& listed : listing.uploads) {
    if (std::ranges::find(known, listed.id) != known.end()) continue;
    if (!listed.initiated) {
      return Error{Errc::s3_unverifiable,
                   "the store does not report when its multipart uploads began, so their owner cannot be known"};
    }
    const WallTime begun = *listed.initiated - listing.store_ahead;
    if (begun >= entry.first - kBeforeIntent && begun <= entry.last + kAfterIntent) found.push_back(listed);
  }
  return found;
}

bool have_initiators(const std::vector<ListedMultipart>& listed) {
  return std::ranges::any_of(listed, [](const ListedMultipart& one) { return !one.initiator.empty(); });
}

Result<std::vector<std::string>> surely_ours(const std::vector<ListedMultipart>& candidates,
                                             const std::optional<std::string>& principal, int creates) {
  std::vector<std::string> ids;
  for (const ListedMultipart& one : candidates) {
    const bool ours = !principal || without_session(one.initiator) == without_session(*principal);
    if (ours) ids.push_back(one.id);
  }
  if (std::ssize(ids) <= creates) return ids;
  return Error{
      Errc::s3_unverifiable,
      fmt::format("{} multipart uploads without parts are open that could be ours, but at most {} are: none is "
                  "aborted",
                  ids.size(), creates)};
}

}  // namespace vodlift
