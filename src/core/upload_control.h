// Changes to uploads that are queued already, for every door.
#pragma once

#include "core/account.h"
#include "core/upload_intake.h"
#include "core/upload_store.h"

namespace vodlift {

// Any thread; blocks for the disk. Everything given must outlive it.
class UploadControl {
 public:
  UploadControl(UploadStore& uploads, const UploadIntake& intake) : uploads_(uploads), intake_(intake) {}

  // UploadStore::change(), except that `retry` of a failed or cancelled upload queues a new one with the same request
  // and answers the new one: an ended upload never changes. `request.account` must be `account`'s. Errors: those of
  // UploadStore::change(); for a new upload those of UploadIntake::check() and UploadStore::insert().
  [[nodiscard]] Result<ChangeOutcome> carry_out(const Account& account, const ChangeRequest& request) const;

 private:
  [[nodiscard]] Result<ChangeOutcome> retry(const Account& account, const ChangeRequest& request) const;
  [[nodiscard]] Result<ChangeOutcome> queue_again(const Account& account, const ChangeRequest& request,
                                                  const Upload& ended) const;
  [[nodiscard]] Result<ChangeOutcome> look_up(const ChangeRequest& request, UploadId id) const;

  UploadStore& uploads_;
  const UploadIntake& intake_;
};

}  // namespace vodlift
