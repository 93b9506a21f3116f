#include "conformance/sqlite_under_test.h"

#include <filesystem>

#include "base/temporary_folder_test.h"
#include "store/master_key.h"
#include "store/sqlite_account_store.h"
#include "store/sqlite_bandwidth_limits.h"
#include "store/sqlite_database.h"
#include "store/sqlite_multipart_ledger.h"
#include "store/sqlite_upload_store.h"

namespace vodlift::conformance {
namespace {

class SqliteUnderTest final : public StoreUnderTest {
 public:
  explicit SqliteUnderTest(const Clock& clock) : clock_(clock) { open(); }
  ~SqliteUnderTest() override { close(); }

  UploadStore& uploads() override { return *uploads_; }
  AccountStore& accounts() override { return *accounts_; }
  MultipartLedger& ledger() override { return *ledger_; }
  BandwidthLimits& limits() override { return *limits_; }
  void reopen() override {
    close();
    open();
  }

 private:
  void open() {
    database_ = store::SqliteDatabase::open({directory_ / "queue.db", 4, {}}, clock_).value();
    const bool sealed = store::SqliteAccountStore::holds_secrets(*database_).value();
    store::Seal seal(store::load_or_create_master_key(directory_ / "master.key", !sealed).value());
    accounts_ = store::SqliteAccountStore::open(*database_, std::move(seal)).value();
    uploads_ = std::make_unique<store::SqliteUploadStore>(*database_, clock_, test_callback_body);
    ledger_ = std::make_unique<store::SqliteMultipartLedger>(*database_, clock_);
    limits_ = std::make_unique<store::SqliteBandwidthLimits>(*database_);
  }

  void close() {
    limits_.reset();
    ledger_.reset();
    uploads_.reset();
    accounts_.reset();
    database_.reset();
  }

  const Clock& clock_;
  const TemporaryFolder temporary_;
  const std::filesystem::path directory_ = temporary_.path();
  std::unique_ptr<store::SqliteDatabase> database_;
  std::unique_ptr<store::SqliteAccountStore> accounts_;
  std::unique_ptr<store::SqliteUploadStore> uploads_;
  std::unique_ptr<store::SqliteMultipartLedger> ledger_;
  std::unique_ptr<store::SqliteBandwidthLimits> limits_;
};

}  // namespace

std::unique_ptr<StoreUnderTest> make_sqlite_under_test(const Clock& clock) {
  return std::make_unique<SqliteUnderTest>(clock);
}

}  // namespace vodlift::conformance
