// An object store in memory that fails on demand, for the worker's unit tests.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/hash.h"
#include "core/object_store.h"

namespace vodlift::worker {

// An S3 that stores parts, with CRC32C, and answers what its script says first.
class MemoryObjects final : public ObjectStore {
 public:
  [[nodiscard]] ChecksumMode checksum_mode(const BucketAccess&) const override { return mode; }
  [[nodiscard]] std::optional<bool> refuses_wrong_md5(const BucketAccess&) const override { return known_md5_check; }
  [[nodiscard]] std::optional<std::int64_t> request_rate(const BucketAccess&) const override { return rate; }
  [[nodiscard]] std::optional<std::int64_t> rate_limit(const BucketAccess&, const std::string&) const override {
    return limit;
  }
  [[nodiscard]] std::int64_t largest_body(const BucketAccess&) const override { return largest; }
  [[nodiscard]] bool takes_trailing_checksums(const BucketAccess&) const override { return trailing; }
  std::optional<Refusal> refusal(const ObjectTarget&) override { return refused; }
  Result<bool> try_wrong_md5(const ObjectTarget&, const std::string&, int number) override {
    calls.push_back("wrong md5 " + std::to_string(number));
    if (auto error = scripted("wrong md5")) return *error;
    return md5_check;
  }

  Result<StoredBytes> put_object(const ObjectTarget& target, const ObjectProperties& properties, const Body& body,
                                 const RangeChecksum& checksum, WriteCondition condition) override {
    calls.push_back("put");
    if (on_put) on_put(target);
    conditions.push_back(condition);
    if (too_large(body.size)) return Error{Errc::s3_too_large, "413"};
    if (auto error = scripted("put")) {
      if (lose_answer) store(properties.token, checksum.crc32c, body.size);
      return *error;
    }
    if (condition != WriteCondition::none && !object_crc.empty()) return Error{Errc::destination_exists, "412"};
    acls.push_back(properties.acl);
    store(properties.token, checksum.crc32c, body.size);
    return StoredBytes{"\"e\"", reported(crc32c_base64(checksum.crc32c)), "", encryption, checksum.crc32c};
  }
  Result<Multipart> create_multipart(const ObjectTarget&, const ObjectProperties& properties) override {
    calls.push_back("create");
    if (auto error = scripted("create")) return *error;
    token = properties.token;
    open.insert("mp" + std::to_string(++created));
    parts.clear();
    if (on_create) on_create("mp" + std::to_string(created));
    if (auto error = scripted("create answer")) return *error;
    return Multipart{"mp" + std::to_string(created), mode};
  }
  void upload_part(const ObjectTarget&, const Multipart& multipart, int number, const Body& body,
                   const std::optional<RangeChecksum>& checksum, PartDone done) override {
    calls.push_back((checksum ? "part " : "part without checksum ") + std::to_string(number));
    if (on_part) on_part();
    if (hold_part) return hold_part(number, body, std::move(done));
    if (too_large(body.size)) return done(Error{Errc::s3_too_large, "413"});
    if (auto error = scripted("part")) return done(*error);
    if (!open.contains(multipart.id)) return done(Error{Errc::s3_no_such_upload, "gone"});
    const std::uint32_t crc = checksum ? checksum->crc32c : crc_of(body);
    parts[number] = {number, body.size, "\"p" + std::to_string(number) + "\"", reported(crc32c_base64(crc))};
    crcs[number] = crc;
    done(StoredBytes{parts[number].etag, parts[number].checksum, "", "", crc});
  }
  Result<std::vector<ListedPart>> list_parts(const ObjectTarget&, const std::string& id) override {
    calls.push_back("list");
    if (on_list_parts) on_list_parts();
    if (auto error = scripted("list")) return *error;
    if (!open.contains(id)) return Error{Errc::s3_no_such_upload, "gone"};
    std::vector<ListedPart> out;
    if (listed.contains(id) && !with_parts.contains(id)) return out;
    for (const auto& [number, part] : parts) out.push_back(part);
    return out;
  }
  Result<MultipartListing> list_multiparts(const ObjectTarget&) override {
    calls.push_back("uploads");
    if (on_list) on_list();
    if (auto error = scripted("uploads")) return *error;
    MultipartListing out;
    out.store_ahead = store_ahead;
    for (const auto& id : open) out.uploads.push_back(listed.contains(id) ? listed[id] : ListedMultipart{id, {}, {}});
    return out;
  }
  Result<CompletedObject> complete_multipart(const ObjectTarget&, const Multipart& multipart, const std::vector<Part>&,
                                             std::uint32_t crc, std::int64_t bytes, WriteCondition condition) override {
    calls.push_back("complete");
    if (on_complete) on_complete();
    conditions.push_back(condition);
    const bool known = open.contains(multipart.id);
    if (auto error = scripted("complete")) {
      if (lose_answer && known) {
        open.erase(multipart.id);
        store(token, crc, bytes);
      }
      return *error;
    }
    if (!known) return Error{Errc::s3_no_such_upload, "gone"};
    if (condition != WriteCondition::none && !object_crc.empty()) return Error{Errc::destination_exists, "412"};
    open.erase(multipart.id);
    store(token, crc, bytes);
    return CompletedObject{"\"e-2\"", tells_whole ? reported(object_crc) : "", ""};
  }
  Result<> abort_multipart(const ObjectTarget&, const std::string& id) override {
    calls.push_back("abort");
    if (auto error = scripted("abort")) return *error;
    open.erase(id);
    return {};
  }
  Result<ObjectInfo> head(const ObjectTarget&) override {
    calls.push_back("head");
    if (auto error = scripted("head")) return *error;
    if (object_crc.empty()) return Error{Errc::s3_not_found, "no such object"};
    return ObjectInfo{tells_size ? size : -1, "\"e-2\"", tells_whole ? reported(object_crc) : "",
                      object_token,           "",        encryption,
                      kept_metadata};
  }
  Result<std::string> read(const ObjectTarget&, const std::string&, std::int64_t offset, std::int64_t count) override {
    calls.push_back("read " + std::to_string(offset) + "+" + std::to_string(count));
    if (auto error = scripted("read")) return *error;
    return object_bytes.substr(static_cast<std::size_t>(offset), static_cast<std::size_t>(count));
  }
  Acl applied_acl(const ObjectTarget&, Acl asked, const std::string&) override {
    return ignores_acl ? Acl::private_acl : asked;
  }
  void note_unmarked(const BucketAccess&) override { ++unmarked; }
  void note_metadata(const BucketAccess&, const Metadata& sent, const Metadata& kept) override {
    noted.emplace_back(sent, kept);
  }
  void note_untold(const BucketAccess&) override { ++untold; }
  void interrupt() override {}

  int count(std::string_view call) const {
    return static_cast<int>(
        std::count_if(calls.begin(), calls.end(), [&](const std::string& made) { return made.starts_with(call); }));
  }

  std::optional<Refusal> refused;                               // of every request
  std::map<std::string, std::deque<Errc>, std::less<>> script;  // next answers of a call
  std::function<void(const ObjectTarget&)> on_put;
  std::function<void()> on_complete;                                 // called as Complete begins
  std::function<void()> on_part;                                     // called as a part begins
  std::function<void(int number, const Body&, PartDone)> hold_part;  // takes a part instead of storing it
  bool lose_answer = false;                                          // a failing complete has worked all the same
  bool trailing = false;                                             // parts need no checksum beforehand
  bool ignores_acl = false;
  bool tells_size = true;
  bool keeps_marks = true;
  bool flip_a_bit = false;  // the store keeps other bytes than were sent
  std::vector<std::string> calls;
  std::vector<Acl> acls;
  std::vector<WriteCondition> conditions;  // of puts and completes
  std::set<std::string> open;
  std::map<std::string, ListedMultipart> listed;  // what is listed of those that are open
  std::set<std::string> with_parts;               // of the listed ones
  std::chrono::milliseconds store_ahead{0};
  std::function<void()> on_list;        // before they are listed
  std::function<void()> on_list_parts;  // before the parts of one are listed
  std::function<void(const std::string&)> on_create;
  int created = 0;
  std::map<int, ListedPart> parts;
  std::map<int, std::uint32_t> crcs;
  std::string encryption;                    // what is said of every object
  ChecksumMode mode = ChecksumMode::crc32c;  // with md5, no digest is reported
  std::optional<bool> known_md5_check;
  std::optional<std::int64_t> limit;
  std::optional<std::int64_t> rate;      // of one request, bytes a second
  std::int64_t largest = kMaxPartBytes;  // halved by each part or object that is larger than `allowed`
  std::int64_t allowed = kMaxPartBytes;
  bool md5_check = true;
  int unmarked = 0;                                  // objects that were said to lack their mark
  Metadata kept_metadata;                            // of every object
  std::vector<std::pair<Metadata, Metadata>> noted;  // as note_metadata()
  int untold = 0;                                    // objects whose CRC32C was not told
  bool tells_whole = true;                           // the CRC32C of an object of parts
  std::string object_bytes;                          // what is read back
  std::string token;
  std::string object_token;
  std::string object_crc;
  std::int64_t size = 0;

 private:
  bool too_large(std::int64_t bytes) {
    if (bytes <= allowed) return false;
    largest = std::min(largest, std::max(kMinPartBytes, bytes / 2));
    return true;
  }
  std::optional<Error> scripted(std::string_view call) {
    auto at = script.find(call);
    if (at == script.end() || at->second.empty()) return std::nullopt;
    const Errc code = at->second.front();
    at->second.pop_front();
    return Error{code, "scripted"};
  }
  static std::uint32_t crc_of(const Body& body) {
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(body.size));
    (void)body.source->read(body.offset, bytes);
    return crc32c(0, bytes);
  }
  std::string reported(std::string crc) const { return mode == ChecksumMode::md5 ? "" : std::move(crc); }
  void store(const std::string& of, std::uint32_t crc, std::int64_t bytes) {
    object_crc = crc32c_base64(flip_a_bit ? crc ^ 1 : crc);
    size = bytes;
    object_token = keeps_marks ? of : "";
  }
};

}  // namespace vodlift::worker
