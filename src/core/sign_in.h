// Lets people in: by name and password, or by a one-time link.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "core/failure_delay.h"
#include "core/password_hasher.h"
#include "core/rate_limiter.h"
#include "core/sessions.h"

namespace vodlift {

inline constexpr std::size_t kMaxPasswordBytes = 1024;
inline constexpr std::size_t kMinPasswordCharacters = 12;
inline constexpr std::chrono::hours kLinkLife{72};

// A session that has just begun.
struct Begun {
  SignedIn session;
  Secret secret;  // for the cookie
};

// A refusal, and after what time the client may come back where that would help.
struct SignInRefusal {
  Error error;
  std::chrono::seconds retry_after{0};  // 0: no matter when
};

// Either a session or a refusal. `too_often` tells the door to answer 429, not 503.
struct SignInAnswer {
  std::optional<Begun> begun{};
  SignInRefusal refusal{};
  bool too_often = false;
};

// An invitation or a new link: the person, and the link's secret, which is shown now only.
struct Invited {
  Person person;
  Secret link;
};

// Of an IPv6 address the first 64 bits, because one client has all of those behind them; others as they are.
std::string client_network(std::string_view address);

// Internally locked: any thread that may block. What it is built over must outlive it.
//
// A wrong password costs the same work and gets the same answer as a name that nobody has. Who is wrong for one name
// from one network must wait before the next try, longer each time; the same name from elsewhere is not affected, so
// nobody can lock a person out. All tries from one network have a rate.
//
// Passwords are bytes: they are not normalised, because that needs the tables of Unicode, and a password that was
// accepted must stay valid with other tables. A browser can normalise before it sends.
class SignIn {
 public:
  struct Limits {
    int hashes_at_once = 2;                    // each needs the hasher's memory
    std::chrono::milliseconds patience{5000};  // for one of these places; then `overloaded`
    Rate tries{1, 20};                         // of one network
  };

  SignIn(People& people, Sessions& sessions, const PasswordHasher& hasher, SteadyClock now, const Limits& limits);
  SignIn(People& people, Sessions& sessions, const PasswordHasher& hasher, SteadyClock now);

  // Begins a session; its secret is always a new one. Replaces the stored hash if it has outdated parameters.
  // Errors: not_authorized (name or password), invalid_value (a password that none can be: longer than
  // kMaxPasswordBytes, or with a NUL), overloaded (too often: see `too_often`; or too many at once), store_failed.
  SignInAnswer sign_in(const std::string& name, const Secret& password, std::string_view address);

  // Changes one's own password: ends all sessions, and begins a new one. Errors: those of sign_in(), invalid_value
  // (also: the new password is too short), wrong_state (it was changed meanwhile).
  SignInAnswer change_password(const std::string& name, const Secret& password, const Secret& new_password,
                               std::string_view address);

  // Chooses a password by a one-time link, and begins a session. `name` is for the first admin; others may leave it
  // empty. Errors: not_found (the link is of no use), invalid_value (name or password), already_exists (name),
  // overloaded.
  SignInAnswer use_link(std::string_view link, const std::string& name, const Secret& password,
                        std::string_view address);

 private:
  class Place;

  // Nothing: go on.
  std::optional<SignInAnswer> refusal_by_rate(const std::string& network);
  Result<Person> check(const std::string& name, const Secret& password);
  Result<Person> check_slowly(const std::string& name, const Secret& password, const std::string& network,
                              std::chrono::nanoseconds& wait);
  SignInAnswer begin(const Person& person);

  People& people_;
  Sessions& sessions_;
  const PasswordHasher& hasher_;
  const SteadyClock now_;
  const Limits limits_;
  RateLimiter rate_;
  FailureDelay delay_;

  std::mutex mutex_;  // guards all below
  std::condition_variable free_;
  int hashing_ = 0;
};

// Errors: invalid_value.
Result<> check_new_password(const Secret& password);

// Invites a person. Errors: invalid_value (name; role and account do not fit), those of People::add().
Result<Invited> invite(People& people, const std::string& name, Role role, std::optional<AccountId> cdn);
// A new link for somebody who forgot the password, which works until the link is used. Errors: not_found.
Result<Invited> renew_link(People& people, const std::string& name);
// A link for the first admin, in place of the one before; nothing if there is an admin. Errors: store_failed.
Result<std::optional<Secret>> first_admin_link(People& people);

}  // namespace vodlift
