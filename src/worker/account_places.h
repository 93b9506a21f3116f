// How many uploads of an account may begin at this node, where the account has a cap.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "core/account_directory.h"
#include "core/bandwidth_shares.h"
#include "core/fair_share.h"

namespace vodlift::worker {

// Of one node the cap is the account's. Where nodes share the caps, each has a lease of a share of each cap that it
// uses, and begins nothing beyond it. What runs when a share shrinks goes on, and the node gives it back when it has
// ended. Internally locked.
class AccountPlaces {
 public:
  using Running = std::map<AccountId, int>;  // uploads that are claimed and not over
  // Asks for a renewal of the shares soon: wishes(), and then grant(). Must not block.
  using Renew = std::function<void()>;

  static constexpr std::size_t kMostAccounts = 4096;  // that have shares at a node; no upload of another begins
  static constexpr std::chrono::seconds kWanted{5};   // an upload that found no room counts as waiting

  // `renew` null: there is one node, and wishes() and grant() are not used. `accounts` must outlive it.
  AccountPlaces(const AccountDirectory& accounts, Renew renew, SteadyClock steady = std::chrono::steady_clock::now)
      : accounts_(accounts), renew_(std::move(renew)), steady_(std::move(steady)) {}

  // Hold it while you ask room(), claim, and add what was claimed to those that run.
  [[nodiscard]] std::unique_lock<std::mutex> claiming() { return std::unique_lock(mutex_); }
  // How many more may begin beside `running`. Ask it while you hold claiming(), of accounts that have something ready.
  [[nodiscard]] FairShare::Room room(Running running);
  // 0: the account has no cap.
  [[nodiscard]] int cap(AccountId account) const;

  // What this node wants of the caps. Nothing begins beyond what `count` finds until grant().
  [[nodiscard]] std::vector<BandwidthWish> wishes(const std::function<Running()>& count);
  // The shares of this node, until then. Answers whether anything has room now that had none.
  bool grant(const std::vector<BandwidthShare>& shares, SteadyTime until);

 private:
  struct Share {
    int uploads = 0;
    SteadyTime wanted{};  // when something was ready last
    bool renewed = false;
  };

  int own_part(AccountId account, int cap);

  const AccountDirectory& accounts_;
  const Renew renew_;
  const SteadyClock steady_;
  std::mutex mutex_;  // guards the rest
  std::map<AccountId, Share> shares_;
  SteadyTime until_{};
};

}  // namespace vodlift::worker
