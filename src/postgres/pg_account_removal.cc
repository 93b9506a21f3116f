#include "postgres/pg_account_removal.h"

#include <string>
#include <string_view>

#include "postgres/account_statements.h"

namespace vodlift::postgres {
namespace {

// What tells the uploads of one thing from those of its account.
struct Narrowed {
  std::optional<std::int64_t> key{};
  std::optional<Bytes> bucket{};
};

// Refers to the name of `one`.
Result<Narrowed> find_row(PgConnection& connection, const Removable& one) {
  switch (one.kind) {
    case RemovableKind::account:
      if (connection.run(sql::kAccountRemoving, one.cdn).next()) return Narrowed{};
      break;
    case RemovableKind::bucket:
      if (connection.run(sql::kBucketRemoving, one.cdn, Bytes{one.name}).next()) return Narrowed{{}, Bytes{one.name}};
      break;
    case RemovableKind::key:
      if (auto row = connection.run(sql::kKeyOfName, one.name); row.next()) return Narrowed{row.integer("id"), {}};
      break;
  }
  return no_such(one);
}

template <class... Values>
std::int64_t count_found(PgConnection& connection, std::string_view statement, const Values&... values) {
  auto row = connection.run(statement, values...);
  return row.next() ? row.integer("found") : 0;
}

}  // namespace

Result<> mark_removing(PgConnection& connection, const Removable& one, std::optional<WallTime> since,
                       std::int64_t version) {
  const auto since_ms = since ? std::optional(to_unix_ms(*since)) : std::nullopt;
  const auto mark = [&]() -> PgResult {
    if (one.kind == RemovableKind::account) return connection.run(sql::kMarkAccount, one.cdn, since_ms, version);
    if (one.kind == RemovableKind::key) return connection.run(sql::kMarkKey, one.cdn, since_ms, version, one.name);
    return connection.run(sql::kMarkBucket, one.cdn, since_ms, version, Bytes{one.name});
  };
  return mark().changes() == 1 ? Result<>() : no_such(one);
}

Result<Uses> count_uses(PgConnection& connection, const Removable& one) {
  const auto of = find_row(connection, one);
  if (!of) return of.error();
  Uses uses;
  auto row = connection.run(sql::kOpenOf, one.cdn, kMostUses, of->key, of->bucket);
  while (row.next()) {
    const std::string state = row.text("state");
    ++(state == "queued" ? uses.queued : state == "paused" ? uses.paused : uses.uploading);
  }
  uses.callbacks = count_found(connection, sql::kCallbacksOf, one.cdn, kMostUses, of->key, of->bucket);
  if (one.kind != RemovableKind::key)
    uses.multiparts = count_found(connection, sql::kMultipartsOf, one.cdn, of->bucket);
  if (one.kind == RemovableKind::account) {
    uses.keys = count_found(connection, sql::kKeysOfAccount, one.cdn);
    uses.buckets = count_found(connection, sql::kBucketsOfAccount, one.cdn);
    uses.tokens = count_found(connection, sql::kTokensOfAccount, one.cdn);
  }
  return uses;
}

Result<std::vector<UploadId>> find_uncancelled(PgConnection& connection, const Removable& one, int limit) {
  const auto of = find_row(connection, one);
  if (!of) return of.error();
  std::vector<UploadId> ids;
  auto row = connection.run(sql::kOpenOf, one.cdn, kMostUses, of->key, of->bucket);
  while (row.next() && static_cast<int>(ids.size()) < limit) {
    if (row.text("wanted") != "cancel") ids.push_back(row.integer("id"));
  }
  return ids;
}

Result<bool> is_unused(PgConnection& connection, const Removable& one) {
  const auto of = find_row(connection, one);
  if (!of) return of.error();
  if (connection.run(sql::kOpenOf, one.cdn, 1, of->key, of->bucket).next()) return false;
  return one.kind != RemovableKind::account ||
         count_found(connection, sql::kCallbacksOf, one.cdn, 1, of->key, of->bucket) == 0;
}

void remove_rows(PgConnection& connection, const Removable& one, WallTime now) {
  switch (one.kind) {
    case RemovableKind::key:
      connection.run(sql::kRemoveKey, one.cdn, one.name);
      break;
    case RemovableKind::bucket:
      connection.run(sql::kRemoveBucket, one.cdn, Bytes{one.name});
      break;
    case RemovableKind::account:
      connection.run(sql::kRemember, one.cdn, to_unix_ms(now));
      connection.run(sql::kRemoveKeys, one.cdn);
      connection.run(sql::kRemoveBuckets, one.cdn);
      connection.run(sql::kRemoveTokens, one.cdn);
      connection.run(sql::kRemoveAccount, one.cdn);
      break;
  }
}

Result<> take_number(PgConnection& connection, const Account& account) {
  auto row = connection.run(sql::kFormerUser, account.cdn);
  if (!row.next()) return {};
  const std::string former = row.text("user");
  if (former != account.user) {
    if (count_found(connection, sql::kAnyUpload, account.cdn) != 0) return number_is_taken(account.cdn, former);
    connection.run(sql::kForgetStatistics, account.cdn);
    connection.run(sql::kForgetStatisticsBuckets, account.cdn);
  }
  connection.run(sql::kForgetFormer, account.cdn);
  return {};
}

}  // namespace vodlift::postgres
