#include "postgres/pg_bandwidth_shares.h"

#include <algorithm>

#include "postgres/account_statements.h"

namespace vodlift::postgres {
namespace {

// The wishes, and then the shares, as the columns of statements.
struct Columns {
  explicit Columns(const std::vector<BandwidthWish>& wishes) {
    for (const BandwidthWish& wish : wishes) {
      kinds.emplace_back(wish.uploads ? "uploads" : to_string(wish.scope.kind));
      accounts.push_back(wish.scope.account);
      names.push_back(wish.scope.name);
      rates.push_back(wish.rate);
      senders.push_back(wish.senders);
    }
  }

  std::vector<std::string> kinds;
  std::vector<std::int64_t> accounts;
  std::vector<std::string> names;
  std::vector<std::int64_t> rates;
  std::vector<std::int64_t> senders;
  std::vector<std::int64_t> shares;
};

std::int64_t count_workers(PgResult row) { return row.next() ? row.integer("nodes") : 1; }

}  // namespace

Result<BandwidthShares::Renewed> PgBandwidthShares::renew(const NodeTerm& self,
                                                          const std::vector<BandwidthWish>& wishes) {
  if (wishes.empty()) {
    auto idle = look(self);
    if (!idle || *idle) return idle ? Result<Renewed>(Renewed{{}, **idle}) : idle.error();
  }
  return database_.write([&](PgTransaction& transaction) -> Result<Renewed> {
    PgConnection& connection = transaction.connection;
    const std::int64_t now_ms = to_unix_ms(transaction.now());
    Columns columns(wishes);
    // One node at a time: none takes what another one takes too.
    auto answers = connection.run_together(
        {PgCall(sql::kLockAlone, sql::kSharesLock),
         PgCall(sql::kCountWorkers, to_unix_ms(transaction.now() - kNodeLostAfter)),
         PgCall(sql::kSharesOfOthers, self.node, now_ms, columns.kinds, columns.accounts, columns.names)});
    if (connection.failed()) return Renewed();
    std::vector<std::vector<HeldShare>> others(wishes.size());
    while (answers[2].next()) {
      others[static_cast<std::size_t>(answers[2].integer("number") - 1)].push_back(
          {answers[2].integer("wish"), answers[2].integer("senders"), answers[2].integer("rate")});
    }
    Renewed taken{{}, count_workers(std::move(answers[1]))};
    for (std::size_t at = 0; at < wishes.size(); ++at) {
      taken.shares.push_back({wishes[at].scope, next_share(wishes[at], others[at])});
      columns.shares.push_back(std::max(taken.shares.back().rate, wishes[at].least));
    }
    const std::int64_t until_ms = to_unix_ms(transaction.now() + kShareLease);
    connection.run_together(
        {PgCall(sql::kPutShares, self.node, until_ms, columns.kinds, columns.accounts, columns.names, columns.rates,
                columns.senders, columns.shares),
         PgCall(sql::kDropShares, self.node, columns.kinds, columns.accounts, columns.names, now_ms)});
    return taken;
  });
}

// How many nodes send files, where this one has nothing to give back.
Result<std::optional<std::int64_t>> PgBandwidthShares::look(const NodeTerm& self) {
  return database_.read([&](PgTransaction& transaction) -> Result<std::optional<std::int64_t>> {
    if (transaction.connection.run(sql::kOwnShares, self.node).next()) return std::optional<std::int64_t>();
    return std::optional(
        count_workers(transaction.connection.run(sql::kCountWorkers, to_unix_ms(transaction.now() - kNodeLostAfter))));
  });
}

}  // namespace vodlift::postgres
