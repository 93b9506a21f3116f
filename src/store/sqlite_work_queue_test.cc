#include "store/sqlite_work_queue.h"

#include <atomic>
#include <future>
#include <latch>
#include <thread>
#include <vector>

#include "store/sqlite_upload_store.h"
#include "store/store_test_support.h"

namespace vodlift::store {
namespace {

constexpr std::int64_t kMiB = std::int64_t{1024} * 1024;
constexpr std::chrono::milliseconds kLease{60'000};

// What a test wants done inside a transaction.
class Posted final : public WriteOperation {
 public:
  explicit Posted(std::function<Result<>(SqliteConnection&)> change) : change_(std::move(change)) {}
  Result<> run(SqliteConnection& connection) override { return change_(connection); }
  void done(Result<>) override {}

 private:
  const std::function<Result<>(SqliteConnection&)> change_;
};

// A transaction in which one change fails is rolled back, and each of its changes runs a second time. Nobody may be
// charged twice for that.
class ATransactionRunTwice : public StoreTest {
 protected:
  UploadId insert(const std::string& destination, AccountId account) {
    NewUpload upload = new_upload(destination);
    upload.account = account;
    upload.size = 1000 * kMiB;
    std::promise<UploadId> inserted;
    uploads_.insert(std::move(upload), [&](const Result<InsertOutcome>& outcome) { inserted.set_value(outcome->id); });
    return inserted.get_future().get();
  }

  // Waits until the changes that are queued by `queue` are done. They are in one transaction with one that fails.
  void beside_a_failure(const std::function<void()>& queue) {
    std::latch go(1);
    database_->post(std::make_unique<Posted>([&](SqliteConnection&) -> Result<> {
      go.wait();
      return {};
    }));
    queue();
    database_->post(std::make_unique<Posted>([this](SqliteConnection& connection) -> Result<> {
      ++runs_of_the_failure_;
      connection.execute("UPDATE uploads SET token = token");
      return Error{Errc::internal, "a neighbour that fails"};
    }));
    go.count_down();
    database_->drain();
    EXPECT_EQ(runs_of_the_failure_, 2);
  }

  // Two accounts have large uploads. The turn of the first one's sends seven times what an account may send in a round.
  // Answers how many of the second account's begin after that, before another of the first.
  int rounds_sat_out(const std::function<void(const std::function<void()>&)>& carry_out) {
    for (int i = 0; i < 20; ++i) {
      for (const AccountId account : {1, 2}) insert(std::to_string(inserted_++), account);
    }
    FairShare share;
    const auto next = [&] { return claim_next(queue_, share, {1, 1}, kLease).value().at(0); };
    const ClaimedUpload first = next();
    EXPECT_EQ(first.upload.account, 1);
    UploadEnding ending;
    ending.size = first.upload.size;
    carry_out([&] {
      queue_.finish(first.lease, ending, [&](const Result<>& ended) {
        if (ended) share.settle(5, 1, 7 * kQuantumBytes - charge_for(first.upload.size));
      });
    });
    database_->drain();
    int rounds = 0;
    while (next().upload.account != 1) ++rounds;
    for (const Candidate& one : queue_.candidates({{100, 100}, 100, 100, {}}).value().accounts) {
      std::vector<UploadId> ids;
      for (const Candidate::Head& head : one.large) ids.push_back(head.id);
      EXPECT_EQ(queue_.claim(ids, kLease).value().size(), ids.size());
    }
    return rounds;
  }

  std::unique_ptr<SqliteDatabase> database_ = open().value();
  SqliteUploadStore uploads_{queue_over(*database_)};
  SqliteWorkQueue queue_{queue_over(*database_)};
  int runs_of_the_failure_ = 0;
  int inserted_ = 0;
};

TEST_F(ATransactionRunTwice, ChargesATurnOnce) {
  const int alone = rounds_sat_out([](const auto& end) { end(); });
  EXPECT_GE(alone, 6);
  EXPECT_EQ(rounds_sat_out([this](const auto& end) { beside_a_failure(end); }), alone);
}

// Counts how often a transaction asks for the time: a claim does so once each time it runs.
class CountingClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override {
    if (std::this_thread::get_id() != main_) ++transactions_;
    return SystemClock().now();
  }
  [[nodiscard]] int transactions() const { return transactions_; }

 private:
  const std::thread::id main_ = std::this_thread::get_id();
  mutable std::atomic<int> transactions_ = 0;
};

// Fails in a transaction in which a claim ran before it. Until the claim has ended, there is always one.
class NeighbourOfClaims final : public WriteOperation {
 public:
  NeighbourOfClaims(SqliteDatabase& database, const CountingClock& clock, const std::atomic<bool>& claimed)
      : database_(database), clock_(clock), claimed_(claimed) {}
  Result<> run(SqliteConnection& connection) override {
    if (clock_.transactions() == 0) return {};
    connection.execute("UPDATE uploads SET token = token");
    return Error{Errc::internal, "a neighbour that fails"};
  }
  void done(Result<>) override {
    if (!claimed_) database_.post(std::make_unique<NeighbourOfClaims>(database_, clock_, claimed_));
  }

 private:
  SqliteDatabase& database_;
  const CountingClock& clock_;
  const std::atomic<bool>& claimed_;
};

class AClaimRunTwice : public ATransactionRunTwice {
 protected:
  // Two accounts have large uploads. The accounts of the first claims, in order; the first claim's transaction runs
  // `runs` times.
  std::vector<AccountId> turns(int runs) {
    for (;;) {
      for (int i = 0; i < 4; ++i) {
        for (const AccountId account : {1, 2}) insert(std::to_string(inserted_++), account);
      }
      const CountingClock clock;
      SqliteQueue shared = queue_over(*database_);
      SqliteWorkQueue queue({shared.database, clock, shared.feed, shared.body, shared.self, shared.uptime});
      FairShare share;
      std::vector<AccountId> accounts;
      const auto claim = [&] {
        accounts.push_back(claim_next(queue, share, {1, 1}, kLease).value().at(0).upload.account);
      };
      std::atomic<bool> claimed = false;
      if (runs == 2) database_->post(std::make_unique<NeighbourOfClaims>(*database_, clock, claimed));
      claim();
      claimed = true;
      database_->drain();
      const bool as_wanted = clock.transactions() == runs;
      while (accounts.size() < 8) claim();
      // The claim came behind its neighbour, which then had no reason to fail.
      if (as_wanted) return accounts;
    }
  }
};

TEST_F(AClaimRunTwice, ChargesItsAccountOnce) {
  const std::vector<AccountId> alone = turns(1);
  EXPECT_EQ(alone, (std::vector<AccountId>{1, 2, 1, 2, 1, 2, 1, 2}));
  EXPECT_EQ(turns(2), alone);
}

}  // namespace
}  // namespace vodlift::store
