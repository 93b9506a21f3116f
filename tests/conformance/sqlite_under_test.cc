#include "conformance/sqlite_under_test.h"

#include <filesystem>

#include "base/temporary_folder_test.h"
#include "store/master_key.h"
#include "store/sqlite_account_repository.h"
#include "store/sqlite_attempt_history.h"
#include "store/sqlite_bandwidth_limits.h"
#include "store/sqlite_callback_history.h"
#include "store/sqlite_callback_queue.h"
#include "store/sqlite_database.h"
#include "store/sqlite_multipart_journal.h"
#include "store/sqlite_multipart_ledger.h"
#include "store/sqlite_nodes.h"
#include "store/sqlite_people.h"
#include "store/sqlite_sessions.h"
#include "store/sqlite_statistics.h"
#include "store/sqlite_upload_retention.h"
#include "store/sqlite_upload_store.h"
#include "store/sqlite_work_queue.h"

namespace vodlift::conformance {
namespace {

class SqliteUnderTest final : public StoreUnderTest {
 public:
  explicit SqliteUnderTest(const ManualClock& clock) : clock_(clock) { open(); }
  ~SqliteUnderTest() override { close(); }

  NodeStores open_node(const std::string& name) override {
    const NodeTerm self = nodes_->join(name).value();
    const Node& node = *opened_.emplace_back(std::make_unique<Node>(
        store::SqliteQueue{*database_, clock_, feed_, test_callback_body, self, [this] { return clock_.uptime(); }}));
    return node.ports(self);
  }
  Nodes& nodes() override { return *nodes_; }
  ChangeFeed& feed() override { return feed_; }
  AccountRepository& account_rows() override { return *account_rows_; }
  MultipartLedger& ledger() override { return *ledger_; }
  BandwidthLimits& limits() override { return *limits_; }
  AttemptHistory& attempt_history() override { return *attempt_history_; }
  Statistics& statistics() override { return *statistics_; }
  CallbackHistory& callback_history() override { return *callback_history_; }
  People& people() override { return *people_; }
  Sessions& sessions() override { return *sessions_; }
  void set_most_open_uploads(std::int64_t most) override { most_open_uploads_ = most; }
  void reopen() override {
    close();
    open();
  }

 private:
  struct Node {
    explicit Node(const store::SqliteQueue& shared)
        : uploads(std::make_unique<store::SqliteUploadStore>(shared)),
          retention(std::make_unique<store::SqliteUploadRetention>(shared.database, *uploads)),
          queue(std::make_unique<store::SqliteWorkQueue>(shared)),
          callbacks(std::make_unique<store::SqliteCallbackQueue>(shared)),
          journal(std::make_unique<store::SqliteMultipartJournal>(shared)) {}
    [[nodiscard]] NodeStores ports(const NodeTerm& self) const {
      return {self, *uploads, *retention, *queue, *callbacks, *journal};
    }

    std::unique_ptr<store::SqliteUploadStore> uploads;
    std::unique_ptr<store::SqliteUploadRetention> retention;
    std::unique_ptr<store::SqliteWorkQueue> queue;
    std::unique_ptr<store::SqliteCallbackQueue> callbacks;
    std::unique_ptr<store::SqliteMultipartJournal> journal;
  };

  void open() {
    store::SqliteOptions options;
    options.path = directory_ / "queue.db";
    options.most_open_uploads = most_open_uploads_;
    options.feed = &feed_;
    database_ = store::SqliteDatabase::open(options, clock_).value();
    const bool sealed = store::SqliteAccountRepository::holds_secrets(*database_).value();
    Seal seal(store::load_or_create_master_key(directory_ / "master.key", !sealed).value());
    account_rows_ = store::SqliteAccountRepository::open(*database_, feed_, std::move(seal)).value();
    nodes_ = std::make_unique<store::SqliteNodes>(*database_, clock_);
    ledger_ = std::make_unique<store::SqliteMultipartLedger>(*database_, clock_);
    limits_ = std::make_unique<store::SqliteBandwidthLimits>(*database_);
    attempt_history_ = std::make_unique<store::SqliteAttemptHistory>(*database_);
    statistics_ = std::make_unique<store::SqliteStatistics>(*database_, clock_);
    callback_history_ = std::make_unique<store::SqliteCallbackHistory>(*database_, clock_, feed_);
    people_ = std::make_unique<store::SqlitePeople>(*database_, clock_);
    sessions_ = std::make_unique<store::SqliteSessions>(*database_, clock_);
  }

  void close() {
    statistics_.reset();
    sessions_.reset();
    people_.reset();
    callback_history_.reset();
    attempt_history_.reset();
    limits_.reset();
    ledger_.reset();
    opened_.clear();
    nodes_.reset();
    account_rows_.reset();
    database_.reset();
  }

  const ManualClock& clock_;
  std::int64_t most_open_uploads_ = kMostOpenUploads;
  LocalChangeFeed feed_;
  const TemporaryFolder temporary_;
  const std::filesystem::path directory_ = temporary_.path();
  std::unique_ptr<store::SqliteDatabase> database_;
  std::unique_ptr<store::SqliteAccountRepository> account_rows_;
  std::unique_ptr<store::SqliteNodes> nodes_;
  std::vector<std::unique_ptr<Node>> opened_;
  std::unique_ptr<store::SqliteMultipartLedger> ledger_;
  std::unique_ptr<store::SqliteBandwidthLimits> limits_;
  std::unique_ptr<store::SqliteAttemptHistory> attempt_history_;
  std::unique_ptr<store::SqliteStatistics> statistics_;
  std::unique_ptr<store::SqliteCallbackHistory> callback_history_;
  std::unique_ptr<store::SqlitePeople> people_;
  std::unique_ptr<store::SqliteSessions> sessions_;
};

}  // namespace

std::unique_ptr<StoreUnderTest> make_sqlite_under_test(const ManualClock& clock) {
  return std::make_unique<SqliteUnderTest>(clock);
}

}  // namespace vodlift::conformance
