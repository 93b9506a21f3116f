#include "store/sqlite_key_rows.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <string>
#include <utility>

#include "base/encoding.h"

namespace vodlift::store {
namespace {

constexpr std::string_view kSelect =
    "SELECT id, cdn, api_key, secret, created_ms, revoked_ms, permissions, path_prefix, buckets, networks, expires_ms,"
    " previous_secret, previous_until_ms, last_used_ms FROM api_keys";
constexpr std::string_view kInsert =
    "INSERT INTO api_keys (secret, revoked_ms, permissions, path_prefix, buckets, networks, expires_ms, "
    "previous_secret,"
    " previous_until_ms, cdn, api_key, created_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
constexpr std::string_view kUpdate =
    "UPDATE api_keys SET secret = ?1, revoked_ms = ?2, permissions = ?3, path_prefix = ?4, buckets = ?5, networks = ?6,"
    " expires_ms = ?7, previous_secret = ?8, previous_until_ms = ?9 WHERE id = ?10";
constexpr std::string_view kUse =
    "UPDATE api_keys SET last_used_ms = ?2 WHERE id = ?1 AND (last_used_ms IS NULL OR last_used_ms < ?2)";

// Where a sealed value belongs: see Seal::seal.
std::string secret_context(const ApiKey& key) { return fmt::format("api_keys.secret:{}:{}", key.cdn, key.api_key); }
std::string previous_context(const ApiKey& key) {
  return fmt::format("api_keys.previous_secret:{}:{}", key.cdn, key.api_key);
}

std::optional<std::int64_t> ms_of(const std::optional<WallTime>& time) {
  if (!time) return std::nullopt;
  return to_unix_ms(*time);
}

std::optional<WallTime> time_of(std::optional<std::int64_t> unix_ms) {
  if (!unix_ms) return std::nullopt;
  return from_unix_ms(*unix_ms);
}

std::vector<std::string> texts_of(const std::vector<Network>& networks) {
  std::vector<std::string> texts;
  texts.reserve(networks.size());
  for (const Network& network : networks) texts.push_back(to_string(network));
  return texts;
}

// The rules are read strictly: a key whose limits cannot be understood must not become one without limits.
Result<> read_rules(const SqliteStatement& row, ApiKey& key) {
  const auto not_understood = [&key](std::string_view column) {
    return Error{Errc::store_corrupt, fmt::format("API key {}: the column {} holds something that this version did not "
                                                  "write; restore the database or the version that belongs to it",
                                                  printable(key.api_key), column)};
  };
  if (const std::string permissions = row.text(6); permissions.empty()) {
    key.permissions = Permissions();
  } else if (const auto read = permissions_from(permissions)) {
    key.permissions = *read;
  } else {
    return not_understood("permissions");
  }
  key.scope.path_prefix = row.text(7);
  auto buckets = texts_from_json(row.text(8));
  if (!buckets) return not_understood("buckets");
  key.scope.buckets = std::move(*buckets);
  const auto networks = texts_from_json(row.text(9));
  if (!networks) return not_understood("networks");
  for (const std::string& text : *networks) {
    const auto network = parse_network(text);
    if (!network) return not_understood("networks");
    key.networks.push_back(*network);
  }
  key.expires = time_of(row.optional_integer(10));
  return {};
}

Result<> read_secrets(const SqliteStatement& row, const Seal& seal, ApiKey& key) {
  auto secret = seal.open(row.blob(3), secret_context(key));
  if (!secret) return secret.error();
  key.secret = std::move(*secret);
  if (row.is_null(11)) return {};
  auto previous = seal.open(row.blob(11), previous_context(key));
  if (!previous) return previous.error();
  key.previous = PreviousSecret{std::move(*previous), from_unix_ms(row.integer(12))};
  return {};
}

// The columns that may change, in the order of ?1 to ?9.
template <class... More>
void write(SqliteConnection& connection, std::string_view sql, const Seal& seal, const ApiKey& key,
           const More&... more) {
  std::optional<std::string> sealed_previous;
  std::optional<Blob> previous;
  std::optional<std::int64_t> previous_until;
  if (key.previous) {
    sealed_previous = seal.seal(key.previous->secret, previous_context(key));
    previous = Blob{*sealed_previous};
    previous_until = to_unix_ms(key.previous->until);
  }
  const std::string sealed = seal.seal(key.secret, secret_context(key));
  connection.prepare(sql)
      .bind(Blob{sealed}, ms_of(key.revoked), to_string(key.permissions), key.scope.path_prefix,
            texts_to_json(key.scope.buckets), texts_to_json(texts_of(key.networks)), ms_of(key.expires), previous,
            previous_until, more...)
      .run();
}

}  // namespace

std::string texts_to_json(const std::vector<std::string>& texts) {
  boost::json::array list;
  for (const std::string& text : texts) list.emplace_back(text);
  return boost::json::serialize(list);
}

std::optional<std::vector<std::string>> texts_from_json(const std::string& json) {
  boost::system::error_code failed;
  const auto value = boost::json::parse(json, failed);
  if (failed || !value.is_array()) return std::nullopt;
  std::vector<std::string> texts;
  for (const auto& element : value.as_array()) {
    if (!element.is_string()) return std::nullopt;
    texts.emplace_back(element.as_string());
  }
  return texts;
}

Result<std::vector<ApiKey>> load_keys(SqliteConnection& connection, const Seal& seal) {
  std::vector<ApiKey> keys;
  auto row = connection.prepare(kSelect);
  while (row.step()) {
    ApiKey key;
    key.id = row.integer(0);
    key.cdn = row.integer(1);
    key.api_key = row.text(2);
    key.created = from_unix_ms(row.integer(4));
    key.revoked = time_of(row.optional_integer(5));
    key.last_used = time_of(row.optional_integer(13));
    if (auto read = read_rules(row, key); !read) return read.error();
    if (auto read = read_secrets(row, seal, key); !read) return read.error();
    keys.push_back(std::move(key));
  }
  return keys;
}

std::int64_t insert_key(SqliteConnection& connection, const Seal& seal, const ApiKey& key) {
  write(connection, kInsert, seal, key, key.cdn, key.api_key, to_unix_ms(key.created));
  return connection.last_insert_id();
}

void update_key(SqliteConnection& connection, const Seal& seal, const ApiKey& key) {
  write(connection, kUpdate, seal, key, key.id);
}

void update_last_used(SqliteConnection& connection, const KeyUse& use) {
  connection.prepare(kUse).bind(use.key_id, to_unix_ms(use.when)).run();
}

}  // namespace vodlift::store
