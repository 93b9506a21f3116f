#include "postgres/pg_candidates.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "core/upload_request.h"
#include "postgres/queue_statements.h"

namespace vodlift::postgres {
namespace {

using std::chrono::steady_clock;

// Accounts that are asked for at once: few at first.
constexpr std::size_t kFirstAccounts = 8;
constexpr std::size_t kMostAccounts = 256;

class CandidateList {
 public:
  // `places`: where to look, and from where on; null: everywhere.
  CandidateList(PgConnection& connection, std::int64_t node, const CandidateQuery& query, ReadyPlaces* places)
      : connection_(connection),
        query_(query),
        small_(std::min(query.depth, query.places.all)),
        large_(std::min(query.depth, query.places.large)),
        places_(places) {
    if (places_ != nullptr) return;
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
    if (places_ != nullptr) return next_priority_of_places(most);
    if (storages_.empty()) return -1;
    auto row = connection_.run(sql::kNextReadyPriority, bytes_list(storages_), most);
    return row.next() && !row.is_null("priority") ? static_cast<int>(row.integer("priority")) : -1;
  }

  [[nodiscard]] int next_priority_of_places(int most) const {
    int highest = -1;
    for (const auto& [place, from] : *places_) {
      if (place.priority <= most) highest = std::max(highest, place.priority);
    }
    return highest;
  }

  // Ascending.
  std::vector<AccountId> accounts_between(int priority, AccountId first, AccountId end, std::size_t most) {
    std::vector<AccountId> accounts;
    if (places_ == nullptr) {
      auto row = connection_.run(sql::kReadyAccounts, bytes_list(storages_), priority, query_.places.large > 0, first,
                                 end, most);
      while (row.next()) accounts.push_back(row.integer("account"));
      return accounts;
    }
    std::set<AccountId> found;
    for (const auto& [place, from] : *places_) {
      if (is_wanted(place, priority) && place.account >= first && place.account < end) found.insert(place.account);
    }
    for (const AccountId account : found) {
      if (accounts.size() < most) accounts.push_back(account);
    }
    return accounts;
  }

  [[nodiscard]] bool is_wanted(const ReadyPlace& place, int priority) const {
    return place.priority == priority && (place.large ? large_ : small_) > 0;
  }

  // Accounts from `first` on and below `end`.
  void list_between(int priority, AccountId first, AccountId end) {
    std::size_t chunk = kFirstAccounts;
    while (first < end && !listed_.more_accounts) {
      std::vector<AccountId> accounts = accounts_between(priority, first, end, chunk);
      if (accounts.empty()) return;
      const bool all = accounts.size() < chunk;
      first = accounts.back() + 1;
      if (query_.leaves_out) listed_.left_out |= std::erase_if(accounts, query_.leaves_out) > 0;
      if (!accounts.empty()) add(priority, accounts);
      if (all) return;
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
    const int small = small_ > 0 ? small_ + 1 : 0;
    const int large_too = large_ > 0 ? large_ + 1 : 0;
    auto row = places_ != nullptr ? heads_of_places(priority, accounts, small, large_too)
                                  : connection_.run(sql::kReadyHeads, bytes_list(storages_), priority, accounts, small,
                                                    large_too, query_.with_buckets);
    while (row.next()) {
      if (places_ != nullptr) note_head(row);
      Candidate& one = found[static_cast<std::size_t>(row.integer("number") - 1)];
      one.weight = static_cast<int>(row.integer("weight"));
      const bool large = row.integer("large") != 0;
      auto& heads = large ? one.large : one.small;
      bool& more = large ? one.more_large : one.more_small;
      more = std::ssize(heads) == (large ? large_ : small_);
      if (!more) heads.push_back({row.integer("id"), row.integer("rest"), row.text("bucket")});
    }
    forget_empty_places();
    for (Candidate& one : found) {
      listed_.more_accounts = uploads_ >= query_.uploads;
      if (listed_.more_accounts) return;
      if (one.small.empty() && one.large.empty()) continue;  // of a place where nothing is ready any more
      uploads_ += static_cast<int>(one.small.size() + one.large.size());
      listed_.accounts.push_back(std::move(one));
    }
  }

  PgResult heads_of_places(int priority, const std::vector<AccountId>& accounts, int small, int large) {
    asked_.clear();
    std::vector<std::string> storages;
    std::vector<bool> larges;
    std::vector<std::int64_t> numbers;
    std::vector<std::int64_t> of;
    std::vector<std::int64_t> from_ms;
    std::vector<std::int64_t> from_id;
    for (auto place = places_->begin(); place != places_->end(); ++place) {
      const auto at = std::lower_bound(accounts.begin(), accounts.end(), place->first.account);
      if (!is_wanted(place->first, priority) || at == accounts.end() || *at != place->first.account) continue;
      asked_.push_back({place, false});
      storages.push_back(place->first.storage);
      larges.push_back(place->first.large);
      of.push_back(place->first.account);
      numbers.push_back(at - accounts.begin() + 1);
      from_ms.push_back(place->second.next_attempt_ms);
      from_id.push_back(place->second.id);
    }
    return connection_.run(sql::kHeadsOfPlaces, bytes_list(storages), priority, larges, of, numbers, from_ms, from_id,
                           small, large, query_.with_buckets);
  }

  // The rows of a place come in their order.
  void note_head(PgResult& row) {
    auto& [place, has_head] = asked_.at(static_cast<std::size_t>(row.integer("place") - 1));
    if (!std::exchange(has_head, true)) place->second = {row.integer("next_attempt_ms"), row.integer("id")};
  }

  void forget_empty_places() {
    if (connection_.failed()) return;
    for (const auto& [place, has_head] : asked_) {
      if (!has_head) places_->erase(place);
    }
    asked_.clear();
  }

  PgConnection& connection_;
  const CandidateQuery& query_;
  const int small_;
  const int large_;
  ReadyPlaces* const places_;
  std::vector<std::pair<ReadyPlaces::iterator, bool>> asked_;  // and whether something is ready there
  std::vector<std::string> storages_;  // without places: from which uploads are ready that the node may take
  Candidates listed_;
  int uploads_ = 0;  // listed
};

}  // namespace

CandidateLists::CandidateLists(LocalChangeFeed& feed, std::int64_t node, Pace pace)
    : feed_(feed), node_(node), pace_(pace) {
  if (pace_.slow <= std::chrono::milliseconds(0)) begin_short();
}

Candidates CandidateLists::list(PgConnection& connection, const CandidateQuery& query) {
  const std::lock_guard lock(mutex_);
  if (is_short()) return list_places(connection, query);
  const SteadyTime begun = steady_clock::now();
  Candidates listed = CandidateList(connection, node_, query, nullptr).list();
  if (steady_clock::now() - begun >= pace_.slow) begin_short();
  return listed;
}

bool CandidateLists::any(PgConnection& connection) {
  const std::lock_guard lock(mutex_);
  if (is_short()) return !list_places(connection, {{1, 1}, 1, 1, {}}).accounts.empty();
  return connection.run(sql::kStoragesToTake, node_).next();
}

Candidates CandidateLists::list_places(PgConnection& connection, const CandidateQuery& query) {
  if (steady_clock::now() >= survey_due_) survey(connection);
  add_told(connection);
  return CandidateList(connection, node_, query, &places_).list();
}

void CandidateLists::begin_short() {
  subscription_ = feed_.subscribe(Change::Kind::upload_changed, [this](const Change& change) {
    const std::lock_guard lock(told_mutex_);
    if (told_.size() < kMostTold) told_.insert(change.upload);
  });
  survey_due_ = SteadyTime();
  has_survey_ = false;
}

void CandidateLists::survey(PgConnection& connection) {
  const SteadyTime begun = steady_clock::now();
  SteadyTime now = begun;
  bool ended = false;
  bool failed = false;
  do {
    const SteadyTime asked = now;
    const auto found = survey_places(connection, places_at_once_);
    now = steady_clock::now();
    failed = !found;
    ended = found && (*found < places_at_once_ || places_.size() >= kMostPlaces);
    places_at_once_ = now - asked < pace_.part / 8 ? std::min(places_at_once_ * 4, kMostPlaces) : 1;
  } while (!ended && !failed && now - begun < pace_.part);
  surveyed_for_ += now - begun;
  // The first survey does not rest: until it ends, most places are not known.
  survey_due_ = has_survey_ || ended || failed ? now + pace_.rest * (now - begun) : now;
  if (failed) surveyed_ = {};
  if (ended) end_survey();
}

void CandidateLists::end_survey() {
  has_survey_ = true;
  std::erase_if(places_, [this](const auto& one) { return !seen_.contains(one.first); });
  seen_.clear();
  surveyed_ = {};
  if (std::exchange(surveyed_for_, {}) >= pace_.slow / 2) return;
  subscription_.reset();
  const std::lock_guard lock(told_mutex_);
  told_.clear();
}

// Returns nothing if the look was given up, or failed. The time limit holds for this look alone.
std::optional<PgResult> CandidateLists::look_for(PgConnection& connection, std::chrono::milliseconds longest,
                                                 PgCall call) {
  constexpr std::string_view kBack = "ROLLBACK TO SAVEPOINT look";
  const std::string limit = fmt::format("SET LOCAL statement_timeout = {}", longest.count());
  std::vector<PgCall> calls;
  calls.emplace_back("SAVEPOINT look");
  calls.emplace_back(limit);
  calls.push_back(std::move(call));
  calls.emplace_back(kBack);
  std::vector<PgResult> answers = connection.run_together(calls);
  const auto failure = connection.take_failure();
  if (!failure) return std::move(answers[2]);
  connection.run(kBack);
  if (connection.failed()) return std::nullopt;  // it is lost
  log::warn("a look at the queue was given up because it took too long; it is done again soon",
            {{"reason", failure->error.message},
             {"hint", "end transactions that are open for long: xact_start in pg_stat_activity shows them"}});
  return std::nullopt;
}

// Returns how many it found; nothing: it was given up.
std::optional<std::size_t> CandidateLists::survey_places(PgConnection& connection, std::size_t most) {
  auto row = look_for(connection, pace_.longest,
                      PgCall(sql::kReadyPlaces, node_, most, Bytes{surveyed_.storage}, surveyed_.priority,
                             surveyed_.large, surveyed_.account));
  if (!row) return std::nullopt;
  std::size_t found = 0;
  for (; row->next(); ++found) surveyed_ = add_place(*row);
  return found;
}

// Of a place that is known, the position that comes first counts.
ReadyPlace CandidateLists::add_place(const PgResult& row) {
  const ReadyPosition position{row.integer("next_attempt_ms"), row.integer("id")};
  ReadyPlace place{row.text("storage"), static_cast<int>(row.integer("priority")), row.integer("large") != 0,
                   row.integer("account")};
  const auto [known, is_new] = places_.try_emplace(place, position);
  if (!is_new) known->second = std::min(known->second, position);
  seen_.insert(place);
  return place;
}

// The transaction sees what was committed when it began. So what is told of after that is looked at again by the next.
// The limit is short: just after a vacuum, the plan of the server may be one that reads a whole index for each upload;
// the next look has a better one.
void CandidateLists::add_told(PgConnection& connection) {
  std::set<UploadId> told = std::exchange(told_before_, {});
  {
    const std::lock_guard lock(told_mutex_);
    told_before_.swap(told_);
  }
  told.insert(told_before_.begin(), told_before_.end());
  if (told.empty()) return;
  const std::vector<UploadId> ids(told.begin(), told.end());
  auto row = look_for(connection, pace_.longest / 8, PgCall(sql::kPlacesOf, node_, ids));
  if (row) {
    while (row->next()) add_place(*row);
  } else if (told.size() <= 2 * kMostTold) {
    told_before_ = std::move(told);
  }
}

}  // namespace vodlift::postgres
