// aws.cancel, aws.pause, aws.resume, aws.retry: what becomes of an upload that was queued before.
#pragma once

#include <array>
#include <limits>

#include "legacy/command.h"

namespace vodlift::legacy {

inline constexpr std::array kAwsChangeFields = {
    FieldSpec{.name = "id",
              .type = FieldType::number,
              .required = true,
              .low = 1,
              .high = std::numeric_limits<std::int64_t>::max(),
              .audited = true,
              .about = "the upload"},
};

// Each answers the upload's object (core/upload_json.h) as it is when the change is on disk; the same signed bytes
// change nothing again. Errors: those of UploadControl::carry_out().
void aws_cancel(const Services& services, const Caller& caller, const Fields& fields,
                const std::shared_ptr<Reply>& reply);
void aws_pause(const Services& services, const Caller& caller, const Fields& fields,
               const std::shared_ptr<Reply>& reply);
void aws_resume(const Services& services, const Caller& caller, const Fields& fields,
                const std::shared_ptr<Reply>& reply);
void aws_retry(const Services& services, const Caller& caller, const Fields& fields,
               const std::shared_ptr<Reply>& reply);

}  // namespace vodlift::legacy
