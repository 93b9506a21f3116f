// Carries removals out: at once, or when what uses the removed thing has ended.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "core/account_directory.h"
#include "core/audit_log.h"
#include "core/bandwidth.h"
#include "core/removal.h"
#include "core/upload_store.h"

namespace vodlift {

enum class RemovalMode {
  unused,  // at once, or not at all
  drain,   // nothing new is accepted; it is removed when its last upload and callback have ended
  cancel,  // cancels its uploads that have not ended, then as drain
  keep,    // takes drain or cancel back; uploads that were cancelled stay so
};
inline constexpr Words<RemovalMode> kRemovalModes = {
    {RemovalMode::unused, "unused"},
    {RemovalMode::drain, "drain"},
    {RemovalMode::cancel, "cancel"},
    {RemovalMode::keep, "keep"},
};

// What one call has done.
struct RemovalOutcome {
  bool removed = false;
  Uses uses{};                 // where it is not removed
  std::int64_t cancelled = 0;  // uploads; kMostCancelled in one call: call again for the others
};

// Any thread; everything given must outlive it. It has no state of its own: that something is being removed is in its
// row, so that it survives a restart.
class Removals {
 public:
  // From the request for a removal to the removal, where something was used: an upload that was accepted just before
  // may not be in the database yet.
  static constexpr std::chrono::milliseconds kSettle{6000};

  Removals(AccountDirectory& accounts, UploadStore& uploads, BandwidthControl& bandwidth, AuditLog& audit,
           const Clock& clock)
      : accounts_(accounts), uploads_(uploads), bandwidth_(bandwidth), audit_(audit), clock_(clock) {}

  // Blocks for the disk. An upload that comes in the moment of a removal with `unused` either keeps it from being
  // removed, or is refused. Errors: not_found, wrong_state (`unused`, and it is used: by what, and what to do), those
  // of AccountRepository and UploadStore.
  Result<RemovalOutcome> carry_out(const Removable& one, RemovalMode mode) const;

  // Removes all that is being removed and not used any more. To be called every few seconds; blocks for the disk. What
  // fails is logged, and tried again at the next call. Each removal is in the audit log.
  void sweep() const noexcept;

 private:
  Result<std::int64_t> cancel_uploads(const Removable& one) const;
  // Answers whether it is removed now.
  Result<bool> remove(const Removable& one) const;
  void remove_limits(const Removable& one) const;
  void sweep_one(const Removable& one) const;

  AccountDirectory& accounts_;
  UploadStore& uploads_;
  BandwidthControl& bandwidth_;
  AuditLog& audit_;
  const Clock& clock_;
};

}  // namespace vodlift
