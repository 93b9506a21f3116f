// S3ObjectStore's way of sending a part: with its checksum in the head, or behind the bytes where the store takes that.
#include <fmt/format.h>

#include "base/encoding.h"
#include "base/hash.h"
#include "s3/s3_checksums.h"
#include "s3/s3_object_store.h"
#include "s3/trailing_body.h"

namespace vodlift::s3 {
namespace {

// Failures that come whatever the form of a request: no other form is worth a try.
bool tells_nothing_of_the_form(Errc code) {
  return code == Errc::s3_throttled || code == Errc::s3_unavailable || code == Errc::s3_no_such_upload ||
         code == Errc::interrupted;
}

}  // namespace

void S3ObjectStore::upload_part(const ObjectTarget& target, const Multipart& multipart, int number, const Body& body,
                                const std::optional<RangeChecksum>& checksum, PartDone done) {
  const Call call{fmt::format("UploadPart {}", number),
                  "PUT",
                  {{"partNumber", std::to_string(number)}, {"uploadId", multipart.id}},
                  {},
                  "",
                  false};
  if (!checksum) {
    return send_trailing_part(target, call, body, [this, target, done = std::move(done)](Result<StoredBytes> sent) {
      // It took them before, and seems to be another by now. The part is worth another try, with its checksum first.
      if (!sent && sent.error().code == Errc::s3_rejected) {
        learned_.learn_checksums(target.access, {.trailing = false});
        sent = Error{Errc::s3_transient, sent.error().message};
      }
      done(std::move(sent));
    });
  }
  if (multipart.mode == ChecksumMode::md5) {
    return send_part(target, call, body, *checksum, SentChecksum::md5, std::move(done));
  }
  if (learned_.begin_trailing_trial(target.access)) {
    return try_trailing_part(target, call, body, *checksum, std::move(done));
  }
  send_part(target, call, body, *checksum, SentChecksum::crc32c, std::move(done));
}

void S3ObjectStore::send_part(const ObjectTarget& target, Call call, const Body& body, const RangeChecksum& checksum,
                              SentChecksum kind, PartDone done) {
  call.headers.push_back(checksum_header(kind, checksum));
  start_exchange(
      target, call,
      [this, target, call, body](const Credentials& credentials) {
        return make_body_request(target, call, credentials, body);
      },
      [this, target, call, size = body.size, checksum, kind,
       done = std::move(done)](Result<net::HttpResponse> response) {
        if (!response) return done(response.error());
        if (!response->is_success()) return done(refused_part(failure_of(target, call, *response), kind));
        auto stored = confirm_part(target, call, *response, checksum, kind);
        if (stored) rates_.add(target.access, size, response->took);
        done(std::move(stored));
      });
}

// What a store does with a frame it does not know is all the same: keep it as content, refuse it, hang up. Only one
// that names the CRC32C of the bytes alone has understood.
void S3ObjectStore::send_trailing_part(const ObjectTarget& target, Call call, const Body& body, PartDone done) {
  call.headers = trailer_headers(body.size);
  call.payload_hash = kUnsignedPayloadTrailer;
  const auto crc32c = std::make_shared<std::uint32_t>(0);
  start_exchange(
      target, call,
      [this, target, call, body, crc32c](const Credentials& credentials) {
        net::HttpRequest request = make_body_request(target, call, credentials, body);
        request.reader = std::make_shared<TrailingBody>(std::move(request.reader), body.size, crc32c);
        request.reader_size = framed_size(body.size);
        return request;
      },
      [this, target, call, size = body.size, crc32c, done = std::move(done)](Result<net::HttpResponse> response) {
        if (!response) return done(response.error());
        if (!response->is_success()) return done(to_error(failure_of(target, call, *response)));
        // Bytes that a fault on the way changed would have been refused: 200 and another checksum is the frame's.
        if (response->header(kCrcHeader) != crc32c_base64(*crc32c)) {
          return done(Error{Errc::s3_rejected,
                            fmt::format("{} of s3://{}/{}: the store does not confirm the checksum behind the part",
                                        call.operation, target.access.bucket, printable(target.key))});
        }
        auto stored = confirmed_bytes(target, call.operation, *response, {*crc32c, ""}, SentChecksum::crc32c);
        if (stored) rates_.add(target.access, size, response->took);
        done(std::move(stored));
      });
}

void S3ObjectStore::try_trailing_part(const ObjectTarget& target, const Call& call, const Body& body,
                                      const RangeChecksum& checksum, PartDone done) {
  send_trailing_part(target, call, body,
                     [this, target, call, body, checksum, done = std::move(done)](Result<StoredBytes> sent) mutable {
                       if (sent || tells_nothing_of_the_form(sent.error().code)) {
                         learned_.end_trailing_trial(target.access, sent ? std::optional(true) : std::nullopt);
                         return done(std::move(sent));
                       }
                       send_part(target, call, body, checksum, SentChecksum::crc32c,
                                 [this, target, done = std::move(done)](Result<StoredBytes> sent_again) {
                                   learned_.end_trailing_trial(target.access,
                                                               sent_again ? std::optional(false) : std::nullopt);
                                   done(std::move(sent_again));
                                 });
                     });
}

// The store may have taken the CRC32C that Create offered, and something on the way have dropped its word of that. The
// next Create offers none.
Error S3ObjectStore::refused_part(const Failure& failure, SentChecksum sent) {
  Error error = to_error(failure);
  if (sent == SentChecksum::md5 && failure.code == "InvalidRequest") error.code = Errc::s3_parts_refused;
  return error;
}

Result<StoredBytes> S3ObjectStore::confirm_part(const ObjectTarget& target, const Call& call,
                                                const net::HttpResponse& response, const RangeChecksum& checksum,
                                                SentChecksum sent) {
  const bool dropped =
      sent == SentChecksum::crc32c && response.header(kCrcHeader).empty() && !response.header("etag").empty();
  if (!dropped) return confirmed_bytes(target, call.operation, response, checksum, sent);
  learned_.learn_checksums(target.access, {.multipart = ChecksumMode::md5});
  return Error{Errc::s3_parts_refused,
               fmt::format("{} of s3://{}/{}: the store took CRC32C for the multipart upload, but does not confirm it",
                           call.operation, target.access.bucket, printable(target.key))};
}

}  // namespace vodlift::s3
