#include "core/account_repository.h"

#include <fmt/format.h>

#include "base/encoding.h"

namespace vodlift {

Error no_such_account(AccountId cdn) { return {Errc::not_found, fmt::format("there is no account {}", cdn)}; }

Error account_exists(AccountId cdn) { return {Errc::already_exists, fmt::format("account {} exists already", cdn)}; }

Error user_exists(std::string_view user, AccountId cdn) {
  return {Errc::already_exists, fmt::format("the user '{}' belongs to account {} already", printable(user), cdn)};
}

Error number_is_taken(AccountId cdn, std::string_view former_user) {
  return {
      Errc::already_exists,
      fmt::format("{} was the number of the account of user '{}', which was removed, and its uploads are still kept: "
                  "who has the number sees them. Take another number, or wait until they are removed ([retention])",
                  cdn, printable(former_user))};
}

Error no_such(const Removable& one) { return {Errc::not_found, "there is no " + to_text(one)}; }

Error bucket_exists(AccountId cdn, std::string_view bucket) {
  return {Errc::already_exists, fmt::format("account {} has bucket {} already", cdn, printable(bucket))};
}

Error key_exists(std::string_view api_key) {
  return {Errc::already_exists, fmt::format("the API key {} exists already", printable(api_key))};
}

}  // namespace vodlift
