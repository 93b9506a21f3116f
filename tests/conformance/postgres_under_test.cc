#include "conformance/postgres_under_test.h"

#include "postgres/pg_account_repository.h"
#include "postgres/pg_attempt_history.h"
#include "postgres/pg_bandwidth_limits.h"
#include "postgres/pg_bandwidth_shares.h"
#include "postgres/pg_callback_history.h"
#include "postgres/pg_callback_queue.h"
#include "postgres/pg_multipart_journal.h"
#include "postgres/pg_multipart_ledger.h"
#include "postgres/pg_nodes.h"
#include "postgres/pg_people.h"
#include "postgres/pg_sessions.h"
#include "postgres/pg_statistics.h"
#include "postgres/pg_upload_retention.h"
#include "postgres/pg_upload_store.h"
#include "postgres/pg_work_queue.h"
#include "postgres/started_server_test.h"

namespace vodlift::conformance {
namespace {

// Of the tests' server: it is not safe, and need not be.
postgres::PgOptions options_of(const Secret& url) {
  postgres::PgOptions options;
  options.url = url;
  options.accept_unsafe = true;
  return options;
}

// Databases with our schema that no test uses now. A new one takes long to make, so tests hand them on.
class Databases {
 public:
  static Databases& shared() {
    static Databases databases;
    return databases;
  }

  // The name of one with nothing in it.
  std::string take() {
    if (free_.empty()) {
      postgres::StartedServer& server = postgres::StartedServer::shared();
      free_.push_back(server.make_database());
      postgres::PgDatabase::open(options_of(server.url_of(free_.back()))).value();
    }
    std::string name = std::move(free_.back());
    free_.pop_back();
    return name;
  }

  void give_back(const std::string& name) {
    auto opened = postgres::PgConnection::open(postgres::StartedServer::shared().url_of(name));
    if (!opened) return;
    postgres::PgConnection* connection = opened->get();
    // A TRUNCATE would make all files anew, which takes longer than a test.
    const auto deletes = connection->execute(
        "SELECT string_agg('DELETE FROM ' || relname, '; ') FROM pg_class WHERE relnamespace = 'vodlift'::regnamespace"
        " AND relkind IN ('r', 'p') AND NOT relispartition"
        " AND relname NOT IN ('migrations', 'upload_blocks', 'counters')");
    connection->execute(
        "SET session_replication_role = replica; " + deletes.value_or("") +
        "; SELECT setval(seqrelid::regclass, seqstart, false) FROM pg_sequence;"
        "UPDATE counters SET value = 0; INSERT INTO callback_receivers (account, receiver) VALUES (0, '')");
    if (!connection->take_failure()) free_.push_back(name);
  }

 private:
  std::vector<std::string> free_;
};

class PostgresUnderTest final : public StoreUnderTest {
 public:
  PostgresUnderTest(const ManualClock& clock, postgres::CandidateLists::Pace pace)
      : clock_(clock), pace_(pace), database_name_(Databases::shared().take()) {
    open();
  }
  ~PostgresUnderTest() override {
    close();
    Databases::shared().give_back(database_name_);
  }

  NodeStores open_node(const std::string& name) override {
    const NodeTerm self = stores_->nodes.join(name).value();
    const Node& node = *opened_.emplace_back(std::make_unique<Node>(
        postgres::PgQueue{*database_, feed_, test_callback_body, self, [this] { return clock_.uptime(); }}, pace_));
    return {self, *node.uploads, *node.retention, *node.queue, *node.callbacks, *node.journal};
  }
  [[nodiscard]] bool offers_by_storage() const override { return true; }
  Nodes& nodes() override { return stores_->nodes; }
  ChangeFeed& feed() override { return feed_; }
  AccountRepository& account_rows() override { return *account_rows_; }
  MultipartLedger& ledger() override { return stores_->ledger; }
  BandwidthLimits& limits() override { return stores_->limits; }
  BandwidthShares* shares() override { return &stores_->shares; }
  AttemptHistory& attempt_history() override { return stores_->attempt_history; }
  Statistics& statistics() override { return stores_->statistics; }
  CallbackHistory& callback_history() override { return stores_->callback_history; }
  People& people() override { return stores_->people; }
  Sessions& sessions() override { return stores_->sessions; }
  void set_most_open_uploads(std::int64_t most) override { most_open_uploads_ = most; }
  void reopen() override {
    close();
    open();
  }

 private:
  struct Node {
    Node(const postgres::PgQueue& shared, postgres::CandidateLists::Pace pace)
        : uploads(std::make_unique<postgres::PgUploadStore>(shared)),
          retention(std::make_unique<postgres::PgUploadRetention>(shared.database)),
          queue(std::make_unique<postgres::PgWorkQueue>(shared, pace)),
          callbacks(std::make_unique<postgres::PgCallbackQueue>(shared)),
          journal(std::make_unique<postgres::PgMultipartJournal>(shared)) {}

    std::unique_ptr<postgres::PgUploadStore> uploads;
    std::unique_ptr<postgres::PgUploadRetention> retention;
    std::unique_ptr<postgres::PgWorkQueue> queue;
    std::unique_ptr<postgres::PgCallbackQueue> callbacks;
    std::unique_ptr<postgres::PgMultipartJournal> journal;
  };

  struct Stores {
    explicit Stores(postgres::PgDatabase& database)
        : nodes(database),
          ledger(database),
          limits(database),
          shares(database),
          attempt_history(database),
          statistics(database),
          callback_history(database),
          people(database),
          sessions(database) {}

    postgres::PgNodes nodes;
    postgres::PgMultipartLedger ledger;
    postgres::PgBandwidthLimits limits;
    postgres::PgBandwidthShares shares;
    postgres::PgAttemptHistory attempt_history;
    postgres::PgStatistics statistics;
    postgres::PgCallbackHistory callback_history;
    postgres::PgPeople people;
    postgres::PgSessions sessions;
  };

  void open() {
    postgres::PgOptions options = options_of(postgres::StartedServer::shared().url_of(database_name_));
    options.most_open_uploads = most_open_uploads_;
    options.feed = &feed_;
    options.clock = &clock_;
    database_ = postgres::PgDatabase::open(std::move(options)).value();
    account_rows_ =
        postgres::PgAccountRepository::open(*database_, Seal(Secret(std::string(Seal::kKeyBytes, 'k')))).value();
    stores_.emplace(*database_);
  }

  void close() {
    opened_.clear();
    stores_.reset();
    account_rows_.reset();
    database_.reset();
  }

  const ManualClock& clock_;
  const postgres::CandidateLists::Pace pace_;
  const std::string database_name_;
  std::int64_t most_open_uploads_ = kMostOpenUploads;
  LocalChangeFeed feed_;
  std::unique_ptr<postgres::PgDatabase> database_;
  std::unique_ptr<postgres::PgAccountRepository> account_rows_;
  std::optional<Stores> stores_;
  std::vector<std::unique_ptr<Node>> opened_;
};

}  // namespace

std::unique_ptr<StoreUnderTest> make_postgres_under_test(const ManualClock& clock) {
  return std::make_unique<PostgresUnderTest>(clock, postgres::CandidateLists::Pace{});
}

Implementation postgres_that_is_told() {
  constexpr int kNever = 1'000'000'000;
  return {"told", [](const ManualClock& clock) {
            return std::make_unique<PostgresUnderTest>(
                clock, postgres::CandidateLists::Pace{std::chrono::milliseconds(0), kNever});
          }};
}

Implementation postgres_that_surveys() {
  return {"surveying", [](const ManualClock& clock) {
            return std::make_unique<PostgresUnderTest>(clock,
                                                       postgres::CandidateLists::Pace{std::chrono::milliseconds(0), 0});
          }};
}

}  // namespace vodlift::conformance
