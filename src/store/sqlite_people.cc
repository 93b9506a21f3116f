#include "store/sqlite_people.h"

#include <fmt/format.h>

#include "core/stored_person.h"
#include "store/people_statements.h"

namespace vodlift::store {
namespace {

constexpr std::int64_t kFirstAdmin = 0;

// Fails the connection where this build does not know the role.
std::optional<Person> person_in(SqliteConnection& connection, const SqliteStatement& row) {
  auto person = vodlift::person_in(row);
  if (!person) {
    connection.fail(fmt::format("the person {} has a role that this build does not know", row.text("name")));
  }
  return person;
}

bool is_admin(const Person& person) { return person.role == Role::admin && !person.invited(); }

// Whether there is an admin who can sign in, besides this one.
bool has_other_admin(SqliteConnection& connection, std::int64_t person) {
  return connection.prepare(sql::kOtherAdmin).bind(person).step();
}

bool has_room(SqliteConnection& connection) {
  auto row = connection.prepare(sql::kCountPeople);
  return row.step() && row.integer("people") < static_cast<std::int64_t>(kMaxPeople);
}

std::int64_t insert_person(SqliteConnection& connection, const Person& person, std::int64_t now_ms,
                           const Secret& password) {
  connection.prepare(sql::kInsertPerson)
      .bind(person.name, to_string(person.role), person.cdn, now_ms, password.reveal())
      .run();
  return connection.last_insert_id();
}

void put_link_of(SqliteConnection& connection, std::int64_t person, const AccessHash& link, std::int64_t until_ms) {
  connection.prepare(sql::kPutLink).bind(person, blob_of(link), until_ms).run();
}

void run_for(SqliteConnection& connection, std::string_view statement, std::int64_t person) {
  connection.prepare(statement).bind(person).run();
}

void change_password(SqliteConnection& connection, std::int64_t person, const Secret& password) {
  connection.prepare(sql::kSetPassword).bind(person, password.reveal()).run();
  run_for(connection, sql::kEndSessionsOf, person);
  run_for(connection, sql::kRemoveLink, person);
}

// The person as it is after the change. After a failure of the connection the transaction ends with its error.
Result<Person> read_again(SqliteConnection& connection, std::int64_t id) {
  auto person = read_person(connection, id);
  if (!person) return Error{Errc::store_failed, "a person cannot be read"};
  return std::move(*person);
}

struct FoundLink {
  std::int64_t owner = kFirstAdmin;
  std::string name{};  // empty: the first admin
};

Result<FoundLink> look_for(SqliteConnection& connection, const AccessHash& link, std::int64_t now_ms) {
  FoundLink found;
  {
    auto row = connection.prepare(sql::kFindLink);
    if (!row.bind(blob_of(link), now_ms).step()) return link_is_of_no_use();
    found.owner = row.integer("person");
  }
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

Blob blob_of(const AccessHash& hash) { return {{reinterpret_cast<const char*>(hash.data()), hash.size()}}; }

std::optional<Person> read_person(SqliteConnection& connection, std::string_view name) {
  auto row = connection.prepare(sql::kPersonByName);
  if (!row.bind(name).step()) return std::nullopt;
  return person_in(connection, row);
}

std::optional<Person> read_person(SqliteConnection& connection, std::int64_t id) {
  auto row = connection.prepare(sql::kPersonById);
  if (!row.bind(id).step()) return std::nullopt;
  return person_in(connection, row);
}

Result<std::vector<Person>> SqlitePeople::list() {
  return database_.read([](SqliteConnection& connection) -> Result<std::vector<Person>> {
    std::vector<Person> people;
    auto row = connection.prepare(sql::kPeople);
    while (row.step()) {
      auto person = person_in(connection, row);
      if (!person) break;
      people.push_back(std::move(*person));
    }
    return people;
  });
}

Result<std::optional<Person>> SqlitePeople::find(std::string_view name) {
  return database_.read(
      [&](SqliteConnection& connection) -> Result<std::optional<Person>> { return read_person(connection, name); });
}

Result<Person> SqlitePeople::add(const Person& person, const AccessHash& link, std::chrono::seconds valid) {
  const std::int64_t now = now_ms();
  return database_.write([&](SqliteConnection& connection) -> Result<Person> {
    if (read_person(connection, person.name)) return person_exists(person.name);
    if (!has_room(connection)) return too_many_people();
    const std::int64_t id = insert_person(connection, person, now, Secret());
    put_link_of(connection, id, link, now + std::chrono::milliseconds(valid).count());
    return read_again(connection, id);
  });
}

Result<Person> SqlitePeople::set_role(std::string_view name, Role role, std::optional<AccountId> cdn) {
  return database_.write([&](SqliteConnection& connection) -> Result<Person> {
    const auto person = read_person(connection, name);
    if (!person) return no_such_person(name);
    if (is_admin(*person) && role != Role::admin && !has_other_admin(connection, person->id)) return last_admin(name);
    connection.prepare(sql::kSetRole).bind(person->id, to_string(role), cdn).run();
    run_for(connection, sql::kEndSessionsOf, person->id);
    return read_again(connection, person->id);
  });
}

Result<Person> SqlitePeople::set_password(const Person& person, const Secret& password) {
  return database_.write([&](SqliteConnection& connection) -> Result<Person> {
    const auto stored = read_person(connection, person.id);
    if (!stored) return no_such_person(person.name);
    if (stored->version != person.version) return changed_meanwhile();
    change_password(connection, person.id, password);
    return read_again(connection, person.id);
  });
}

Result<> SqlitePeople::replace_hash(const Person& person, const Secret& password) {
  return database_.write([&](SqliteConnection& connection) -> Result<> {
    connection.prepare(sql::kReplaceHash).bind(person.id, person.version, password.reveal()).run();
    return {};
  });
}

Result<Person> SqlitePeople::remove(std::string_view name) {
  return database_.write([&](SqliteConnection& connection) -> Result<Person> {
    auto person = read_person(connection, name);
    if (!person) return no_such_person(name);
    if (is_admin(*person) && !has_other_admin(connection, person->id)) return last_admin(name);
    run_for(connection, sql::kRemoveLink, person->id);
    run_for(connection, sql::kRemovePerson, person->id);  // sessions and tokens go with it
    return std::move(*person);
  });
}

Result<> SqlitePeople::put_link(std::string_view name, const AccessHash& link, std::chrono::seconds valid) {
  const std::int64_t until = now_ms() + std::chrono::milliseconds(valid).count();
  return database_.write([&](SqliteConnection& connection) -> Result<> {
    std::int64_t owner = kFirstAdmin;
    if (name.empty()) {
      if (has_other_admin(connection, kFirstAdmin)) return admin_exists();
    } else {
      const auto person = read_person(connection, name);
      if (!person) return no_such_person(name);
      owner = person->id;
    }
    put_link_of(connection, owner, link, until);
    return {};
  });
}

Result<LinkOwner> SqlitePeople::find_link(const AccessHash& link) {
  const std::int64_t now = now_ms();
  return database_.read([&](SqliteConnection& connection) -> Result<LinkOwner> {
    auto found = look_for(connection, link, now);
    if (!found) return found.error();
    return LinkOwner{std::move(found->name)};
  });
}

Result<Person> SqlitePeople::use_link(const AccessHash& link, std::string_view name, const Secret& password) {
  const std::int64_t now = now_ms();
  return database_.write([&](SqliteConnection& connection) -> Result<Person> {
    const auto found = look_for(connection, link, now);
    if (!found) return found.error();
    if (found->owner != kFirstAdmin) {
      change_password(connection, found->owner, password);
      return read_again(connection, found->owner);
    }
    if (read_person(connection, name)) return person_exists(name);
    if (!has_room(connection)) return too_many_people();
    Person first;
    first.name = name;
    first.role = Role::admin;
    const std::int64_t id = insert_person(connection, first, now, password);
    run_for(connection, sql::kRemoveLink, kFirstAdmin);
    return read_again(connection, id);
  });
}

}  // namespace vodlift::store
