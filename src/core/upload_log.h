// The lines of the log that tell an upload's life; docs/monitoring.md names their fields. Those of its callback are in
// worker/callback_run.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "core/upload_store.h"
#include "core/work_queue.h"

namespace vodlift {

// "s3://BUCKET/KEY", for logs and messages.
std::string object_name(const UploadRequest& request);

// "upload queued": a store has committed an upload that is new. Any thread; never blocks.
void tell_queued(const NewUpload& upload, UploadId id);

// "upload changed": somebody asked for a change, and it is made, or will be as soon as the upload stops running.
void tell_change(const ChangeRequest& request, const Upload& upload);

// "upload began": a run has found its source, `size` bytes long, and sends now.
void tell_begin(const ClaimedUpload& claimed, std::int64_t size);

// "upload ended". `took`: the run that ended it, so that its rate is that of what it sent.
void tell_end(const ClaimedUpload& claimed, const UploadEnding& ending, std::chrono::steady_clock::duration took);

}  // namespace vodlift
