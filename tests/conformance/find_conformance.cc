// Looking: newest first, page by page, and only one's own.
#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <map>

#include "conformance/store_suite.h"

namespace vodlift::conformance {
namespace {

class FindConformance : public StoreSuite {
 protected:
  std::vector<UploadId> found(AccountId account, const UploadQuery& query) {
    auto answer = uploads().find(account, query);
    EXPECT_TRUE(answer) << answer.error().message;
    std::vector<UploadId> ids;
    if (answer) {
      for (const Upload& upload : *answer) ids.push_back(upload.id);
    }
    return ids;
  }

  UploadId insert_for(AccountId account, const std::string& destination) {
    NewUpload upload = new_upload(destination);
    upload.account = account;
    return insert(upload).id;
  }
};

TEST_P(FindConformance, NewestFirstPageByPage) {
  std::vector<UploadId> newest_first;
  for (int i = 0; i < 30; ++i) newest_first.insert(newest_first.begin(), insert(std::to_string(i)));
  EXPECT_EQ(found(kAccount, {.ids = {}, .limit = 25, .offset = 0}),
            std::vector<UploadId>(newest_first.begin(), newest_first.begin() + 25));
  EXPECT_EQ(found(kAccount, {.ids = {}, .limit = 25, .offset = 25}),
            std::vector<UploadId>(newest_first.begin() + 25, newest_first.end()));
  EXPECT_EQ(found(kAccount, {.ids = {}, .limit = 1, .offset = 3}), std::vector<UploadId>{newest_first[3]});
  EXPECT_TRUE(found(kAccount, {.ids = {}, .limit = 25, .offset = 30}).empty());
}

TEST_P(FindConformance, AmongAllAccounts) {
  const UploadId first = insert("a");
  const UploadId second = insert_for(7, "a");
  const UploadId third = insert("b");
  const auto all = [this](const UploadQuery& query) {
    std::vector<UploadId> ids;
    for (const Upload& upload : uploads().find_in_all(query).value()) ids.push_back(upload.id);
    return ids;
  };
  EXPECT_EQ(all({}), (std::vector<UploadId>{third, second, first}));
  EXPECT_EQ(all({.ids = {}, .limit = 1, .offset = 1}), std::vector<UploadId>{second});
  EXPECT_EQ(all({.ids = {first, second, 4711}, .limit = 1}), (std::vector<UploadId>{second, first}));
  ChangeRequest pause;
  pause.account = 7;
  pause.id = second;
  pause.change = UploadChange::pause;
  ASSERT_TRUE(uploads().change(pause));
  UploadQuery in_states;
  in_states.states = {UploadState::paused, UploadState::failed};
  EXPECT_EQ(all(in_states), std::vector<UploadId>{second});
  in_states.states = {UploadState::queued};
  in_states.limit = 1;
  EXPECT_EQ(all(in_states), std::vector<UploadId>{third});
  in_states.ids = {second};
  EXPECT_TRUE(all(in_states).empty());
}

TEST_P(FindConformance, AtMostAHundredAtOnce) {
  for (int i = 0; i < 105; ++i) insert(std::to_string(i));
  EXPECT_EQ(found(kAccount, {.ids = {}, .limit = 1000, .offset = 0}).size(), 100U);
}

TEST_P(FindConformance, TheNamedOnesNewestFirstEachOnce) {
  const UploadId first = insert("a");
  insert("b");
  const UploadId third = insert("c");
  EXPECT_EQ(found(kAccount, {.ids = {first, third, first, 4711}, .limit = 25, .offset = 0}),
            (std::vector<UploadId>{third, first}));
}

TEST_P(FindConformance, MoreNamesThanALimitWouldAllow) {
  std::vector<UploadId> ids;
  for (int i = 0; i < 40; ++i) ids.push_back(insert(std::to_string(i)));
  EXPECT_EQ(found(kAccount, {.ids = ids, .limit = 25, .offset = 0}).size(), 40U);
}

TEST_P(FindConformance, OnlyWhatLiesInTheScope) {
  const auto insert_from = [this](const std::string& path, const std::string& bucket) {
    NewUpload upload = new_upload("d" + path);
    upload.request.path = path;
    upload.request.bucket = bucket;
    return insert(upload).id;
  };
  const UploadId inside = insert_from("sestore4/jb/films/a", "one");
  const UploadId exact = insert_from("sestore4/jb/films", "two");
  const UploadId beside = insert_from("sestore4/jb/films2/a", "one");
  const UploadId other = insert_from("sestore4/jb/b", "it's");
  const auto scoped = [this](KeyScope scope, std::vector<UploadId> ids, int limit, std::int64_t offset) {
    UploadQuery query;
    query.ids = std::move(ids);
    query.limit = limit;
    query.offset = offset;
    query.scope = std::move(scope);
    return found(kAccount, query);
  };
  const KeyScope films{"sestore4/jb/films", {}};
  EXPECT_EQ(scoped(films, {}, 25, 0), (std::vector<UploadId>{exact, inside}));
  EXPECT_EQ(scoped(films, {}, 1, 1), std::vector<UploadId>{inside}) << "pages count what is in the scope only";
  EXPECT_EQ(scoped(films, {inside, beside, other}, 25, 0), std::vector<UploadId>{inside});
  EXPECT_EQ(scoped({"", {"one", "it's"}}, {}, 25, 0), (std::vector<UploadId>{other, beside, inside}));
  EXPECT_EQ(scoped({"sestore4/jb/films", {"one"}}, {}, 25, 0), std::vector<UploadId>{inside});
  EXPECT_TRUE(scoped({"sestore4/jb/films", {"on"}}, {inside}, 25, 0).empty());
}

// Some in each state, mixed, and those of another account in between.
class FindByStateConformance : public FindConformance {
 protected:
  void SetUp() override {
    FindConformance::SetUp();
    for (int round = 0; round < 2; ++round) {
      for (const UploadState state : kStates) {
        upload_in(state, kAccount);
        upload_in(state, 159);
      }
    }
  }

  void upload_in(UploadState state, AccountId account) {
    const UploadId id = insert_for(account, std::to_string(++count_));
    if (account == kAccount) by_state_[state].insert(by_state_[state].begin(), id);
    if (state == UploadState::queued) {
      // Not due, so that no later claim takes it.
      const Lease lease = claim_one().lease;
      ASSERT_TRUE(
          requeue(lease, {.delay = kLease, .error = UploadError{Errc::network, "", true}, .failed_attempt = true}));
    } else if (state == UploadState::paused) {
      change(id, account, UploadChange::pause);
    } else if (state == UploadState::cancelled) {
      change(id, account, UploadChange::cancel);
    } else {
      const Lease lease = claim_one().lease;
      if (state == UploadState::uploading) return;
      ASSERT_TRUE(finish(lease, state == UploadState::failed ? failed() : completed()));
    }
  }

  void change(UploadId id, AccountId account, UploadChange change) {
    ChangeRequest request;
    request.id = id;
    request.account = account;
    request.change = change;
    ASSERT_TRUE(uploads().change(request));
  }

  std::vector<UploadId> in_states(std::vector<UploadState> states, int limit = 100, std::int64_t offset = 0) {
    UploadQuery query;
    query.states = std::move(states);
    query.limit = limit;
    query.offset = offset;
    return found(kAccount, query);
  }

  // Those of the account in these states, newest first.
  std::vector<UploadId> expected(const std::vector<UploadState>& states) {
    std::vector<UploadId> ids;
    for (const UploadState state : states) ids.insert(ids.end(), by_state_[state].begin(), by_state_[state].end());
    std::sort(ids.begin(), ids.end(), std::greater<>());
    return ids;
  }

  static constexpr std::array kStates = {UploadState::queued,    UploadState::paused, UploadState::uploading,
                                         UploadState::completed, UploadState::failed, UploadState::cancelled};
  std::map<UploadState, std::vector<UploadId>> by_state_;
  int count_ = 0;
};

TEST_P(FindByStateConformance, EveryChoiceOfStatesNewestFirst) {
  for (unsigned choice = 1; choice < 1U << kStates.size(); ++choice) {
    std::vector<UploadState> states;
    for (std::size_t i = 0; i < kStates.size(); ++i) {
      if ((choice >> i & 1U) != 0) states.push_back(kStates[i]);
    }
    EXPECT_EQ(in_states(states), expected(states)) << choice;
  }
  EXPECT_EQ(in_states({}), in_states({kStates.begin(), kStates.end()})) << "none named: all";
  EXPECT_EQ(in_states({UploadState::failed, UploadState::failed}), expected({UploadState::failed})) << "each once";
}

TEST_P(FindByStateConformance, PagesCountWhatIsInTheStatesOnly) {
  const std::vector<UploadState> ended = {UploadState::completed, UploadState::failed, UploadState::cancelled};
  const std::vector<UploadId> all = expected(ended);
  ASSERT_EQ(all.size(), 6U);
  EXPECT_EQ(in_states(ended, 4, 0), std::vector<UploadId>(all.begin(), all.begin() + 4));
  EXPECT_EQ(in_states(ended, 4, 4), std::vector<UploadId>(all.begin() + 4, all.end()));
  EXPECT_TRUE(in_states(ended, 4, 6).empty());
}

TEST_P(FindByStateConformance, OfNamedOnesThoseInTheStates) {
  UploadQuery query;
  query.states = {UploadState::paused, UploadState::failed};
  query.ids = expected({UploadState::paused, UploadState::completed});
  EXPECT_EQ(found(kAccount, query), expected({UploadState::paused}));
  query.ids = expected({UploadState::completed});
  EXPECT_TRUE(found(kAccount, query).empty());
}

TEST_P(FindByStateConformance, WithinTheScope) {
  NewUpload upload = new_upload("films/a");
  const UploadId inside = insert(upload).id;
  change(inside, kAccount, UploadChange::pause);
  UploadQuery query;
  query.states = {UploadState::paused, UploadState::queued};
  query.scope = {"sestore4/jb/films", {"my_bucket"}};
  EXPECT_EQ(found(kAccount, query), std::vector<UploadId>{inside});
  query.states = {UploadState::queued};
  EXPECT_TRUE(found(kAccount, query).empty());
  query.states = {UploadState::paused};
  query.scope = {"", {"another"}};
  EXPECT_TRUE(found(kAccount, query).empty());
}

TEST_P(FindByStateConformance, FollowsAChangeAtOnce) {
  const UploadId id = by_state_[UploadState::paused].front();
  change(id, kAccount, UploadChange::cancel);
  EXPECT_EQ(in_states({UploadState::paused}).size(), 1U);
  EXPECT_EQ(in_states({UploadState::cancelled}).size(), 3U);
}

TEST_P(FindConformance, ForeignAndAbsentLookAlike) {
  const UploadId foreign = insert_for(159, "a");
  EXPECT_TRUE(found(kAccount, {.ids = {foreign}, .limit = 25, .offset = 0}).empty());
  EXPECT_TRUE(found(kAccount, {.ids = {foreign + 1000}, .limit = 25, .offset = 0}).empty());
  EXPECT_TRUE(
      found(kAccount, {.ids = {0, -1, std::numeric_limits<UploadId>::max()}, .limit = 25, .offset = 0}).empty());
  EXPECT_TRUE(found(kAccount, {}).empty());
  EXPECT_EQ(found(159, {}), std::vector<UploadId>{foreign});
}

TEST_P(FindConformance, SeesACommittedChangeAtOnce) {
  const UploadId id = insert("a");
  const Lease lease = claim_one().lease;
  EXPECT_EQ(look(id).state, UploadState::uploading);
  ASSERT_TRUE(finish(lease, completed()));
  EXPECT_EQ(look(id).state, UploadState::completed);
}

VODLIFT_INSTANTIATE_CONFORMANCE(FindConformance);
VODLIFT_INSTANTIATE_CONFORMANCE(FindByStateConformance);

}  // namespace
}  // namespace vodlift::conformance
