// aws.status: how uploads stand.
#pragma once

#include "legacy/command.h"

namespace vodlift::legacy {

// Answers a list of upload objects (core/upload_json.h), newest first: those named by `id`, or the newest ones by
// `limit` and `offset`. Ids of other accounts are as absent; when none of the named ones is there: upload_not_found.
void aws_status(const Services& services, const Caller& caller, const boost::json::object& fields,
                const std::shared_ptr<Reply>& reply);

}  // namespace vodlift::legacy
