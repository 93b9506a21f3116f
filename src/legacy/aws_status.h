// aws.status: how uploads stand.
#pragma once

#include <array>
#include <string_view>

#include "legacy/command.h"

namespace vodlift::legacy {

inline constexpr int kMaxStatusRows = 100;

inline constexpr std::array<std::string_view, 6> kStateWords = {"queued",    "paused", "uploading",
                                                                "completed", "failed", "cancelled"};

inline constexpr std::array kAwsStatusFields = {
    FieldSpec{.name = "id", .type = FieldType::ids, .high = kMaxStatusRows, .about = "these uploads"},
    FieldSpec{.name = "limit",
              .type = FieldType::number,
              .low = 1,
              .high = kMaxStatusRows,
              .otherwise = "25",
              .about = "without `id`: at most so many of the newest"},
    FieldSpec{.name = "offset",
              .type = FieldType::number,
              .low = 0,
              .high = 1'000'000,  // the database walks over all that is skipped
              .otherwise = "0",
              .about = "without `id`: skip so many"},
    FieldSpec{.name = "state",
              .type = FieldType::words,
              .words = kStateWords,
              .about = "only uploads that are in this state, or in one of these"},
};

// Answers a list of upload objects (core/upload_json.h), newest first: those named by `id`, or the newest ones by
// `limit` and `offset`; of either only those in one of the states of `state`, where it is given. Ids of other accounts
// are as absent; when none of the named ones is there, in whatever state: upload_not_found.
void aws_status(const Services& services, const Caller& caller, const Fields& fields,
                const std::shared_ptr<Reply>& reply);

}  // namespace vodlift::legacy
