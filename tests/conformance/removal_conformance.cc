// Accounts, keys and buckets go when nothing uses them, for all nodes, and what they have done stays.
#include "conformance/account_suite.h"

namespace vodlift::conformance {
namespace {

Removable account_158() { return {RemovableKind::account, 158}; }
Removable key_k() { return {RemovableKind::key, 158, "K"}; }
Removable bucket_b() { return {RemovableKind::bucket, 158, "b"}; }

class RemovalConformance : public AccountSuite {
 protected:
  void fill() {
    add_account(158, "jb");
    ASSERT_TRUE(accounts().add_key(key(158, "K")));
    ASSERT_TRUE(accounts().put_bucket(bucket(158, "b")));
    ASSERT_TRUE(accounts().put_bucket(bucket(158, "c")));
  }
};

TEST_P(RemovalConformance, WhatIsBeingRemovedIsMarkedUntilItIsTakenBack) {
  fill();
  const WallTime since = clock_.now();
  for (const Removable& one : {key_k(), bucket_b(), account_158()}) ASSERT_TRUE(accounts().set_removing(one, since));
  clock_.advance(std::chrono::seconds(5));
  ASSERT_TRUE(accounts().set_removing(bucket_b(), clock_.now())) << "the first time stays";
  for (int round = 0; round < 2; ++round) {
    const auto all = accounts().removing();
    ASSERT_EQ(all.size(), 3U);
    for (const auto& [one, when] : all) EXPECT_EQ(when, since);
    EXPECT_EQ(all.back().first, account_158());
    EXPECT_EQ(accounts().find_bucket(158, "b")->removing, since);
    EXPECT_FALSE(accounts().find_bucket(158, "c")->removing);
    reopen();
  }
  ASSERT_TRUE(accounts().change_account(158, weighing(2)));
  EXPECT_TRUE(accounts().find_account(158)->removing) << "a change of the account does not take it back";
  EXPECT_EQ(accounts().add_key(key(158, "L")).error().code, Errc::wrong_state);
  EXPECT_EQ(accounts().put_bucket(bucket(158, "d")).error().code, Errc::wrong_state);
  ASSERT_TRUE(accounts().set_removing(account_158(), std::nullopt));
  ASSERT_TRUE(accounts().put_bucket(bucket(158, "b")));
  EXPECT_TRUE(accounts().find_bucket(158, "b")->removing) << "new settings do not take it back";
  for (const Removable& one : {key_k(), bucket_b()}) ASSERT_TRUE(accounts().set_removing(one, std::nullopt));
  EXPECT_TRUE(accounts().removing().empty());
  EXPECT_EQ(accounts().set_removing({RemovableKind::bucket, 158, "x"}, since).error().code, Errc::not_found);
  EXPECT_EQ(accounts().uses({RemovableKind::key, 158, "x"}).error().code, Errc::not_found);
  EXPECT_EQ(accounts().remove({RemovableKind::account, 159}, since).error().code, Errc::not_found);
}

TEST_P(RemovalConformance, WhatIsRemovedIsGoneForEveryNode) {
  fill();
  const auto other = make_node();
  EXPECT_TRUE(accounts().uses(key_k()).value().none());
  ASSERT_TRUE(accounts().remove(key_k(), clock_.now()).value());
  ASSERT_TRUE(accounts().remove(bucket_b(), clock_.now()).value());
  EXPECT_TRUE(other->find_key("K"));
  ASSERT_TRUE(other->refresh());
  for (const AccountDirectory* node : {other.get(), &accounts()}) {
    EXPECT_FALSE(node->find_key("K"));
    EXPECT_FALSE(node->find_bucket(158, "b"));
    EXPECT_TRUE(node->find_bucket(158, "c"));
    EXPECT_EQ(node->accounts().size(), 1U);
  }
  ASSERT_TRUE(accounts().add_key(key(158, "K"))) << "the name is free";
  ASSERT_TRUE(other->refresh());
  EXPECT_TRUE(other->find_key("K"));
  reopen();
  EXPECT_TRUE(accounts().find_key("K"));
  EXPECT_FALSE(accounts().find_bucket(158, "b"));
}

TEST_P(RemovalConformance, AnAccountGoesWithItsKeysAndBuckets) {
  fill();
  add_account(159, "kc");
  ASSERT_TRUE(accounts().add_key(key(159, "other")));
  const Uses uses = accounts().uses(account_158()).value();
  EXPECT_EQ(uses.keys, 1);
  EXPECT_EQ(uses.buckets, 2);
  EXPECT_TRUE(uses.ended());
  EXPECT_FALSE(uses.none());
  ASSERT_TRUE(accounts().remove(account_158(), clock_.now()).value());
  EXPECT_FALSE(accounts().find_account(158));
  EXPECT_FALSE(accounts().find_key("K"));
  EXPECT_TRUE(accounts().buckets(158).empty());
  EXPECT_TRUE(accounts().find_account(159));
  EXPECT_TRUE(accounts().find_key("other"));
  EXPECT_EQ(accounts().change_account(158, weighing(2)).error().code, Errc::not_found);
  add_account(158, "jb");
  EXPECT_TRUE(accounts().keys(158).empty());
}

VODLIFT_INSTANTIATE_ACCOUNT_SUITE(RemovalConformance);

// What a database counts, over uploads that are there.
class DatabaseRemoval : public StoreSuite {
 protected:
  void SetUp() override {
    StoreSuite::SetUp();
    ASSERT_TRUE(accounts().add_account({kAccount, "jb", Secret("whsec_jb"), clock_.now()}));
    ASSERT_TRUE(accounts().add_key({0, kAccount, "K", Secret("secret"), clock_.now(), std::nullopt}));
    for (const char* name : {"videos", "other"}) {
      ASSERT_TRUE(accounts().put_bucket(
          {kAccount, name, "http://h", "r", "AKIA", Secret("secret"), false, AclPolicy::fail, clock_.now()}));
    }
  }

  UploadId insert_to(const std::string& bucket, const std::string& destination, bool with_key = false) {
    NewUpload upload = new_upload(destination);
    upload.request.bucket = bucket;
    upload.request.callback = "https://example.com/done";
    if (with_key) upload.key_id = accounts().find_key("K")->id;
    return insert(std::move(upload)).id;
  }
  Uses uses(const Removable& one) { return accounts().uses(one).value(); }

  const Removable account_{RemovableKind::account, kAccount};
  const Removable key_{RemovableKind::key, kAccount, "K"};
  const Removable videos_{RemovableKind::bucket, kAccount, "videos"};
  const Removable other_{RemovableKind::bucket, kAccount, "other"};
};

TEST_P(DatabaseRemoval, CountsWhatHasNotEndedAndTheCallbacksThatWait) {
  const UploadId first = insert_to("videos", "1", true);
  const UploadId second = insert_to("videos", "2");
  insert_to("other", "3");
  EXPECT_EQ(uses(videos_), (Uses{.queued = 2}));
  EXPECT_EQ(uses(other_), (Uses{.queued = 1}));
  EXPECT_EQ(uses(key_), (Uses{.queued = 1}));
  EXPECT_EQ(uses(account_), (Uses{.queued = 3, .keys = 1, .buckets = 2}));
  EXPECT_EQ(accounts().uncancelled(videos_, 100).value(), (std::vector<UploadId>{first, second}));
  EXPECT_EQ(accounts().uncancelled(account_, 2).value().size(), 2U);
  EXPECT_FALSE(accounts().remove(key_, clock_.now()).value());

  const auto claimed = claim_one();
  EXPECT_EQ(claimed.lease.id, first);
  EXPECT_EQ(uses(key_), (Uses{.uploading = 1}));
  ASSERT_TRUE(uploads().change({.account = kAccount, .id = first, .change = UploadChange::cancel, .signature = {}}));
  EXPECT_TRUE(accounts().uncancelled(key_, 100).value().empty()) << "it is cancelled when its worker gives it back";
  UploadEnding cancelled;
  cancelled.state = UploadState::cancelled;
  EXPECT_TRUE(finish(claimed.lease, cancelled));
  EXPECT_EQ(uses(key_), (Uses{.callbacks = 1}));
  EXPECT_EQ(uses(videos_), (Uses{.queued = 1, .callbacks = 1}));
  EXPECT_EQ(uses(other_), (Uses{.queued = 1}));
  EXPECT_TRUE(accounts().remove(key_, clock_.now()).value()) << "a callback needs no key";
  EXPECT_FALSE(accounts().remove(account_, clock_.now()).value());
}

TEST_P(DatabaseRemoval, TokensThatAreBoundToAnAccountGoWithIt) {
  Person olga;
  olga.name = "olga";
  olga.role = Role::operate;
  ASSERT_TRUE(store_->people().add(olga, access_hash("link"), std::chrono::hours(1)));
  const auto add = [this](const std::string& label, std::optional<AccountId> cdn) {
    Token token;
    token.label = label;
    token.owner = "olga";
    token.cdn = cdn;
    return store_->sessions().add_token(token, access_hash(label)).value();
  };
  add("bound", kAccount);
  const Token free = add("free", std::nullopt);
  const Token other = add("of another", kAccount + 1);
  EXPECT_EQ(uses(account_), (Uses{.keys = 1, .buckets = 2, .tokens = 1}));
  EXPECT_EQ(uses(key_), Uses());
  ASSERT_TRUE(accounts().remove(account_, clock_.now()).value());
  std::vector<std::int64_t> left;
  for (const Token& one : store_->sessions().tokens(std::nullopt).value()) left.push_back(one.id);
  EXPECT_EQ(left, (std::vector<std::int64_t>{free.id, other.id}));
}

TEST_P(DatabaseRemoval, AnUploadThatWasCheckedBeforeTheRemovalIsRefused) {
  const auto try_insert = [this](const NewUpload& upload) {
    return await<Result<InsertOutcome>>([&](auto done) { uploads().insert(upload, std::move(done)); });
  };
  NewUpload of_key = new_upload("1");
  of_key.request.bucket = "other";
  of_key.key_id = accounts().find_key("K")->id;
  ASSERT_TRUE(accounts().remove(videos_, clock_.now()).value());
  ASSERT_TRUE(accounts().remove(key_, clock_.now()).value());
  NewUpload of_bucket = new_upload("2");
  of_bucket.request.bucket = "videos";
  EXPECT_EQ(try_insert(of_bucket).error().code, Errc::bucket_not_configured);
  EXPECT_EQ(try_insert(of_key).error().code, Errc::not_authorized);
  of_key.key_id = 0;
  EXPECT_TRUE(try_insert(of_key));
}

TEST_P(DatabaseRemoval, TheNumberOfAnAccountWithUploadsGoesToNoOtherUser) {
  const UploadId id = insert_to("videos", "1");
  ASSERT_TRUE(uploads().change({.account = kAccount, .id = id, .change = UploadChange::cancel, .signature = {}}));
  EXPECT_FALSE(accounts().remove(account_, clock_.now()).value()) << "its callback waits";
  const auto callback = claim_callbacks(1);
  ASSERT_EQ(callback.size(), 1U);
  const CallbackAttempt attempt{std::chrono::milliseconds(1), 200, "", CallbackState::delivered,
                                std::chrono::seconds(60)};
  ASSERT_TRUE(callbacks().record({{callback[0], attempt}}));
  ASSERT_TRUE(accounts().remove(account_, clock_.now()).value());
  EXPECT_EQ(uploads().find_in_all(UploadQuery{}).value().size(), 1U) << "the history stays";

  const auto refused = accounts().add_account({kAccount, "kc", Secret("whsec_kc"), clock_.now()});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::already_exists);
  ASSERT_TRUE(accounts().add_account({kAccount, "jb", Secret("whsec_jb"), clock_.now()})) << "it is the same customer";
  ASSERT_TRUE(accounts().remove(account_, clock_.now()).value());
  clock_.advance(std::chrono::hours(1));
  ASSERT_EQ(retention().remove({id}).value(), 1);
  EXPECT_TRUE(accounts().add_account({kAccount, "kc", Secret("whsec_kc"), clock_.now()}));
}

INSTANTIATE_TEST_SUITE_P(Databases, DatabaseRemoval,
                         testing::Values(Implementation{"sqlite", make_sqlite_under_test},
                                         Implementation{"postgres", make_postgres_under_test}),
                         [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace vodlift::conformance
