// Port: what people and programs show to be let in: sessions of browsers, bearer tokens of programs.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/people.h"

namespace vodlift {

inline constexpr std::chrono::minutes kSessionIdle{30};  // without a request; then it is over
inline constexpr std::chrono::hours kSessionLife{12};    // however much it is used
inline constexpr std::size_t kMaxSessionsOfPerson = 20;  // the oldest goes
inline constexpr std::size_t kMaxTokensOfOwner = 50;
inline constexpr std::size_t kMaxTokenLabelBytes = 400;  // 100 characters
// Uses are recorded only that often, so that a request does not write as a rule.
inline constexpr std::chrono::minutes kUseRecordedEvery{1};

// A session, and who it is of as the store knows the person now.
struct SignedIn {
  Person person;
  WallTime created;
  WallTime expires;  // unless it is used before then and has life left
};

struct Token {
  std::int64_t id = 0;
  std::string label;
  std::string owner;  // name
  Role role = Role::viewer;
  std::optional<AccountId> cdn{};
  WallTime created;
  std::optional<WallTime> expires{};    // refused from then on
  std::optional<WallTime> last_used{};  // a minute late at most
};

// A token that was shown, and its owner as the store knows the person now.
struct TokenUse {
  Token token;
  Person owner;
};

// Who asks with it, without an address. Of a token nothing, if its owner may not do by now what the token may: a token
// never outgrows its owner, and works again when the owner may.
Principal principal_of(const SignedIn& session);
std::optional<Principal> principal_of(const TokenUse& use);

// When a session is over that was begun and last used then.
WallTime session_end(WallTime created, WallTime used);

// How every implementation words these failures.
Error too_many_tokens(std::string_view owner);  // invalid_value
Error no_such_token(std::int64_t id);           // not_found
Error signed_in_too_late();                     // not_authorized

// Only hashes are stored. All times are of the store's clock. Any thread. Every method blocks for the disk, and what
// begin(), end(), add_token() and remove_token() change is durable when they return. Errors of all methods:
// store_failed.
class Sessions {
 public:
  Sessions() = default;
  Sessions(const Sessions&) = delete;
  Sessions& operator=(const Sessions&) = delete;
  virtual ~Sessions() = default;

  // The person was checked as it is given. Beyond kMaxSessionsOfPerson the oldest session goes.
  // Errors: not_authorized (the person is gone, or has another version by now).
  virtual Result<SignedIn> begin(const Person& person, const AccessHash& session) = 0;
  // Nothing if there is no such session, or it is over. Records the use, where the store can write.
  virtual Result<std::optional<SignedIn>> find(const AccessHash& session) = 0;
  // Does nothing if there is no such session.
  virtual Result<> end(const AccessHash& session) = 0;

  // Of `token` id, created and last_used are ignored; the rest is stored as it is given. Makes room by removing the
  // owner's tokens that have expired. Errors: not_found (no such owner), invalid_value (the owner has
  // kMaxTokensOfOwner).
  virtual Result<Token> add_token(const Token& token, const AccessHash& secret) = 0;
  // Of one owner, or of all with nothing; the oldest first.
  virtual Result<std::vector<Token>> tokens(const std::optional<std::string>& owner) = 0;
  // Errors: not_found (no such token, or, where an owner is given, it is not that owner's).
  virtual Result<Token> remove_token(std::int64_t id, const std::optional<std::string>& owner) = 0;
  // Nothing if there is no such token, or it has expired. Records the use, where the store can write.
  virtual Result<std::optional<TokenUse>> find_token(const AccessHash& secret) = 0;
};

}  // namespace vodlift
