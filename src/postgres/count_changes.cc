#include "postgres/count_changes.h"

#include <fmt/format.h>

#include "postgres/upload_statements.h"

namespace vodlift::postgres {
namespace {

constexpr std::int64_t kAddUpLock = 1447839317;
constexpr int kAddUpStep = 10'000;

}  // namespace

void CountChanges::change(AccountId account, UploadState state, std::int64_t uploads, std::int64_t bytes) {
  if (uploads > 0) entered_[static_cast<std::size_t>(state)] += uploads;
  const Place place(account, state);
  Sums& sums = sums_[place];
  std::int64_t sum = 0;
  if (__builtin_add_overflow(sums.bytes, bytes, &sum)) {
    full_.emplace_back(place, sums);
    sums = {};
    sum = bytes;
  }
  sums.uploads += uploads;
  sums.bytes = sum;
}

void CountChanges::save(std::vector<PgCall>& last) {
  std::vector<std::int64_t> accounts;
  std::vector<std::string_view> states;
  std::vector<std::int64_t> uploads;
  std::vector<std::int64_t> bytes;
  full_.insert(full_.end(), sums_.begin(), sums_.end());
  for (const auto& [place, sums] : full_) {
    if (sums.uploads == 0 && sums.bytes == 0) continue;
    accounts.push_back(place.first);
    states.push_back(to_string(place.second));
    uploads.push_back(sums.uploads);
    bytes.push_back(sums.bytes);
  }
  sums_.clear();
  full_.clear();
  if (!accounts.empty()) last.emplace_back(sql::kAddCountChanges, accounts, states, uploads, bytes);
}

void CountChanges::committed(EnteredUploads& entered) const {
  for (std::size_t state = 0; state < entered.size(); ++state) entered[state].add(entered_[state]);
}

void RecentCounts::note(AccountId account, std::int64_t uploads, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  if (counts_.size() >= kMostAccounts && !counts_.contains(account)) counts_.clear();
  counts_[account] = {uploads, now};
}

std::optional<std::int64_t> RecentCounts::find(AccountId account, SteadyTime now) const {
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(account);
  if (found == counts_.end() || now - found->second.noted > kLast) return std::nullopt;
  return found->second.uploads;
}

AddedUp add_up_counts(PgConnection& connection, std::int64_t after) {
  auto alone = connection.run(sql::kTryLock, kAddUpLock);
  if (!alone.next() || alone.integer("locked") == 0) return {};
  auto added = connection.run(sql::kAddUpCounts, kAddUpStep, after);
  if (!added.next()) return {};
  return {added.integer("changes") == kAddUpStep, added.integer("last")};
}

}  // namespace vodlift::postgres
