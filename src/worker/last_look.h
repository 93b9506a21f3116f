// The search for an object that a request of this upload may have put in its place although no answer said so.
#pragma once

#include <chrono>
#include <optional>

#include "worker/attempt.h"
#include "worker/multipart_run.h"
#include "worker/run_control.h"

namespace vodlift::worker {

// An upload must not fail if its object is there. One per run; one thread, blocking.
class LastLook {
 public:
  // All must outlive it.
  LastLook(const RunContext& context, const ClaimedUpload& claimed, RunControl& control, Attempt& attempt,
           MultipartRun& multipart)
      : context_(context), claimed_(claimed), control_(control), attempt_(attempt), multipart_(multipart) {}

  // How the upload ends if the object with its mark is at the store, with the bytes that were sent as far as they are
  // known. Nothing: it is not there, it cannot be seen, or no request was sent that could have put it there; then
  // nothing is asked. Needs no source. Errors: the store gave no answer.
  Result<std::optional<UploadEnding>> look();

  // The wait before the next look after one that did not find the object. Nothing: it will not come any more.
  // `no_answer`: the look failed.
  [[nodiscard]] std::optional<std::chrono::milliseconds> next(bool no_answer) const;

 private:
  Result<std::optional<Verification>> find_parts();
  Result<std::optional<Verification>> find_whole(std::int64_t& size);
  Result<std::optional<Verification>> compare(const ObjectInfo& there, const SentBytes& sent);
  [[nodiscard]] const std::optional<Unanswered>& unanswered() const;

  const RunContext& context_;
  const ClaimedUpload& claimed_;
  RunControl& control_;
  Attempt& attempt_;
  MultipartRun& multipart_;
};

}  // namespace vodlift::worker
