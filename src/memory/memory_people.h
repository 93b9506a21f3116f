// People, links, sessions and tokens in memory, for tests.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "core/sessions.h"

namespace vodlift::memory {

// Both ports over one set of rows, which last as long as it does. Internally locked; any thread.
class MemoryPeople final : public People, public Sessions {
 public:
  // The clock must outlive it.
  explicit MemoryPeople(const Clock& clock) : clock_(clock) {}

  Result<std::vector<Person>> list() override;
  Result<std::optional<Person>> find(std::string_view name) override;
  Result<Person> add(const Person& person, const AccessHash& link, std::chrono::seconds valid) override;
  Result<Person> set_role(std::string_view name, Role role, std::optional<AccountId> cdn) override;
  Result<Person> set_password(const Person& person, const Secret& password) override;
  Result<> replace_hash(const Person& person, const Secret& password) override;
  Result<Person> remove(std::string_view name) override;
  Result<> put_link(std::string_view name, const AccessHash& link, std::chrono::seconds valid) override;
  Result<LinkOwner> find_link(const AccessHash& link) override;
  Result<Person> use_link(const AccessHash& link, std::string_view name, const Secret& password) override;

  Result<SignedIn> begin(const Person& person, const AccessHash& session) override;
  Result<std::optional<SignedIn>> find(const AccessHash& session) override;
  Result<> end(const AccessHash& session) override;
  Result<Token> add_token(const Token& token, const AccessHash& secret) override;
  Result<std::vector<Token>> tokens(const std::optional<std::string>& owner) override;
  Result<Token> remove_token(std::int64_t id, const std::optional<std::string>& owner) override;
  Result<std::optional<TokenUse>> find_token(const AccessHash& secret) override;

 private:
  struct Link {
    AccessHash hash{};
    WallTime until;
  };
  struct Session {
    std::int64_t person = 0;
    WallTime created;
    WallTime used;
    std::int64_t number = 0;  // the order in which they were begun
  };
  struct StoredToken {
    AccessHash hash{};
    std::int64_t person = 0;
    Token token;
  };

  // All under the lock.
  Person* by_name(std::string_view name);
  [[nodiscard]] bool other_admin(std::int64_t besides) const;
  [[nodiscard]] bool last_admin_goes(const Person& person) const;
  Person& insert(const Person& person, const Secret& password);
  void end_sessions_of(std::int64_t person);
  Person& change_password(Person& person, const Secret& password);
  // The person's id, 0 for the first admin.
  Result<std::int64_t> owner_of(const AccessHash& link);

  const Clock& clock_;
  std::mutex mutex_;  // guards all below
  std::int64_t last_id_ = 0;
  std::map<std::int64_t, Person> people_;
  std::map<std::int64_t, Link> links_;  // by person
  std::map<AccessHash, Session> sessions_;
  std::map<std::int64_t, StoredToken> tokens_;
};

}  // namespace vodlift::memory
