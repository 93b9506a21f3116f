#include "s3/s3_request.h"

#include "s3/addressing.h"
#include "s3/s3_xml.h"
#include "s3/sigv4.h"

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

std::vector<std::pair<std::string, std::string>> checksum_offer(ChecksumMode offer) {
  if (offer == ChecksumMode::md5) return {};
  std::vector<std::pair<std::string, std::string>> headers = {{"x-amz-checksum-algorithm", "CRC32C"}};
  if (offer == ChecksumMode::crc32c) headers.emplace_back("x-amz-checksum-type", "FULL_OBJECT");
  return headers;
}

// One that keeps none drops the offer in silence. One that does not say of which kind the whole's is knows only the
// older kind, over the parts'.
ChecksumMode checksum_taken(const net::HttpResponse& created) {
  if (created.header("x-amz-checksum-algorithm") != "CRC32C") return ChecksumMode::md5;
  return created.header("x-amz-checksum-type") == "FULL_OBJECT" ? ChecksumMode::crc32c : ChecksumMode::crc32c_composite;
}

// A bad name in the metadata has such a code too: only a try without tells.
bool may_refuse_checksums(const net::HttpResponse& response) {
  if (response.status != 400 && response.status != 501) return false;
  const auto error = parse_error(response.body);
  return error &&
         (error->code == "NotImplemented" || error->code == "InvalidArgument" || error->code == "InvalidRequest");
}

}  // namespace vodlift::s3
