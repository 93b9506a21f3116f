// Every SQL statement about people, sessions and tokens, for the code and for the test of the query plans.
#pragma once

#include <string_view>

namespace vodlift::postgres::sql {

// --- People

inline constexpr std::string_view kPeople =
    "SELECT id, name, role, cdn, created_ms, last_seen_ms, password, version FROM people ORDER BY name";
inline constexpr std::string_view kPersonByName =
    "SELECT id, name, role, cdn, created_ms, last_seen_ms, password, version FROM people WHERE name = $1";
inline constexpr std::string_view kPersonById =
    "SELECT id, name, role, cdn, created_ms, last_seen_ms, password, version FROM people WHERE id = $1";
inline constexpr std::string_view kCountPeople = "SELECT count(*) AS people FROM people";

// $1 name, $2 role, $3 cdn, $4 now, $5 password
inline constexpr std::string_view kInsertPerson =
    "INSERT INTO people (name, role, cdn, created_ms, password) VALUES ($1, $2, $3, $4, $5) RETURNING id";
// $1 id, $2 role, $3 cdn
inline constexpr std::string_view kSetRole =
    "UPDATE people SET role = $2, cdn = $3, version = version + 1 WHERE id = $1";
// $1 id, $2 password
inline constexpr std::string_view kSetPassword = "UPDATE people SET password = $2, version = version + 1 WHERE id = $1";
// $1 id, $2 version, $3 password
inline constexpr std::string_view kReplaceHash = "UPDATE people SET password = $3 WHERE id = $1 AND version = $2";
inline constexpr std::string_view kRemovePerson = "DELETE FROM people WHERE id = $1";

// What depends on other rows than its own (the last admin, how many there are) is decided by one change at a time.
inline constexpr std::string_view kLockPeople = "SELECT pg_advisory_xact_lock(1447839319)";

// $1 a person who does not count; the table has a thousand rows at most
inline constexpr std::string_view kOtherAdmin =
    "SELECT id FROM people WHERE role = 'admin' AND password <> '' AND id <> $1 LIMIT 1";

// --- Links

// $1 person, $2 hash, $3 until
inline constexpr std::string_view kPutLink =
    "INSERT INTO setup_links (person, hash, until_ms) VALUES ($1, $2, $3)"
    " ON CONFLICT (person) DO UPDATE SET hash = $2, until_ms = $3";
// $1 hash, $2 now
inline constexpr std::string_view kFindLink = "SELECT person FROM setup_links WHERE hash = $1 AND until_ms > $2";
inline constexpr std::string_view kRemoveLink = "DELETE FROM setup_links WHERE person = $1";

// --- Sessions

// $1 hash, $2 person, $3 now
inline constexpr std::string_view kInsertSession =
    "INSERT INTO sessions (hash, person, created_ms, used_ms) VALUES ($1, $2, $3, $3)";
// $1 person, $2 how many stay: the newest of them
inline constexpr std::string_view kForgetOldSessions = R"sql(
  DELETE FROM sessions WHERE hash IN
    (SELECT hash FROM sessions WHERE person = $1 ORDER BY created_ms DESC OFFSET $2))sql";
// $1 person, $2 created before, $3 used before: those that are over
inline constexpr std::string_view kForgetEndedSessions =
    "DELETE FROM sessions WHERE person = $1 AND (created_ms <= $2 OR used_ms <= $3)";
inline constexpr std::string_view kFindSession = "SELECT person, created_ms, used_ms FROM sessions WHERE hash = $1";
// $1 hash, $2 now
inline constexpr std::string_view kUseSession = "UPDATE sessions SET used_ms = $2 WHERE hash = $1";
inline constexpr std::string_view kSeePerson = "UPDATE people SET last_seen_ms = $2 WHERE id = $1";
inline constexpr std::string_view kEndSession = "DELETE FROM sessions WHERE hash = $1";
inline constexpr std::string_view kEndSessionsOf = "DELETE FROM sessions WHERE person = $1";

// --- Tokens

// $1 hash, $2 person, $3 label, $4 role, $5 cdn, $6 now, $7 expires
inline constexpr std::string_view kInsertToken =
    "INSERT INTO access_tokens (hash, person, label, role, cdn, created_ms, expires_ms)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id";
// $1 person, $2 now
inline constexpr std::string_view kForgetExpiredTokens =
    "DELETE FROM access_tokens WHERE person = $1 AND expires_ms <= $2";
inline constexpr std::string_view kCountTokens = "SELECT count(*) AS tokens FROM access_tokens WHERE person = $1";
inline constexpr std::string_view kTokens = R"sql(
  SELECT access_tokens.id, label, people.name AS owner, access_tokens.role, access_tokens.cdn,
         access_tokens.created_ms, expires_ms, used_ms
  FROM access_tokens JOIN people ON people.id = access_tokens.person ORDER BY access_tokens.id)sql";
// $1 person
inline constexpr std::string_view kTokensOf = R"sql(
  SELECT access_tokens.id, label, people.name AS owner, access_tokens.role, access_tokens.cdn,
         access_tokens.created_ms, expires_ms, used_ms
  FROM access_tokens JOIN people ON people.id = access_tokens.person
  WHERE person = $1 ORDER BY access_tokens.id)sql";
inline constexpr std::string_view kTokenById = R"sql(
  SELECT access_tokens.id, label, people.name AS owner, access_tokens.role, access_tokens.cdn,
         access_tokens.created_ms, expires_ms, used_ms
  FROM access_tokens JOIN people ON people.id = access_tokens.person WHERE access_tokens.id = $1)sql";
inline constexpr std::string_view kTokenByHash = "SELECT id, person FROM access_tokens WHERE hash = $1";
inline constexpr std::string_view kUseToken = "UPDATE access_tokens SET used_ms = $2 WHERE id = $1";
inline constexpr std::string_view kRemoveToken = "DELETE FROM access_tokens WHERE id = $1";

}  // namespace vodlift::postgres::sql
