// The ledger of multipart uploads, in PostgreSQL.
#pragma once

#include "core/multipart_ledger.h"
#include "postgres/pg_database.h"

namespace vodlift::postgres {

// MultipartLedger over a PgDatabase. Any thread.
class PgMultipartLedger final : public MultipartLedger {
 public:
  explicit PgMultipartLedger(PgDatabase& database) : database_(database) {}

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
  PgDatabase& database_;
};

}  // namespace vodlift::postgres
