// People and their one-time links in PostgreSQL.
#pragma once

#include <optional>
#include <string_view>

#include "core/people.h"
#include "postgres/pg_database.h"

namespace vodlift::postgres {

// The hash must live until the statement has run.
Bytes bytes_of_hash(const AccessHash& hash);

// For a change or query that runs. Nothing if there is no such person, or if the row cannot be understood: then the
// connection has failed.
std::optional<Person> read_person(PgConnection& connection, std::string_view name);
std::optional<Person> read_person(PgConnection& connection, std::int64_t id);

// People over a PgDatabase. Any thread.
class PgPeople final : public People {
 public:
  explicit PgPeople(PgDatabase& database) : database_(database) {}

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
  PgDatabase& database_;
};

}  // namespace vodlift::postgres
