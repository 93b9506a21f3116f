// aws.upload: queue a file for upload to S3.
#pragma once

#include "legacy/command.h"

namespace vodlift::legacy {

// Answers the upload's id once it is committed and synced to disk; the same signed bytes get the same id again, even
// when the source has gone since. Errors: those of Fields, UploadIntake::check() and UploadStore::insert().
void aws_upload(const Services& services, const Caller& caller, const boost::json::object& fields,
                const std::shared_ptr<Reply>& reply);

}  // namespace vodlift::legacy
