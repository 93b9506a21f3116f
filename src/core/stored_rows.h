// Rows of a database about attempts, receivers and the ledger: what their columns mean is the same for every database.
#pragma once

#include "core/attempt_history.h"
#include "core/callback_receivers.h"
#include "core/multipart_ledger.h"
#include "core/row.h"

namespace vodlift {

// Each reads the columns that have the names of its members.
UploadAttempt read_attempt(const Row& row);
CallbackReceiver read_receiver(const Row& row);
AbandonedMultipart read_abandoned(const Row& row, WallTime now);

}  // namespace vodlift
