#include "postgres/pg_candidates.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/await.h"
#include "postgres/pg_database.h"
#include "postgres/pg_nodes.h"
#include "postgres/pg_upload_store.h"
#include "postgres/started_server_test.h"

namespace vodlift::postgres {
namespace {

using std::chrono::milliseconds;

// Looks at a queue that are short from the begin on, on a connection of their own.
class ShortLooksTest : public testing::Test {
 protected:
  void SetUp() override {
    PgOptions options;
    options.url = StartedServer::shared().url_of(name_);
    options.accept_unsafe = true;
    options.feed = &feed_;
    database_ = PgDatabase::open(std::move(options)).value();
    PgNodes nodes(*database_);
    self_ = nodes.join("node").value();
    ASSERT_TRUE(nodes.describe(self_, {.storages = {"sestore4"}}));
    uploads_.emplace(PgQueue{*database_, feed_, [](const Upload&) { return std::string(); }, self_});
    connection_ = PgConnection::open(StartedServer::shared().url_of(name_)).value();
  }

  UploadId insert(AccountId account, int priority = 5, const std::string& destination = "a") {
    NewUpload upload;
    upload.account = account;
    upload.request.path = "sestore4/jb/film.mp4";
    upload.request.destination_path = destination;
    upload.request.bucket = "my_bucket";
    upload.request.priority = priority;
    upload.size = 1000;
    upload.token = "0123456789abcdef0123456789abcdef";
    return await<Result<InsertOutcome>>([&](auto done) { uploads_->insert(upload, std::move(done)); }).value().id;
  }

  // From here on a look sees what is committed now.
  void begin() { connection_->execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT now()"); }

  std::vector<UploadId> look(CandidateLists& lists) {
    std::vector<UploadId> found;
    const Candidates listed = lists.list(*connection_, {{10, 10}, 100, 10, {}});
    for (const Candidate& account : listed.accounts) {
      for (const auto& head : account.small) found.push_back(head.id);
    }
    connection_->execute("ROLLBACK");
    EXPECT_FALSE(connection_->take_failure());
    return found;
  }

  const std::string name_ = StartedServer::shared().make_database();
  LocalChangeFeed feed_;
  std::unique_ptr<PgDatabase> database_;
  NodeTerm self_;
  std::optional<PgUploadStore> uploads_;
  std::unique_ptr<PgConnection> connection_;
};

using Ids = std::vector<UploadId>;

constexpr milliseconds kWhole = std::chrono::minutes(1);  // a survey is one part
constexpr CandidateLists::Pace kToldOnly{milliseconds(0), std::numeric_limits<int>::max(), kWhole};  // no second survey
constexpr CandidateLists::Pace kSurveying{milliseconds(0), 0, kWhole};

TEST_F(ShortLooksTest, AnUploadThatIsToldOfDuringALookIsFoundByTheNext) {
  CandidateLists lists(feed_, self_.node, kToldOnly);
  const UploadId first = insert(1);
  begin();
  EXPECT_EQ(look(lists), Ids{first});
  begin();
  const UploadId second = insert(2);
  EXPECT_EQ(look(lists), Ids{first}) << "the look began before";
  begin();
  EXPECT_EQ(look(lists), (Ids{first, second}));
}

TEST_F(ShortLooksTest, WhatComesBackToItsPlaceInFrontIsFound) {
  CandidateLists lists(feed_, self_.node, kToldOnly);
  const UploadId first = insert(1, 5, "a");
  const UploadId second = insert(1, 5, "b");
  begin();
  EXPECT_EQ(look(lists), (Ids{first, second}));
  ASSERT_TRUE(uploads_->change({.account = 1, .id = first, .change = UploadChange::pause, .signature = {}}));
  begin();
  EXPECT_EQ(look(lists), Ids{second}) << "later looks begin there";
  ASSERT_TRUE(uploads_->change({.account = 1, .id = first, .change = UploadChange::resume, .signature = {}}));
  begin();
  EXPECT_EQ(look(lists), (Ids{first, second}));
}

TEST_F(ShortLooksTest, WhatNobodyToldOfIsFoundByASurvey) {
  LocalChangeFeed silent;
  CandidateLists told(silent, self_.node, kToldOnly);
  CandidateLists surveying(silent, self_.node, kSurveying);
  const UploadId first = insert(1);
  for (CandidateLists* const lists : {&told, &surveying}) {
    begin();
    EXPECT_EQ(look(*lists), Ids{first});
  }
  const UploadId second = insert(2);
  begin();
  EXPECT_EQ(look(told), Ids{first});
  begin();
  EXPECT_EQ(look(surveying), (Ids{first, second}));
}

TEST_F(ShortLooksTest, TheFirstSurveyFindsAllPlacesPartByPartWithoutRest) {
  LocalChangeFeed silent;
  CandidateLists lists(silent, self_.node, {milliseconds(0), std::numeric_limits<int>::max(), milliseconds(0)});
  Ids all;
  for (AccountId account = 1; account <= 40; ++account) all.push_back(insert(account));
  std::size_t found = 0;
  for (int parts = 0; parts < 50 && found < all.size(); ++parts) {
    begin();
    const Ids now = look(lists);
    ASSERT_GE(now.size(), found);
    found = now.size();
    EXPECT_EQ(now, Ids(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(found)));
  }
  EXPECT_EQ(found, all.size());
}

// A survey that takes too long is made here by a lock on a table that nothing else of a look reads.
TEST_F(ShortLooksTest, ASurveyThatTakesTooLongHoldsUpNoLook) {
  LocalChangeFeed silent;
  CandidateLists lists(silent, self_.node, {milliseconds(0), 0, kWhole, milliseconds(100)});
  const UploadId first = insert(1);
  begin();
  EXPECT_EQ(look(lists), Ids{first});
  const UploadId second = insert(1, 5, "b");
  const UploadId elsewhere = insert(2);
  const auto other = PgConnection::open(StartedServer::shared().url_of(name_)).value();
  other->execute("BEGIN; LOCK TABLE node_storages IN ACCESS EXCLUSIVE MODE");
  ASSERT_FALSE(other->take_failure());
  for (int looks = 0; looks < 2; ++looks) {
    begin();
    EXPECT_EQ(look(lists), (Ids{first, second}));
  }
  other->execute("ROLLBACK");
  begin();
  EXPECT_EQ(look(lists), (Ids{first, second, elsewhere}));
}

TEST_F(ShortLooksTest, WhatItIsToldOfIsLookedAtAgainWhereThatTookTooLong) {
  CandidateLists::Pace pace = kToldOnly;
  pace.longest = milliseconds(800);
  CandidateLists lists(feed_, self_.node, pace);
  const UploadId first = insert(1);
  begin();
  EXPECT_EQ(look(lists), Ids{first});
  const UploadId second = insert(2);
  const auto other = PgConnection::open(StartedServer::shared().url_of(name_)).value();
  other->execute("BEGIN; LOCK TABLE node_storages IN ACCESS EXCLUSIVE MODE");
  ASSERT_FALSE(other->take_failure());
  for (int looks = 0; looks < 3; ++looks) {
    begin();
    EXPECT_EQ(look(lists), Ids{first});
  }
  other->execute("ROLLBACK");
  begin();
  EXPECT_EQ(look(lists), (Ids{first, second}));
}

// As where another node has its storage now.
TEST_F(ShortLooksTest, APlaceThatASurveyDoesNotFindIsForgotten) {
  LocalChangeFeed silent;
  CandidateLists lists(silent, self_.node, kSurveying);
  const UploadId first = insert(1);
  begin();
  EXPECT_EQ(look(lists), Ids{first});
  PgNodes nodes(*database_);
  ASSERT_TRUE(nodes.describe(nodes.join("other").value(), {.storages = {"sestore4"}}));
  ASSERT_TRUE(nodes.describe(self_, {.storages = {"another"}}));
  for (int looks = 0; looks < 2; ++looks) {
    begin();
    EXPECT_EQ(look(lists), Ids{});
  }
}

TEST_F(ShortLooksTest, APlaceWhereNothingIsReadyComesBackWithItsNextUpload) {
  CandidateLists lists(feed_, self_.node, kToldOnly);
  const UploadId first = insert(1, 9);
  ASSERT_TRUE(uploads_->change({.account = 1, .id = first, .change = UploadChange::cancel, .signature = {}}));
  begin();
  EXPECT_EQ(look(lists), Ids{});
  begin();
  EXPECT_FALSE(lists.any(*connection_));
  connection_->execute("ROLLBACK");
  const UploadId second = insert(1, 9);
  begin();
  EXPECT_TRUE(lists.any(*connection_));
  EXPECT_EQ(look(lists), Ids{second});
}

}  // namespace
}  // namespace vodlift::postgres
