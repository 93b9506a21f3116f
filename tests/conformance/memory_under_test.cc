#include "conformance/memory_under_test.h"

#include <vector>

#include "memory/memory_accounts.h"
#include "memory/memory_people.h"
#include "memory/memory_queue.h"

namespace vodlift::conformance {
namespace {

class MemoryUnderTest final : public StoreUnderTest {
 public:
  explicit MemoryUnderTest(const ManualClock& clock)
      : people_(clock),
        database_(
            clock, test_callback_body, [&clock] { return clock.uptime(); },
            [this](AccountId account) { return accounts_.weight_of(account); }) {}

  NodeStores open_node(const std::string& name) override {
    const NodeTerm self = nodes_.join(name).value();
    memory::MemoryNode& node = *opened_.emplace_back(std::make_unique<memory::MemoryNode>(database_, self));
    return {self, node.uploads, node.retention, node.queue, node.callbacks, node.journal};
  }
  Nodes& nodes() override { return nodes_; }
  ChangeFeed& feed() override { return database_.feed(); }
  AccountRepository& account_rows() override { return accounts_; }
  MultipartLedger& ledger() override { return ledger_; }
  BandwidthLimits& limits() override { return limits_; }
  AttemptHistory& attempt_history() override { return attempt_history_; }
  Statistics& statistics() override { return statistics_; }
  CallbackHistory& callback_history() override { return callback_history_; }
  People& people() override { return people_; }
  Sessions& sessions() override { return people_; }
  void set_most_open_uploads(std::int64_t most) override { database_.set_most_open_uploads(most); }
  void reopen() override { opened_.clear(); }

 private:
  memory::MemoryAccounts accounts_;
  memory::MemoryPeople people_;
  memory::MemoryDatabase database_;
  memory::MemoryNodes nodes_{database_};
  memory::MemoryMultipartLedger ledger_{database_};
  memory::MemoryBandwidthLimits limits_{database_};
  memory::MemoryAttemptHistory attempt_history_{database_};
  memory::MemoryStatistics statistics_{database_};
  memory::MemoryCallbackHistory callback_history_{database_};
  std::vector<std::unique_ptr<memory::MemoryNode>> opened_;
};

}  // namespace

std::unique_ptr<StoreUnderTest> make_memory_under_test(const ManualClock& clock) {
  return std::make_unique<MemoryUnderTest>(clock);
}

}  // namespace vodlift::conformance
