// Changes of an upload that its client asks for, each inside a transaction of the caller's.
#pragma once

#include <optional>
#include <string_view>

#include "core/upload_store.h"
#include "store/sqlite_connection.h"

namespace vodlift::store {

// What the column `wanted` holds while a worker is to give an upload back.
inline constexpr std::string_view kWantsPause = "pause";
inline constexpr std::string_view kWantsCancel = "cancel";

struct Changed {
  Upload upload;
  std::optional<Lease> recalled;  // its holder is to give the upload back
};

// As UploadStore::change(); the signature is kept with the change.
Result<Changed> change_upload(SqliteConnection& connection, const ChangeRequest& request, WallTime now,
                              const CallbackBody& body);

// queued -> paused. Errors: internal where it is not queued.
Result<> pause(SqliteConnection& connection, UploadId id);

}  // namespace vodlift::store
