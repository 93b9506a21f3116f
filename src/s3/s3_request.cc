#include "s3/s3_request.h"

#include "s3/addressing.h"

namespace vodlift::s3 {

net::HttpRequest signed_request(const BucketAccess& access, const Credentials& credentials,
                                const S3Operation& operation, const AwsEnvironment& environment, WallTime now) {
  const Address address = address_of(access);
  UnsignedRequest unsigned_request;
  unsigned_request.method = operation.method;
  unsigned_request.host = address.host;
  unsigned_request.path = address.prefix + "/" + operation.key;
  unsigned_request.query = operation.query;
  unsigned_request.headers = operation.headers;
  unsigned_request.payload_hash = operation.payload_hash;
  SignedRequest ready =
      sign(unsigned_request, {credentials.access_key, credentials.secret_key, credentials.session_token, access.region},
           now);
  net::HttpRequest request;
  request.method = operation.method;
  request.url = address.origin + ready.path_and_query;
  request.headers = std::move(ready.headers);
  request.body = operation.body;
  environment.apply_to(request);
  return request;
}

}  // namespace vodlift::s3
