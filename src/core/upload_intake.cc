#include "core/upload_intake.h"

#include <utility>

#include "base/encoding.h"
#include "base/random.h"
#include "core/callback_url.h"

namespace vodlift {
namespace {

constexpr std::size_t kTokenBytes = 16;

}  // namespace

UploadIntake::UploadIntake(const AccountStore& accounts, Storages& storages, const Clock& clock,
                           HostRefusal refuse_host)
    : accounts_(accounts), storages_(storages), clock_(clock), refuse_host_(std::move(refuse_host)) {}

Result<NewUpload> UploadIntake::check(const Account& account, UploadRequest request) const {
  auto valid = validate(std::move(request), account.user);
  if (!valid) return valid.error();

  if (!valid->callback.empty()) {
    const auto callback = parse_callback_url(valid->callback);
    if (!callback) return callback.error();
    if (const auto refusal = refuse_host_(callback->host)) {
      return Error{Errc::invalid_value, "callback: " + *refusal + "; callbacks go to public addresses only"};
    }
  }
  if (!accounts_.find_bucket(account.cdn, valid->bucket)) {
    return Error{Errc::bucket_not_configured, "bucket: " + printable(valid->bucket) +
                                                  " is not configured for this account; ask the operator to add it"};
  }

  const auto path = parse_source_path(valid->path);
  if (!path) return path.error();
  const auto source = storages_.open(*path);
  if (!source) return source.error();
  const std::int64_t size = (*source)->identity().size;
  if (size > kMaxObjectBytes) {
    return Error{Errc::invalid_value, "path: the file has " + std::to_string(size) +
                                          " bytes; an object holds at most " + std::to_string(kMaxObjectBytes) +
                                          " (48.8 TiB)"};
  }

  NewUpload upload;
  upload.account = account.cdn;
  upload.request = std::move(*valid);
  upload.size = size;
  upload.token = random_hex(kTokenBytes);
  upload.created = clock_.now();
  return upload;
}

}  // namespace vodlift
