// Port of a running upload: what is recorded of its multipart upload, so that no part is sent twice and none stays
// behind.
#pragma once

#include <string>

#include "core/multipart_ledger.h"
#include "core/work_queue.h"

namespace vodlift {

// Keeps the journal of an upload and the ledger's entry of its multipart upload in step, in one transaction each. Any
// thread; calls block until the disk has the change. Errors of all: lease_lost, store_failed (nothing was changed),
// internal.
class MultipartJournal {
 public:
  MultipartJournal() = default;
  MultipartJournal(const MultipartJournal&) = delete;
  MultipartJournal& operator=(const MultipartJournal&) = delete;
  virtual ~MultipartJournal() = default;

  // A Create is about to be sent. Earlier Creates of this upload whose ids are unknown are abandoned: the reaper
  // looks for them.
  virtual Result<> intend(const Lease& lease, const MultipartPlace& place) = 0;

  // The store refused the Create that was intended last: it opened nothing.
  virtual Result<> withdraw(const Lease& lease) = 0;

  // Records that a multipart upload was opened, or, with an empty multipart_id, that none is open any more. Parts
  // recorded before are forgotten.
  virtual Result<> record_multipart(const Lease& lease, const OpenMultipart& open) = 0;

  // Records one confirmed part, and so the bytes confirmed so far.
  virtual Result<> record_part(const Lease& lease, const Part& part) = 0;

  // The upload abandons its open multipart upload, which the reaper aborts; its journal is emptied.
  virtual Result<> abandon(const Lease& lease) = 0;
};

}  // namespace vodlift
