#include "postgres/pg_people.h"

#include <fmt/format.h>

#include "core/stored_person.h"
#include "postgres/people_statements.h"

namespace vodlift::postgres {
namespace {

constexpr std::int64_t kFirstAdmin = 0;

// Fails the connection where this build does not know the role.
std::optional<Person> known_person(PgConnection& connection, const PgResult& row) {
  auto person = person_in(row);
  if (!person) {
    connection.fail(fmt::format("the person {} has a role that this build does not know", row.text("name")));
  }
  return person;
}

bool is_admin(const Person& person) { return person.role == Role::admin && !person.invited(); }

// Whether there is an admin who can sign in, besides this one.
bool has_other_admin(PgConnection& connection, std::int64_t person) {
  return connection.run(sql::kOtherAdmin, person).next();
}

bool has_room_for_people(PgConnection& connection) {
  auto row = connection.run(sql::kCountPeople);
  return row.next() && row.integer("people") < static_cast<std::int64_t>(kMaxPeople);
}

std::int64_t insert_person(PgConnection& connection, const Person& person, WallTime now, const Secret& password) {
  auto row = connection.run(sql::kInsertPerson, person.name, to_string(person.role), person.cdn, to_unix_ms(now),
                            password.reveal());
  return row.next() ? row.integer("id") : 0;
}

void put_link_of(PgConnection& connection, std::int64_t person, const AccessHash& link, WallTime until) {
  connection.run(sql::kPutLink, person, bytes_of_hash(link), to_unix_ms(until));
}

void run_for(PgConnection& connection, std::string_view statement, std::int64_t person) {
  connection.run(statement, person);
}

void change_password(PgConnection& connection, std::int64_t person, const Secret& password) {
  connection.run(sql::kSetPassword, person, password.reveal());
  run_for(connection, sql::kEndSessionsOf, person);
  run_for(connection, sql::kRemoveLink, person);
}

// The person as it is after the change. After a failure of the connection the transaction ends with its error.
Result<Person> read_again(PgConnection& connection, std::int64_t id) {
  auto person = read_person(connection, id);
  if (!person) return Error{Errc::store_failed, "a person cannot be read"};
  return std::move(*person);
}

struct FoundLink {
  std::int64_t owner = kFirstAdmin;
  std::string name{};  // empty: the first admin
};

Result<FoundLink> look_for_link(PgConnection& connection, const AccessHash& link, WallTime now) {
  auto row = connection.run(sql::kFindLink, bytes_of_hash(link), to_unix_ms(now));
  if (!row.next()) return link_is_of_no_use();
  FoundLink found;
  found.owner = row.integer("person");
  if (found.owner == kFirstAdmin) {
    if (has_other_admin(connection, kFirstAdmin)) return link_is_of_no_use();
    return found;
  }
  const auto person = read_person(connection, found.owner);
  if (!person) return link_is_of_no_use();
  found.name = person->name;
  return found;
}

}  // namespace

Bytes bytes_of_hash(const AccessHash& hash) { return {{reinterpret_cast<const char*>(hash.data()), hash.size()}}; }

std::optional<Person> read_person(PgConnection& connection, std::string_view name) {
  auto row = connection.run(sql::kPersonByName, name);
  if (!row.next()) return std::nullopt;
  return known_person(connection, row);
}

std::optional<Person> read_person(PgConnection& connection, std::int64_t id) {
  auto row = connection.run(sql::kPersonById, id);
  if (!row.next()) return std::nullopt;
  return known_person(connection, row);
}

Result<std::vector<Person>> PgPeople::list() {
  return database_.read([](PgTransaction& transaction) -> Result<std::vector<Person>> {
    PgConnection& connection = transaction.connection;
    std::vector<Person> people;
    auto row = connection.run(sql::kPeople);
    while (row.next()) {
      auto person = known_person(connection, row);
      if (!person) break;
      people.push_back(std::move(*person));
    }
    return people;
  });
}

Result<std::optional<Person>> PgPeople::find(std::string_view name) {
  return database_.read([&](PgTransaction& transaction) -> Result<std::optional<Person>> {
    return read_person(transaction.connection, name);
  });
}

Result<Person> PgPeople::add(const Person& person, const AccessHash& link, std::chrono::seconds valid) {
  return database_.write([&](PgTransaction& transaction) -> Result<Person> {
    PgConnection& connection = transaction.connection;
    connection.run(sql::kLockPeople);
    if (read_person(connection, person.name)) return person_exists(person.name);
    if (!has_room_for_people(connection)) return too_many_people();
    const std::int64_t id = insert_person(connection, person, transaction.now(), Secret());
    put_link_of(connection, id, link, transaction.now() + valid);
    return read_again(connection, id);
  });
}

Result<Person> PgPeople::set_role(std::string_view name, Role role, std::optional<AccountId> cdn) {
  return database_.write([&](PgTransaction& transaction) -> Result<Person> {
    PgConnection& connection = transaction.connection;
    connection.run(sql::kLockPeople);
    const auto person = read_person(connection, name);
    if (!person) return no_such_person(name);
    if (is_admin(*person) && role != Role::admin && !has_other_admin(connection, person->id)) return last_admin(name);
    connection.run(sql::kSetRole, person->id, to_string(role), cdn);
    run_for(connection, sql::kEndSessionsOf, person->id);
    return read_again(connection, person->id);
  });
}

Result<Person> PgPeople::set_password(const Person& person, const Secret& password) {
  return database_.write([&](PgTransaction& transaction) -> Result<Person> {
    PgConnection& connection = transaction.connection;
    connection.run(sql::kLockPeople);
    const auto stored = read_person(connection, person.id);
    if (!stored) return no_such_person(person.name);
    if (stored->version != person.version) return changed_meanwhile();
    change_password(connection, person.id, password);
    return read_again(connection, person.id);
  });
}

Result<> PgPeople::replace_hash(const Person& person, const Secret& password) {
  return database_.write([&](PgTransaction& transaction) -> Result<> {
    PgConnection& connection = transaction.connection;
    connection.run(sql::kLockPeople);
    connection.run(sql::kReplaceHash, person.id, person.version, password.reveal());
    return {};
  });
}

Result<Person> PgPeople::remove(std::string_view name) {
  return database_.write([&](PgTransaction& transaction) -> Result<Person> {
    PgConnection& connection = transaction.connection;
    connection.run(sql::kLockPeople);
    auto person = read_person(connection, name);
    if (!person) return no_such_person(name);
    if (is_admin(*person) && !has_other_admin(connection, person->id)) return last_admin(name);
    run_for(connection, sql::kRemoveLink, person->id);
    run_for(connection, sql::kRemovePerson, person->id);  // sessions and tokens go with it
    return std::move(*person);
  });
}

Result<> PgPeople::put_link(std::string_view name, const AccessHash& link, std::chrono::seconds valid) {
  return database_.write([&](PgTransaction& transaction) -> Result<> {
    PgConnection& connection = transaction.connection;
    connection.run(sql::kLockPeople);
    std::int64_t owner = kFirstAdmin;
    if (name.empty()) {
      if (has_other_admin(connection, kFirstAdmin)) return admin_exists();
    } else {
      const auto person = read_person(connection, name);
      if (!person) return no_such_person(name);
      owner = person->id;
    }
    put_link_of(connection, owner, link, transaction.now() + valid);
    return {};
  });
}

Result<LinkOwner> PgPeople::find_link(const AccessHash& link) {
  return database_.read([&](PgTransaction& transaction) -> Result<LinkOwner> {
    PgConnection& connection = transaction.connection;
    auto found = look_for_link(connection, link, transaction.now());
    if (!found) return found.error();
    return LinkOwner{std::move(found->name)};
  });
}

Result<Person> PgPeople::use_link(const AccessHash& link, std::string_view name, const Secret& password) {
  return database_.write([&](PgTransaction& transaction) -> Result<Person> {
    PgConnection& connection = transaction.connection;
    connection.run(sql::kLockPeople);
    const auto found = look_for_link(connection, link, transaction.now());
    if (!found) return found.error();
    if (found->owner != kFirstAdmin) {
      change_password(connection, found->owner, password);
      return read_again(connection, found->owner);
    }
    if (read_person(connection, name)) return person_exists(name);
    if (!has_room_for_people(connection)) return too_many_people();
    Person first;
    first.name = name;
    first.role = Role::admin;
    const std::int64_t id = insert_person(connection, first, transaction.now(), password);
    run_for(connection, sql::kRemoveLink, kFirstAdmin);
    return read_again(connection, id);
  });
}

}  // namespace vodlift::postgres
