// The queue's statements use their indexes: what they cost does not grow with what they do not want.
#include "store/people_statements.h"
#include "store/retention_statements.h"
#include "store/sqlite_statements.h"
#include "store/statistics_statements.h"
#include "store/store_test_support.h"

namespace vodlift::store {
namespace {

class Plan : public StoreTest {
 protected:
  void SetUp() override { database_ = open().value(); }

  std::string explain(const std::string& how, std::string_view statement, std::string_view column) {
    return database_
        ->read([&](SqliteConnection& connection) -> Result<std::string> {
          std::string lines;
          auto row = connection.prepare(how + " " + std::string(statement));
          while (row.step()) lines += row.text(column) + "\n";
          return lines;
        })
        .value();
  }

  std::string plan_of(std::string_view statement) { return explain("EXPLAIN QUERY PLAN", statement, "detail"); }

  // What SQLite carries out for the statement, its triggers' part too.
  std::string opcodes_of(std::string_view statement) { return explain("EXPLAIN", statement, "opcode"); }

  // One search of `index` narrowed by `terms`; nothing is scanned, nothing sorted.
  void expect_seek(std::string_view statement, const std::string& index, const std::string& terms) {
    const std::string plan = plan_of(statement);
    EXPECT_NE(plan.find(index + " (" + terms + ")"), std::string::npos) << plan;
    EXPECT_EQ(plan.find("SCAN"), std::string::npos) << plan;
    EXPECT_EQ(plan.find("TEMP B-TREE"), std::string::npos) << plan;
  }

  std::unique_ptr<SqliteDatabase> database_;
};

TEST_F(Plan, AClaimSeeksTheAccountAndItsOldest) {
  expect_seek(sql::kNextReadyPriority, "uploads_ready", "priority<?");
  expect_seek(sql::kNextReadyAccount, "uploads_ready", "priority=? AND large=? AND account>?");
  expect_seek(sql::kReadyHeads, "uploads_ready", "priority=? AND large=? AND account=?");
  expect_seek(sql::kReadyHeadsWithBuckets, "uploads_ready", "priority=? AND large=? AND account=?");
  expect_seek(sql::kEndDelays, "uploads_delayed", "next_attempt_ms<?");
}

TEST_F(Plan, WhatIsDueNextIsAtTheHeadOfItsIndex) {
  EXPECT_NE(plan_of(sql::kAnyReady).find("USING INDEX uploads_ready"), std::string::npos) << plan_of(sql::kAnyReady);
  EXPECT_NE(plan_of(sql::kFirstDelayed).find("USING INDEX uploads_delayed"), std::string::npos)
      << plan_of(sql::kFirstDelayed);
  for (const auto& [statement, index] :
       {std::pair(sql::kAnyDueCallback, "callbacks_due"), std::pair(sql::kFirstDelayedCallback, "callbacks_delayed")}) {
    const std::string plan = plan_of(statement);
    EXPECT_NE(plan.find(std::string("INDEX ") + index), std::string::npos) << plan;
    EXPECT_EQ(plan.find("TEMP B-TREE"), std::string::npos) << plan;
  }
}

TEST_F(Plan, InsertSeeksRepeatsAndTargets) {
  expect_seek(sql::kIsBucket, "PRIMARY KEY", "cdn=? AND bucket=?");
  expect_seek(sql::kIsKey, "INTEGER PRIMARY KEY", "rowid=?");
  expect_seek(sql::kFindSignature, "PRIMARY KEY", "timestamp_s=? AND key_id=? AND mac=?");
  expect_seek(sql::kFindOpenTarget, "uploads_open_target", "account=? AND bucket=? AND destination_path=?");
}

TEST_F(Plan, CountsAreSoughtAndCheckedInAnIndexAlone) {
  expect_seek(sql::kCountsOfAccount, "PRIMARY KEY", "account=?");
  const std::string plan = plan_of(sql::kWrongCount);
  EXPECT_NE(plan.find("COVERING INDEX uploads_in_state"), std::string::npos) << plan;
  EXPECT_EQ(opcodes_of(sql::kPutCount).find("OpenEphemeral"), std::string::npos);
}

TEST_F(Plan, SuccessorsAndExpiredLeasesAreSought) {
  expect_seek(sql::kReleaseSuccessor, "uploads_waiting", "waiting_on=?");
  expect_seek(sql::kExpiredLeases, "uploads_leased", "lease_until_ms>? AND lease_until_ms<?");
  expect_seek(sql::kLeasesOfEarlierTerms, "uploads_leased", "lease_until_ms>?");
  expect_seek(sql::kLeaseOwners, "uploads_leased", "lease_until_ms>?");
  expect_seek(sql::kReclaimCallbacks, "callbacks_leased", "lease_until_ms>?");
}

TEST_F(Plan, ChangesUnderALeaseSeekTheRow) {
  for (const auto statement :
       {sql::kClaim, sql::kRenew, sql::kRestartParts, sql::kAddBytes, sql::kRequeue, sql::kEnd, sql::kBeforeEnd}) {
    expect_seek(statement, "INTEGER PRIMARY KEY", "rowid=?");
  }
  expect_seek(sql::kBeforeEnd, "multipart_ledger_of_upload", "upload_id=?");
}

// Of more than two words behind IN SQLite makes a B-tree, in the CHECKs of a row and in triggers too.
TEST_F(Plan, CheckingARowBuildsNothing) {
  for (const auto statement :
       {sql::kInsertUpload, sql::kInsertSignature, sql::kClaim, sql::kAddBytes, sql::kRequeue, sql::kEnd, sql::kPause,
        sql::kResume, sql::kSetPriority, sql::kCancelWaiting, sql::kInsertCallback, sql::kClaimCallback,
        sql::kRecordCallback, sql::kRefuseCallback, sql::kSendCallbackAgain}) {
    EXPECT_NE(opcodes_of(statement).find("Halt"), std::string::npos) << statement;
    EXPECT_EQ(opcodes_of(statement).find("OpenEphemeral"), std::string::npos) << statement;
  }
}

// A constraint that undoes its statement alone makes SQLite copy each page that the statement changes.
TEST_F(Plan, AClaimAndAnEndCopyNoPages) {
  constexpr std::int64_t kAbort = 2;  // SQLite's OE_Abort
  for (const auto statement : {sql::kClaim, sql::kEnd}) {
    int constraints = 0;
    const auto looked = database_->read([&](SqliteConnection& connection) -> Result<void> {
      auto row = connection.prepare("EXPLAIN " + std::string(statement));
      while (row.step()) {
        if (!row.text("opcode").starts_with("Halt") || row.integer("p1") == 0) continue;
        ++constraints;
        EXPECT_NE(row.integer("p2"), kAbort) << row.text("p4") << " in " << statement;
      }
      return {};
    });
    EXPECT_TRUE(looked);
    EXPECT_GT(constraints, 0) << statement;
  }
}

TEST_F(Plan, ChangesOfClientsSeekTheRow) {
  for (const auto statement :
       {sql::kHeld, sql::kPause, sql::kResume, sql::kRetryNow, sql::kSetPriority, sql::kCancelWaiting, sql::kWant}) {
    expect_seek(statement, "INTEGER PRIMARY KEY", "rowid=?");
  }
}

TEST_F(Plan, StatusSeeks) {
  expect_seek(sql::kSelectUpload, "INTEGER PRIMARY KEY", "rowid=?");
  expect_seek(sql::kSelectUpload, "sqlite_autoindex_callbacks_1", "upload_id=?");
}

TEST_F(Plan, ListsMergeOneWalkForEachState) {
  for (const std::string& statement : {sql::kNewestOfAccount, sql::kNewestInScope}) {
    const std::string plan = plan_of(statement);
    const std::string walk = " uploads_in_state (account=? AND state=?)";
    int walks = 0;
    for (std::size_t at = plan.find(walk); at != std::string::npos; at = plan.find(walk, at + 1)) ++walks;
    EXPECT_EQ(walks, 6) << plan;
    EXPECT_NE(plan.find("MERGE (UNION ALL)"), std::string::npos) << plan;
    EXPECT_EQ(plan.find("SCAN uploads"), std::string::npos) << plan;
    EXPECT_EQ(plan.find("TEMP B-TREE"), std::string::npos) << plan;
  }
  EXPECT_EQ(plan_of(sql::kNewestOfAccount).find("SCAN"), std::string::npos);
}

TEST_F(Plan, SearchesGoOnFromAnId) {
  expect_seek(sql::kOlder, "INTEGER PRIMARY KEY", "rowid<?");
  expect_seek(sql::kOlderOfKind, "uploads_in_state", "account=? AND state=? AND rowid<?");
  EXPECT_NE(plan_of(sql::kOlderOfKind).find("COVERING INDEX"), std::string::npos);
  expect_seek(sql::kCreatedUpTo, "INTEGER PRIMARY KEY", "rowid<?");
  expect_seek(sql::kSelectFiltered, "INTEGER PRIMARY KEY", "rowid=?");
}

TEST_F(Plan, WhoAsksIsSought) {
  expect_seek(sql::kFindSession, "PRIMARY KEY", "hash=?");
  expect_seek(sql::kUseSession, "PRIMARY KEY", "hash=?");
  expect_seek(sql::kEndSession, "PRIMARY KEY", "hash=?");
  expect_seek(sql::kTokenByHash, "sqlite_autoindex_access_tokens_1", "hash=?");
  expect_seek(sql::kFindLink, "sqlite_autoindex_setup_links_1", "hash=?");
  expect_seek(sql::kPersonByName, "sqlite_autoindex_people_1", "name=?");
  for (const auto statement : {sql::kPersonById, sql::kSeePerson, sql::kReplaceHash, sql::kTokenById, sql::kUseToken,
                               sql::kRemoveToken, sql::kRemovePerson}) {
    expect_seek(statement, "INTEGER PRIMARY KEY", "rowid=?");
  }
}

TEST_F(Plan, WhatAPersonHasIsSought) {
  expect_seek(sql::kEndSessionsOf, "sessions_of_person", "person=?");
  expect_seek(sql::kForgetOldSessions, "sessions_of_person", "person=?");
  expect_seek(sql::kForgetEndedSessions, "sessions_of_person", "person=?");
  expect_seek(sql::kTokensOf, "access_tokens_of_person", "person=?");
  expect_seek(sql::kCountTokens, "access_tokens_of_person", "person=?");
  expect_seek(sql::kForgetExpiredTokens, "access_tokens_of_person", "person=?");
}

TEST_F(Plan, CallbacksSeekWhatIsDue) {
  expect_seek(sql::kNextDueAccount, "callbacks_due", "account>?");
  expect_seek(sql::kNextDueReceiver, "callbacks_due", "account=? AND receiver>?");
  expect_seek(sql::kDueCallbacks, "callbacks_due", "account=? AND receiver=?");
  expect_seek(sql::kDueCallbacksNotAskedFor, "callbacks_due", "account=? AND receiver=?");
  expect_seek(sql::kReceiver, "PRIMARY KEY", "account=? AND receiver=?");
  expect_seek(sql::kEndCallbackDelays, "callbacks_delayed", "next_attempt_ms<?");
  expect_seek(sql::kClaimCallback, "INTEGER PRIMARY KEY", "rowid=?");
  expect_seek(sql::kRecordCallback, "INTEGER PRIMARY KEY", "rowid=?");
}

TEST_F(Plan, ListsOfCallbacksWalkAnIndex) {
  expect_seek(sql::kCallbacks, "INTEGER PRIMARY KEY", "rowid<?");
  expect_seek(sql::kCallbacksInState, "callbacks_not_delivered", "state=? AND rowid<?");
  expect_seek(sql::kCallbacksOfAccountInState, "callbacks_in_state", "account=? AND state=? AND rowid<?");
  expect_seek(sql::kCallbacksOfAccount, "callbacks_in_state", "account=? AND state=? AND rowid<?");
  EXPECT_NE(plan_of(sql::kCallbacksOfAccount).find("MERGE (UNION ALL)"), std::string::npos);
}

TEST_F(Plan, ACallbackAndItsAttemptsAreSought) {
  expect_seek(sql::kViewCallback, "INTEGER PRIMARY KEY", "rowid=?");
  expect_seek(sql::kCallbackOf, "sqlite_autoindex_callbacks_1", "upload_id=?");
  expect_seek(sql::kCallbackAttempts, "PRIMARY KEY", "callback_id=?");
  expect_seek(sql::kSendCallbackAgain, "INTEGER PRIMARY KEY", "rowid=?");
  expect_seek(sql::kForgetCallbackAttempts, "PRIMARY KEY", "callback_id=? AND number<?");
}

TEST_F(Plan, TheHistoryOfAnUploadIsSought) {
  expect_seek(sql::kRunUnderWay, "INTEGER PRIMARY KEY", "rowid=?");
  expect_seek(sql::kAttemptsOf, "PRIMARY KEY", "upload_id=?");
  // The entries of one upload are sorted, few as they are.
  EXPECT_EQ(plan_of(sql::kForgetAttempts).find("SCAN upload_attempts"), std::string::npos);
}

TEST_F(Plan, WhatHasEndedIsSoughtByItsTime) {
  expect_seek(sql::kEnded, "uploads_ended", "state=? AND finished_ms>? AND finished_ms<?");
  expect_seek(sql::kEnded, "sqlite_autoindex_callbacks_1", "upload_id=?");
}

TEST_F(Plan, WhatIsRemovedIsSought) {
  expect_seek(sql::kRemovable, "INTEGER PRIMARY KEY", "rowid=?");
  expect_seek(sql::kRemoveCallback, "sqlite_autoindex_callbacks_1", "upload_id=?");
  expect_seek(sql::kRemoveUpload, "INTEGER PRIMARY KEY", "rowid=?");
}

TEST_F(Plan, StatisticsAreSought) {
  expect_seek(sql::kOldestQueued, "uploads_in_state", "account=? AND state=?");
  expect_seek(sql::kEndsSince, "PRIMARY KEY", "account=?");
  for (const auto statement : {sql::kForgetSlots, sql::kForgetSlotErrors}) {
    expect_seek(statement, "PRIMARY KEY", "account=? AND slot_s=? AND begins_s<?");
  }
  for (const auto statement : {sql::kSlots, sql::kSlotErrors}) {
    expect_seek(statement, "PRIMARY KEY", "account=? AND slot_s=? AND begins_s>?");
  }
}

TEST_F(Plan, WhatIsReadyIsSoughtByItsPriority) {
  expect_seek(sql::kReady, "uploads_ready", "priority=?");
  expect_seek(sql::kReadyOfAccount, "uploads_ready", "priority=? AND large=? AND account=?");
}

TEST_F(Plan, TheBusiestAccountsAreSoughtByTheirRings) {
  const std::string plan = plan_of(sql::kBusiest);
  EXPECT_NE(plan.find("PRIMARY KEY (account=? AND slot_s=? AND begins_s>?)"), std::string::npos) << plan;
  EXPECT_EQ(plan.find("SCAN statistics\n"), std::string::npos) << plan;
}

TEST_F(Plan, BucketsAreSoughtByTheirHour) {
  expect_seek(sql::kCountBuckets, "PRIMARY KEY", "begins_s=?");
  expect_seek(sql::kHasBucket, "PRIMARY KEY", "begins_s=? AND account=? AND bucket=?");
  expect_seek(sql::kForgetBuckets, "PRIMARY KEY", "begins_s<?");
  const std::string plan = plan_of(sql::kBusiestBuckets);  // adds up a day: 25,000 rows at most
  EXPECT_NE(plan.find("PRIMARY KEY (begins_s>?)"), std::string::npos) << plan;
}

TEST_F(Plan, AReceiverIsSoughtAndChangedInItsRow) {
  for (const auto statement : {sql::kAddWaiting, sql::kPutReceiver}) {
    expect_seek(statement, "PRIMARY KEY", "account=? AND receiver=?");
  }
  expect_seek(sql::kReceiverOf, "INTEGER PRIMARY KEY", "rowid=?");
  expect_seek(sql::kReceiverOf, "PRIMARY KEY", "account=? AND receiver=?");
  expect_seek(sql::kCountReceiversOf, "PRIMARY KEY", "account=?");
}

TEST_F(Plan, WaitsThatAreTooLongAreSought) {
  expect_seek(sql::kShortenUploads, "uploads_delayed", "next_attempt_ms>?");
  expect_seek(sql::kShortenCallbacks, "callbacks_delayed", "next_attempt_ms>?");
  expect_seek(sql::kShortenMultiparts, "multipart_ledger_due", "next_attempt_ms>?");
}

TEST_F(Plan, ForgettingSeeksByAge) { expect_seek(sql::kForgetSignatures, "PRIMARY KEY", "timestamp_s<?"); }

TEST_F(Plan, TheLedgerSeeks) {
  for (const auto statement : {sql::kSelectIntent, sql::kSelectSearch, sql::kAbandonAll, sql::kDeleteIntent,
                               sql::kFulfil, sql::kDeleteJournaled, sql::kAbandonIntent}) {
    const std::string plan = plan_of(statement);
    EXPECT_NE(plan.find("multipart_ledger_of_upload (upload_id=?)"), std::string::npos) << plan;
  }
  expect_seek(sql::kSelectDueAbandoned, "multipart_ledger_due", "next_attempt_ms<?");
  expect_seek(sql::kPostponeBucket, "multipart_ledger_due", "next_attempt_ms<?");
  expect_seek(sql::kKnownAt, "multipart_ledger_at", "bucket=? AND object_key=?");
}

}  // namespace
}  // namespace vodlift::store
