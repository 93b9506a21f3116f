#include "worker/account_places.h"

#include <algorithm>
#include <utility>

namespace vodlift::worker {

FairShare::Room AccountPlaces::room(Running running) {
  return [this, running = std::move(running)](AccountId account) -> std::optional<int> {
    const int most = cap(account);
    if (most == 0) return std::nullopt;
    const auto own = running.find(account);
    return own_part(account, most) - (own == running.end() ? 0 : own->second);
  };
}

int AccountPlaces::cap(AccountId account) const {
  const auto known = accounts_.find_account(account);
  return known == nullptr ? 0 : known->uploads_at_once;
}

// Notes that the account has something ready.
int AccountPlaces::own_part(AccountId account, int cap) {
  if (!renew_) return cap;
  if (shares_.size() >= kMostAccounts && !shares_.contains(account)) return 0;
  Share& share = shares_[account];
  share.wanted = steady_();
  if (!share.renewed) renew_();
  return share.wanted < until_ ? std::min(share.uploads, cap) : 0;
}

std::vector<BandwidthWish> AccountPlaces::wishes(const std::function<Running()>& count) {
  const std::lock_guard lock(mutex_);
  Running running = count();
  for (const auto& [account, uploads] : running) {
    if (cap(account) > 0 && shares_.size() < kMostAccounts) shares_[account];
  }
  const auto now = steady_();
  std::vector<BandwidthWish> wishes;
  for (auto at = shares_.begin(); at != shares_.end();) {
    auto& [account, share] = *at;
    const int most = cap(account);
    const int own = running[account];
    const bool wants_more = share.wanted != SteadyTime{} && now < share.wanted + kWanted;
    if (most == 0 || (own == 0 && !wants_more)) {
      at = shares_.erase(at);
      continue;
    }
    share.uploads = std::min(share.uploads, own);
    share.renewed = true;
    wishes.push_back({.scope = {BandwidthScope::Kind::account, account, ""},
                      .limit = most,
                      .rate = wants_more ? most : std::min(own, most),
                      .uploads = true,
                      .least = own});
    ++at;
  }
  return wishes;
}

bool AccountPlaces::grant(const std::vector<BandwidthShare>& shares, SteadyTime until) {
  const std::lock_guard lock(mutex_);
  bool has_room = false;
  for (const BandwidthShare& share : shares) {
    const auto at = shares_.find(share.scope.account);
    if (at == shares_.end()) continue;
    has_room |= share.rate > at->second.uploads;
    at->second.uploads = static_cast<int>(share.rate);
  }
  until_ = until;
  return has_room;
}

}  // namespace vodlift::worker
