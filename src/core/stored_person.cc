#include "core/stored_person.h"

namespace vodlift {

std::optional<Person> person_in(const Row& row) {
  const auto role = role_from(row.text("role"));
  if (!role) return std::nullopt;
  Person person;
  person.id = row.integer("id");
  person.name = row.text("name");
  person.role = *role;
  person.cdn = row.optional_integer("cdn");
  person.created = from_unix_ms(row.integer("created_ms"));
  person.last_seen = row.optional_time("last_seen_ms");
  person.password = Secret(row.text("password"));
  person.version = row.integer("version");
  return person;
}

std::optional<Token> token_in(const Row& row) {
  const auto role = role_from(row.text("role"));
  if (!role) return std::nullopt;
  Token token;
  token.id = row.integer("id");
  token.label = row.text("label");
  token.owner = row.text("owner");
  token.role = *role;
  token.cdn = row.optional_integer("cdn");
  token.created = from_unix_ms(row.integer("created_ms"));
  token.expires = row.optional_time("expires_ms");
  token.last_used = row.optional_time("used_ms");
  return token;
}

bool is_use_recorded(std::optional<WallTime> last, WallTime now) { return !last || now - *last >= kUseRecordedEvery; }

}  // namespace vodlift
