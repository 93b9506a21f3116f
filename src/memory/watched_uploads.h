// A queue in memory whose calls are noted, and fail on request. For the tests of doors.
#pragma once

#include <optional>
#include <stdexcept>
#include <vector>

#include "memory/memory_queue.h"

namespace vodlift::memory {

// One thread at a time sets `failure`, `refusal` and `broken`; the calls may come from any.
class WatchedUploads final : public UploadStore {
 public:
  explicit WatchedUploads(const Clock& clock)
      : database_(
            clock, [](const Upload&) { return std::string(); }, since_boot, [](AccountId) { return kDefaultWeight; }) {}

  void insert(NewUpload upload, InsertDone done) override {
    if (failure) return done(*failure);
    uploads_.insert(std::move(upload), std::move(done));
  }
  Result<std::optional<UploadId>> find_repeat(std::int64_t key_id, const RequestSignature& signature) override {
    if (failure) return *failure;
    return uploads_.find_repeat(key_id, signature);
  }
  Result<std::vector<Upload>> find(AccountId account, const UploadQuery& query) override {
    if (broken) throw std::runtime_error("no such table: uploads");
    if (failure) return *failure;
    last_query = query;
    return uploads_.find(account, query);
  }
  Result<std::vector<Upload>> find_in_all(const UploadQuery& query) override {
    if (failure) return *failure;
    last_query = query;
    return uploads_.find_in_all(query);
  }
  Result<UploadPage> search(const UploadSearch& search) override {
    if (failure) return *failure;
    last_search = search;
    return uploads_.search(search);
  }
  Result<std::vector<UploadCount>> counts() override {
    if (failure) return *failure;
    return uploads_.counts();
  }
  Result<QueueState> queue(std::optional<AccountId> account) override {
    if (failure) return *failure;
    return uploads_.queue(account);
  }
  Result<int> wake(AccountId account, const std::string& bucket) override {
    if (failure) return *failure;
    return uploads_.wake(account, bucket);
  }
  Result<ChangeOutcome> change(const ChangeRequest& request) override {
    if (failure) return *failure;
    if (refusal) return ChangeOutcome{all().at(static_cast<std::size_t>(request.id - 1)), refusal};
    return uploads_.change(request);
  }

  // Every upload of every account, by id.
  [[nodiscard]] std::vector<Upload> all() { return database_.all_uploads(); }

  // For other ports over the same database.
  [[nodiscard]] MemoryDatabase& database() { return database_; }

  std::optional<Error> failure;          // what every call answers
  std::optional<ChangeRefusal> refusal;  // of every change; the upload must exist
  bool broken = false;                   // find() throws
  UploadQuery last_query;
  UploadSearch last_search;

 private:
  MemoryDatabase database_;
  MemoryUploadStore uploads_{database_};
};

}  // namespace vodlift::memory
