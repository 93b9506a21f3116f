#include "worker/retention_run.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "base/log.h"

namespace vodlift::worker {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;

constexpr std::chrono::seconds kBeforeFirstRound{10};
constexpr std::chrono::hours kBetweenRounds{1};
constexpr int kRestFactor = 10;

}  // namespace

void RetentionMetrics::write(MetricsText& text) const {
  text.counter("vodlift_uploads_removed_total", "Uploads that were removed some time after their end, by their state.");
  for (std::size_t state = 0; state < removed.size(); ++state) {
    const auto ended = static_cast<UploadState>(state);
    if (is_end(ended)) text.sample(removed[state].value(), {{"state", to_string(ended)}});
  }
}

RetentionRun::RetentionRun(UploadRetention& uploads, const Clock& clock, RetentionOptions options,
                           ClockWatch::Uptime uptime)
    : uploads_(uploads), clock_(clock), wanted_(std::move(options)), watch_(clock, std::move(uptime)) {}

void RetentionRun::start() {
  loop_.start("retention", [this] { loop(); });
}

void RetentionRun::use(RetentionOptions options) {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = std::move(options);
  }
  loop_.wake();
}

void RetentionRun::take_options() {
  const std::lock_guard lock(mutex_);
  if (wanted_.archive != options_.archive) archive_.reset();
  options_ = wanted_;
  if (!options_.archive.empty() && !archive_) archive_.emplace(options_.archive);
}

void RetentionRun::loop() {
  for (milliseconds wait = kBeforeFirstRound; !loop_.stopping(); wait = kBetweenRounds) {
    loop_.wait_for(wait);
    if (!loop_.stopping()) round();
  }
}

void RetentionRun::round() noexcept {
  try {
    take_options();
    for (const auto& [state, keep] :
         {std::pair(UploadState::completed, options_.completed), std::pair(UploadState::failed, options_.failed),
          std::pair(UploadState::cancelled, options_.cancelled)}) {
      if (keep == days(0)) continue;
      const auto removed = remove_ended(state, keep);
      if (!removed) {
        log::error("uploads that ended long ago cannot be removed; it is tried again in an hour",
                   {{"state", to_string(state)}, {"reason", removed.error().for_operator()}});
      } else if (*removed > 0) {
        log::info("uploads that ended long ago were removed", {{"state", to_string(state)}, {"uploads", *removed}});
      }
    }
  } catch (const std::exception& failure) {
    log::error("unexpected error while ended uploads were removed", {{"reason", failure.what()}});
  }
}

bool RetentionRun::trusts_clock() {
  if (watch_.look()) clock_was_set_ = true;
  if (clock_was_set_ && watch_.steady_for() < kTrust) return false;
  clock_was_set_ = false;
  return true;
}

Result<int> RetentionRun::remove_ended(UploadState state, days keep) {
  const WallTime until = clock_.now() - std::max<milliseconds>(keep, kLongestRepeat);
  EndedPlace after;
  int removed = 0;
  while (!loop_.stopping() && trusts_clock()) {
    const auto begun = std::chrono::steady_clock::now();
    const auto page = uploads_.ended(state, after, until, kStep);
    if (!page) return page.error();
    if (!page->last) break;
    after = *page->last;
    auto gone = remove_page(state, *page);
    if (!gone) return gone;
    removed += *gone;
    const auto took = std::chrono::steady_clock::now() - begun;
    loop_.wait_for(std::max(options_.least_rest, std::chrono::ceil<milliseconds>(took * kRestFactor)));
  }
  return removed;
}

// The archive's disk has an upload before it is removed: a crash in between costs a second line, and nothing else.
Result<int> RetentionRun::remove_page(UploadState state, const EndedPage& page) {
  if (page.removable.empty()) return 0;
  if (archive_) {
    if (auto archived = archive_->add(page.removable, clock_.now()); !archived) return archived.error();
  }
  std::vector<UploadId> ids;
  ids.reserve(page.removable.size());
  for (const Upload& upload : page.removable) ids.push_back(upload.id);
  auto removed = uploads_.remove(ids);
  if (removed) metrics_.removed[static_cast<std::size_t>(state)].add(*removed);
  return removed;
}

}  // namespace vodlift::worker
