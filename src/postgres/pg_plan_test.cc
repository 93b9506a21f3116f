// The plans of the statements that run often: each seeks in the index that is meant for it, in an empty database as
// well as in a full one.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "postgres/account_statements.h"
#include "postgres/callback_statements.h"
#include "postgres/multipart_statements.h"
#include "postgres/pg_database.h"
#include "postgres/pg_upload_lists.h"
#include "postgres/queue_statements.h"
#include "postgres/retention_statements.h"
#include "postgres/started_server_test.h"
#include "postgres/upload_statements.h"

namespace vodlift::postgres {
namespace {

struct Planned {
  std::string name;
  std::string sql;
  std::string types;                 // of the parameters
  std::vector<std::string> indexes;  // that the plan uses, the beginnings of their names
};

std::string of(std::string_view sql) { return std::string(sql); }

std::vector<Planned> statements() {
  return {
      {"DropSignatures", of(sql::kDropSignatures), "bigint[], bigint[], bytea[]", {"signed_requests_pkey"}},
      {"FindSignatures", of(sql::kFindSignatures), "bigint[], bigint[], bytea[]", {"signed_requests_pkey"}},
      {"ChainEnds", of(sql::kChainEnds), "bigint[]", {"open_uploads_target"}},
      {"KeepOpen", of(sql::kKeepOpen), "bigint[]", {"open_uploads_pkey"}},
      {"SelectUploads",
       of(sql::kSelectUploads),
       "bigint[]",
       {"uploads_0_pkey", "open_uploads_pkey", "ended_uploads_0_pkey", "retries_pkey", "callbacks_upload_id_key"}},
      {"OpenCounts", of(sql::kOpenCounts), "bigint[]", {"upload_counts_pkey", "upload_count_changes_of_account"}},
      {"NearlyOpenCounts",
       of(sql::kNearlyOpenCounts),
       "bigint[], bigint",
       {"upload_counts_pkey", "upload_count_changes_by_id"}},
      {"WakeBucket", of(sql::kWakeBucket), "bigint, bytea, bigint", {"open_uploads_delayed_of_bucket"}},
      {"Ready", of(sql::kReady), "bigint, bigint", {"open_uploads_ready"}},
      {"ReadyOfAccount", of(sql::kReadyOfAccount), "bigint, bigint, boolean, bigint", {"open_uploads_ready"}},
      {"Newest",
       newest_statement(true, false),
       "bigint, bigint, bigint, bigint",
       {"open_uploads_in_state", "ended_uploads_0_account_state_id_idx"}},
      {"NewestInScope",
       newest_statement(true, true),
       "bigint, bigint, bigint, bigint, bytea, bytea[]",
       {"open_uploads_in_state", "ended_uploads_0_account_state_id_idx", "uploads_0_pkey"}},
      {"Search",
       search_statement(true),
       "bigint, bigint, bigint, bigint",
       {"open_uploads_in_state", "ended_uploads_0_account_state_id_idx", "uploads_0_pkey"}},
      {"LockOpen", of(sql::kLockOpen), "bigint[]", {"open_uploads_pkey"}},
      {"Belongings", of(sql::kBelongings), "bigint[]", {"multiparts_pkey", "multipart_ledger_of_upload"}},
      {"End",
       of(sql::kEnd),
       "bigint[], text[], bigint[], text[], bytea[], bytea[], bytea[], text[], text[], boolean[], text[], bigint",
       {"open_uploads_pkey"}},
      {"ReleaseSuccessors", of(sql::kReleaseSuccessors), "bigint[], bigint[]", {"open_uploads_waiting"}},
      {"Requeue",
       of(sql::kRequeue),
       "bigint, bigint, bigint, text, text, boolean, boolean, bigint, bigint, bigint, bigint, boolean, bigint, bigint, "
       "text",
       {"open_uploads_pkey"}},
      {"StoragesToTake", of(sql::kStoragesToTake), "bigint", {"open_uploads_ready", "node_storages_pkey"}},
      {"StoragesNowhere", of(sql::kStoragesNowhere), "bigint, bigint", {"open_uploads_ready", "nodes_pkey"}},
      {"Nodes", of(sql::kNodes), "", {"nodes_pkey", "open_uploads_leased", "callbacks_leased"}},
      {"NextReadyPriority", of(sql::kNextReadyPriority), "bytea[], bigint", {"open_uploads_ready"}},
      {"ReadyAccounts",
       of(sql::kReadyAccounts),
       "bytea[], bigint, boolean, bigint, bigint, bigint",
       {"open_uploads_ready"}},
      {"ReadyHeads",
       of(sql::kReadyHeads),
       "bytea[], bigint, bigint[], bigint, bigint, boolean",
       {"open_uploads_ready"}},
      {"ReadyPlaces",
       of(sql::kReadyPlaces),
       "bigint, bigint, bytea, bigint, boolean, bigint",
       {"open_uploads_ready", "node_storages_pkey"}},
      {"PlacesOf", of(sql::kPlacesOf), "bigint, bigint[]", {"open_uploads_pkey", "node_storages_pkey"}},
      {"HeadsOfPlaces",
       of(sql::kHeadsOfPlaces),
       "bytea[], bigint, boolean[], bigint[], bigint[], bigint[], bigint[], bigint, bigint, boolean",
       {"open_uploads_ready"}},
      {"NextSuspect", of(sql::kNextSuspect), "bigint", {"open_uploads_suspect", "node_storages_pkey"}},
      {"Claim",
       of(sql::kClaim),
       "bigint, bigint, bigint[], bigint, bigint",
       {"open_uploads_pkey", "uploads_0_pkey", "node_storages_pkey"}},
      {"SharesOfOthers",
       of(sql::kSharesOfOthers),
       "bigint, bigint, text[], bigint[], text[]",
       {"bandwidth_shares_pkey"}},
      {"LeasesOf", of(sql::kLeasesOf), "bigint, bigint", {"open_uploads_leased"}},
      {"RenewSome", of(sql::kRenewSome), "bigint[], bigint[], bigint", {"open_uploads_pkey"}},
      {"ExpiredLeases", of(sql::kExpiredLeases), "bigint, bigint, bigint", {"open_uploads_leased"}},
      {"LeasesOfEarlierTerms", of(sql::kLeasesOfEarlierTerms), "bigint, bigint, bigint", {"open_uploads_leased"}},
      {"FirstDelayed", of(sql::kFirstDelayed), "", {"open_uploads_delayed"}},
      {"EndDelays", of(sql::kEndDelays), "bigint, bigint", {"open_uploads_delayed", "open_uploads_pkey"}},
      {"DueAccounts", of(sql::kDueAccounts), "bigint, bigint, bigint", {"callbacks_due"}},
      {"DueReceivers", of(sql::kDueReceivers), "bigint, text, text, bigint", {"callbacks_due"}},
      {"DueCallbacks", of(sql::kDueCallbacks), "bigint, text[], bigint", {"callbacks_due"}},
      {"ClaimCallbacks",
       of(sql::kClaimCallbacks),
       "bigint[], bigint, bigint, bigint",
       {"callbacks_pkey", "callback_texts_pkey"}},
      {"RecordCallbacks", of(sql::kRecordCallbacks), "bigint[], bigint[], text[], bigint[]", {"callbacks_pkey"}},
      {"RefuseCallbacks", of(sql::kRefuseCallbacks), "bigint[], bigint", {"callbacks_pkey"}},
      {"SelectParts", of(sql::kSelectParts), "bigint[]", {"parts_pkey"}},
      {"AddBytes", of(sql::kAddBytes), "bigint, bigint, bigint", {"open_uploads_pkey"}},
      {"Ended",
       of(sql::kEnded),
       "text, bigint, bigint, bigint, bigint",
       {"ended_uploads_0_state_finished_ms_id_idx", "callbacks_upload_id_key"}},
      {"RemoveEnded", of(sql::kRemoveEnded), "bigint[]", {"ended_uploads_0_pkey", "callbacks_upload_id_key"}},
  };
}

class PlanTest : public testing::TestWithParam<Planned> {
 protected:
  static PgConnection& connection() {
    static const std::unique_ptr<PgConnection> shared = [] {
      StartedServer& server = StartedServer::shared();
      const std::string name = server.make_database();
      PgOptions options;
      options.url = server.url_of(name);
      options.accept_unsafe = true;
      PgDatabase::open(std::move(options)).value();
      return PgConnection::open(server.url_of(name)).value();
    }();
    return *shared;
  }

  // One value for each type. Numbers are not NULL: nothing lies below that, and the plan would show no partition.
  static std::string values_of(const std::string& types) {
    std::string values;
    for (std::size_t at = 0; at < types.size();) {
      const std::size_t end = std::min(types.find(", ", at), types.size());
      values += fmt::format("{}{}", at == 0 ? "" : ", ", types.compare(at, end - at, "bigint") == 0 ? "1" : "NULL");
      at = end + 2;
    }
    return values;
  }

  // The lines of the plan.
  static std::string plan_of(const Planned& one) {
    PgConnection& used = connection();
    used.execute(fmt::format("PREPARE p{} AS {}", one.types.empty() ? "" : " (" + one.types + ")", one.sql));
    const std::string values = one.types.empty() ? "" : "(" + values_of(one.types) + ")";
    std::string plan;
    auto row = used.run(fmt::format("EXPLAIN (COSTS OFF) EXECUTE p{}", values));
    while (row.next()) plan += row.text("QUERY PLAN") + "\n";
    used.execute("DEALLOCATE p");
    const auto failure = used.take_failure();
    EXPECT_FALSE(failure) << failure->error.message;
    return plan;
  }

  static void expect_seeks(const Planned& one) {
    const std::string plan = plan_of(one);
    EXPECT_EQ(plan.find("Seq Scan"), std::string::npos) << plan;
    for (const std::string& index : one.indexes) {
      EXPECT_NE(plan.find("using " + index), std::string::npos) << index << "\n" << plan;
    }
  }
};

TEST_P(PlanTest, SeeksInItsIndex) { expect_seeks(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Statements, PlanTest, testing::ValuesIn(statements()),
                         [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace vodlift::postgres
