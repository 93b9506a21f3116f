#include "sink_objects.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "base/encoding.h"

namespace vodlift::bench {
namespace {

constexpr std::string_view kXmlHead = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
constexpr std::string_view kNamespace = "http://s3.amazonaws.com/doc/2006-03-01/";
constexpr std::string_view kChecksumHeader = "x-amz-checksum-crc32c";

SinkResponse xml(int status, std::string_view text) {
  return {
      .status = status, .headers = {{"Content-Type", "application/xml"}}, .body = fmt::format("{}{}", kXmlHead, text)};
}

SinkResponse fault(int status, std::string_view code, std::string_view message) {
  return xml(status, fmt::format("<Error><Code>{}</Code><Message>{}</Message></Error>", code, message));
}

// The value of `name` in the query, "" for a bare name, nothing where it is not.
std::optional<std::string> parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view field = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), field.size() + 1));
    const std::size_t equals = field.find('=');
    if (field.substr(0, equals) != name) continue;
    return std::string(equals == std::string_view::npos ? std::string_view{} : field.substr(equals + 1));
  }
  return std::nullopt;
}

bool names_bucket_only(std::string_view path) {
  const std::size_t slash = path.find('/', 1);
  return slash == std::string_view::npos || slash + 1 == path.size();
}

HeaderList kept_headers(const HttpHead& head) {
  HeaderList kept;
  for (const auto& [name, value] : head.headers) {
    if (name.starts_with("x-amz-meta-") || name == "content-type") kept.emplace_back(name, value);
  }
  return kept;
}

void add_checksum(HeaderList& headers, const HttpHead& head) {
  const auto checksum = head.header(kChecksumHeader);
  if (!checksum) return;
  headers.emplace_back(kChecksumHeader, *checksum);
  headers.emplace_back("x-amz-checksum-type", "FULL_OBJECT");
}

// aws-chunked bodies have signatures between the data; this header has the length without them.
std::int64_t data_bytes(const SinkRequest& request) {
  const auto decoded = request.head.header("x-amz-decoded-content-length");
  return decoded ? parse_count(*decoded).value_or(request.body_bytes) : request.body_bytes;
}

}  // namespace

SinkResponse SinkObjects::answer(const SinkRequest& request) {
  if (request.path == "/_sink/stats") return stats();
  if (request.path == "/_sink/reset") {
    *this = SinkObjects();
    return stats();
  }
  ++requests_;
  body_bytes_ += request.body_bytes;
  if (names_bucket_only(request.path)) return answer_bucket(request);
  if (const auto upload_id = parameter(request.query, "uploadId")) {
    if (request.method == "PUT") return put_part(request, *upload_id);
    if (request.method == "POST") return complete_multipart(request, *upload_id);
    if (request.method == "DELETE") {
      multiparts_.erase(*upload_id);
      return {.status = 204};
    }
    return fault(501, "NotImplemented", "The sink does not list parts.");
  }
  if (request.method == "POST" && parameter(request.query, "uploads")) return create_multipart(request);
  if (request.method == "PUT" && request.path.starts_with("/poison/")) return fault(500, "InternalError", "Try again.");
  if (request.method == "PUT") return put_object(request);
  if (request.method == "POST" && request.path.starts_with("/callbacks/")) return put_object(request);
  if (request.method == "HEAD") return head_object(request);
  if (request.method == "DELETE") return remove(request);
  return fault(501, "NotImplemented", "The sink discards every byte; nothing can be read back.");
}

SinkResponse SinkObjects::answer_bucket(const SinkRequest& request) {
  if (request.method != "GET") return {.status = request.method == "DELETE" ? 204 : 200};
  if (parameter(request.query, "location")) {
    return xml(200, fmt::format("<LocationConstraint xmlns=\"{}\"/>", kNamespace));
  }
  if (request.path == "/") {
    return xml(200,
               fmt::format("<ListAllMyBucketsResult xmlns=\"{}\"><Buckets/></ListAllMyBucketsResult>", kNamespace));
  }
  return xml(200, fmt::format("<ListBucketResult xmlns=\"{}\"><Prefix/><KeyCount>0</KeyCount><MaxKeys>1000</MaxKeys>"
                              "<IsTruncated>false</IsTruncated></ListBucketResult>",
                              kNamespace));
}

SinkResponse SinkObjects::put_object(const SinkRequest& request) {
  Object object{.size = data_bytes(request),
                .etag = next_etag(request),
                .headers = kept_headers(request.head),
                .arrived_ns = request.arrived_ns};
  add_checksum(object.headers, request.head);
  SinkResponse response{.headers = {{"ETag", object.etag}}};
  add_checksum(response.headers, request.head);
  store(request.path, std::move(object));
  return response;
}

SinkResponse SinkObjects::head_object(const SinkRequest& request) const {
  const auto found = objects_.find(request.path);
  if (found == objects_.end()) return {.status = 404};
  const Object& object = found->second;
  SinkResponse response{.headers = object.headers, .content_length = object.size};
  response.headers.emplace_back("ETag", object.etag);
  response.headers.emplace_back("x-sink-arrived-ns", std::to_string(object.arrived_ns));
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  response.headers.emplace_back("Last-Modified", fmt::format("{:%a, %d %b %Y %H:%M:%S GMT}", fmt::gmtime(now)));
  return response;
}

SinkResponse SinkObjects::create_multipart(const SinkRequest& request) {
  if (multipart_order_.size() == kMaxMultiparts) {
    multiparts_.erase(multipart_order_.front());
    multipart_order_.pop_front();
  }
  std::string upload_id = fmt::format("sink{:016x}", ++serial_);
  multiparts_[upload_id] = {.path = request.path, .headers = kept_headers(request.head), .part_sizes = {}};
  multipart_order_.push_back(upload_id);
  SinkResponse response = xml(200, fmt::format("<InitiateMultipartUploadResult xmlns=\"{}\"><UploadId>{}</UploadId>"
                                               "</InitiateMultipartUploadResult>",
                                               kNamespace, upload_id));
  // S3 names the algorithm it will keep; without that a client takes the store for one that knows no checksums.
  for (const std::string_view name : {"x-amz-checksum-algorithm", "x-amz-checksum-type"}) {
    if (const auto value = request.head.header(name)) response.headers.emplace_back(name, *value);
  }
  return response;
}

SinkResponse SinkObjects::put_part(const SinkRequest& request, const std::string& upload_id) {
  const auto found = multiparts_.find(upload_id);
  if (found == multiparts_.end()) return fault(404, "NoSuchUpload", "There is no such multipart upload.");
  const auto number = parse_count(parameter(request.query, "partNumber").value_or(""));
  if (!number || *number < 1 || *number > kMaxParts) {
    return fault(400, "InvalidArgument", "partNumber must be 1 to 10000.");
  }
  found->second.part_sizes[static_cast<int>(*number)] = data_bytes(request);
  SinkResponse response{.headers = {{"ETag", next_etag(request)}}};
  if (const auto checksum = request.head.header(kChecksumHeader)) {
    response.headers.emplace_back(kChecksumHeader, *checksum);
  }
  return response;
}

SinkResponse SinkObjects::complete_multipart(const SinkRequest& request, const std::string& upload_id) {
  const auto found = multiparts_.find(upload_id);
  if (found == multiparts_.end() || found->second.path != request.path) {
    return fault(404, "NoSuchUpload", "There is no such multipart upload.");
  }
  Object object{.etag = fmt::format("\"{:032x}-{}\"", ++serial_, found->second.part_sizes.size()),
                .headers = std::move(found->second.headers)};
  for (const auto& [number, size] : found->second.part_sizes) object.size += size;
  multiparts_.erase(found);
  add_checksum(object.headers, request.head);
  std::string checksum;
  if (const auto given = request.head.header(kChecksumHeader)) {
    checksum = fmt::format("<ChecksumCRC32C>{}</ChecksumCRC32C><ChecksumType>FULL_OBJECT</ChecksumType>", *given);
  }
  std::string quoted = fmt::format("&quot;{}&quot;", object.etag.substr(1, object.etag.size() - 2));
  store(request.path, std::move(object));
  return xml(200, fmt::format("<CompleteMultipartUploadResult xmlns=\"{}\"><ETag>{}</ETag>{}"
                              "</CompleteMultipartUploadResult>",
                              kNamespace, quoted, checksum));
}

SinkResponse SinkObjects::remove(const SinkRequest& request) {
  if (const auto found = objects_.find(request.path); found != objects_.end()) {
    object_bytes_ -= found->second.size;
    objects_.erase(found);
  }
  return {.status = 204};
}

void SinkObjects::store(const std::string& path, Object object) {
  object_bytes_ += object.size;
  const auto found = objects_.find(path);
  if (found != objects_.end()) {
    object_bytes_ -= found->second.size;
    found->second = std::move(object);
    return;
  }
  if (object_order_.size() == kMaxObjects) {
    if (const auto oldest = objects_.find(object_order_.front()); oldest != objects_.end()) {
      object_bytes_ -= oldest->second.size;
      objects_.erase(oldest);
    }
    object_order_.pop_front();
  }
  object_order_.push_back(path);
  objects_.emplace(path, std::move(object));
}

// The MD5 that the client sent, as S3 would compute it; else a value that no client can mistake for an MD5.
std::string SinkObjects::next_etag(const SinkRequest& request) {
  const auto sent = request.head.header("content-md5");
  const auto digest = sent ? from_base64(*sent) : std::nullopt;
  if (digest && digest->size() == 16) return fmt::format("\"{}\"", to_hex(bytes_of(*digest)));
  return fmt::format("\"{:032x}\"", ++serial_);
}

SinkResponse SinkObjects::stats() const {
  return {.headers = {{"Content-Type", "application/json"}},
          .body = fmt::format("{{\"objects\":{},\"object_bytes\":{},\"body_bytes\":{},\"requests\":{},"
                              "\"open_multiparts\":{}}}\n",
                              objects_.size(), object_bytes_, body_bytes_, requests_, multiparts_.size())};
}

}  // namespace vodlift::bench
