#include "s3/body_requests.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <utility>

#include "base/hash.h"
#include "s3/request_body.h"
#include "s3/s3_request.h"

namespace vodlift::s3 {
namespace {

// How long a store may make us wait for a request with bytes: this, and a second for each kLeastBytesPerSecond of them.
constexpr std::chrono::seconds kAnswerTime{120};
constexpr std::int64_t kLeastBytesPerSecond = std::int64_t{16} * 1024;

// Whether the failure has nothing to do with the form of a request, so that no other form is worth a try.
bool is_regardless_of_form(Errc code) {
  return code == Errc::s3_throttled || code == Errc::s3_unavailable || code == Errc::s3_full ||
         code == Errc::s3_too_large || code == Errc::s3_no_such_upload || code == Errc::interrupted;
}

// Why a part was refused. A store may have taken the CRC32C that Create offered, while something between dropped that
// word of its answer. Then all parts must be sent again, after a Create that offers none.
Error refused_part(const Failure& failure, SentChecksum sent) {
  Error error = to_error(failure);
  if (sent == SentChecksum::md5 && failure.code == "InvalidRequest") error.code = Errc::s3_parts_refused;
  return error;
}

// A store may refuse a checksum behind the bytes that it took before. The next part finds out.
bool may_be_of_trailer(Errc code) {
  return code == Errc::s3_rejected || code == Errc::s3_integrity || code == Errc::s3_access_denied ||
         code == Errc::s3_credential || code == Errc::s3_transient;
}

}  // namespace

std::chrono::seconds longest_wait(std::int64_t bytes) {
  return kAnswerTime + std::chrono::seconds(bytes / kLeastBytesPerSecond);
}

net::HttpRequest BodyRequests::make(const ObjectTarget& target, const S3Call& call, const Credentials& credentials,
                                    const Body& body) const {
  net::HttpRequest request = s3_.make_request(target, call, credentials);
  request.reader = std::make_shared<SourceBody>(body, bandwidth_, target.access.cdn, target.access.bucket);
  request.reader_size = body.size;
  request.cut = body.cut;
  request.total_timeout = {};
  request.peer_timeout = longest_wait(body.size);
  return request;
}

Error BodyRequests::refused(const ObjectTarget& target, Error error, std::int64_t bytes) {
  if (error.code == Errc::s3_too_large) endpoints_.note_too_large(target.access, bytes);
  return error;
}

void BodyRequests::upload_part(const ObjectTarget& target, const Multipart& multipart, int number, const Body& body,
                               const std::optional<RangeChecksum>& checksum, PartDone done) {
  const S3Call call{fmt::format("UploadPart {}", number),
                    "PUT",
                    {{"partNumber", std::to_string(number)}, {"uploadId", multipart.id}},
                    {},
                    "",
                    false};
  if (!checksum) {
    return send_trailing_part(target, call, body, [this, target, done = std::move(done)](Result<StoredBytes> sent) {
      // The store took trailing checksums before. A retry sends the checksum first where that is the cause.
      if (!sent && may_be_of_trailer(sent.error().code)) {
        endpoints_.doubt_trailing(target.access);
        sent = Error{Errc::s3_transient, sent.error().message, sent.error().detail};
      }
      done(std::move(sent));
    });
  }
  if (multipart.mode == ChecksumMode::md5) {
    return send_part(target, call, body, *checksum, SentChecksum::md5, std::move(done));
  }
  if (const auto trial = endpoints_.begin_trailing_trial(target.access)) {
    return try_trailing_part(trial, target, call, body, *checksum, std::move(done));
  }
  send_part(target, call, body, *checksum, SentChecksum::crc32c, std::move(done));
}

void BodyRequests::send_part(const ObjectTarget& target, S3Call call, const Body& body, const RangeChecksum& checksum,
                             SentChecksum kind, PartDone done) {
  call.headers.push_back(checksum_header(kind, checksum));
  s3_.start_exchange(
      target, call,
      [this, target, call, body](const Credentials& credentials) { return make(target, call, credentials, body); },
      [this, target, call, size = body.size, checksum, kind,
       done = std::move(done)](Result<net::HttpResponse> response) {
        if (!response) return done(response.error());
        if (!response->is_success()) {
          Error error = refused(target, refused_part(failure_of(target, call, *response), kind), size);
          // It took CRC32C for the multipart upload, and refuses it with the parts: they are sent again with MD5.
          if (kind == SentChecksum::crc32c && may_refuse_checksums(*response)) {
            endpoints_.add_facts(target.access, {.multipart = ChecksumMode::md5});
            error.code = Errc::s3_parts_refused;
          }
          return done(std::move(error));
        }
        auto stored = confirm_part(target, call, *response, checksum, kind);
        if (stored) endpoints_.add_measurement(target.access, size, response->took);
        done(std::move(stored));
      });
}

// A store that does not understand the frame may keep it as content, refuse it or close the connection. Only a store
// that confirms the CRC32C of the bytes without the frame has understood it.
void BodyRequests::send_trailing_part(const ObjectTarget& target, S3Call call, const Body& body, PartDone done) {
  call.headers = trailer_headers(body.size);
  call.payload_hash = kUnsignedPayloadTrailer;
  const auto crc32c = std::make_shared<std::uint32_t>(0);
  s3_.start_exchange(
      target, call,
      [this, target, call, body, crc32c](const Credentials& credentials) {
        net::HttpRequest request = make(target, call, credentials, body);
        request.reader = std::make_shared<TrailingBody>(std::move(request.reader), body.size, crc32c);
        request.reader_size = framed_size(body.size);
        return request;
      },
      [this, target, call, size = body.size, crc32c, done = std::move(done)](Result<net::HttpResponse> response) {
        if (!response) return done(response.error());
        if (!response->is_success()) {
          return done(refused(target, to_error(failure_of(target, call, *response)), size));
        }
        // Bytes changed on the way would have been refused. With 200, another checksum is that of bytes and frame.
        if (response->header(kCrcHeader) != crc32c_base64(*crc32c)) {
          return done(unusable(Errc::s3_rejected, target, call.operation,
                               "the store does not confirm the checksum after the part"));
        }
        auto stored = confirmed_bytes(target, call.operation, *response, {*crc32c, ""}, SentChecksum::crc32c);
        if (stored) endpoints_.add_measurement(target.access, size, response->took);
        done(std::move(stored));
      });
}

void BodyRequests::try_trailing_part(const EndpointStates::Trial& trial, const ObjectTarget& target, const S3Call& call,
                                     const Body& body, const RangeChecksum& checksum, PartDone done) {
  send_trailing_part(
      target, call, body,
      [this, trial, target, call, body, checksum, done = std::move(done)](Result<StoredBytes> sent) mutable {
        if (sent || is_regardless_of_form(sent.error().code)) {
          if (sent) endpoints_.add_facts(target.access, {.trailing = true});
          return done(std::move(sent));
        }
        send_part(target, call, body, checksum, SentChecksum::crc32c,
                  [this, trial, target, done = std::move(done)](Result<StoredBytes> sent_again) {
                    if (sent_again) endpoints_.add_facts(target.access, {.trailing = false});
                    done(std::move(sent_again));
                  });
      });
}

Result<StoredBytes> BodyRequests::confirm_part(const ObjectTarget& target, const S3Call& call,
                                               const net::HttpResponse& response, const RangeChecksum& checksum,
                                               SentChecksum sent) {
  const bool dropped =
      sent == SentChecksum::crc32c && response.header(kCrcHeader).empty() && !response.header("etag").empty();
  if (!dropped) return confirmed_bytes(target, call.operation, response, checksum, sent);
  endpoints_.add_facts(target.access, {.multipart = ChecksumMode::md5});
  return unusable(Errc::s3_parts_refused, target, call.operation,
                  "the store took CRC32C for the multipart upload, but does not confirm it");
}

}  // namespace vodlift::s3
