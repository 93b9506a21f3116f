#include "s3/s3_object_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <span>
#include <vector>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/log.h"
#include "net/http_date.h"
#include "s3/metadata_names.h"
#include "s3/public_read.h"
#include "s3/s3_checksums.h"
#include "s3/s3_request.h"
#include "s3/s3_xml.h"

namespace vodlift::s3 {
namespace {

// On a large object, Complete may take minutes before its answer begins.
constexpr std::chrono::seconds kCompleteStallTimeout{600};
constexpr std::chrono::seconds kCompleteTimeout{900};
constexpr int kPageParts = 1000;  // the most that S3 answers at once
constexpr int kMaxListPages = kMaxParts / kPageParts + 1;
// 2,000 uploads of one key. An entry may have 4 KiB, so that a page fits an answer.
constexpr int kMaxUploadPages = 10;
constexpr std::string_view kUploadsPage = "200";

// Sends `call` under the condition. A store that does not support conditions gets the call without it, where the
// condition allows that.
template <class Send>
Result<net::HttpResponse> send_under(WriteCondition condition, const S3Call& call, Send send) {
  if (condition == WriteCondition::none) return send(call);
  S3Call conditional = call;
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

std::optional<std::int64_t> digits_of(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size() && number >= 0;
  return whole ? std::optional(number) : std::nullopt;
}

// Reads the body once more and adds its MD5. False: it cannot be read, or is not what `checksum` was made of.
bool add_md5(const Body& body, RangeChecksum& checksum) {
  constexpr std::int64_t kStepBytes = std::int64_t{128} * 1024;
  std::vector<std::uint8_t> buffer(static_cast<std::size_t>(std::min(kStepBytes, body.size)));
  Md5 digest;
  std::uint32_t crc = 0;
  for (std::int64_t at = 0; at < body.size; at += std::ssize(buffer)) {
    const auto count = static_cast<std::size_t>(std::min<std::int64_t>(std::ssize(buffer), body.size - at));
    const std::span<std::uint8_t> step = std::span(buffer).first(count);
    if (body.bytes != nullptr) {
      std::copy_n(body.bytes.get() + at, count, step.data());
    } else if (!body.source->read(body.offset + at, step)) {
      return false;
    }
    crc = crc32c(crc, step);
    digest.update(step);
  }
  if (crc != checksum.crc32c) return false;
  const Md5Digest found = digest.finish();
  checksum.md5.assign(found.begin(), found.end());
  return true;
}

}  // namespace

Result<StoredBytes> S3ObjectStore::put_object(const ObjectTarget& target, const ObjectProperties& properties,
                                              const Body& body, const RangeChecksum& checksum,
                                              WriteCondition condition) {
  const S3Call plain{"PutObject", "PUT", {}, headers_of(target, properties), "", properties.acl == Acl::public_read};
  // The mode may have changed since `checksum` was made for it, so that the MD5 may be missing.
  const ChecksumMode mode = checksum_mode(target.access);
  const bool has_md5 = !checksum.md5.empty();
  RangeChecksum known = checksum;
  const auto send = [&](SentChecksum sent) {
    S3Call call = plain;
    call.headers.push_back(checksum_header(sent, known));
    // A store that ignores the CRC must still refuse wrong bytes before it replaces the object.
    const bool both = sent == SentChecksum::crc32c && mode == ChecksumMode::unknown && has_md5;
    if (both) call.headers.push_back(checksum_header(SentChecksum::md5, known));
    return send_under(condition, call, [&](const S3Call& final_call) {
      return s3_.exchange(target, final_call, [&](const Credentials& credentials) {
        return bodies_.make(target, final_call, credentials, body);
      });
    });
  };
  SentChecksum sent = mode == ChecksumMode::md5 && has_md5 ? SentChecksum::md5 : SentChecksum::crc32c;
  auto response = send(sent);
  // A store may refuse what it took before.
  const bool doubted = sent == SentChecksum::crc32c && response && may_refuse_checksums(*response);
  const bool again = doubted && (has_md5 || add_md5(body, known));
  if (again) {
    sent = SentChecksum::md5;
    response = send(sent);
  }
  if (!response) return response.error();
  if (!response->is_success())
    return bodies_.refused(target, to_error(failure_of(target, plain, *response)), body.size);
  auto stored = confirmed_bytes(target, plain.operation, *response, known, sent);
  if (stored) endpoints_.add_measurement(target.access, body.size, response->took);
  // A store that does not confirm a CRC32C, or refused it before, does not support it. When none was sent, nothing is
  // known.
  const bool confirmed = !response->header(kCrcHeader).empty();
  if (confirmed || sent == SentChecksum::crc32c || (again && stored)) {
    endpoints_.add_facts(target.access, {.whole = confirmed ? ChecksumMode::crc32c : ChecksumMode::md5});
  }
  return stored;
}

// Offers the strongest checksum first, until the store takes one. What it took is offered first the next time.
Result<Multipart> S3ObjectStore::create_multipart(const ObjectTarget& target, const ObjectProperties& properties) {
  const S3Call plain{"CreateMultipartUpload",        "POST", {{"uploads", ""}},
                     headers_of(target, properties), "",     properties.acl == Acl::public_read};
  const auto send = [&](ChecksumMode offer) {
    S3Call call = plain;
    for (auto& header : checksum_offer(offer)) call.headers.push_back(std::move(header));
    return s3_.exchange(target, call, [&](const Credentials& credentials) {
      net::HttpRequest request = s3_.make_request(target, call, credentials);
      // A request that is sent twice would open a multipart upload that nobody knows of.
      request.send_once = true;
      return request;
    });
  };
  ChecksumMode offer = endpoints_.facts(target.access).multipart;
  if (offer == ChecksumMode::unknown) offer = ChecksumMode::crc32c;
  auto response = send(offer);
  while (offer != ChecksumMode::md5 && response && may_refuse_checksums(*response)) {
    offer = offer == ChecksumMode::crc32c ? ChecksumMode::crc32c_composite : ChecksumMode::md5;
    response = send(offer);
  }
  if (!response) return response.error();
  if (!response->is_success()) return to_error(failure_of(target, plain, *response));
  const auto id = parse_upload_id(response->body);
  if (!id) return unusable(Errc::s3_unverifiable, target, plain.operation, "the answer has no UploadId");
  const ChecksumMode taken = checksum_taken(*response);
  endpoints_.add_facts(target.access, {.multipart = taken});
  return Multipart{*id, taken};
}

Result<bool> S3ObjectStore::try_wrong_md5(const ObjectTarget& target, const std::string& multipart_id, int number) {
  const Md5Digest of_nothing = md5({});
  const S3Call call{fmt::format("UploadPart {}", number),
                    "PUT",
                    {{"partNumber", std::to_string(number)}, {"uploadId", multipart_id}},
                    {{"content-md5", to_base64({of_nothing.data(), of_nothing.size()})}},
                    "The Content-MD5 of this part is wrong: it has to be refused.",
                    false};
  const auto response = s3_.perform(target, call);
  if (!response && response.error().code != Errc::s3_integrity) return response.error();
  const bool refused = !response;
  endpoints_.add_facts(target.access, {.refuses_wrong_md5 = refused});
  return refused;
}

Result<std::vector<ListedPart>> S3ObjectStore::list_parts(const ObjectTarget& target, const std::string& multipart_id) {
  std::vector<ListedPart> parts;
  std::string marker;
  for (int pages = 0; pages < kMaxListPages; ++pages) {
    S3Call call{"ListParts", "GET", {{"uploadId", multipart_id}, {"max-parts", std::to_string(kPageParts)}},
                {},          "",    false};
    if (!marker.empty()) call.query.emplace_back("part-number-marker", marker);
    const auto response = s3_.perform(target, call);
    if (!response) return response.error();
    const auto page = parse_parts(response->body);
    if (!page) return unusable(Errc::s3_transient, target, call.operation, "the answer is not a part list");
    parts.insert(parts.end(), page->parts.begin(), page->parts.end());
    if (!page->truncated) return parts;
    marker = std::to_string(page->next_marker);
  }
  return unusable(Errc::s3_rejected, target, "ListParts", fmt::format("more than {} parts", kMaxParts));
}

Result<MultipartListing> S3ObjectStore::list_multiparts(const ObjectTarget& target) {
  const ObjectTarget bucket{target.access, ""};
  MultipartListing listing;
  UploadsPage page;
  for (int pages = 0; pages < kMaxUploadPages; ++pages) {
    S3Call call{"ListMultipartUploads",
                "GET",
                {{"uploads", ""}, {"prefix", target.key}, {"max-uploads", std::string(kUploadsPage)}},
                {},
                "",
                false};
    if (pages > 0) {
      call.query.emplace_back("key-marker", page.next_key);
      if (!page.next_id.empty()) call.query.emplace_back("upload-id-marker", page.next_id);
    }
    const auto response = s3_.perform(bucket, call);
    if (!response) return response.error();
    auto parsed = parse_uploads(response->body);
    if (!parsed) return unusable(Errc::s3_transient, target, call.operation, "the answer is not such a list");
    page = std::move(*parsed);
    const WallTime now = clock_.now();
    if (const auto date = net::parse_http_date(response->header("date"), now)) listing.store_ahead = *date - now;
    for (UploadsPage::Entry& entry : page.uploads) {
      if (entry.key == target.key) listing.uploads.push_back(std::move(entry.upload));
    }
    // Keys are sorted: the key itself comes before all longer keys that begin with it.
    if (!page.truncated || page.next_key != target.key) return listing;
  }
  return unusable(Errc::s3_rejected, target, "ListMultipartUploads", "more than 2,000 are open");
}

Result<CompletedObject> S3ObjectStore::complete_multipart(const ObjectTarget& target, const Multipart& multipart,
                                                          const std::vector<Part>& parts, std::uint32_t crc32c,
                                                          std::int64_t size, WriteCondition condition) {
  const S3Call call{"CompleteMultipartUpload",
                    "POST",
                    {{"uploadId", multipart.id}},
                    complete_headers(multipart.mode, crc32c, size),
                    complete_body(parts, multipart.mode != ChecksumMode::md5),
                    false};
  const auto response = send_under(condition, call, [&](const S3Call& final_call) {
    return s3_.exchange(target, final_call, [&](const Credentials& credentials) {
      net::HttpRequest request = s3_.make_request(target, final_call, credentials);
      // The answer to a repeat would hide that the first one worked.
      request.send_once = true;
      request.stall_timeout = kCompleteStallTimeout;
      request.total_timeout = kCompleteTimeout;
      return request;
    });
  });
  if (!response) return response.error();
  if (!response->is_success()) return refused_complete(target, call, multipart.mode, *response);
  if (auto object = parse_completed(response->body)) {
    object->version_id = response->header("x-amz-version-id");
    object->encryption = response->header(kEncryptionHeader);
    if (object->checksum.empty()) object->checksum = response->header(kCrcHeader);
    return *object;
  }
  // "200 OK" is sent before the work is done, so that the body may still hold an error.
  if (parse_error(response->body)) return refused_complete(target, call, multipart.mode, *response);
  return unusable(Errc::s3_unverifiable, target, call.operation, "the answer cannot be read");
}

// Some stores take CRC32C for a multipart upload and refuse it when the parts are put together. The parts must be sent
// again, after a Create that offers none. That is known from then on, until `bucket check` finds otherwise.
Error S3ObjectStore::refused_complete(const ObjectTarget& target, const S3Call& call, ChecksumMode mode,
                                      const net::HttpResponse& response) {
  const Failure failure = failure_of(target, call, response);
  Error error = to_error(failure);
  if (mode == ChecksumMode::md5 || !may_refuse_whole_checksum(failure.status, failure.code)) return error;
  endpoints_.add_facts(target.access, {.multipart = ChecksumMode::md5});
  error.code = Errc::s3_parts_refused;
  return error;
}

Result<> S3ObjectStore::abort_multipart(const ObjectTarget& target, const std::string& multipart_id) {
  const S3Call call{"AbortMultipartUpload", "DELETE", {{"uploadId", multipart_id}}, {}, "", false};
  const auto response = s3_.perform(target, call);
  if (response || response.error().code == Errc::s3_no_such_upload) return {};
  return response.error();
}

Result<ObjectInfo> S3ObjectStore::head(const ObjectTarget& target) {
  const S3Call plain{"HeadObject", "HEAD", {}, {}, "", false};
  S3Call call = plain;
  const bool asks = endpoints_.facts(target.access).on_head.value_or(true);
  if (asks) call.headers.emplace_back(kAskForChecksum);
  const auto send = [&](const S3Call& one) { return s3_.exchange(target, one); };
  auto response = send(call);
  if (asks && response && may_refuse_checksum_mode(*response)) {
    response = send(plain);
    if (response && (response->is_success() || response->status == 404)) {
      endpoints_.add_facts(target.access, {.on_head = false});
    }
  }
  if (!response) return response.error();
  if (!response->is_success()) {
    Error error = to_error(failure_of(target, plain, *response));
    // It says nothing of the object, and has no body that would say what is wrong.
    if (response->status == 400) error.code = Errc::s3_unverifiable;
    return error;
  }
  ObjectInfo object;
  object.size = digits_of(response->header("content-length")).value_or(0);
  // Proxies and CDNs in front of a store may drop the length of what they do not send.
  if (object.size == 0) object.size = size_of(target);
  object.etag = response->header("etag");
  object.checksum = response->header(kCrcHeader);
  object.token = response->header(kTokenHeader);
  object.version_id = response->header("x-amz-version-id");
  object.encryption = response->header(kEncryptionHeader);
  object.metadata = metadata_of(*response);
  return object;
}

// The object's size, from the answer to a GET of its first byte; negative: the store does not say.
std::int64_t S3ObjectStore::size_of(const ObjectTarget& target) {
  const S3Call call{"GetObject", "GET", {}, {{"range", "bytes=0-0"}}, "", false};
  const auto response = s3_.exchange(target, call);
  if (response && response->status == 200) return std::ssize(response->body);
  if (!response || (response->status != 206 && response->status != 416)) return -1;
  const auto range = response->header("content-range");  // "bytes 0-0/1000", or "bytes */0"
  const auto slash = range.rfind('/');
  const auto size = slash == std::string_view::npos ? std::nullopt : digits_of(range.substr(slash + 1));
  return size.value_or(response->status == 416 ? 0 : -1);
}

Acl S3ObjectStore::applied_acl(const ObjectTarget& target, Acl asked, const std::string& etag) {
  if (asked == Acl::private_acl) return asked;
  const auto ask = [&] {
    const S3Call call{"GetObjectAcl", "GET", {{"acl", ""}}, {}, "", false};
    const auto seen = find_public_read({[&] {
                                          return s3_.exchange(target, call, [&](const Credentials& credentials) {
                                            net::HttpRequest request = s3_.make_request(target, call, credentials);
                                            request.total_timeout = kQuestionTime;
                                            return request;
                                          });
                                        },
                                        [&] { return s3_.head_anonymously(target); }, etag});
    if (seen == std::optional(false)) {
      log::warn("the store takes acl=public-read, but its objects cannot be read by everyone",
                {{"cdn", target.access.cdn},
                 {"bucket", target.access.bucket},
                 {"endpoint", target.access.endpoint},
                 {"hint", "see `vodlift bucket check`; open the objects by a bucket policy or a CDN"}});
    }
    return seen;
  };
  const auto seen = endpoints_.public_read().find(target.access, ask);
  return seen.value_or(true) ? asked : Acl::private_acl;
}

void S3ObjectStore::note_unmarked(const BucketAccess& access) {
  if (endpoints_.facts(access).drops_marks) return;
  endpoints_.add_facts(access, {.drops_marks = true});
  log::warn("the store drops the metadata of objects that are sent in parts; they are recognised by their checksums",
            {{"endpoint", access.endpoint}, {"bucket", access.bucket}});
}

void S3ObjectStore::note_metadata(const BucketAccess& access, const Metadata& sent, const Metadata& kept) {
  for (const auto& [name, value] : sent) {
    const std::string other = kept_as(kept, name);
    if (other == name) continue;
    if (!endpoints_.begin_telling_of_names(access)) return;
    return log::warn("the store changes names of metadata",
                     {{"cdn", access.cdn},
                      {"bucket", access.bucket},
                      {"name", name},
                      {"kept_as", other.empty() ? "(dropped)" : other},
                      {"hint", "names of letters, digits and - are safe; see `vodlift bucket check`"}});
  }
}

Result<std::string> S3ObjectStore::read(const ObjectTarget& target, const std::string& etag, std::int64_t offset,
                                        std::int64_t size) {
  S3Call call{"GetObject", "GET", {}, {{"range", fmt::format("bytes={}-{}", offset, offset + size - 1)}}, "", false};
  if (!etag.empty()) call.headers.emplace_back("if-match", etag);
  auto response = s3_.perform(target, call, [&](const Credentials& credentials) {
    net::HttpRequest request = s3_.make_request(target, call, credentials);
    request.total_timeout = {};
    request.peer_timeout = longest_wait(size);
    request.max_response_bytes = std::max(request.max_response_bytes, static_cast<std::size_t>(size));
    return request;
  });
  if (!response && response.error().code == Errc::destination_exists) {
    return Error{Errc::s3_unverifiable, "the object was replaced while it was read: " + response.error().message,
                 response.error().detail};
  }
  if (!response) return response.error();
  if (std::ssize(response->body) == size) return std::move(response->body);
  return unusable(Errc::s3_unverifiable, target, call.operation,
                  fmt::format("{} bytes were requested, {} came", size, response->body.size()));
}

}  // namespace vodlift::s3
