// Port: the S3 side. One call is one S3 operation. Implementations do not retry it; the caller does.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "core/bucket_access.h"
#include "core/storage.h"
#include "core/upload.h"

namespace vodlift {

// An object, and how to reach it.
struct ObjectTarget {
  BucketAccess access;
  std::string key;  // byte-exact
  // Set once a request for the object was sent, and the store failed or did not answer; may be null.
  std::shared_ptr<std::atomic<bool>> failed{};
  std::string traceparent{};  // the header of that name, for who logs requests on the way; empty: it is not sent
};

// Why a request is not even sent, and when it should be made again.
struct Refusal {
  Error error;
  std::chrono::milliseconds again_in{};
};

// What is stored with the object besides its bytes. No header is sent for an empty text.
struct ObjectProperties {
  Metadata metadata;
  std::string token;  // kept as x-amz-meta-vodlift-upload
  Acl acl = Acl::private_acl;
  std::string content_type;
  std::string cache_control;
  std::string content_disposition;
  std::string storage_class;
  Metadata tags;
};

// The condition under which the store may put the object in its place.
enum class WriteCondition {
  none,                      // no condition: an existing object is replaced
  absent,                    // no object of that key exists
  absent_where_it_can_tell,  // the same; no condition for a store that does not support them (501)
};

// Checksums of a byte range of the source.
struct RangeChecksum {
  std::uint32_t crc32c = 0;
  std::string md5;  // 16 raw bytes; may be empty where the mode is crc32c
};

// The bytes of one request: a range of the source. The transfer shares the source until it ends.
struct Body {
  std::shared_ptr<const SourceFile> source;
  std::int64_t offset = 0;
  std::int64_t size = 0;
  std::shared_ptr<const std::atomic<bool>> cut{};  // when true, the transfer ends with `interrupted`; may be null
  std::string storage{};                           // of the source, whose bandwidth limit applies
  // Called on a transfer thread when the last byte has been read for sending, each time that happens. Must not block.
  std::function<void()> sent{};
  // The range's bytes if they are in memory: then the source is not read.
  std::shared_ptr<const std::uint8_t[]> bytes{};
};

// The store's confirmation of one object or part, whose checksum or ETag agreed with ours.
struct StoredBytes {
  std::string etag;      // as the store sent it, with quotes
  std::string checksum;  // base64 CRC32C that the store computed; empty: MD5 was compared
  std::string version_id;
  std::string encryption{};  // as satisfies() takes it
  std::uint32_t crc32c = 0;  // of the bytes that were sent
};

// An open multipart upload.
struct Multipart {
  std::string id;
  ChecksumMode mode = ChecksumMode::md5;  // how its parts and the whole are confirmed; never unknown
};

// An object whose parts have been put together.
struct CompletedObject {
  std::string etag;
  std::string checksum;  // as the store sent it: "<base64>", or composite "<base64>-N"; may be empty
  std::string version_id;
  std::string encryption{};  // as satisfies() takes it
};

// What the store says of an object.
struct ObjectInfo {
  std::int64_t size = 0;  // bytes; negative: the store does not say
  std::string etag;
  std::string checksum;  // as CompletedObject's
  std::string token;     // the mark of the upload that made it; empty: no upload of vodlift
  std::string version_id;
  std::string encryption{};  // as satisfies() takes it
  Metadata metadata{};       // under the names that the store tells; without the mark
};

// A part as the store lists it.
struct ListedPart {
  int number = 0;
  std::int64_t size = 0;
  std::string etag;
  std::string checksum;  // base64 CRC32C; empty: the store keeps none
};

// An open multipart upload as the store lists it, whichever program opened it.
struct ListedMultipart {
  std::string id;
  std::optional<WallTime> initiated;  // by the store's clock; nothing: not known
  std::string initiator;              // the principal's id; empty: not known
};

// The open multipart uploads of one key.
struct MultipartListing {
  std::vector<ListedMultipart> uploads;
  std::chrono::milliseconds store_ahead{0};  // the store's clock minus ours, to the second
};

// `etag` without the quotes that stores put around it.
inline std::string unquoted_etag(std::string_view etag) {
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  return std::string(etag);
}

// Port of the S3 side. Any thread. Errors of all: network, timeout, tls, interrupted, s3_*. The error's class decides
// whether a retry makes sense; its message names operation, object, HTTP status, S3 code and request id.
class ObjectStore {
 public:
  using PartDone = std::function<void(Result<StoredBytes>)>;

  ObjectStore() = default;
  ObjectStore(const ObjectStore&) = delete;
  ObjectStore& operator=(const ObjectStore&) = delete;
  virtual ~ObjectStore() = default;

  // How this endpoint confirms objects that are sent in one request, as far as known.
  [[nodiscard]] virtual ChecksumMode checksum_mode(const BucketAccess& access) const = 0;

  // Whether this endpoint refuses bytes that do not match their Content-MD5; nothing: not known yet.
  [[nodiscard]] virtual std::optional<bool> refuses_wrong_md5(const BucketAccess& access) const = 0;

  // Tests it, by sending a part of a few bytes and a wrong MD5. No other part has or will have the number `number`, so
  // that Complete drops what the store keeps of it. Blocks. Errors also: s3_no_such_upload.
  virtual Result<bool> try_wrong_md5(const ObjectTarget& target, const std::string& multipart_id, int number) = 0;

  // Bytes a second that recent requests to this bucket reached, from first byte to answer; nothing: not known.
  [[nodiscard]] virtual std::optional<std::int64_t> request_rate(const BucketAccess& access) const = 0;

  // Bytes a second that the operator allows just now for all that is sent from `storage` to this bucket together with
  // whatever shares its limits; nothing: no limit.
  [[nodiscard]] virtual std::optional<std::int64_t> rate_limit(const BucketAccess& access,
                                                               const std::string& storage) const = 0;

  // How many bytes one request to this bucket may carry, kMinPartBytes..kMaxPartBytes: kMaxPartBytes, until a larger
  // request was refused as too large (s3_too_large). Each such refusal halves it.
  [[nodiscard]] virtual std::int64_t largest_body(const BucketAccess& access) const = 0;

  // Whether this endpoint is known to take a part's CRC32C after its bytes, so that upload_part() needs no checksum.
  [[nodiscard]] virtual bool takes_trailing_checksums(const BucketAccess& access) const = 0;

  // What a request for this object would end with now, without being sent; nothing: it would be sent. While there is
  // one, the endpoint or the bucket does not work (s3_unavailable), or the store refuses the bucket's key
  // (s3_credential), and one request at a time tries whether that is still so.
  virtual std::optional<Refusal> refusal(const ObjectTarget& target) = 0;

  // Stores the whole object in one request (<= 5 GiB); blocks. `checksum.md5` must be there unless the endpoint's mode
  // is crc32c. Errors also: s3_integrity (the store confirmed other bytes), destination_exists (the condition does not
  // hold), s3_conflict (another writer wrote at the same time).
  virtual Result<StoredBytes> put_object(const ObjectTarget& target, const ObjectProperties& properties,
                                         const Body& body, const RangeChecksum& checksum, WriteCondition condition) = 0;

  // Opens a multipart upload. Blocks.
  virtual Result<Multipart> create_multipart(const ObjectTarget& target, const ObjectProperties& properties) = 0;

  // Sends one part without blocking; `done` is called once, on a transfer thread, and must not block.
  // Without `checksum` it is computed while the bytes are sent: only where the multipart upload's mode is not md5 and
  // takes_trailing_checksums(). `checksum->md5` must be there where the mode is md5. Errors also: s3_integrity,
  // s3_no_such_upload.
  virtual void upload_part(const ObjectTarget& target, const Multipart& multipart, int number, const Body& body,
                           const std::optional<RangeChecksum>& checksum, PartDone done) = 0;

  // All parts that the store has. Blocks. Errors also: s3_no_such_upload.
  virtual Result<std::vector<ListedPart>> list_parts(const ObjectTarget& target, const std::string& multipart_id) = 0;

  // All open multipart uploads of exactly this key. Blocks. Errors also: s3_rejected (more than 2,000).
  virtual Result<MultipartListing> list_multiparts(const ObjectTarget& target) = 0;

  // Puts the parts together. Blocks, sometimes for minutes. `crc32c` is the checksum of the whole object, `size` its
  // bytes. Errors also: s3_no_such_upload, s3_unverifiable (the answer cannot be read: head() says what happened),
  // destination_exists and s3_conflict as put_object(); after s3_conflict the parts cannot be used again.
  virtual Result<CompletedObject> complete_multipart(const ObjectTarget& target, const Multipart& multipart,
                                                     const std::vector<Part>& parts, std::uint32_t crc32c,
                                                     std::int64_t size, WriteCondition condition) = 0;

  // Removes a multipart upload. Succeeds also if it no longer exists. Blocks.
  virtual Result<> abort_multipart(const ObjectTarget& target, const std::string& multipart_id) = 0;

  // Blocks. Errors also: s3_not_found.
  virtual Result<ObjectInfo> head(const ObjectTarget& target) = 0;

  // The visibility of an object that was stored with `asked` and has this ETag (without quotes), as far as it can be
  // found out; else `asked`. Only public_read is doubted. Asks the store once for a bucket, and again after a while;
  // then it blocks for some seconds. Never fails.
  virtual Acl applied_acl(const ObjectTarget& target, Acl asked, const std::string& etag) = 0;

  // An object of a multipart upload was found without the metadata that it was opened with. Logged once for an
  // endpoint.
  virtual void note_unmarked(const BucketAccess& access) = 0;

  // An object that was sent with the metadata `sent` has `kept`. Logged once for a bucket if a name was changed or
  // dropped.
  virtual void note_metadata(const BucketAccess& access, const Metadata& sent, const Metadata& kept) = 0;

  // An object was read back although CRC32C had confirmed its parts: the store tells no CRC32C of the whole. MD5 is
  // taken for later multipart uploads to the endpoint, whose ETags may confirm the whole.
  virtual void note_untold(const BucketAccess& access) = 0;

  // `size` (>= 1) bytes of the object from `offset`, while its ETag is `etag`. Blocks. Errors also: s3_not_found,
  // s3_unverifiable (the object was replaced, or the answer has other bytes than requested).
  virtual Result<std::string> read(const ObjectTarget& target, const std::string& etag, std::int64_t offset,
                                   std::int64_t size) = 0;

  // Ends every running call, and every later one, with `interrupted`: for the end of the program.
  virtual void interrupt() = 0;
};

}  // namespace vodlift
