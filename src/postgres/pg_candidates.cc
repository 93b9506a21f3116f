#include "postgres/pg_candidates.h"

#include <algorithm>
#include <limits>

#include "core/upload_request.h"
#include "postgres/queue_statements.h"

namespace vodlift::postgres {
namespace {

// Accounts that are asked for at once: few at first.
constexpr std::size_t kFirstAccounts = 8;
constexpr std::size_t kMostAccounts = 256;

class CandidateList {
 public:
  CandidateList(PgConnection& connection, std::int64_t node, const CandidateQuery& query)
      : connection_(connection),
        query_(query),
        small_(std::min(query.depth, query.places.all)),
        large_(std::min(query.depth, query.places.large)) {
    auto row = connection_.run(sql::kStoragesToTake, node);
    while (row.next()) storages_.push_back(row.text("storage"));
  }

  Candidates list() && {
    for (int priority = next_priority(kMaxPriority); priority >= 0 && !listed_.more_accounts;
         priority = next_priority(priority - 1)) {
      const AccountId from = query_.from.at(static_cast<std::size_t>(priority));
      list_between(priority, from, std::numeric_limits<AccountId>::max());
      if (from > 1) list_between(priority, 1, from);  // the lowest account is 1
    }
    return std::move(listed_);
  }

 private:
  // The highest priority, `most` at most, that has something ready; -1: none.
  int next_priority(int most) {
    if (storages_.empty()) return -1;
    auto row = connection_.run(sql::kNextReadyPriority, bytes_list(storages_), most);
    return row.next() && !row.is_null("priority") ? static_cast<int>(row.integer("priority")) : -1;
  }

  // Accounts from `first` on and below `end`.
  void list_between(int priority, AccountId first, AccountId end) {
    std::size_t chunk = kFirstAccounts;
    while (first < end && !listed_.more_accounts) {
      std::vector<AccountId> accounts;
      auto row = connection_.run(sql::kReadyAccounts, bytes_list(storages_), priority, query_.places.large > 0, first,
                                 end, chunk);
      while (row.next()) accounts.push_back(row.integer("account"));
      if (accounts.empty()) return;
      add(priority, accounts);
      if (accounts.size() < chunk) return;
      first = accounts.back() + 1;
      chunk = std::min(chunk * 4, kMostAccounts);
    }
  }

  void add(int priority, const std::vector<AccountId>& accounts) {
    std::vector<Candidate> found(accounts.size());
    for (std::size_t at = 0; at < accounts.size(); ++at) {
      found[at].priority = priority;
      found[at].account = accounts[at];
    }
    // One more of each kind shows that there are others.
    auto row = connection_.run(sql::kReadyHeads, bytes_list(storages_), priority, accounts, small_ > 0 ? small_ + 1 : 0,
                               large_ > 0 ? large_ + 1 : 0, query_.with_buckets);
    while (row.next()) {
      Candidate& one = found[static_cast<std::size_t>(row.integer("number") - 1)];
      one.weight = static_cast<int>(row.integer("weight"));
      const bool large = row.integer("large") != 0;
      auto& heads = large ? one.large : one.small;
      bool& more = large ? one.more_large : one.more_small;
      more = std::ssize(heads) == (large ? large_ : small_);
      if (!more) heads.push_back({row.integer("id"), row.integer("rest"), row.text("bucket")});
    }
    for (Candidate& one : found) {
      listed_.more_accounts = uploads_ >= query_.uploads;
      if (listed_.more_accounts) return;
      uploads_ += static_cast<int>(one.small.size() + one.large.size());
      listed_.accounts.push_back(std::move(one));
    }
  }

  PgConnection& connection_;
  const CandidateQuery& query_;
  const int small_;
  const int large_;
  std::vector<std::string> storages_;  // from which uploads are ready that the node may take
  Candidates listed_;
  int uploads_ = 0;  // listed
};

}  // namespace

Candidates list_candidates(PgConnection& connection, std::int64_t node, const CandidateQuery& query) {
  return CandidateList(connection, node, query).list();
}

}  // namespace vodlift::postgres
