// In-memory stand-ins for the ports of core, for the worker's unit tests. They keep what they are told and fail on
// demand.
#pragma once

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <set>
#include <string>

#include "base/hash.h"
#include "core/account_store.h"
#include "core/callback_sender.h"
#include "core/object_store.h"
#include "core/storage.h"
#include "core/upload_store.h"

namespace vodlift::worker {

class MemorySource final : public SourceFile {
 public:
  explicit MemorySource(std::string bytes) : bytes_(std::move(bytes)) {
    identity_.size = static_cast<std::int64_t>(bytes_.size());
    identity_.inode = 7;
  }

  [[nodiscard]] const SourceIdentity& identity() const override { return identity_; }
  Result<> read(std::int64_t offset, std::span<std::uint8_t> buffer) const override {
    std::memcpy(buffer.data(), bytes_.data() + offset, buffer.size());
    return {};
  }
  void read_async(std::int64_t offset, std::span<std::uint8_t> buffer,
                  std::function<void(Result<>)> done) const override {
    done(read(offset, buffer));
  }
  Result<std::size_t> read_cached(std::int64_t, std::span<std::uint8_t>) const override { return std::size_t{0}; }
  Result<> check_unchanged() const override {
    if (changes_left_ == 0 || --changes_left_ > 0) return {};
    return Error{Errc::source_changed, "written to"};
  }

  // The `nth` check from now on finds a change.
  void change_at_check(int nth) { changes_left_ = nth; }
  SourceIdentity identity_;

 private:
  const std::string bytes_;
  mutable int changes_left_ = 0;
};

class MemoryStorages final : public Storages {
 public:
  Result<std::unique_ptr<SourceFile>> open(const SourcePath&) override {
    ++opened;
    if (bytes.empty() && !empty_file) return Error{Errc::source_not_found, "file does not exist"};
    auto source = std::make_unique<MemorySource>(bytes);
    source->identity_.inode = inode;
    if (opened <= changing_opens) source->change_at_check(1);
    return std::unique_ptr<SourceFile>(std::move(source));
  }
  std::vector<StorageInfo> list() override { return {}; }

  std::string bytes;
  bool empty_file = false;
  std::uint64_t inode = 7;
  int opened = 0;
  int changing_opens = 0;  // the first so many files change while they are read
};

// An S3 that stores parts, with CRC32C, and answers what its script says first.
class MemoryObjects final : public ObjectStore {
 public:
  [[nodiscard]] ChecksumMode checksum_mode(const BucketAccess&) const override { return ChecksumMode::crc32c; }

  Result<StoredBytes> put_object(const ObjectTarget&, const ObjectProperties& properties, const Body& body,
                                 const RangeChecksum& checksum) override {
    calls.push_back("put");
    if (auto error = scripted("put")) return *error;
    acls.push_back(properties.acl);
    size = body.size;
    return StoredBytes{"\"e\"", crc32c_base64(checksum.crc32c), ""};
  }
  Result<Multipart> create_multipart(const ObjectTarget&, const ObjectProperties& properties) override {
    calls.push_back("create");
    if (auto error = scripted("create")) return *error;
    token = properties.token;
    open.insert("mp" + std::to_string(++created));
    parts.clear();
    return Multipart{"mp" + std::to_string(created), ChecksumMode::crc32c};
  }
  void upload_part(const ObjectTarget&, const Multipart& multipart, int number, const Body& body,
                   const RangeChecksum& checksum, PartDone done) override {
    calls.push_back("part " + std::to_string(number));
    if (on_part) on_part();
    if (auto error = scripted("part")) return done(*error);
    if (!open.contains(multipart.id)) return done(Error{Errc::s3_no_such_upload, "gone"});
    parts[number] = {number, body.size, "\"p" + std::to_string(number) + "\"", crc32c_base64(checksum.crc32c)};
    crcs[number] = checksum.crc32c;
    done(StoredBytes{parts[number].etag, parts[number].checksum, ""});
  }
  Result<std::vector<ListedPart>> list_parts(const ObjectTarget&, const std::string& id) override {
    calls.push_back("list");
    if (auto error = scripted("list")) return *error;
    if (!open.contains(id)) return Error{Errc::s3_no_such_upload, "gone"};
    std::vector<ListedPart> out;
    for (const auto& [number, part] : parts) out.push_back(part);
    return out;
  }
  Result<CompletedObject> complete_multipart(const ObjectTarget&, const Multipart& multipart, const std::vector<Part>&,
                                             std::uint32_t crc, std::int64_t bytes) override {
    calls.push_back("complete");
    const bool known = open.contains(multipart.id);
    if (auto error = scripted("complete")) {
      if (lose_answer && known) store(multipart, crc, bytes);
      return *error;
    }
    if (!known) return Error{Errc::s3_no_such_upload, "gone"};
    store(multipart, crc, bytes);
    return CompletedObject{"\"e-2\"", object_crc, ""};
  }
  Result<> abort_multipart(const ObjectTarget&, const std::string& id) override {
    calls.push_back("abort");
    open.erase(id);
    return {};
  }
  Result<ObjectInfo> head(const ObjectTarget&) override {
    calls.push_back("head");
    if (auto error = scripted("head")) return *error;
    if (object_crc.empty()) return Error{Errc::s3_not_found, "no such object"};
    return ObjectInfo{size, "\"e-2\"", object_crc, object_token, ""};
  }
  void interrupt() override {}

  int count(std::string_view call) const {
    return static_cast<int>(
        std::count_if(calls.begin(), calls.end(), [&](const std::string& made) { return made.starts_with(call); }));
  }

  std::map<std::string, std::deque<Errc>, std::less<>> script;  // next answers of a call
  std::function<void()> on_part;                                // called as a part begins
  bool lose_answer = false;                                     // a failing complete has worked all the same
  bool flip_a_bit = false;                                      // the store keeps other bytes than were sent
  std::vector<std::string> calls;
  std::vector<Acl> acls;
  std::set<std::string> open;
  int created = 0;
  std::map<int, ListedPart> parts;
  std::map<int, std::uint32_t> crcs;
  std::string token;
  std::string object_token;
  std::string object_crc;
  std::int64_t size = 0;

 private:
  std::optional<Error> scripted(std::string_view call) {
    auto at = script.find(call);
    if (at == script.end() || at->second.empty()) return std::nullopt;
    const Errc code = at->second.front();
    at->second.pop_front();
    return Error{code, "scripted"};
  }
  void store(const Multipart& multipart, std::uint32_t crc, std::int64_t bytes) {
    open.erase(multipart.id);
    object_crc = crc32c_base64(flip_a_bit ? crc ^ 1 : crc);
    size = bytes;
    object_token = token;
  }
};

// Keeps what a run records; every method but those a run uses is never called.
class MemoryUploads : public UploadStore {
 public:
  void insert(NewUpload, InsertDone) override {}
  Result<std::optional<UploadId>> find_repeat(std::int64_t, std::string_view) override {
    return std::optional<UploadId>();
  }
  Result<std::vector<Upload>> find(AccountId, const UploadQuery&) override { return std::vector<Upload>(); }
  Result<std::vector<ClaimedUpload>> claim(int, std::chrono::milliseconds) override {
    return std::vector<ClaimedUpload>();
  }
  Result<std::vector<Lease>> renew(const std::vector<Lease>& leases, std::chrono::milliseconds) override {
    return leases;
  }
  Result<> record_multipart(const Lease&, const MultipartJournal& entry) override {
    if (lease_lost) return Error{Errc::lease_lost, "lost"};
    journal = entry;
    return {};
  }
  Result<> record_part(const Lease&, const Part& part) override {
    if (lease_lost) return Error{Errc::lease_lost, "lost"};
    journal.parts.push_back(part);
    return {};
  }
  Result<> finish(const Lease&, const Ending& end) override {
    if (finish_failures-- > 0) return Error{Errc::store_failed, "disk full"};
    ending = end;
    return {};
  }
  Result<> requeue(const Lease&, WallTime at, const std::optional<UploadError>& error, bool counts) override {
    requeued_for = at;
    requeue_error = error;
    requeue_counts = counts;
    return {};
  }
  Result<int> rescue(bool, int) override { return 0; }
  Result<std::vector<ClaimedCallback>> claim_callbacks(int, std::chrono::milliseconds) override {
    return std::vector<ClaimedCallback>();
  }
  Result<> record_callback(const ClaimedCallback&, const CallbackAttempt&) override { return {}; }
  Result<int> forget_signatures(WallTime) override { return 0; }
  Result<std::optional<WallTime>> next_due() override { return std::optional<WallTime>(); }
  void on_work(std::function<void()>) override {}

  bool lease_lost = false;
  int finish_failures = 0;  // the first so many are refused
  MultipartJournal journal;
  std::optional<Ending> ending;
  std::optional<WallTime> requeued_for;
  std::optional<UploadError> requeue_error;
  bool requeue_counts = false;
};

class OneBucket final : public AccountStore {
 public:
  [[nodiscard]] std::optional<Account> find_account(AccountId) const override { return std::nullopt; }
  [[nodiscard]] std::optional<ApiKey> find_key(std::string_view) const override { return std::nullopt; }
  [[nodiscard]] std::optional<BucketAccess> find_bucket(AccountId, std::string_view) const override { return bucket; }
  [[nodiscard]] std::vector<Account> accounts() const override { return {}; }
  [[nodiscard]] std::vector<ApiKey> keys(std::optional<AccountId>) const override { return {}; }
  [[nodiscard]] std::vector<BucketAccess> buckets(std::optional<AccountId>) const override { return {}; }
  Result<> add_account(Account) override { return {}; }
  Result<> add_key(ApiKey) override { return {}; }
  Result<> revoke_key(std::string_view, WallTime) override { return {}; }
  Result<> put_bucket(BucketAccess) override { return {}; }

  std::optional<BucketAccess> bucket = BucketAccess{};
};

class StoppedClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return from_unix_ms(1'700'000'000'000); }
};

}  // namespace vodlift::worker
