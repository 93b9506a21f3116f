#include "core/upload_decisions.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/words.h"

namespace vodlift {
namespace {

using Decision = std::variant<ChangeStep, ChangeRefusal>;

Decision decide_cancel(UploadState state) {
  if (is_end(state)) return ChangeRefusal::has_ended;
  return state == UploadState::uploading ? ChangeStep::want_cancel : ChangeStep::cancel;
}

Decision decide_pause(UploadState state, Wanted wanted) {
  if (is_end(state)) return ChangeRefusal::has_ended;
  if (state == UploadState::paused) return ChangeRefusal::is_paused;
  if (state == UploadState::queued) return ChangeStep::pause;
  if (wanted == Wanted::cancel) return ChangeRefusal::is_cancelling;
  return ChangeStep::want_pause;
}

Decision decide_resume(UploadState state, Wanted wanted) {
  if (is_end(state)) return ChangeRefusal::has_ended;
  if (state == UploadState::paused) return ChangeStep::resume;
  // The worker has not paused it yet. A worker that saw the recall already only gives the upload back.
  if (state == UploadState::uploading && wanted == Wanted::pause) return ChangeStep::want_nothing;
  return ChangeRefusal::is_not_paused;
}

Decision decide_retry(UploadState state) {
  switch (state) {
    case UploadState::queued:
      return ChangeStep::run_now;
    case UploadState::paused:
      return ChangeRefusal::is_paused;
    case UploadState::uploading:
      return ChangeRefusal::is_running;
    case UploadState::completed:
      return ChangeRefusal::is_completed;
    case UploadState::failed:
    case UploadState::cancelled:
      break;
  }
  // UploadControl queues a new upload for these, unless the upload ended between its look and this one.
  return ChangeRefusal::ended_just_now;
}

Decision decide_priority(UploadState state, Wanted wanted) {
  if (is_end(state)) return ChangeRefusal::has_ended;
  if (state == UploadState::uploading && wanted == Wanted::cancel) return ChangeRefusal::is_cancelling;
  return ChangeStep::prioritize;
}

constexpr Words<Wanted> kWanted = {{Wanted::nothing, ""}, {Wanted::pause, "pause"}, {Wanted::cancel, "cancel"}};

}  // namespace

std::string_view to_string(Wanted wanted) { return kWanted.word(wanted); }
std::optional<Wanted> wanted_from(std::string_view word) { return kWanted.value(word); }

Decision decide_change(UploadState state, Wanted wanted, UploadChange change) {
  switch (change) {
    case UploadChange::cancel:
      return decide_cancel(state);
    case UploadChange::pause:
      return decide_pause(state, wanted);
    case UploadChange::resume:
      return decide_resume(state, wanted);
    case UploadChange::retry:
      return decide_retry(state);
    case UploadChange::set_priority:
      break;
  }
  return decide_priority(state, wanted);
}

UploadState decide_requeue(Wanted wanted) {
  switch (wanted) {
    case Wanted::pause:
      return UploadState::paused;
    case Wanted::cancel:
      return UploadState::cancelled;
    case Wanted::nothing:
      break;
  }
  return UploadState::queued;
}

UploadState decide_rescue(Wanted wanted, int crashes_alone, int max_crashes) {
  const bool give_up = wanted == Wanted::nothing && crashes_alone >= max_crashes;
  return give_up ? UploadState::failed : decide_requeue(wanted);
}

UploadError crashed_repeatedly(int crashes) {
  return {
      Errc::crashed_repeatedly,
      fmt::format("the worker crashed {} times in a row while this upload was the only one under way, without one more "
                  "part sent in between",
                  crashes),
      info(Errc::crashed_repeatedly).retryable};
}

UploadError upload_error(const Error& error) {
  switch (error.code) {
    case Errc::internal:
    case Errc::config_invalid:
    case Errc::locked:
    case Errc::io_error:
    case Errc::store_failed:
    case Errc::store_corrupt:
    case Errc::seal_broken:
      return {error.code, "a fault of the server, whose operator can see more", error.retryable(),
              error.for_operator()};
    default:
      return {error.code, error.message, error.retryable(), error.detail};
  }
}

Error no_such_bucket(std::string_view bucket) {
  return {Errc::bucket_not_configured,
          fmt::format("bucket: {} is not configured for this account; ask the operator to add it", printable(bucket))};
}

Error too_many_open_uploads(AccountId account, std::int64_t most) {
  return {
      Errc::overloaded,
      fmt::format("account {} has {} uploads that have not ended, and may have no more; nothing was queued, try again "
                  "when some of them have ended",
                  account, most)};
}

}  // namespace vodlift
