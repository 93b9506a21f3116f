// The ledger of multipart uploads that may be open, in SQLite.
#pragma once

#include "core/multipart_ledger.h"
#include "store/sqlite_database.h"

namespace vodlift::store {

// MultipartLedger over a SqliteDatabase, which must outlive it as the clock must. Internally locked.
class SqliteMultipartLedger final : public MultipartLedger {
 public:
  SqliteMultipartLedger(SqliteDatabase& database, const Clock& clock) : database_(database), clock_(clock) {}

  // Both: 1,000 at most.
  Result<std::vector<AbandonedMultipart>> due(int limit) override;
  Result<std::vector<AbandonedMultipart>> abandoned(std::optional<AccountId> account, int limit) override;
  Result<LedgerCounts> counts() override;
  Result<std::optional<std::chrono::milliseconds>> next_due() override;
  Result<KnownMultiparts> known(const MultipartPlace& place) override;
  Result<bool> adopt(std::int64_t id, const std::vector<std::string>& multipart_ids) override;
  Result<std::int64_t> intend_probe(const AbandonedMultipart& entry) override;
  Result<> postpone(std::int64_t id, std::chrono::milliseconds delay, const std::optional<std::string>& error) override;
  Result<> postpone_bucket(const AbandonedMultipart& entry, std::chrono::milliseconds delay) override;
  Result<> remove(std::int64_t id) override;

 private:
  SqliteDatabase& database_;
  const Clock& clock_;
};

}  // namespace vodlift::store
