#include "core/upload_control.h"

#include <utility>

#include "base/await.h"

namespace vodlift {

Result<Upload> UploadControl::carry_out(const Account& account, const ChangeRequest& request) const {
  return request.change == UploadChange::retry ? retry(account, request) : uploads_.change(request);
}

Result<Upload> UploadControl::retry(const Account& account, const ChangeRequest& request) const {
  if (!request.signature.mac.empty()) {
    const auto first = uploads_.find_repeat(request.key_id, request.signature);
    if (!first) return first.error();
    if (*first) return look_up(request, **first);
  }
  auto upload = look_up(request, request.id);
  if (!upload) return upload;
  // An end state never changes, so it still holds when the new upload is inserted.
  const bool gone_wrong = upload->state == UploadState::failed || upload->state == UploadState::cancelled;
  return gone_wrong ? queue_again(account, request, *upload) : uploads_.change(request);
}

Result<Upload> UploadControl::queue_again(const Account& account, const ChangeRequest& request,
                                          const Upload& ended) const {
  auto again = intake_.check(account, ended.request);
  if (!again) return again.error();
  again->key_id = request.key_id;
  again->signature = request.signature;
  again->retry_of = ended.id;
  const auto inserted =
      await<Result<InsertOutcome>>([&](auto done) { uploads_.insert(std::move(*again), std::move(done)); });
  if (!inserted) return inserted.error();
  return look_up(request, inserted->id);
}

Result<Upload> UploadControl::look_up(const ChangeRequest& request, UploadId id) const {
  UploadQuery query;
  query.ids = {id};
  query.scope = request.scope;
  auto found = uploads_.find(request.account, query);
  if (!found) return found.error();
  if (found->empty()) return Error{Errc::upload_not_found, "no such upload for this account"};
  return std::move(found->front());
}

}  // namespace vodlift
