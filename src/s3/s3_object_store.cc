#include "s3/s3_object_store.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/hash.h"
#include "net/http_date.h"
#include "s3/object_headers.h"
#include "s3/s3_checksums.h"
#include "s3/s3_xml.h"

namespace vodlift::s3 {
namespace {

// Complete may take minutes on a large object before it says a word.
constexpr std::chrono::seconds kCompleteStallTimeout{600};
constexpr std::chrono::seconds kCompleteTimeout{900};
constexpr int kMaxListPages = 11;  // 10,000 parts, 1,000 a page
// 2,000 uploads of one key. An entry may have 4 KiB: a page of them fits an answer.
constexpr int kMaxUploadPages = 10;
constexpr std::string_view kUploadsPage = "200";

// Sends `call` under the condition; a store that knows none is asked without it, where that is allowed.
template <class Call, class Send>
Result<net::HttpResponse> send_under(WriteCondition condition, const Call& call, Send send) {
  if (condition == WriteCondition::none) return send(call);
  Call conditional = call;
  conditional.headers.emplace_back("if-none-match", "*");
  auto response = send(conditional);
  const bool unknown = response && response->status == 501;
  return unknown && condition == WriteCondition::absent_where_it_can_tell ? send(call) : std::move(response);
}

std::vector<std::pair<std::string, std::string>> headers_of(const ObjectTarget& target,
                                                            const ObjectProperties& properties) {
  auto headers = object_headers(properties);
  for (auto& header : encryption_headers(target.access.encryption)) headers.push_back(std::move(header));
  return headers;
}

}  // namespace

Result<StoredBytes> S3ObjectStore::put_object(const ObjectTarget& target, const ObjectProperties& properties,
                                              const Body& body, const RangeChecksum& checksum,
                                              WriteCondition condition) {
  const Call plain{"PutObject", "PUT", {}, headers_of(target, properties), "", properties.acl == Acl::public_read};
  // The mode may have changed since `checksum` was made for it: what is at hand decides.
  const ChecksumMode mode = checksum_mode(target.access);
  const bool has_md5 = !checksum.md5.empty();
  const auto send = [&](SentChecksum sent) {
    Call call = plain;
    call.headers.push_back(checksum_header(sent, checksum));
    // A store that drops the CRC in silence must still refuse other bytes than these, before it replaces the object.
    const bool both = sent == SentChecksum::crc32c && mode == ChecksumMode::unknown && has_md5;
    if (both) call.headers.push_back(checksum_header(SentChecksum::md5, checksum));
    return send_under(condition, call, [&](const Call& final_call) {
      return exchange(target, final_call, [&](const Credentials& credentials) {
        return make_body_request(target, final_call, credentials, body);
      });
    });
  };
  SentChecksum sent = mode == ChecksumMode::md5 && has_md5 ? SentChecksum::md5 : SentChecksum::crc32c;
  auto response = send(sent);
  const bool try_again = mode == ChecksumMode::unknown && has_md5 && response && may_refuse_checksums(*response);
  if (try_again) {
    sent = SentChecksum::md5;
    response = send(sent);
  }
  if (!response) return response.error();
  if (!response->is_success()) return to_error(failure_of(target, plain, *response));
  auto stored = confirmed_bytes(target, plain.operation, *response, checksum, sent);
  if (stored) rates_.add(target.access, body.size, response->took);
  // A CRC32C that was sent and not confirmed: this store knows none. One that was not sent tells nothing, unless the
  // store refused it before.
  const bool told = !response->header(kCrcHeader).empty();
  if (told || sent == SentChecksum::crc32c || (try_again && stored)) {
    learned_.learn_checksums(target.access, {.whole = told ? ChecksumMode::crc32c : ChecksumMode::md5});
  }
  return stored;
}

// The strongest checksum that the store takes, offered one after the other until the endpoint is known.
Result<Multipart> S3ObjectStore::create_multipart(const ObjectTarget& target, const ObjectProperties& properties) {
  const Call plain{"CreateMultipartUpload",        "POST", {{"uploads", ""}},
                   headers_of(target, properties), "",     properties.acl == Acl::public_read};
  const auto send = [&](ChecksumMode offer) {
    Call call = plain;
    for (auto& header : checksum_offer(offer)) call.headers.push_back(std::move(header));
    return exchange(target, call, [&](const Credentials& credentials) {
      net::HttpRequest request = make_request(target, call, credentials);
      // A second one unseen would leave a multipart upload open that nobody knows of.
      request.send_once = true;
      return request;
    });
  };
  ChecksumMode offer = learned_.checksums(target.access).multipart;
  if (offer == ChecksumMode::unknown) offer = ChecksumMode::crc32c;
  auto response = send(offer);
  while (offer != ChecksumMode::md5 && response && may_refuse_checksums(*response)) {
    offer = offer == ChecksumMode::crc32c ? ChecksumMode::crc32c_composite : ChecksumMode::md5;
    response = send(offer);
  }
  if (!response) return response.error();
  if (!response->is_success()) return to_error(failure_of(target, plain, *response));
  const auto id = parse_upload_id(response->body);
  if (!id) {
    return Error{Errc::s3_transient, fmt::format("CreateMultipartUpload of s3://{}/{}: the answer has no UploadId",
                                                 target.access.bucket, printable(target.key))};
  }
  const ChecksumMode taken = checksum_taken(*response);
  learned_.learn_checksums(target.access, {.multipart = taken});
  return Multipart{*id, taken};
}

Result<bool> S3ObjectStore::try_wrong_md5(const ObjectTarget& target, const std::string& multipart_id, int number) {
  const Md5Digest of_nothing = md5({});
  const Call call{fmt::format("UploadPart {}", number),
                  "PUT",
                  {{"partNumber", std::to_string(number)}, {"uploadId", multipart_id}},
                  {{"content-md5", to_base64({of_nothing.data(), of_nothing.size()})}},
                  "The Content-MD5 of this part is wrong: it has to be refused.",
                  false};
  const auto response = perform(target, call);
  if (!response && response.error().code != Errc::s3_integrity) return response.error();
  const bool refused = !response;
  learned_.learn_checksums(target.access, {.refuses_wrong_md5 = refused});
  return refused;
}

Result<std::vector<ListedPart>> S3ObjectStore::list_parts(const ObjectTarget& target, const std::string& multipart_id) {
  std::vector<ListedPart> parts;
  std::string marker;
  for (int pages = 0; pages < kMaxListPages; ++pages) {
    Call call{"ListParts", "GET", {{"uploadId", multipart_id}, {"max-parts", "1000"}}, {}, "", false};
    if (!marker.empty()) call.query.emplace_back("part-number-marker", marker);
    const auto response = perform(target, call);
    if (!response) return response.error();
    const auto page = parse_parts(response->body);
    if (!page) {
      return Error{Errc::s3_transient, fmt::format("ListParts of s3://{}/{}: the answer is not a part list",
                                                   target.access.bucket, printable(target.key))};
    }
    parts.insert(parts.end(), page->parts.begin(), page->parts.end());
    if (!page->truncated) return parts;
    marker = std::to_string(page->next_marker);
  }
  return Error{Errc::s3_rejected, fmt::format("ListParts of s3://{}/{}: more than 10,000 parts", target.access.bucket,
                                              printable(target.key))};
}

Result<MultipartListing> S3ObjectStore::list_multiparts(const ObjectTarget& target) {
  const ObjectTarget bucket{target.access, ""};
  MultipartListing listing;
  UploadsPage page;
  for (int pages = 0; pages < kMaxUploadPages; ++pages) {
    Call call{"ListMultipartUploads",
              "GET",
              {{"uploads", ""}, {"prefix", target.key}, {"max-uploads", std::string(kUploadsPage)}},
              {},
              "",
              false};
    if (pages > 0) {
      call.query.emplace_back("key-marker", page.next_key);
      if (!page.next_id.empty()) call.query.emplace_back("upload-id-marker", page.next_id);
    }
    const auto response = perform(bucket, call);
    if (!response) return response.error();
    auto parsed = parse_uploads(response->body);
    if (!parsed) {
      return Error{Errc::s3_transient, fmt::format("ListMultipartUploads of s3://{}/{}: the answer is not such a list",
                                                   target.access.bucket, printable(target.key))};
    }
    page = std::move(*parsed);
    const WallTime now = clock_.now();
    if (const auto date = net::parse_http_date(response->header("date"), now)) listing.store_ahead = *date - now;
    for (UploadsPage::Entry& entry : page.uploads) {
      if (entry.key == target.key) listing.uploads.push_back(std::move(entry.upload));
    }
    // The key itself comes before all that it is only the beginning of.
    if (!page.truncated || page.next_key != target.key) return listing;
  }
  return Error{Errc::s3_rejected, fmt::format("ListMultipartUploads of s3://{}/{}: more than 2,000 are open",
                                              target.access.bucket, printable(target.key))};
}

Result<CompletedObject> S3ObjectStore::complete_multipart(const ObjectTarget& target, const Multipart& multipart,
                                                          const std::vector<Part>& parts, std::uint32_t crc32c,
                                                          std::int64_t size, WriteCondition condition) {
  const bool crc = multipart.mode != ChecksumMode::md5;
  Call call{"CompleteMultipartUpload", "POST", {{"uploadId", multipart.id}}, {{"content-type", "application/xml"}},
            complete_body(parts, crc), false};
  if (multipart.mode == ChecksumMode::crc32c) {
    call.headers.emplace_back(kCrcHeader, crc32c_base64(crc32c));
    call.headers.emplace_back("x-amz-checksum-type", "FULL_OBJECT");
  }
  if (crc) call.headers.emplace_back("x-amz-mp-object-size", std::to_string(size));
  const auto response = send_under(condition, call, [&](const Call& final_call) {
    return exchange(target, final_call, [&](const Credentials& credentials) {
      net::HttpRequest request = make_request(target, final_call, credentials);
      request.stall_timeout = kCompleteStallTimeout;
      request.total_timeout = kCompleteTimeout;
      return request;
    });
  });
  if (!response) return response.error();
  if (!response->is_success()) return to_error(failure_of(target, call, *response));
  if (auto object = parse_completed(response->body)) {
    object->version_id = response->header("x-amz-version-id");
    object->encryption = response->header(kEncryptionHeader);
    if (object->checksum.empty()) object->checksum = response->header(kCrcHeader);
    return *object;
  }
  // "200 OK" is sent before the work is done: an error may still follow in the body.
  if (parse_error(response->body)) return to_error(failure_of(target, call, *response));
  return Error{Errc::s3_unverifiable, fmt::format("CompleteMultipartUpload of s3://{}/{}: the answer cannot be read",
                                                  target.access.bucket, printable(target.key))};
}

Result<> S3ObjectStore::abort_multipart(const ObjectTarget& target, const std::string& multipart_id) {
  const Call call{"AbortMultipartUpload", "DELETE", {{"uploadId", multipart_id}}, {}, "", false};
  const auto response = perform(target, call);
  if (response || response.error().code == Errc::s3_no_such_upload) return {};
  return response.error();
}

Result<ObjectInfo> S3ObjectStore::head(const ObjectTarget& target) {
  const Call plain{"HeadObject", "HEAD", {}, {}, "", false};
  Call call = plain;
  const bool asks = learned_.checksums(target.access).on_head.value_or(true);
  if (asks) call.headers.emplace_back(kAskForChecksum);
  const auto send = [&](const Call& one) {
    return exchange(target, one,
                    [&](const Credentials& credentials) { return make_request(target, one, credentials); });
  };
  auto response = send(call);
  if (asks && response && may_refuse_checksum_mode(*response)) {
    response = send(plain);
    if (response && (response->is_success() || response->status == 404)) {
      learned_.learn_checksums(target.access, {.on_head = false});
    }
  }
  if (!response) return response.error();
  if (!response->is_success()) return to_error(failure_of(target, plain, *response));
  ObjectInfo object;
  const auto size = response->header("content-length");
  object.size = size.empty() ? -1 : std::strtoll(std::string(size).c_str(), nullptr, 10);
  object.etag = response->header("etag");
  object.checksum = response->header(kCrcHeader);
  object.token = response->header(kTokenHeader);
  object.version_id = response->header("x-amz-version-id");
  object.encryption = response->header(kEncryptionHeader);
  return object;
}

Result<std::string> S3ObjectStore::read(const ObjectTarget& target, const std::string& etag, std::int64_t offset,
                                        std::int64_t size) {
  Call call{"GetObject", "GET", {}, {{"range", fmt::format("bytes={}-{}", offset, offset + size - 1)}}, "", false};
  if (!etag.empty()) call.headers.emplace_back("if-match", etag);
  auto response = perform(target, call, [&](const Credentials& credentials) {
    net::HttpRequest request = make_request(target, call, credentials);
    request.total_timeout = {};
    request.max_response_bytes = std::max(request.max_response_bytes, static_cast<std::size_t>(size));
    return request;
  });
  if (!response && response.error().code == Errc::destination_exists) {
    return Error{Errc::s3_unverifiable, "the object was replaced while it was read: " + response.error().message};
  }
  if (!response) return response.error();
  if (std::ssize(response->body) == size) return std::move(response->body);
  return Error{Errc::s3_unverifiable,
               fmt::format("GetObject of s3://{}/{}: {} bytes were asked for, {} came", target.access.bucket,
                           printable(target.key), size, response->body.size())};
}

}  // namespace vodlift::s3
