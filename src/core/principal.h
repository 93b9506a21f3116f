// Who asks, and what they may do.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "core/upload.h"

namespace vodlift {

// Spelled alike in the database, docs/openapi.yaml and the panel.
enum class Role : std::uint8_t {
  viewer,    // sees what its account owns, or everything where it has no account
  customer,  // sees and changes what its account owns
  operate,   // "operator": sees everything, changes uploads, buckets and limits
  admin,     // everything
};

inline constexpr std::array kRoles = {Role::viewer, Role::customer, Role::operate, Role::admin};

std::string_view to_string(Role role);  // "operator"
std::optional<Role> role_from(std::string_view word);

// What somebody wants to do. Each route does one of these.
enum class Act : std::uint8_t {
  read,             // see what an account owns, or what all accounts share, as the storages
  read_audit,       // see who did what
  change_uploads,   // queue, cancel, pause, …; test a bucket, send a callback
  change_keys,      // API keys and the webhook's secret
  configure,        // buckets, limits, litter at the stores
  manage_accounts,  // add and change accounts
  manage_people,    // invite, change and remove people; see and remove the tokens of all
  manage_self,      // one's own session, password and tokens
};

inline constexpr std::array kActs = {Act::read,      Act::read_audit,      Act::change_uploads, Act::change_keys,
                                     Act::configure, Act::manage_accounts, Act::manage_people,  Act::manage_self};

// Who asks. A plain value.
struct Principal {
  enum class Via : std::uint8_t {
    socket,   // the mode of the socket's file is the credential
    session,  // a person, in a browser
    token,    // a program
  };

  std::string name;                // of the person, or of the token's owner; empty over the socket
  Role role = Role::viewer;        // of a token: the token's own
  std::optional<AccountId> cdn{};  // the account that it is bound to
  Via via = Via::socket;
  std::string label{};    // of the token
  std::string address{};  // of the client, as text; empty over the socket
};

// Who asks over the socket: an admin.
Principal socket_principal();

// Whether somebody with this role may do such a thing at all, to whatever it may reach.
bool role_may(Role role, Act act);

// Whether somebody with this role runs the server, and so reads what is meant for operators alone.
bool is_operator(Role role);

// The one decision about a request. `owner` is the account whose things are asked for; nothing: they belong to no
// account, or to several that the request does not name. Then the door narrows the answer to `who.cdn` by itself.
// Errors: permission_denied (the role may not do this), not_found (the things belong to another account: answered as if
// they did not exist).
Result<> check_access(const Principal& who, Act act, std::optional<AccountId> owner);

// Which accounts a role may be bound to: a customer needs one, a viewer may have one, others have none.
// Errors: invalid_value.
Result<> check_binding(Role role, std::optional<AccountId> cdn);

// Whether somebody with the first role and account may make a token with the second: it can do nothing more.
bool may_grant(Role role, std::optional<AccountId> cdn, Role given, std::optional<AccountId> given_cdn);

}  // namespace vodlift
