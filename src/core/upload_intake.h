// What every new upload passes before it is queued, whichever door it came through.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "core/account_store.h"
#include "core/storage.h"
#include "core/upload_request.h"
#include "core/upload_store.h"

namespace vodlift {

// Turns a request into a NewUpload that may be inserted. Any thread.
class UploadIntake {
 public:
  // Why a callback to this literal host is refused; nothing when it may be tried.
  using HostRefusal = std::function<std::optional<std::string>(const std::string& host)>;

  UploadIntake(const AccountStore& accounts, Storages& storages, const Clock& clock, HostRefusal refuse_host);

  // Checks fields, callback host, bucket and source file, in this order; blocks for the disk. key_id and signature_mac
  // are left to the caller. Errors: those of validate(), bucket_not_configured, source_not_found, storage_unavailable.
  Result<NewUpload> check(const Account& account, UploadRequest request) const;

 private:
  const AccountStore& accounts_;
  Storages& storages_;
  const Clock& clock_;
  HostRefusal refuse_host_;
};

}  // namespace vodlift
