#include "core/upload_intake.h"

#include <utility>

#include "base/encoding.h"
#include "base/random.h"
#include "core/callback_url.h"
#include "core/upload_decisions.h"

namespace vodlift {
namespace {

constexpr std::size_t kTokenBytes = 16;

Result<> check_size(std::int64_t size) {
  if (size <= kMaxObjectBytes) return {};
  return Error{Errc::invalid_value, "path: the file has " + std::to_string(size) + " bytes; an object holds at most " +
                                        std::to_string(kMaxObjectBytes) + " (48.8 TiB)"};
}

}  // namespace

UploadIntake::UploadIntake(const AccountDirectory& accounts, Storages& storages, HostRefusal refuse_host)
    : accounts_(accounts), storages_(storages), refuse_host_(std::move(refuse_host)) {}

Result<UploadIntake::Checked> UploadIntake::check_request(const Account& account, UploadRequest request) const {
  auto valid = validate(std::move(request), account.user);
  if (!valid) return valid.error();

  if (!valid->callback.empty()) {
    const auto callback = parse_callback_url(valid->callback);
    if (!callback) return callback.error();
    if (auto taken = check_callback(account, callback->url); !taken) return taken.error();
    if (const auto refusal = refuse_host_(callback->host, callback->port)) {
      return Error{Errc::invalid_value, "callback: " + *refusal};
    }
  }
  // As it is now: `account` may be older.
  const auto now = accounts_.find_account(account.cdn);
  if (account.removing || (now && now->removing)) {
    return Error{Errc::permission_denied, "the account is being removed and takes no new uploads"};
  }
  const auto bucket = accounts_.find_bucket(account.cdn, valid->bucket);
  if (bucket && bucket->removing) {
    return Error{Errc::bucket_not_configured,
                 "bucket: " + printable(valid->bucket) + " is being removed and takes no new uploads"};
  }
  if (!bucket) return no_such_bucket(valid->bucket);

  auto path = parse_source_path(valid->path);
  if (!path) return path.error();
  if (!storages_.takes_uploads(path->storage)) {
    return Error{Errc::storage_unknown,
                 "path: storage " + printable(path->storage) + " is being removed and takes no new uploads"};
  }
  return Checked{account.cdn, std::move(*valid), std::move(*path)};
}

Result<NewUpload> UploadIntake::check_source(Checked checked) const {
  const auto source = storages_.open(checked.source);
  if (!source) return source.error();
  const std::int64_t size = (*source)->identity().size;
  if (auto fits = check_size(size); !fits) return fits.error();
  return upload_of(std::move(checked), size);
}

std::optional<NewUpload> UploadIntake::check_cached_source(Checked& checked) const {
  const auto source = storages_.open_cached(checked.source);
  if (!source || !*source) return std::nullopt;
  const std::int64_t size = (**source)->identity().size;
  if (!check_size(size)) return std::nullopt;
  return upload_of(std::move(checked), size);
}

Result<NewUpload> UploadIntake::check(const Account& account, UploadRequest request) const {
  auto checked = check_request(account, std::move(request));
  if (!checked) return checked.error();
  return check_source(std::move(*checked));
}

NewUpload UploadIntake::upload_of(Checked checked, std::int64_t size) const {
  NewUpload upload;
  upload.account = checked.account;
  upload.request = std::move(checked.request);
  upload.size = size;
  upload.token = random_hex(kTokenBytes);
  return upload;
}

}  // namespace vodlift
