#include "core/retry_policy.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace vodlift {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr milliseconds kRequestBase = 100ms;
constexpr milliseconds kThrottledBase = 1s;
constexpr milliseconds kRequestCap = 20s;
constexpr milliseconds kUploadBase = 5s;
constexpr milliseconds kUploadCap = kLongestUploadWait;
constexpr milliseconds kUncountedRetry = 1min;
constexpr milliseconds kFirstLook = 5s;
constexpr milliseconds kLongestLook = 1min;
constexpr milliseconds kRetryAfterCap = 24h;

// Waits before the second, third, … delivery.
constexpr std::array<milliseconds, kMaxCallbackAttempts - 1> kCallbackSchedule = {5s,  5min, 30min, 2h, 5h,
                                                                                  10h, 14h,  20h,   24h};

milliseconds scaled(milliseconds duration, double factor) {
  return milliseconds(std::llround(static_cast<double>(duration.count()) * factor));
}

}  // namespace

std::optional<milliseconds> request_retry_delay(Errc error, int next_try, double unit) {
  // Not a matter of waiting a moment: another layer starts the upload over, or gives it back to the queue.
  const bool handled_elsewhere = error == Errc::s3_no_such_upload || error == Errc::lease_lost ||
                                 error == Errc::interrupted || error == Errc::s3_clock_skew ||
                                 error == Errc::s3_unavailable || error == Errc::s3_conflict ||
                                 error == Errc::s3_full || error == Errc::s3_credential ||
                                 error == Errc::storage_unavailable || error == Errc::source_changed;
  if (!info(error).retryable || handled_elsewhere || next_try > kMaxRequestTries) return std::nullopt;
  const milliseconds base = error == Errc::s3_throttled ? kThrottledBase : kRequestBase;
  return scaled(std::min(kRequestCap, base * (1 << std::clamp(next_try - 2, 0, 20))), unit);
}

std::optional<milliseconds> upload_retry_delay(const Error& error, int attempts_made, double unit) {
  if (!error.retryable() || attempts_made >= kMaxUploadAttempts) return std::nullopt;
  milliseconds full = kUploadBase;
  for (int i = 1; i < attempts_made && full < kUploadCap; ++i) full *= 3;
  return scaled(std::min(full, kUploadCap), 0.5 + unit / 2);
}

milliseconds uncounted_retry_delay(double unit) { return scaled(kUncountedRetry, 0.5 + unit / 2); }

bool may_have_landed(Errc code) {
  switch (code) {
    case Errc::internal:  // no memory, perhaps for the answer
    case Errc::network:
    case Errc::timeout:
    case Errc::tls:
    case Errc::interrupted:
    case Errc::s3_transient:
    case Errc::s3_unavailable:
    case Errc::s3_unverifiable:
      return true;
    default:
      return false;
  }
}

std::optional<milliseconds> look_again_delay(milliseconds since, milliseconds look_for) {
  // The clock may have been set meanwhile.
  if (since >= look_for || since <= -look_for) return std::nullopt;
  return std::min(std::clamp(since, kFirstLook, kLongestLook), look_for - since);
}

std::optional<milliseconds> callback_retry_delay(int attempts_made, std::optional<std::chrono::seconds> retry_after,
                                                 double unit) {
  if (attempts_made < 1 || attempts_made >= kMaxCallbackAttempts) return std::nullopt;
  const milliseconds planned = scaled(kCallbackSchedule.at(static_cast<std::size_t>(attempts_made - 1)), 1 + unit / 10);
  if (!retry_after) return planned;
  return std::max(planned, std::min<milliseconds>(*retry_after, kRetryAfterCap));
}

}  // namespace vodlift
