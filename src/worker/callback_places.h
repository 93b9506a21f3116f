// Which callbacks may be sent now, so that no account and no receiver holds up the others. Pure bookkeeping.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <utility>

#include "base/clock.h"
#include "core/upload.h"

namespace vodlift::worker {

// Each callback under way takes a place. A receiver is a host and port that one account names. It is in time if its
// last delivery ended within `slow`, slow if that took longer and is no minute ago, and otherwise new. One thread.
class CallbackPlaces {
 public:
  static constexpr int kAll = 128;
  static constexpr int kOfReceiver = 32;      // of one that is in time
  static constexpr int kOfUnproven = 8;       // of one that is new or slow
  static constexpr int kAllUnproven = 96;     // of all that are new or slow, except for the next one
  static constexpr int kFirstUnproven = 112;  // where the account has no other of these under way
  static constexpr std::chrono::seconds kSlowFor{60};
  // How many receivers without a callback under way are remembered. Those of the account, or all, are new again where
  // there would be more.
  static constexpr std::size_t kKnownOfAccount = 256;
  static constexpr std::size_t kKnown = 8192;

  explicit CallbackPlaces(std::chrono::milliseconds slow) : slow_(slow) {}

  [[nodiscard]] int free() const { return kAll - all_.in_flight; }
  [[nodiscard]] int under_way() const { return all_.in_flight; }

  // Callbacks of the account under way to this receiver.
  [[nodiscard]] int under_way(AccountId account, const std::string& receiver) const;

  // True where the account has fewer callbacks under way than places are free: the only limit of its receivers that are
  // in time. So n accounts leave at least one place in n + 1 free.
  [[nodiscard]] bool open(AccountId account) const;

  // Takes a place for one receiver, if it may have one. New and slow receivers get half of what the account may have,
  // slow ones half of that.
  bool take(AccountId account, const std::string& receiver, SteadyTime now);

  // Gives a place back for which nothing was sent.
  void give_back(AccountId account, const std::string& receiver);

  // Gives a place back after a delivery that took so long.
  void ended(AccountId account, const std::string& receiver, std::chrono::milliseconds took, SteadyTime now);

 private:
  enum class Pace { unknown, in_time, slow };
  struct Receiver {
    int in_flight = 0;
    Pace pace = Pace::unknown;
    SteadyTime slow_until{};
  };
  struct Taken {
    int in_flight = 0;
    int unproven = 0;  // of those, to receivers that are new or slow
    int slow = 0;
  };
  struct Account {
    Taken taken;
    std::map<std::string, Receiver> receivers;
  };

  Receiver& receiver_of(AccountId account, const std::string& receiver);
  [[nodiscard]] bool may_take(const Account& account, const Receiver& receiver) const;
  void count(Account& account, Receiver& receiver, int by);
  void set_pace(Account& account, Receiver& receiver, Pace pace);
  void forget_idle(Account& account);

  const std::chrono::milliseconds slow_;
  Taken all_;
  std::size_t known_ = 0;  // receivers of all accounts
  std::map<AccountId, Account> accounts_;
};

// A place of one receiver, or none yet; its end gives the place back. Of the thread of the places, which outlive it.
class CallbackPlace {
 public:
  CallbackPlace(CallbackPlaces& places, AccountId account, std::string receiver)
      : places_(places), account_(account), receiver_(std::move(receiver)) {}
  CallbackPlace(const CallbackPlace&) = delete;
  CallbackPlace& operator=(const CallbackPlace&) = delete;
  ~CallbackPlace() {
    if (taken_) places_.give_back(account_, receiver_);
  }

  bool take(SteadyTime now) { return taken_ = places_.take(account_, receiver_, now); }
  // The delivery took so long.
  void ended(std::chrono::milliseconds took, SteadyTime now) {
    if (std::exchange(taken_, false)) places_.ended(account_, receiver_, took, now);
  }

 private:
  CallbackPlaces& places_;
  const AccountId account_;
  const std::string receiver_;
  bool taken_ = false;
};

}  // namespace vodlift::worker
