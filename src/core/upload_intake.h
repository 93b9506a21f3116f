// The checks of every new upload before it is queued, for every door.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "core/account_directory.h"
#include "core/storage.h"
#include "core/upload_request.h"
#include "core/upload_store.h"

namespace vodlift {

// Turns a request into a NewUpload that may be inserted. Any thread.
class UploadIntake {
 public:
  // Why a callback to this literal host and port is refused; nothing when it is allowed.
  using HostRefusal = std::function<std::optional<std::string>(const std::string& host, int port)>;

  UploadIntake(const AccountDirectory& accounts, Storages& storages, HostRefusal refuse_host);

  // A request whose fields, callback host and bucket are valid.
  struct Checked {
    AccountId account = 0;
    UploadRequest request;
    SourcePath source;
  };

  // The first half: fields, callback host and bucket, in this order. Never blocks. Errors: those of validate(),
  // bucket_not_configured.
  Result<Checked> check_request(const Account& account, UploadRequest request) const;

  // The second half: the source file; blocks for the disk. The caller sets key_id and signature. Errors:
  // source_not_found, storage_unavailable, storage_unknown, invalid_value (too large).
  Result<NewUpload> check_source(Checked checked) const;

  // check_source() without the disk: uses up `checked`, or answers nothing and leaves it when the disk is needed or the
  // file is refused. Never blocks.
  std::optional<NewUpload> check_cached_source(Checked& checked) const;

  // Both halves. Errors of both.
  Result<NewUpload> check(const Account& account, UploadRequest request) const;

 private:
  [[nodiscard]] NewUpload upload_of(Checked checked, std::int64_t size) const;

  const AccountDirectory& accounts_;
  Storages& storages_;
  HostRefusal refuse_host_;
};

}  // namespace vodlift
