#include "s3/s3_object_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <memory>
#include <optional>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/log.h"
#include "net/http_date.h"
#include "s3/object_headers.h"
#include "s3/s3_request.h"
#include "s3/s3_xml.h"
#include "s3/source_body.h"

namespace vodlift::s3 {
namespace {

// ListParts answers 1,000 parts of some 200 bytes; nothing else comes near.
constexpr std::size_t kMaxAnswerBytes = std::size_t{1024} * 1024;
constexpr std::chrono::seconds kStallTimeout{60};
// Stall detection alone lets an answer that trickles hold a call for ever.
constexpr std::chrono::seconds kSmallCallTimeout{120};
// Complete may take minutes on a large object before it says a word.
constexpr std::chrono::seconds kCompleteStallTimeout{600};
constexpr std::chrono::seconds kCompleteTimeout{900};
// How often one request is made anew because its refusal told how: where the bucket lies, what time it is.
constexpr int kMaxCorrections = 3;
constexpr int kMaxListPages = 11;  // 10,000 parts, 1,000 a page
// 2,000 uploads of one key. An entry may have 4 KiB: a page of them fits kMaxAnswerBytes.
constexpr int kMaxUploadPages = 10;
constexpr std::string_view kUploadsPage = "200";

constexpr std::string_view kCrcHeader = "x-amz-checksum-crc32c";

bool is_success(const net::HttpResponse& response) { return response.status >= 200 && response.status < 300; }

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

std::pair<std::string, std::string> checksum_header(bool as_md5, const RangeChecksum& checksum) {
  if (as_md5) return {"content-md5", to_base64(bytes_of(checksum.md5))};
  return {std::string(kCrcHeader), crc32c_base64(checksum.crc32c)};
}

}  // namespace

net::HttpRequest S3ObjectStore::make_request(const ObjectTarget& target, const Call& call,
                                             const Credentials& credentials) const {
  const BucketAccess access = learned_.located(target.access);
  net::HttpRequest request =
      signed_request(access, credentials, {call.method, target.key, call.query, call.headers, call.body}, environment_,
                     learned_.time_at(access, clock_.now()));
  request.stall_timeout = kStallTimeout;
  request.total_timeout = kSmallCallTimeout;
  request.max_response_bytes = kMaxAnswerBytes;
  return request;
}

net::HttpRequest S3ObjectStore::make_body_request(const ObjectTarget& target, const Call& call,
                                                  const Credentials& credentials, const Body& body) const {
  net::HttpRequest request = make_request(target, call, credentials);
  request.reader = std::make_shared<SourceBody>(body, bandwidth_, target.access.cdn, target.access.bucket);
  request.reader_size = body.size;
  request.cut = body.cut;
  request.total_timeout = {};
  return request;
}

Failure S3ObjectStore::failure_of(const ObjectTarget& target, const Call& call, const net::HttpResponse& response) {
  Failure failure;
  failure.operation = call.operation;
  failure.bucket = target.access.bucket;
  failure.key = target.key;
  failure.status = response.status;
  failure.sent_public_acl = call.sends_public_acl;
  failure.request_id = response.header("x-amz-request-id");
  failure.region = response.header("x-amz-bucket-region");
  if (const auto error = parse_error(response.body)) {
    failure.code = error->code;
    failure.message = error->message;
    if (failure.region.empty()) failure.region = error->region;
    if (failure.request_id.empty()) failure.request_id = error->request_id;
  }
  return failure;
}

bool S3ObjectStore::learn_from(const ObjectTarget& target, const Call& call, const net::HttpResponse& response) {
  return learned_.learn_from(target.access, failure_of(target, call, response), response.header("date"), clock_.now());
}

Result<net::HttpResponse> S3ObjectStore::exchange(const ObjectTarget& target, const Call& call,
                                                  const MakeRequest& make) {
  std::promise<void> room;
  const auto entered = traffic_.enter(target.access, [&room] { room.set_value(); });
  if (!entered) return with_context(call.operation, entered.error());
  room.get_future().wait();
  return leave(target, call, exchange_inside(target, call, make));
}

void S3ObjectStore::start_exchange(const ObjectTarget& target, const Call& call, MakeRequest make,
                                   net::HttpClient::Done done) {
  const auto shared_done = std::make_shared<net::HttpClient::Done>(std::move(done));
  const auto entered = traffic_.enter(target.access, [this, target, call, make = std::move(make), shared_done] {
    start_exchange_inside(target, call, make, {},
                          [this, target, call, shared_done](Result<net::HttpResponse> response) {
                            (*shared_done)(leave(target, call, std::move(response)));
                          });
  });
  if (!entered) (*shared_done)(with_context(call.operation, entered.error()));
}

Result<net::HttpResponse> S3ObjectStore::leave(const ObjectTarget& target, const Call& call,
                                               Result<net::HttpResponse> response) {
  const bool succeeded = response && is_success(*response);
  std::optional<Error> failure;
  if (!response) failure = with_context(call.operation, response.error());
  if (response && !succeeded) failure = to_error(failure_of(target, call, *response));
  const Answered how = answered(failure ? std::optional(failure->code) : std::nullopt);
  const bool may_try_again = traffic_.leave(target.access, how);
  if (how != Answered::well && !may_try_again) {
    return Error{Errc::s3_unavailable, failure->message + "; too many requests there fail to try again at once"};
  }
  if (!response) return *failure;
  return response;
}

Result<net::HttpResponse> S3ObjectStore::exchange_inside(const ObjectTarget& target, const Call& call,
                                                         const MakeRequest& make) {
  Corrections corrections;
  while (true) {
    const auto credentials = credentials_.get(target.access);
    if (!credentials) return credentials.error();
    auto response = client_.perform(make(*credentials));
    if (!may_correct(target, call, response, *credentials, corrections)) return response;
  }
}

bool S3ObjectStore::may_correct(const ObjectTarget& target, const Call& call, const Result<net::HttpResponse>& response,
                                const Credentials& used, Corrections& corrections) {
  const bool refused = response && !is_success(*response);
  if (!refused || corrections.count == kMaxCorrections) return false;
  ++corrections.count;
  const Failure failure = failure_of(target, call, *response);
  // An answer to HEAD has no body, and so no code: that of expired credentials is a bare 400.
  const bool about_credentials = classify(failure.status, failure.code) == Errc::s3_credential ||
                                 (failure.status == 400 && failure.code.empty() && !used.session_token.empty());
  if (about_credentials && !corrections.renewed && credentials_.refused(target.access, used)) {
    log::info("the store refused the credentials; looking them up anew",
              {{"bucket", target.access.bucket}, {"credentials", used.origin}, {"code", failure.code}});
    corrections.renewed = true;
    return true;
  }
  return learn_from(target, call, *response);
}

void S3ObjectStore::start_exchange_inside(const ObjectTarget& target, const Call& call, MakeRequest make,
                                          Corrections corrections, net::HttpClient::Done done) {
  credentials_.get(target.access, [this, target, call, make = std::move(make), corrections,
                                   done = std::move(done)](Result<Credentials> credentials) mutable {
    if (!credentials) return done(credentials.error());
    net::HttpRequest request = make(*credentials);
    client_.start(std::move(request), [this, target, call, make = std::move(make), corrections, done = std::move(done),
                                       used = *credentials](Result<net::HttpResponse> response) mutable {
      if (!may_correct(target, call, response, used, corrections)) return done(std::move(response));
      start_exchange_inside(target, call, std::move(make), corrections, std::move(done));
    });
  });
}

Result<net::HttpResponse> S3ObjectStore::perform(const ObjectTarget& target, const Call& call,
                                                 const MakeRequest& make) {
  auto response = exchange(target, call, make);
  if (!response) return response.error();
  if (is_success(*response)) return response;
  return to_error(failure_of(target, call, *response));
}

Result<StoredBytes> S3ObjectStore::confirm(const ObjectTarget& target, const Call& call,
                                           const net::HttpResponse& response, const RangeChecksum& checksum,
                                           Sent sent) {
  StoredBytes stored{std::string(response.header("etag")), std::string(response.header(kCrcHeader)),
                     std::string(response.header("x-amz-version-id")), std::string(response.header(kEncryptionHeader))};
  const auto mismatch = [&](std::string_view what) {
    return Error{Errc::s3_integrity, fmt::format("{} of s3://{}/{}: {}", call.operation, target.access.bucket,
                                                 printable(target.key), what)};
  };
  if (stored.etag.empty()) return mismatch("the store answered without an ETag");
  if (!stored.checksum.empty()) {
    if (stored.checksum != crc32c_base64(checksum.crc32c))
      return mismatch("the store's CRC32C is not that of the file");
    return stored;
  }
  const std::string etag = unquoted_etag(stored.etag);
  if (!checksum.md5.empty() && from_hex(etag) == checksum.md5) return stored;
  // An ETag need not be an MD5, and under KMS is none though it looks like one: then only a Content-MD5 that the store
  // accepted counts.
  const bool under_kms = uses_kms(stored.encryption) || target.access.encryption.mode == EncryptionMode::sse_kms;
  const bool is_md5 = !under_kms && etag.size() == 32 && from_hex(etag).has_value();
  if (sent == Sent::md5 && !is_md5) return stored;
  return mismatch("the store confirmed neither CRC32C nor MD5");
}

Result<StoredBytes> S3ObjectStore::put_object(const ObjectTarget& target, const ObjectProperties& properties,
                                              const Body& body, const RangeChecksum& checksum,
                                              WriteCondition condition) {
  const Call plain{"PutObject", "PUT", {}, headers_of(target, properties), "", properties.acl == Acl::public_read};
  // The mode may have changed since `checksum` was made for it: what is at hand decides.
  const ChecksumMode mode = checksum_mode(target.access);
  const bool has_md5 = !checksum.md5.empty();
  const auto send = [&](Sent sent) {
    Call call = plain;
    call.headers.push_back(checksum_header(sent == Sent::md5, checksum));
    // A store that drops the CRC in silence must still refuse other bytes than these, before it replaces the object.
    const bool both = sent == Sent::crc32c && mode == ChecksumMode::unknown && has_md5;
    if (both) call.headers.push_back(checksum_header(/*as_md5=*/true, checksum));
    return send_under(condition, call, [&](const Call& final_call) {
      return exchange(target, final_call, [&](const Credentials& credentials) {
        return make_body_request(target, final_call, credentials, body);
      });
    });
  };
  Sent sent = mode == ChecksumMode::md5 && has_md5 ? Sent::md5 : Sent::crc32c;
  auto response = send(sent);
  const bool try_again = mode == ChecksumMode::unknown && has_md5 && response && may_refuse_checksums(*response);
  if (try_again) {
    sent = Sent::md5;
    response = send(sent);
  }
  if (!response) return response.error();
  if (!is_success(*response)) return to_error(failure_of(target, plain, *response));
  auto stored = confirm(target, plain, *response, checksum, sent);
  // A CRC32C that was sent and not confirmed: this store knows none. One that was not sent tells nothing, unless the
  // store refused it before.
  const bool told = !response->header(kCrcHeader).empty();
  if (told || sent == Sent::crc32c || (try_again && stored)) {
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
    return exchange(target, call,
                    [&](const Credentials& credentials) { return make_request(target, call, credentials); });
  };
  ChecksumMode offer = learned_.checksums(target.access).multipart;
  if (offer == ChecksumMode::unknown) offer = ChecksumMode::crc32c;
  auto response = send(offer);
  while (offer != ChecksumMode::md5 && response && may_refuse_checksums(*response)) {
    offer = offer == ChecksumMode::crc32c ? ChecksumMode::crc32c_composite : ChecksumMode::md5;
    response = send(offer);
  }
  if (!response) return response.error();
  if (!is_success(*response)) return to_error(failure_of(target, plain, *response));
  const auto id = parse_upload_id(response->body);
  if (!id) {
    return Error{Errc::s3_transient, fmt::format("CreateMultipartUpload of s3://{}/{}: the answer has no UploadId",
                                                 target.access.bucket, printable(target.key))};
  }
  const ChecksumMode taken = checksum_taken(*response);
  learned_.learn_checksums(target.access, {.multipart = taken});
  return Multipart{*id, taken};
}

void S3ObjectStore::upload_part(const ObjectTarget& target, const Multipart& multipart, int number, const Body& body,
                                const RangeChecksum& checksum, PartDone done) {
  Call call{fmt::format("UploadPart {}", number),
            "PUT",
            {{"partNumber", std::to_string(number)}, {"uploadId", multipart.id}},
            {},
            "",
            false};
  const Sent sent = multipart.mode == ChecksumMode::md5 ? Sent::md5 : Sent::crc32c;
  call.headers.push_back(checksum_header(sent == Sent::md5, checksum));
  start_exchange(
      target, call,
      [this, target, call, body](const Credentials& credentials) {
        return make_body_request(target, call, credentials, body);
      },
      [this, target, call, checksum, sent, done = std::move(done)](Result<net::HttpResponse> response) {
        if (!response) return done(response.error());
        if (!is_success(*response)) return done(refused_part(failure_of(target, call, *response), sent));
        done(confirm_part(target, call, *response, checksum, sent));
      });
}

// The store may have taken the CRC32C that Create offered, and something on the way have dropped its word of that. The
// next Create offers none.
Error S3ObjectStore::refused_part(const Failure& failure, Sent sent) {
  Error error = to_error(failure);
  if (sent == Sent::md5 && failure.code == "InvalidRequest") error.code = Errc::s3_parts_refused;
  return error;
}

Result<StoredBytes> S3ObjectStore::confirm_part(const ObjectTarget& target, const Call& call,
                                                const net::HttpResponse& response, const RangeChecksum& checksum,
                                                Sent sent) {
  const bool dropped = sent == Sent::crc32c && response.header(kCrcHeader).empty() && !response.header("etag").empty();
  if (!dropped) return confirm(target, call, response, checksum, sent);
  learned_.learn_checksums(target.access, {.multipart = ChecksumMode::md5});
  return Error{Errc::s3_parts_refused,
               fmt::format("{} of s3://{}/{}: the store took CRC32C for the multipart upload, but does not confirm it",
                           call.operation, target.access.bucket, printable(target.key))};
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
  if (!is_success(*response)) return to_error(failure_of(target, call, *response));
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
  const Call call{"HeadObject", "HEAD", {}, {{"x-amz-checksum-mode", "ENABLED"}}, "", false};
  const auto response = perform(target, call);
  if (!response) return response.error();
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
    request.max_response_bytes = std::max(kMaxAnswerBytes, static_cast<std::size_t>(size));
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
