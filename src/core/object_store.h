// Port: the S3 side. One call is one S3 operation, retried by nobody here.
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

// Which object, and how to get there.
struct ObjectTarget {
  BucketAccess access;
  std::string key;  // byte-exact
};

// What stays with the object beside its bytes; an empty text sends no header.
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

// What has to hold at the store in the moment an object is put in its place.
enum class WriteCondition {
  none,                      // nothing: an object that is there is replaced
  absent,                    // no object of that key is there
  absent_where_it_can_tell,  // likewise; a store that knows no conditions (501) is asked without
};

// Checksums of a byte range of the source. `md5` (16 raw bytes) may be empty where the mode is crc32c.
struct RangeChecksum {
  std::uint32_t crc32c = 0;
  std::string md5;
};

// The bytes of one request: a range of the source, which is shared with the transfer until it is done.
struct Body {
  std::shared_ptr<const SourceFile> source;
  std::int64_t offset = 0;
  std::int64_t size = 0;
  std::shared_ptr<const std::atomic<bool>> cut{};  // set, it ends the transfer with `interrupted`; null: nothing does
  std::string storage{};                           // that the source lies on: its bandwidth limit counts
  // Called on a transfer thread, without blocking, when the last byte is on its way; again where it is sent again.
  std::function<void()> sent{};
  // The range's bytes, where they are in memory: sent instead of what the source would be read for.
  std::shared_ptr<const std::uint8_t[]> bytes{};
};

// The store's confirmation of one object or part: its checksum or ETag agreed with ours.
struct StoredBytes {
  std::string etag;      // as given, quotes included
  std::string checksum;  // base64 CRC32C that the store computed; empty: it told none, and MD5 was compared
  std::string version_id;
  std::string encryption{};  // as satisfies() takes it
  std::uint32_t crc32c = 0;  // of the bytes that were sent
};

// A multipart upload that is open at the store.
struct Multipart {
  std::string id;
  ChecksumMode mode = ChecksumMode::md5;  // not unknown: how its parts and the whole are confirmed
};

struct CompletedObject {
  std::string etag;
  std::string checksum;  // as given: "<base64>" or composite "<base64>-N"; empty: none
  std::string version_id;
  std::string encryption{};  // as satisfies() takes it
};

struct ObjectInfo {
  std::int64_t size = 0;
  std::string etag;
  std::string checksum;  // as CompletedObject's
  std::string token;     // our mark; empty: not ours
  std::string version_id;
  std::string encryption{};  // as satisfies() takes it
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

// Port of the S3 side. Any thread. Errors of all: network, timeout, tls, interrupted, s3_* (the class decides about a
// retry; the message names operation, object, HTTP status, S3 code and request id).
class ObjectStore {
 public:
  using PartDone = std::function<void(Result<StoredBytes>)>;

  ObjectStore() = default;
  ObjectStore(const ObjectStore&) = delete;
  ObjectStore& operator=(const ObjectStore&) = delete;
  virtual ~ObjectStore() = default;

  // What is known of how this endpoint confirms objects sent in one request so far.
  [[nodiscard]] virtual ChecksumMode checksum_mode(const BucketAccess& access) const = 0;

  // Whether this endpoint refuses bytes that are not those of their Content-MD5; nothing: not known yet.
  [[nodiscard]] virtual std::optional<bool> refuses_wrong_md5(const BucketAccess& access) const = 0;

  // Finds that out, by a part of a few bytes and the MD5 of others; `number` is one that no part has or will have: what
  // a store keeps of it goes with Complete. Blocks. Errors also: s3_no_such_upload.
  virtual Result<bool> try_wrong_md5(const ObjectTarget& target, const std::string& multipart_id, int number) = 0;

  // Bytes a second that one request to this bucket got lately, from its first byte to its answer; nothing: not known.
  [[nodiscard]] virtual std::optional<std::int64_t> request_rate(const BucketAccess& access) const = 0;

  // Whether this endpoint is known to take a part's CRC32C after its bytes, so that upload_part() needs none.
  [[nodiscard]] virtual bool takes_trailing_checksums(const BucketAccess& access) const = 0;

  // Stores the whole object in one request (<= 5 GiB); blocks. `checksum.md5` must be there unless the endpoint's mode
  // is crc32c. Errors also: s3_integrity (what the store confirmed is not what was read), destination_exists and
  // s3_conflict (the condition does not hold; another writer was there at the same time).
  virtual Result<StoredBytes> put_object(const ObjectTarget& target, const ObjectProperties& properties,
                                         const Body& body, const RangeChecksum& checksum, WriteCondition condition) = 0;

  // Opens a multipart upload. Blocks.
  virtual Result<Multipart> create_multipart(const ObjectTarget& target, const ObjectProperties& properties) = 0;

  // Sends one part without blocking; `done` is called once, on a transfer thread, and must not block.
  // Without `checksum` the bytes are summed as they leave: only where the multipart upload's mode is not md5 and the
  // endpoint took that before. `checksum->md5` must be there where the mode is md5. Errors also: s3_integrity,
  // s3_no_such_upload.
  virtual void upload_part(const ObjectTarget& target, const Multipart& multipart, int number, const Body& body,
                           const std::optional<RangeChecksum>& checksum, PartDone done) = 0;

  // Every part the store has, all pages. Blocks. Errors also: s3_no_such_upload.
  virtual Result<std::vector<ListedPart>> list_parts(const ObjectTarget& target, const std::string& multipart_id) = 0;

  // Every open multipart upload for exactly this key, all pages, 2,000 at most. Blocks. Errors also: s3_rejected
  // (more).
  virtual Result<MultipartListing> list_multiparts(const ObjectTarget& target) = 0;

  // Puts the parts together. Blocks, for minutes if need be. `crc32c` is the whole object's, `size` its bytes.
  // Errors also: s3_no_such_upload, s3_unverifiable (no intelligible answer came: head() tells), destination_exists
  // and s3_conflict as put_object's; after the latter the parts are of no use any more.
  virtual Result<CompletedObject> complete_multipart(const ObjectTarget& target, const Multipart& multipart,
                                                     const std::vector<Part>& parts, std::uint32_t crc32c,
                                                     std::int64_t size, WriteCondition condition) = 0;

  // Drops a multipart upload; one that is gone already counts as success. Blocks.
  virtual Result<> abort_multipart(const ObjectTarget& target, const std::string& multipart_id) = 0;

  // Blocks. Errors also: s3_not_found.
  virtual Result<ObjectInfo> head(const ObjectTarget& target) = 0;

  // `size` (>= 1) bytes of the object from `offset`, while its ETag is `etag`. Blocks. Errors also: s3_not_found,
  // s3_unverifiable (it is another object by now, or other bytes were answered than asked for).
  virtual Result<std::string> read(const ObjectTarget& target, const std::string& etag, std::int64_t offset,
                                   std::int64_t size) = 0;

  // Ends every running call, and each one made later, with `interrupted`: for the end of the program.
  virtual void interrupt() = 0;
};

}  // namespace vodlift
