// files.getstorage: where the account's files may lie.
#pragma once

#include "legacy/command.h"

namespace vodlift::legacy {

// Answers every storage with the account's folder on it: [{storage, path, available, bytes_free}]. Takes no fields.
void files_getstorage(const Services& services, const Caller& caller, const Fields& fields,
                      const std::shared_ptr<Reply>& reply);

}  // namespace vodlift::legacy
