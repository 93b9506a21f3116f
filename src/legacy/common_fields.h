// The fields of every request. Authentication and the router judge them, before and beside the command's own.
#pragma once

#include <array>

#include "legacy/field_spec.h"

namespace vodlift::legacy {

inline constexpr std::array kCommonFields = {
    FieldSpec{.name = "command", .required = true, .about = "what to do"},
    FieldSpec{.name = "api_key", .required = true, .about = "your key"},
    FieldSpec{.name = "cdn", .type = FieldType::number, .required = true, .about = "your account's number"},
    FieldSpec{
        .name = "cdn_id", .type = FieldType::number, .about = "another name of `cdn`; both only when they are equal"},
    FieldSpec{.name = "timestamp", .type = FieldType::number, .required = true, .about = "now, in Unix seconds"},
    FieldSpec{.name = "signature", .required = true, .about = "see Signing"},
};

}  // namespace vodlift::legacy
