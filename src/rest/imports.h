// Rows of an import: what the routes of accounts, keys and buckets make of fields, and how it compares with what is
// there.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rest/route.h"

namespace vodlift::rest {

// The fields of account.add, key.add, and of bucket.add without `replace`.
std::span<const FieldSpec> account_fields();
std::span<const FieldSpec> key_fields();
std::span<const FieldSpec> bucket_fields();

// The rows that these fields ask for, checked in all that does not depend on other rows. Errors: missing_field,
// invalid_value; a key needs `api_key` and `secret`.
Result<Account> new_account(const Context& context, const Fields& fields);
Result<ApiKey> new_key(const Context& context, const Fields& fields, std::string_view user);
Result<BucketAccess> new_bucket(const Context& context, const Fields& fields);

// The names of settings that differ, secrets among them; empty: they are alike. When they were made does not count, and
// of a key neither when it was used.
std::vector<std::string> differing(const Account& one, const Account& other);
std::vector<std::string> differing(const ApiKey& one, const ApiKey& other);
std::vector<std::string> differing(const BucketAccess& one, const BucketAccess& other);

// The members of two JSON objects with the same members that differ, but for those in `besides`.
std::vector<std::string> differing_members(const boost::json::object& one, const boost::json::object& other,
                                           std::initializer_list<std::string_view> besides);

}  // namespace vodlift::rest
