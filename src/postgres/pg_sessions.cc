#include "postgres/pg_sessions.h"

#include <fmt/format.h>

#include "core/stored_person.h"
#include "postgres/people_statements.h"
#include "postgres/pg_people.h"

namespace vodlift::postgres {
namespace {

using std::chrono::milliseconds;

// Fails the connection where this build does not know the role.
std::optional<Token> known_token(PgConnection& connection, const PgResult& row) {
  auto token = token_in(row);
  if (!token) connection.fail(fmt::format("the token {} has a role that this build does not know", row.integer("id")));
  return token;
}

std::optional<Token> read_token(PgConnection& connection, std::int64_t id) {
  auto row = connection.run(sql::kTokenById, id);
  if (!row.next()) return std::nullopt;
  return known_token(connection, row);
}

struct FoundSession {
  SignedIn session;
  WallTime used;
};

std::optional<FoundSession> look_for_session(PgConnection& connection, const AccessHash& hash, WallTime now) {
  auto row = connection.run(sql::kFindSession, bytes_of_hash(hash));
  if (!row.next()) return std::nullopt;
  FoundSession found;
  found.session.created = from_unix_ms(row.integer("created_ms"));
  found.used = from_unix_ms(row.integer("used_ms"));
  if (session_end(found.session.created, found.used) <= now) return std::nullopt;
  auto person = read_person(connection, row.integer("person"));
  if (!person) return std::nullopt;
  found.session.person = std::move(*person);
  found.session.expires = session_end(found.session.created, found.used);
  return found;
}

}  // namespace

Result<SignedIn> PgSessions::begin(const Person& person, const AccessHash& session) {
  return database_.write([&](PgTransaction& transaction) -> Result<SignedIn> {
    PgConnection& connection = transaction.connection;
    const std::int64_t now_ms = to_unix_ms(transaction.now());
    const auto stored = read_person(connection, person.id);
    if (!stored || stored->version != person.version) return signed_in_too_late();
    connection.run(sql::kForgetEndedSessions, person.id, now_ms - milliseconds(kSessionLife).count(),
                   now_ms - milliseconds(kSessionIdle).count());
    connection.run(sql::kForgetOldSessions, person.id, kMaxSessionsOfPerson - 1);
    connection.run(sql::kInsertSession, bytes_of_hash(session), person.id, now_ms);
    connection.run(sql::kSeePerson, person.id, now_ms);
    auto begun = look_for_session(connection, session, transaction.now());
    if (!begun) return Error{Errc::store_failed, "a session cannot be read"};
    return std::move(begun->session);
  });
}

Result<std::optional<SignedIn>> PgSessions::find(const AccessHash& session) {
  WallTime now{};
  auto found = database_.read([&](PgTransaction& transaction) -> Result<std::optional<FoundSession>> {
    now = transaction.now();
    return look_for_session(transaction.connection, session, now);
  });
  if (!found) return found.error();
  if (!*found) return std::optional<SignedIn>();
  SignedIn& signed_in = (*found)->session;
  if (!is_use_recorded((*found)->used, now)) return std::optional(std::move(signed_in));
  const auto recorded = database_.write([&](PgTransaction& transaction) -> Result<> {
    transaction.connection.run(sql::kUseSession, bytes_of_hash(session), to_unix_ms(now));
    transaction.connection.run(sql::kSeePerson, signed_in.person.id, to_unix_ms(now));
    return {};
  });
  // Who may come in sees what is wrong, even where nothing can be written.
  if (recorded) {
    signed_in.expires = session_end(signed_in.created, now);
    signed_in.person.last_seen = now;
  }
  return std::optional(std::move(signed_in));
}

Result<> PgSessions::end(const AccessHash& session) {
  return database_.write([&](PgTransaction& transaction) -> Result<> {
    transaction.connection.run(sql::kEndSession, bytes_of_hash(session));
    return {};
  });
}

Result<Token> PgSessions::add_token(const Token& token, const AccessHash& secret) {
  const auto expires_ms = token.expires ? std::optional(to_unix_ms(*token.expires)) : std::nullopt;
  return database_.write([&](PgTransaction& transaction) -> Result<Token> {
    PgConnection& connection = transaction.connection;
    const std::int64_t now_ms = to_unix_ms(transaction.now());
    connection.run(sql::kLockPeople);
    const auto owner = read_person(connection, token.owner);
    if (!owner) return no_such_person(token.owner);
    connection.run(sql::kForgetExpiredTokens, owner->id, now_ms);
    auto count = connection.run(sql::kCountTokens, owner->id);
    if (count.next() && count.integer("tokens") >= static_cast<std::int64_t>(kMaxTokensOfOwner)) {
      return too_many_tokens(token.owner);
    }
    auto row = connection.run(sql::kInsertToken, bytes_of_hash(secret), owner->id, token.label, to_string(token.role),
                              token.cdn, now_ms, expires_ms);
    auto added = row.next() ? read_token(connection, row.integer("id")) : std::nullopt;
    if (!added) return Error{Errc::store_failed, "a token cannot be read"};
    return std::move(*added);
  });
}

Result<std::vector<Token>> PgSessions::tokens(const std::optional<std::string>& owner) {
  return database_.read([&](PgTransaction& transaction) -> Result<std::vector<Token>> {
    PgConnection& connection = transaction.connection;
    std::vector<Token> tokens;
    std::optional<Person> person;
    if (owner) {
      person = read_person(connection, *owner);
      if (!person) return tokens;
    }
    auto row = person ? connection.run(sql::kTokensOf, person->id) : connection.run(sql::kTokens);
    while (row.next()) {
      auto token = known_token(connection, row);
      if (!token) break;
      tokens.push_back(std::move(*token));
    }
    return tokens;
  });
}

Result<Token> PgSessions::remove_token(std::int64_t id, const std::optional<std::string>& owner) {
  return database_.write([&](PgTransaction& transaction) -> Result<Token> {
    auto token = read_token(transaction.connection, id);
    if (!token || (owner && token->owner != *owner)) return no_such_token(id);
    transaction.connection.run(sql::kRemoveToken, id);
    return std::move(*token);
  });
}

Result<std::optional<TokenUse>> PgSessions::find_token(const AccessHash& secret) {
  WallTime now{};
  auto found = database_.read([&](PgTransaction& transaction) -> Result<std::optional<TokenUse>> {
    PgConnection& connection = transaction.connection;
    now = transaction.now();
    auto row = connection.run(sql::kTokenByHash, bytes_of_hash(secret));
    if (!row.next()) return std::optional<TokenUse>();
    auto token = read_token(connection, row.integer("id"));
    auto owner = read_person(connection, row.integer("person"));
    if (!token || !owner || (token->expires && *token->expires <= now)) return std::optional<TokenUse>();
    return std::optional(TokenUse{std::move(*token), std::move(*owner)});
  });
  if (!found || !*found || !is_use_recorded((*found)->token.last_used, now)) return found;
  const auto recorded = database_.write([&](PgTransaction& transaction) -> Result<> {
    transaction.connection.run(sql::kUseToken, (*found)->token.id, to_unix_ms(now));
    return {};
  });
  if (recorded) (*found)->token.last_used = now;
  return found;
}

}  // namespace vodlift::postgres
