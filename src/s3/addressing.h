// Where a bucket's requests go: path style or virtual-host style.
#pragma once

#include <string>
#include <string_view>

#include "core/account_store.h"

namespace vodlift::s3 {

struct Address {
  std::string origin;  // "https://bucket.s3.eu-west-1.amazonaws.com"
  std::string host;    // the Host header: default ports left out, as HTTP clients send it
  std::string prefix;  // "/bucket" in path style, else empty
};

// Virtual-host style unless the bucket asks for path style or cannot be a host name there: characters that DNS or a
// wildcard certificate does not take (`my_bucket`, `A`, `a.b` over TLS), or an endpoint that is an IP address or
// localhost.
Address address_of(const BucketAccess& access);

}  // namespace vodlift::s3
