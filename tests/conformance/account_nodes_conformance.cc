// Accounts on several nodes: every node sees each change after its refresh, and none is lost.
#include <fmt/format.h>

#include <barrier>
#include <thread>

#include "conformance/account_suite.h"

namespace vodlift::conformance {
namespace {

class AccountNodesConformance : public AccountSuite {};

// Adds `bucket` to the buckets that the key reaches.
std::function<Result<>(ApiKey&)> allowing(const std::string& bucket) {
  return [bucket](ApiKey& key) -> Result<> {
    key.scope.buckets.push_back(bucket);
    return {};
  };
}

TEST_P(AccountNodesConformance, AnotherNodeSeesAChangeAfterItsRefresh) {
  const auto other = make_node();
  add_account(158, "jb");
  ASSERT_TRUE(accounts().add_key(key(158, "K")));
  ASSERT_TRUE(accounts().put_bucket(bucket(158, "b")));
  EXPECT_FALSE(other->find_account(158)) << "reads do not look at the disk";
  ASSERT_TRUE(other->refresh());
  EXPECT_EQ(other->find_account(158)->webhook_secret.reveal(), "whsec_jb");
  EXPECT_EQ(other->find_key("K")->secret.reveal(), "secret of K");
  EXPECT_EQ(other->find_bucket(158, "b")->secret_key.reveal(), "secret of b");

  ASSERT_TRUE(accounts().change_account(158, weighing(7)));
  ASSERT_TRUE(accounts().change_key("K", allowing("b")));
  BucketAccess changed = bucket(158, "b");
  changed.region = "eu-west-2";
  ASSERT_TRUE(accounts().put_bucket(changed));
  const std::vector<KeyUse> uses = {{accounts().find_key("K")->id, clock_.now()}};
  ASSERT_TRUE(accounts().record_key_uses(uses));
  ASSERT_TRUE(other->refresh());
  EXPECT_EQ(other->find_account(158)->weight, 7);
  EXPECT_EQ(other->find_key("K")->scope.buckets, std::vector<std::string>{"b"});
  EXPECT_EQ(other->find_key("K")->last_used, clock_.now());
  EXPECT_EQ(other->find_bucket(158, "b")->region, "eu-west-2");
}

TEST_P(AccountNodesConformance, WhatAnotherNodeHasJustAddedIsLookedUp) {
  const auto other = make_node();
  add_account(158, "jb");
  EXPECT_FALSE(other->find_account(158));
  EXPECT_FALSE(other->look_up_account(159).value());
  ASSERT_TRUE(other->look_up_account(158).value());
  EXPECT_EQ(other->find_account(158)->webhook_secret.reveal(), "whsec_jb");
  ASSERT_TRUE(accounts().put_bucket(bucket(158, "b")));
  EXPECT_FALSE(other->find_bucket(158, "b"));
  EXPECT_FALSE(other->look_up_bucket(158, "c").value());
  const auto found = other->look_up_bucket(158, "b").value();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->secret_key.reveal(), "secret of b");
}

TEST_P(AccountNodesConformance, ADirectoryFollowsWhateverAnotherNodeChanges) {
  const auto other = make_node();
  other->follow(storage_->feed());
  EXPECT_FALSE(other->is_behind());
  const auto follows = [&](const Result<>& changed) {
    EXPECT_TRUE(changed);
    EXPECT_TRUE(other->is_behind());
    EXPECT_TRUE(other->refresh());
    EXPECT_FALSE(other->is_behind());
  };
  follows(accounts().add_account(account(158, "jb")));
  EXPECT_TRUE(other->find_account(158));
  follows(accounts().add_key(key(158, "K")));
  EXPECT_TRUE(other->find_key("K"));
  follows(accounts().put_bucket(bucket(158, "b")));
  EXPECT_TRUE(other->find_bucket(158, "b"));
  follows(accounts().change_account(158, weighing(7)));
  EXPECT_EQ(other->find_account(158)->weight, 7);
  follows(accounts().change_key("K", allowing("b")));
  EXPECT_EQ(other->find_key("K")->scope.buckets, std::vector<std::string>{"b"});
  follows(accounts().revoke_key("K", clock_.now()));
  EXPECT_TRUE(other->find_key("K")->revoked);
  const std::vector<KeyUse> uses = {{accounts().find_key("K")->id, clock_.now()}};
  follows(accounts().record_key_uses(uses));
  EXPECT_EQ(other->find_key("K")->last_used, clock_.now());

  EXPECT_FALSE(accounts().add_account(account(158, "jb")));
  EXPECT_FALSE(other->is_behind()) << "nothing was changed";
}

TEST_P(AccountNodesConformance, AKeyThatAnotherNodeRevokedIsRefusedAfterTheRefresh) {
  add_account(158, "jb");
  ASSERT_TRUE(accounts().add_key(key(158, "K")));
  const auto other = make_node();
  EXPECT_FALSE(refusal(*other->find_key("K"), clock_.now(), "192.0.2.1"));
  ASSERT_TRUE(accounts().revoke_key("K", clock_.now()));
  ASSERT_TRUE(other->refresh());
  EXPECT_EQ(refusal(*other->find_key("K"), clock_.now(), "192.0.2.1"), "revoked");
  ASSERT_TRUE(other->revoke_key("K", clock_.now() + std::chrono::hours(1)));
  EXPECT_EQ(other->find_key("K")->revoked, clock_.now()) << "the first one counts, whichever node made it";
}

TEST_P(AccountNodesConformance, ANodeMayChangeWhatItHasNotSeenYet) {
  const auto other = make_node();
  add_account(158, "jb");
  ASSERT_TRUE(accounts().add_key(key(158, "K")));
  EXPECT_EQ(other->add_account(account(158, "other")).error().code, Errc::already_exists);
  EXPECT_EQ(other->add_key(key(158, "K")).error().code, Errc::already_exists);
  ASSERT_TRUE(other->add_key(key(158, "K2")));
  ASSERT_TRUE(other->put_bucket(bucket(158, "b")));
  ASSERT_TRUE(other->change_key("K", allowing("b")));
  ASSERT_TRUE(other->change_account(158, weighing(3)));
  EXPECT_EQ(other->find_account(158)->weight, 3);
  ASSERT_TRUE(other->refresh());
  EXPECT_EQ(other->keys(158).size(), 2U);
}

TEST_P(AccountNodesConformance, AChangeThatLostTheRaceStartsAgainFromTheNewRow) {
  add_account(158, "jb");
  ASSERT_TRUE(accounts().add_key(key(158, "K")));
  const auto other = make_node();
  int calls = 0;
  ASSERT_TRUE(accounts().change_key("K", [&](ApiKey& key) -> Result<> {
    if (++calls == 1) other->change_key("K", allowing("theirs")).value();
    key.scope.buckets.push_back("ours");
    return {};
  }));
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(accounts().find_key("K")->scope.buckets, (std::vector<std::string>{"theirs", "ours"}));
  reopen();
  EXPECT_EQ(accounts().find_key("K")->scope.buckets, (std::vector<std::string>{"theirs", "ours"}));
}

TEST_P(AccountNodesConformance, AChangeThatLosesEveryRaceChangesNothing) {
  add_account(158, "jb");
  ASSERT_TRUE(accounts().add_key(key(158, "K")));
  const auto other = make_node();
  const auto refused = accounts().change_key("K", [&](ApiKey& key) -> Result<> {
    other
        ->change_key("K",
                     [](ApiKey& theirs) -> Result<> {
                       theirs.secret = Secret("their secret");
                       return {};
                     })
        .value();
    key.secret = Secret("our secret");
    return {};
  });
  EXPECT_EQ(refused.error().code, Errc::overloaded);
  EXPECT_EQ(other->find_key("K")->secret.reveal(), "their secret");
  reopen();
  EXPECT_EQ(accounts().find_key("K")->secret.reveal(), "their secret");
}

TEST_P(AccountNodesConformance, ChangesByTwoNodesAtOnceLoseNothing) {
  constexpr int kEach = 20;
  add_account(158, "jb");
  ASSERT_TRUE(accounts().add_key(key(158, "K")));
  const auto other = make_node();
  std::barrier start(2);
  std::vector<std::thread> threads;
  for (AccountDirectory* node : {accounts_.get(), other.get()}) {
    threads.emplace_back([&, node] {
      start.arrive_and_wait();
      for (int i = 0; i < kEach; ++i) {
        const auto changed = node->change_key("K", allowing("b"));
        EXPECT_TRUE(changed) << changed.error().message;
        EXPECT_GT(node->find_key("K")->scope.buckets.size(), static_cast<std::size_t>(i)) << "visible at once";
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (AccountDirectory* node : {accounts_.get(), other.get()}) {
    ASSERT_TRUE(node->refresh());
    EXPECT_EQ(node->find_key("K")->scope.buckets.size(), 2U * kEach);
  }
}

TEST_P(AccountNodesConformance, RowsCarryTheVersionOfTheirLastChange) {
  add_account(158, "jb");
  ASSERT_TRUE(accounts().add_key(key(158, "K")));
  const auto before = accounts().find_key("K");
  ASSERT_TRUE(accounts().revoke_key("K", clock_.now()));
  EXPECT_FALSE(before->revoked) << "what was read stays as it is";
  EXPECT_GT(accounts().find_key("K")->version, before->version);
  const auto changes = storage_->rows().load_since(before->version).value();
  ASSERT_EQ(changes.rows.keys.size(), 1U);
  EXPECT_TRUE(changes.rows.accounts.empty());
  EXPECT_EQ(changes.rows.keys[0].version, changes.version);
  EXPECT_TRUE(storage_->rows().load_since(changes.version).value().rows.keys.empty());
  EXPECT_FALSE(storage_->rows().change(*before).value()) << "the row has another version by now";
}

VODLIFT_INSTANTIATE_ACCOUNT_SUITE(AccountNodesConformance);

}  // namespace
}  // namespace vodlift::conformance
