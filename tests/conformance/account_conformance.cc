// Accounts, keys and buckets: changes are visible at once and durable; secrets stay intact.
#include <fmt/format.h>

#include <atomic>
#include <thread>

#include "conformance/account_suite.h"

namespace vodlift::conformance {
namespace {

class AccountConformance : public AccountSuite {};

TEST_P(AccountConformance, EmptyAtFirst) {
  EXPECT_FALSE(accounts().find_account(158));
  EXPECT_FALSE(accounts().find_key("K"));
  EXPECT_FALSE(accounts().find_bucket(158, "b"));
  EXPECT_TRUE(accounts().accounts().empty());
}

TEST_P(AccountConformance, WeightsCountAtOnceAndStay) {
  add_account(158, "jb");
  EXPECT_EQ(accounts().find_account(158)->weight, 1);
  ASSERT_TRUE(accounts().change_account(158, weighing(7)));
  EXPECT_EQ(accounts().find_account(158)->weight, 7);
  reopen();
  EXPECT_EQ(accounts().find_account(158)->weight, 7);
  EXPECT_EQ(accounts().change_account(159, weighing(2)).error().code, Errc::not_found);
}

TEST_P(AccountConformance, HowManyUploadsRunAtOnceStays) {
  add_account(158, "jb");
  EXPECT_EQ(accounts().find_account(158)->uploads_at_once, 0);
  ASSERT_TRUE(accounts().change_account(158, [](Account& account) -> Result<> {
    account.uploads_at_once = 256;
    return {};
  }));
  reopen();
  EXPECT_EQ(accounts().find_account(158)->uploads_at_once, 256);
}

TEST_P(AccountConformance, HowCallbacksAreSentStays) {
  add_account(158, "jb");
  EXPECT_FALSE(accounts().find_account(158)->previous_webhook_secret);
  EXPECT_EQ(accounts().find_account(158)->callback_format, CallbackFormat::json);
  EXPECT_FALSE(accounts().find_account(158)->https_only);
  const WallTime until = clock_.now() + std::chrono::hours(24);
  ASSERT_TRUE(accounts().change_account(158, [&](Account& account) -> Result<> {
    account.previous_webhook_secret = PreviousSecret{account.webhook_secret, until};
    account.webhook_secret = Secret("whsec_new");
    account.callback_format = CallbackFormat::form;
    account.https_only = true;
    account.user = "other";
    account.created = until;
    return {};
  }));
  for (int round = 0; round < 2; ++round) {
    const auto found = accounts().find_account(158);
    EXPECT_EQ(found->webhook_secret.reveal(), "whsec_new");
    ASSERT_TRUE(found->previous_webhook_secret);
    EXPECT_EQ(found->previous_webhook_secret->secret.reveal(), "whsec_jb");
    EXPECT_EQ(found->previous_webhook_secret->until, until);
    EXPECT_EQ(found->callback_format, CallbackFormat::form);
    EXPECT_TRUE(found->https_only);
    EXPECT_EQ(found->user, "jb");
    EXPECT_EQ(found->created, clock_.now());
    reopen();
  }
}

TEST_P(AccountConformance, ManyRowsAreAddedTogetherOrNotAtAll) {
  add_account(158, "jb");
  ASSERT_TRUE(accounts().put_bucket(bucket(158, "there")));
  AccountRows rows;
  rows.accounts = {account(7, "kc")};
  rows.keys = {key(7, "K7"), key(158, "K158")};
  rows.buckets = {bucket(7, "b"), bucket(158, "there")};
  EXPECT_EQ(accounts().add_all(rows).error().code, Errc::already_exists);
  rows.buckets.pop_back();
  rows.keys.push_back(key(9, "K9"));
  EXPECT_EQ(accounts().add_all(rows).error().code, Errc::not_found);
  reopen();
  EXPECT_FALSE(accounts().find_account(7));
  EXPECT_FALSE(accounts().find_key("K7"));
  EXPECT_FALSE(accounts().find_bucket(7, "b"));
  rows.keys.pop_back();
  ASSERT_TRUE(accounts().add_all(rows));
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(accounts().find_account(7)->user, "kc");
    EXPECT_EQ(accounts().find_key("K7")->secret.reveal(), "secret of K7");
    EXPECT_NE(accounts().find_key("K7")->id, accounts().find_key("K158")->id);
    EXPECT_EQ(accounts().find_bucket(7, "b")->secret_key.reveal(), "secret of b");
    reopen();
  }
  EXPECT_EQ(accounts().add_all(rows).error().code, Errc::already_exists);
}

TEST_P(AccountConformance, EverythingSurvivesAReopen) {
  add_account(158, "jb");
  ASSERT_TRUE(accounts().add_key(key(158, "APX4")));
  ASSERT_TRUE(accounts().put_bucket(bucket(158, "my_bucket")));
  for (int round = 0; round < 2; ++round) {
    const auto found = accounts().find_account(158);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->user, "jb");
    EXPECT_EQ(found->webhook_secret.reveal(), "whsec_jb");
    EXPECT_EQ(found->created, clock_.now());

    const auto api_key = accounts().find_key("APX4");
    ASSERT_TRUE(api_key);
    EXPECT_EQ(api_key->cdn, 158);
    EXPECT_GE(api_key->id, 1);
    EXPECT_EQ(api_key->secret.reveal(), "secret of APX4");
    EXPECT_FALSE(api_key->revoked);

    const auto access = accounts().find_bucket(158, "my_bucket");
    ASSERT_TRUE(access);
    EXPECT_EQ(access->endpoint, "http://127.0.0.1:9000");
    EXPECT_EQ(access->region, "eu-west-1");
    EXPECT_EQ(access->access_key, "AKIA");
    EXPECT_EQ(access->secret_key.reveal(), "secret of my_bucket");
    EXPECT_TRUE(access->path_style);
    EXPECT_EQ(access->acl_policy, AclPolicy::private_acl);
    EXPECT_EQ(access->max_parts, kMaxParts);
    EXPECT_EQ(access->part_size, 0);
    EXPECT_EQ(access->credentials, bucket(158, "my_bucket").credentials);
    EXPECT_EQ(access->encryption, bucket(158, "my_bucket").encryption);
    reopen();
  }
}

TEST_P(AccountConformance, NumbersAndUsersAreTakenOnce) {
  add_account(158, "jb");
  EXPECT_EQ(accounts().add_account(account(158, "other")).error().code, Errc::already_exists);
  EXPECT_EQ(accounts().add_account(account(159, "jb")).error().code, Errc::already_exists);
  add_account(159, "other");
  EXPECT_EQ(accounts().accounts().size(), 2U);
}

TEST_P(AccountConformance, KeysNeedAnAccountAndAreTakenOnce) {
  EXPECT_EQ(accounts().add_key(key(158, "K")).error().code, Errc::not_found);
  add_account(158, "jb");
  add_account(159, "other");
  ASSERT_TRUE(accounts().add_key(key(158, "K")));
  EXPECT_EQ(accounts().add_key(key(159, "K")).error().code, Errc::already_exists);
  EXPECT_FALSE(accounts().find_key("k")) << "case counts";
}

TEST_P(AccountConformance, RevocationIsFoundAndStays) {
  add_account(158, "jb");
  ASSERT_TRUE(accounts().add_key(key(158, "K")));
  EXPECT_EQ(accounts().revoke_key("absent", clock_.now()).error().code, Errc::not_found);
  const WallTime when = clock_.now() + std::chrono::seconds(5);
  ASSERT_TRUE(accounts().revoke_key("K", when));
  EXPECT_EQ(accounts().find_key("K")->revoked, when);
  ASSERT_TRUE(accounts().revoke_key("K", when + std::chrono::hours(1)));
  reopen();
  EXPECT_EQ(accounts().find_key("K")->revoked, when) << "the first one counts";
}

TEST_P(AccountConformance, RulesAndBothSecretsOfAKeySurviveAReopen) {
  add_account(158, "jb");
  ApiKey added = key(158, "K");
  added.permissions = Permissions().with(Permission::status);
  added.scope = {"sestore4/jb/films", {"b", "c\"d"}};
  added.networks = {parse_network("192.0.2.0/24").value(), parse_network("fd00::/8").value()};
  added.expires = clock_.now() + std::chrono::hours(1);
  added.previous = PreviousSecret{Secret("older secret"), clock_.now() + std::chrono::hours(2)};
  ASSERT_TRUE(accounts().add_key(added));
  for (int round = 0; round < 2; ++round) {
    const auto found = accounts().find_key("K");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->permissions, added.permissions);
    EXPECT_EQ(found->scope, added.scope);
    EXPECT_EQ(found->networks, added.networks);
    EXPECT_EQ(found->expires, added.expires);
    EXPECT_EQ(found->secret.reveal(), "secret of K");
    ASSERT_TRUE(found->previous);
    EXPECT_EQ(found->previous->secret.reveal(), "older secret");
    EXPECT_EQ(found->previous->until, added.previous->until);
    EXPECT_FALSE(found->last_used);
    reopen();
  }
}

TEST_P(AccountConformance, AChangeOfAKeyIsWholeOrNothing) {
  add_account(158, "jb");
  ASSERT_TRUE(accounts().add_key(key(158, "K")));
  ASSERT_TRUE(accounts().add_key(key(158, "OTHER")));
  const auto id = accounts().find_key("K")->id;
  EXPECT_EQ(accounts().change_key("absent", [](ApiKey&) -> Result<> { return {}; }).error().code, Errc::not_found);
  const auto refused = accounts().change_key("K", [](ApiKey& key) -> Result<> {
    key.secret = Secret("half a change");
    return Error{Errc::invalid_value, "no"};
  });
  EXPECT_EQ(refused.error().code, Errc::invalid_value);
  EXPECT_EQ(accounts().find_key("K")->secret.reveal(), "secret of K");

  ASSERT_TRUE(accounts().change_key("K", [&](ApiKey& key) -> Result<> {
    key.id = 0;
    key.cdn = 1;
    key.api_key = "OTHER";
    key.permissions = Permissions();
    return rotate(key, Secret("new secret"), clock_.now(), std::chrono::hours(1));
  }));
  for (int round = 0; round < 2; ++round) {
    const auto found = accounts().find_key("K");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->id, id);
    EXPECT_EQ(found->cdn, 158);
    EXPECT_EQ(found->api_key, "K");
    EXPECT_EQ(found->permissions, Permissions()) << "none is not all";
    EXPECT_EQ(found->secret.reveal(), "new secret");
    EXPECT_EQ(found->previous->secret.reveal(), "secret of K");
    EXPECT_EQ(accounts().find_key("OTHER")->secret.reveal(), "secret of OTHER");
    reopen();
  }
  ASSERT_TRUE(accounts().change_key("K", [](ApiKey& key) -> Result<> {
    key.previous.reset();
    return {};
  }));
  reopen();
  EXPECT_FALSE(accounts().find_key("K")->previous);
}

TEST_P(AccountConformance, LastUsedGoesForwardOnly) {
  add_account(158, "jb");
  ASSERT_TRUE(accounts().add_key(key(158, "K")));
  ASSERT_TRUE(accounts().add_key(key(158, "UNUSED")));
  const auto id = accounts().find_key("K")->id;
  const WallTime when = clock_.now() + std::chrono::seconds(5);
  const std::vector<KeyUse> uses = {{id, when}, {id, when - std::chrono::seconds(1)}, {id + 1000, when}};
  ASSERT_TRUE(accounts().record_key_uses(uses));
  EXPECT_EQ(accounts().find_key("K")->last_used, when);
  const std::vector<KeyUse> late = {{id, when - std::chrono::seconds(2)}};
  ASSERT_TRUE(accounts().record_key_uses(late));
  EXPECT_EQ(accounts().find_key("K")->last_used, when);
  reopen();
  EXPECT_EQ(accounts().find_key("K")->last_used, when);
  EXPECT_FALSE(accounts().find_key("UNUSED")->last_used);
}

TEST_P(AccountConformance, BucketsAreReplaced) {
  EXPECT_EQ(accounts().put_bucket(bucket(158, "b")).error().code, Errc::not_found);
  add_account(158, "jb");
  ASSERT_TRUE(accounts().put_bucket(bucket(158, "b")));
  BucketAccess changed = bucket(158, "b");
  changed.endpoint = "https://s3.example.com";
  changed.secret_key = Secret("new secret");
  changed.path_style = false;
  changed.acl_policy = AclPolicy::fail;
  changed.max_parts = 1000;
  changed.part_size = kMaxPartBytes;
  changed.encryption = {};
  ASSERT_TRUE(accounts().put_bucket(changed));
  reopen();
  const auto found = accounts().find_bucket(158, "b");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->endpoint, "https://s3.example.com");
  EXPECT_EQ(found->secret_key.reveal(), "new secret");
  EXPECT_FALSE(found->path_style);
  EXPECT_EQ(found->acl_policy, AclPolicy::fail);
  EXPECT_EQ(found->max_parts, 1000);
  EXPECT_EQ(found->part_size, kMaxPartBytes);
  EXPECT_EQ(found->encryption, Encryption{});
  EXPECT_EQ(accounts().buckets(158).size(), 1U);
}

TEST_P(AccountConformance, AccountsDoNotSeeEachOthersBuckets) {
  add_account(158, "jb");
  add_account(159, "other");
  ASSERT_TRUE(accounts().put_bucket(bucket(158, "b")));
  EXPECT_FALSE(accounts().find_bucket(159, "b"));
}

TEST_P(AccountConformance, ListsInOrder) {
  add_account(200, "later");
  add_account(100, "first");
  ASSERT_TRUE(accounts().add_key(key(200, "Z")));
  clock_.advance(std::chrono::seconds(1));
  ASSERT_TRUE(accounts().add_key(key(100, "A")));
  ASSERT_TRUE(accounts().put_bucket(bucket(200, "alpha")));
  ASSERT_TRUE(accounts().put_bucket(bucket(100, "beta")));
  ASSERT_TRUE(accounts().put_bucket(bucket(100, "alpha")));

  ASSERT_EQ(accounts().accounts().size(), 2U);
  EXPECT_EQ(accounts().accounts()[0]->cdn, 100);
  ASSERT_EQ(accounts().keys(std::nullopt).size(), 2U);
  EXPECT_EQ(accounts().keys(std::nullopt)[0]->api_key, "Z") << "by age";
  ASSERT_EQ(accounts().keys(100).size(), 1U);
  const auto all = accounts().buckets(std::nullopt);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0]->bucket, "alpha");
  EXPECT_EQ(all[2]->bucket, "beta");
  EXPECT_EQ(accounts().buckets(200).size(), 1U);
}

TEST_P(AccountConformance, LookingWhileChanging) {
  add_account(158, "jb");
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      while (!stop) {
        if (const auto found = accounts().find_key("K1")) {
          EXPECT_EQ(found->secret.reveal(), "secret of K1");
        }
        static_cast<void>(accounts().keys(158));
      }
    });
  }
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(accounts().add_key(key(158, fmt::format("K{}", i))));
    EXPECT_TRUE(accounts().find_key(fmt::format("K{}", i))) << "visible at once";
  }
  ASSERT_TRUE(accounts().revoke_key("K1", clock_.now()));
  stop = true;
  for (auto& thread : threads) thread.join();
}

VODLIFT_INSTANTIATE_ACCOUNT_SUITE(AccountConformance);

}  // namespace
}  // namespace vodlift::conformance
