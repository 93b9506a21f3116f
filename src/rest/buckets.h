// What the routes of buckets share.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <memory>
#include <string>

#include "core/bucket_access.h"
#include "core/bucket_doctor.h"
#include "rest/route.h"

namespace vodlift::rest {

inline constexpr std::size_t kMaxFindingBytes = 1000;  // of a text about what is wrong with a bucket

inline constexpr FieldSpec kBucket = {.name = "bucket", .required = true, .high = kMaxTextBytes, .audited = true};
constexpr FieldSpec flag_field(std::string_view name) { return {.name = name, .type = FieldType::flag}; }

// The bucket that the fields `cdn` and `bucket` name. Errors: not_found.
Result<std::shared_ptr<const BucketAccess>> existing_bucket(const Context& context, const Fields& fields);

std::span<const Route> bucket_check_routes();

// What the doctor found, as `bucket.check` answers it. `for_operator`: with the texts that are meant for operators
// alone.
boost::json::object report_json(const BucketAccess& bucket, const BucketReport& report, const std::string& policy,
                                bool for_operator);

// The same of a bucket that nobody has added. `asked`: the fields of `bucket.add` without `cdn` and `replace`, and
// those of `bucket.check`. Blocks for at most a minute. Errors: missing_field, invalid_value.
Result<boost::json::value> try_bucket(BucketDoctor& doctor, const BucketDefaults& defaults,
                                      const boost::json::object& asked);

}  // namespace vodlift::rest
