#include "core/key_usage.h"

#include <gtest/gtest.h>

#include <map>

#include "core/no_accounts_test.h"

namespace vodlift {
namespace {

class Recording final : public NoAccounts {
 public:
  Result<> record_key_uses(std::span<const KeyUse> uses) override {
    ++calls;
    if (broken) return Error{Errc::store_failed, "the disk is full"};
    for (const KeyUse& use : uses) last[use.key_id] = use.when;
    return {};
  }

  bool broken = false;
  int calls = 0;
  std::map<std::int64_t, WallTime> last;
};

TEST(KeyUsage, WritesTheLastTimeOfEachKeyOnce) {
  Recording store;
  KeyUsage usage(store);
  ASSERT_TRUE(usage.flush());
  EXPECT_EQ(store.calls, 0) << "nothing to write";
  usage.note(1, from_unix_ms(10));
  usage.note(2, from_unix_ms(11));
  usage.note(1, from_unix_ms(20));
  usage.note(1, from_unix_ms(15));
  EXPECT_EQ(store.calls, 0) << "nothing is written while requests are judged";
  ASSERT_TRUE(usage.flush());
  ASSERT_TRUE(usage.flush());
  EXPECT_EQ(store.calls, 1);
  EXPECT_EQ(store.last, (std::map<std::int64_t, WallTime>{{1, from_unix_ms(20)}, {2, from_unix_ms(11)}}));
}

TEST(KeyUsage, KeepsWhatCouldNotBeWritten) {
  Recording store;
  KeyUsage usage(store);
  store.broken = true;
  usage.note(1, from_unix_ms(10));
  EXPECT_EQ(usage.flush().error().code, Errc::store_failed);
  store.broken = false;
  usage.note(1, from_unix_ms(5));
  ASSERT_TRUE(usage.flush());
  EXPECT_EQ(store.last.at(1), from_unix_ms(10));
}

}  // namespace
}  // namespace vodlift
