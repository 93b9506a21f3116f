#include "store/sqlite_sessions.h"

#include <fmt/format.h>

#include "core/stored_person.h"
#include "store/people_statements.h"
#include "store/sqlite_people.h"

namespace vodlift::store {
namespace {

using std::chrono::milliseconds;

// Fails the connection where this build does not know the role.
std::optional<Token> token_in(SqliteConnection& connection, const SqliteStatement& row) {
  auto token = vodlift::token_in(row);
  if (!token) connection.fail(fmt::format("the token {} has a role that this build does not know", row.integer("id")));
  return token;
}

std::optional<Token> read_token(SqliteConnection& connection, std::int64_t id) {
  auto row = connection.prepare(sql::kTokenById);
  if (!row.bind(id).step()) return std::nullopt;
  return token_in(connection, row);
}

struct FoundSession {
  SignedIn session;
  WallTime used;
};

std::optional<FoundSession> look_for(SqliteConnection& connection, const AccessHash& hash, WallTime now) {
  FoundSession found;
  std::int64_t owner = 0;
  {
    auto row = connection.prepare(sql::kFindSession);
    if (!row.bind(blob_of(hash)).step()) return std::nullopt;
    owner = row.integer("person");
    found.session.created = from_unix_ms(row.integer("created_ms"));
    found.used = from_unix_ms(row.integer("used_ms"));
  }
  if (session_end(found.session.created, found.used) <= now) return std::nullopt;
  auto person = read_person(connection, owner);
  if (!person) return std::nullopt;
  found.session.person = std::move(*person);
  found.session.expires = session_end(found.session.created, found.used);
  return found;
}

}  // namespace

Result<SignedIn> SqliteSessions::begin(const Person& person, const AccessHash& session) {
  const WallTime now = clock_.now();
  const std::int64_t now_ms = to_unix_ms(now);
  return database_.write([&](SqliteConnection& connection) -> Result<SignedIn> {
    {
      const auto stored = read_person(connection, person.id);
      if (!stored || stored->version != person.version) return signed_in_too_late();
    }
    connection.prepare(sql::kForgetEndedSessions)
        .bind(person.id, now_ms - milliseconds(kSessionLife).count(), now_ms - milliseconds(kSessionIdle).count())
        .run();
    connection.prepare(sql::kForgetOldSessions)
        .bind(person.id, static_cast<std::int64_t>(kMaxSessionsOfPerson) - 1)
        .run();
    connection.prepare(sql::kInsertSession).bind(blob_of(session), person.id, now_ms).run();
    connection.prepare(sql::kSeePerson).bind(person.id, now_ms).run();
    auto begun = look_for(connection, session, now);
    if (!begun) return Error{Errc::store_failed, "a session cannot be read"};
    return std::move(begun->session);
  });
}

Result<std::optional<SignedIn>> SqliteSessions::find(const AccessHash& session) {
  const WallTime now = clock_.now();
  auto found = database_.read([&](SqliteConnection& connection) -> Result<std::optional<FoundSession>> {
    return look_for(connection, session, now);
  });
  if (!found) return found.error();
  if (!*found) return std::optional<SignedIn>();
  SignedIn& signed_in = (*found)->session;
  if (!is_use_recorded((*found)->used, now)) return std::optional(std::move(signed_in));
  const auto recorded = database_.write([&](SqliteConnection& connection) -> Result<> {
    connection.prepare(sql::kUseSession).bind(blob_of(session), to_unix_ms(now)).run();
    connection.prepare(sql::kSeePerson).bind(signed_in.person.id, to_unix_ms(now)).run();
    return {};
  });
  // Who may come in sees what is wrong, even where the disk is full.
  if (recorded) {
    signed_in.expires = session_end(signed_in.created, now);
    signed_in.person.last_seen = now;
  }
  return std::optional(std::move(signed_in));
}

Result<> SqliteSessions::end(const AccessHash& session) {
  return database_.write([&](SqliteConnection& connection) -> Result<> {
    connection.prepare(sql::kEndSession).bind(blob_of(session)).run();
    return {};
  });
}

Result<Token> SqliteSessions::add_token(const Token& token, const AccessHash& secret) {
  const std::int64_t now_ms = to_unix_ms(clock_.now());
  std::optional<std::int64_t> expires;
  if (token.expires) expires = to_unix_ms(*token.expires);
  return database_.write([&](SqliteConnection& connection) -> Result<Token> {
    const auto owner = read_person(connection, token.owner);
    if (!owner) return no_such_person(token.owner);
    connection.prepare(sql::kForgetExpiredTokens).bind(owner->id, now_ms).run();
    {
      auto row = connection.prepare(sql::kCountTokens);
      if (row.bind(owner->id).step() && row.integer("tokens") >= static_cast<std::int64_t>(kMaxTokensOfOwner)) {
        return too_many_tokens(token.owner);
      }
    }
    connection.prepare(sql::kInsertToken)
        .bind(blob_of(secret), owner->id, token.label, to_string(token.role), token.cdn, now_ms, expires)
        .run();
    auto added = read_token(connection, connection.last_insert_id());
    if (!added) return Error{Errc::store_failed, "a token cannot be read"};
    return std::move(*added);
  });
}

Result<std::vector<Token>> SqliteSessions::tokens(const std::optional<std::string>& owner) {
  return database_.read([&](SqliteConnection& connection) -> Result<std::vector<Token>> {
    std::vector<Token> tokens;
    std::optional<Person> person;
    if (owner) {
      person = read_person(connection, *owner);
      if (!person) return tokens;
    }
    auto row = connection.prepare(person ? sql::kTokensOf : sql::kTokens);
    if (person) row.bind(person->id);
    while (row.step()) {
      auto token = token_in(connection, row);
      if (!token) break;
      tokens.push_back(std::move(*token));
    }
    return tokens;
  });
}

Result<Token> SqliteSessions::remove_token(std::int64_t id, const std::optional<std::string>& owner) {
  return database_.write([&](SqliteConnection& connection) -> Result<Token> {
    auto token = read_token(connection, id);
    if (!token || (owner && token->owner != *owner)) return no_such_token(id);
    connection.prepare(sql::kRemoveToken).bind(id).run();
    return std::move(*token);
  });
}

Result<std::optional<TokenUse>> SqliteSessions::find_token(const AccessHash& secret) {
  const WallTime now = clock_.now();
  auto found = database_.read([&](SqliteConnection& connection) -> Result<std::optional<TokenUse>> {
    std::int64_t id = 0;
    std::int64_t person = 0;
    {
      auto row = connection.prepare(sql::kTokenByHash);
      if (!row.bind(blob_of(secret)).step()) return std::optional<TokenUse>();
      id = row.integer("id");
      person = row.integer("person");
    }
    auto token = read_token(connection, id);
    auto owner = read_person(connection, person);
    if (!token || !owner || (token->expires && *token->expires <= now)) return std::optional<TokenUse>();
    return std::optional(TokenUse{std::move(*token), std::move(*owner)});
  });
  if (!found || !*found || !is_use_recorded((*found)->token.last_used, now)) return found;
  const auto recorded = database_.write([&](SqliteConnection& connection) -> Result<> {
    connection.prepare(sql::kUseToken).bind((*found)->token.id, to_unix_ms(now)).run();
    return {};
  });
  if (recorded) (*found)->token.last_used = now;
  return found;
}

}  // namespace vodlift::store
