// People and their one-time links in SQLite.
#pragma once

#include <optional>
#include <string_view>

#include "core/people.h"
#include "store/sqlite_database.h"

namespace vodlift::store {

// To be bound; the hash must live until the statement has been stepped.
Blob blob_of(const AccessHash& hash);

// For a change or query that runs. Nothing if there is no such person, or if the row cannot be understood: then the
// connection has failed.
std::optional<Person> read_person(SqliteConnection& connection, std::string_view name);
std::optional<Person> read_person(SqliteConnection& connection, std::int64_t id);

// Over a SqliteDatabase. Both must outlive it. Any thread.
class SqlitePeople final : public People {
 public:
  SqlitePeople(SqliteDatabase& database, const Clock& clock) : database_(database), clock_(clock) {}

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

 private:
  [[nodiscard]] std::int64_t now_ms() const { return to_unix_ms(clock_.now()); }

  SqliteDatabase& database_;
  const Clock& clock_;
};

}  // namespace vodlift::store
