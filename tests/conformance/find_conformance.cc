// Looking: newest first, page by page, and only one's own.
#include <limits>

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
  ASSERT_TRUE(uploads().finish(lease, completed()));
  EXPECT_EQ(look(id).state, UploadState::completed);
}

VODLIFT_INSTANTIATE_CONFORMANCE(FindConformance);

}  // namespace
}  // namespace vodlift::conformance
