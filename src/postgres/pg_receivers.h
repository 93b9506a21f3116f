// The sums of receivers of callbacks. Each function runs inside a transaction of the caller's.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/callback_receivers.h"
#include "postgres/pg_database.h"

namespace vodlift::postgres {

// So many more callbacks wait for a receiver. Answers whether it has a row of its own, or gets it; else they are
// counted together with those of others.
bool count_waiting(PgTransaction& transaction, AccountId account, const std::string& receiver, int callbacks);

// Changes the sums in which a callback is counted, if these still exist.
template <class Change>
void change_receiver(PgTransaction& transaction, AccountId account, const std::string& receiver, bool own_sums,
                     Change change);

// Of those of the account's receivers that have sums of their own: the last failures, where the last attempt failed.
std::map<std::string, ReceiverFailing> find_failing(PgTransaction& transaction, AccountId account,
                                                    const std::vector<std::string>& receivers);

// See CallbackHistory::receivers().
std::vector<CallbackReceiver> list_receivers(PgTransaction& transaction, AccountId account);

std::optional<CallbackReceiver> lock_receiver(PgConnection& connection, AccountId account, const std::string& receiver);
void put_receiver(PgConnection& connection, const CallbackReceiver& one);

template <class Change>
void change_receiver(PgTransaction& transaction, AccountId account, const std::string& receiver, bool own_sums,
                     Change change) {
  auto one = own_sums ? lock_receiver(transaction.connection, account, receiver)
                      : lock_receiver(transaction.connection, kOtherReceivers, "");
  if (!one) return;
  change(one->sums);
  put_receiver(transaction.connection, *one);
}

}  // namespace vodlift::postgres
