#include "core/upload_control.h"

#include <utility>

#include "base/await.h"
#include "core/upload_log.h"

namespace vodlift {

Result<ChangeOutcome> UploadControl::carry_out(const Account& account, const ChangeRequest& request) const {
  auto outcome = request.change == UploadChange::retry ? retry(account, request) : uploads_.change(request);
  if (outcome && !outcome->refusal) tell_change(request, outcome->upload);
  return outcome;
}

Result<ChangeOutcome> UploadControl::retry(const Account& account, const ChangeRequest& request) const {
  if (!request.signature.mac.empty()) {
    const auto first = uploads_.find_repeat(request.key_id, request.signature);
    if (!first) return first.error();
    if (*first) return look_up(request, **first);
  }
  auto found = look_up(request, request.id);
  if (!found) return found;
  // An end state never changes, so it still holds when the new upload is inserted.
  const UploadState state = found->upload.state;
  const bool gone_wrong = state == UploadState::failed || state == UploadState::cancelled;
  return gone_wrong ? queue_again(account, request, found->upload) : uploads_.change(request);
}

Result<ChangeOutcome> UploadControl::queue_again(const Account& account, const ChangeRequest& request,
                                                 const Upload& ended) const {
  auto again = intake_.check(account, ended.request);
  if (!again) return again.error();
  again->key_id = request.key_id;
  again->signature = request.signature;
  again->retry_of = ended.id;
  if (!ended.trace.parent.empty()) again->trace = ended.trace;
  const auto inserted =
      await<Result<InsertOutcome>>([&](auto done) { uploads_.insert(std::move(*again), std::move(done)); });
  if (!inserted) return inserted.error();
  return look_up(request, inserted->id);
}

Result<ChangeOutcome> UploadControl::look_up(const ChangeRequest& request, UploadId id) const {
  UploadQuery query;
  query.ids = {id};
  query.scope = request.scope;
  auto found = uploads_.find(request.account, query);
  if (!found) return found.error();
  if (found->empty()) return no_such_upload();
  return ChangeOutcome{std::move(found->front())};
}

}  // namespace vodlift
