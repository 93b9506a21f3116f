// Port: the people who may sign in, and the one-time links by which they choose a password.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "core/access_secret.h"
#include "core/principal.h"

namespace vodlift {

inline constexpr std::size_t kMaxPeople = 1000;
inline constexpr std::size_t kMaxPersonNameBytes = 128;

struct Person {
  std::int64_t id = 0;  // never used again
  std::string name;
  Role role = Role::viewer;
  std::optional<AccountId> cdn{};
  WallTime created;
  std::optional<WallTime> last_seen{};  // a minute late at most
  Secret password{};                    // its hash, as PasswordHasher makes it; empty: invited, has not chosen one yet
  std::int64_t version = 0;             // grows with each new password and each change of the role

  [[nodiscard]] bool invited() const { return password.empty(); }
};

// 1-128 of a-z 0-9 . _ @ + -, beginning with a letter or a digit.
bool is_person_name(std::string_view name);

// What a one-time link is for.
struct LinkOwner {
  std::string name;  // empty: the first admin, who chooses a name
};

// How every implementation words these failures.
Error no_such_person(std::string_view name);  // not_found
Error person_exists(std::string_view name);   // already_exists
Error too_many_people();                      // invalid_value
Error last_admin(std::string_view name);      // wrong_state
Error admin_exists();                         // wrong_state
Error changed_meanwhile();                    // wrong_state
Error link_is_of_no_use();                    // not_found

// All times are of the store's clock. Of a link only the hash is stored, and a person has one link at most: a new one
// takes the place of the one before. Any thread. Every method blocks for the disk, and each change is durable when the
// method returns. Errors of all methods: store_failed.
class People {
 public:
  People() = default;
  People(const People&) = delete;
  People& operator=(const People&) = delete;
  virtual ~People() = default;

  // All of them, by name.
  virtual Result<std::vector<Person>> list() = 0;
  // Nothing if there is no such person.
  virtual Result<std::optional<Person>> find(std::string_view name) = 0;

  // Invites a person, with a link that works for `valid`. name, role and cdn are stored as they are given; what else
  // `person` says is ignored. Errors: already_exists, invalid_value (there are kMaxPeople).
  virtual Result<Person> add(const Person& person, const AccessHash& link, std::chrono::seconds valid) = 0;

  // Ends all sessions of the person. Errors: not_found, wrong_state (the last admin would be none any more).
  virtual Result<Person> set_role(std::string_view name, Role role, std::optional<AccountId> cdn) = 0;

  // Ends all sessions of the person, and the link. Stores nothing if the person has another version by now.
  // Errors: not_found, wrong_state (another version).
  virtual Result<Person> set_password(const Person& person, const Secret& password) = 0;

  // Replaces the stored hash by another one of the same password, if the person still has this version. Ends nothing.
  virtual Result<> replace_hash(const Person& person, const Secret& password) = 0;

  // Removes the person with all sessions, tokens and the link; answers who it was. Errors: not_found, wrong_state (the
  // last admin).
  virtual Result<Person> remove(std::string_view name) = 0;

  // Errors: not_found (no such person); wrong_state (`name` is empty, and there is an admin who has a password).
  virtual Result<> put_link(std::string_view name, const AccessHash& link, std::chrono::seconds valid) = 0;

  // Whose link this is. Errors: not_found (used, replaced, too old, or never made; or it is the first admin's, and
  // there is an admin by now).
  virtual Result<LinkOwner> find_link(const AccessHash& link) = 0;

  // Uses the link up: the person has this password from now on, and all other sessions end. The first admin is made,
  // with this name; for others `name` is ignored. Of several calls at once for one link, one succeeds.
  // Errors: those of find_link(); already_exists (the first admin's name; the link still works).
  virtual Result<Person> use_link(const AccessHash& link, std::string_view name, const Secret& password) = 0;
};

}  // namespace vodlift
