#include "worker/callback_places.h"

namespace vodlift::worker {

int CallbackPlaces::under_way(AccountId account, const std::string& receiver) const {
  const auto of = accounts_.find(account);
  if (of == accounts_.end()) return 0;
  const auto to = of->second.receivers.find(receiver);
  return to == of->second.receivers.end() ? 0 : to->second.in_flight;
}

bool CallbackPlaces::open(AccountId account) const {
  const auto known = accounts_.find(account);
  return (known == accounts_.end() ? 0 : known->second.taken.in_flight) < free();
}

bool CallbackPlaces::take(AccountId account, const std::string& receiver, SteadyTime now) {
  // A receiver that gets nothing is not remembered: there may be any number of these.
  const auto known = accounts_.find(account);
  const bool is_known = known != accounts_.end() && known->second.receivers.contains(receiver);
  if (!is_known && !may_take(known != accounts_.end() ? known->second : Account(), Receiver())) return false;
  Receiver& to = receiver_of(account, receiver);
  Account& of = accounts_[account];
  if (to.pace == Pace::slow && to.slow_until < now) set_pace(of, to, Pace::unknown);
  if (!may_take(of, to)) return false;
  count(of, to, 1);
  return true;
}

void CallbackPlaces::give_back(AccountId account, const std::string& receiver) {
  count(accounts_[account], receiver_of(account, receiver), -1);
}

void CallbackPlaces::ended(AccountId account, const std::string& receiver, std::chrono::milliseconds took,
                           SteadyTime now) {
  Receiver& from = receiver_of(account, receiver);
  Account& of = accounts_[account];
  count(of, from, -1);
  set_pace(of, from, took > slow_ ? Pace::slow : Pace::in_time);
  from.slow_until = now + kSlowFor;
}

bool CallbackPlaces::may_take(const Account& account, const Receiver& receiver) const {
  if (account.taken.in_flight >= free()) return false;
  if (receiver.pace == Pace::in_time) return receiver.in_flight < kOfReceiver;
  const int all_unproven = account.taken.unproven > 0 ? kAllUnproven : kFirstUnproven;
  if (receiver.in_flight >= kOfUnproven || all_.unproven >= all_unproven) return false;
  if (2 * account.taken.unproven >= free()) return false;
  return receiver.pace == Pace::unknown || 4 * account.taken.slow < free();
}

void CallbackPlaces::count(Account& account, Receiver& receiver, int by) {
  receiver.in_flight += by;
  for (Taken* taken : {&account.taken, &all_}) {
    taken->in_flight += by;
    if (receiver.pace != Pace::in_time) taken->unproven += by;
    if (receiver.pace == Pace::slow) taken->slow += by;
  }
}

void CallbackPlaces::set_pace(Account& account, Receiver& receiver, Pace pace) {
  const int in_flight = receiver.in_flight;
  count(account, receiver, -in_flight);
  receiver.pace = pace;
  count(account, receiver, in_flight);
}

CallbackPlaces::Receiver& CallbackPlaces::receiver_of(AccountId account, const std::string& receiver) {
  Account& of = accounts_[account];
  if (const auto known = of.receivers.find(receiver); known != of.receivers.end()) return known->second;
  if (of.receivers.size() >= kKnownOfAccount) forget_idle(of);
  if (known_ >= kKnown) {
    for (auto& [cdn, each] : accounts_) forget_idle(each);
    std::erase_if(accounts_, [&](const auto& each) { return each.first != account && each.second.receivers.empty(); });
  }
  Receiver& made = of.receivers[receiver];
  ++known_;
  return made;
}

void CallbackPlaces::forget_idle(Account& account) {
  known_ -= std::erase_if(account.receivers, [](const auto& each) { return each.second.in_flight == 0; });
}

}  // namespace vodlift::worker
