// The surroundings of an upload's run.
#pragma once

#include "base/clock.h"
#include "core/account_store.h"
#include "core/multipart_ledger.h"
#include "core/object_store.h"
#include "core/storage.h"
#include "core/upload_store.h"
#include "worker/source_readiness.h"

namespace vodlift::worker {

// What a run needs of its surroundings; all must outlive it.
struct RunContext {
  UploadStore& uploads;
  const AccountStore& accounts;
  Storages& storages;
  ObjectStore& objects;
  MultipartLedger& ledger;
  const Clock& clock;
  int parts_per_upload = 4;
  SourceReadiness readiness{};
};

}  // namespace vodlift::worker
