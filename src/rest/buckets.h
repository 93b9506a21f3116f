// What the routes of buckets share.
#pragma once

#include <cstddef>
#include <memory>

#include "core/bucket_access.h"
#include "rest/route.h"

namespace vodlift::rest {

inline constexpr std::size_t kMaxFindingBytes = 1000;  // of a text about what is wrong with a bucket

inline constexpr FieldSpec kBucket = {.name = "bucket", .required = true, .high = kMaxTextBytes, .audited = true};
constexpr FieldSpec flag_field(std::string_view name) { return {.name = name, .type = FieldType::flag}; }

// The bucket that the fields `cdn` and `bucket` name. Errors: not_found.
Result<std::shared_ptr<const BucketAccess>> existing_bucket(const Context& context, const Fields& fields);

std::span<const Route> bucket_check_routes();

}  // namespace vodlift::rest
