// The names under which a store keeps metadata. Some stores, and proxies before them, change or drop those that hold
// other characters than letters, digits and "-".
#pragma once

#include <string>

#include "core/upload.h"
#include "net/http_client.h"

namespace vodlift::s3 {

// The metadata in an answer about an object, without the mark of its upload.
Metadata metadata_of(const net::HttpResponse& response);

// The name in `kept` that `name` was changed to: itself, or one that differs only in characters that are no letters and
// digits; empty: there is none.
std::string kept_as(const Metadata& kept, const std::string& name);

}  // namespace vodlift::s3
