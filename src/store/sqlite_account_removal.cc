#include "store/sqlite_account_removal.h"

#include <string>
#include <string_view>

namespace vodlift::store {
namespace {

// ?1 cdn, ?2 name (empty for an account), ?3 since, ?4 version
constexpr std::string_view kMarkAccount =
    "UPDATE accounts SET removing_ms = iif(?3 IS NULL, NULL, coalesce(removing_ms, ?3)), version = ?4"
    " WHERE cdn = ?1 AND ?2 = ''";
constexpr std::string_view kMarkKey =
    "UPDATE api_keys SET removing_ms = iif(?3 IS NULL, NULL, coalesce(removing_ms, ?3)), version = ?4"
    " WHERE cdn = ?1 AND api_key = ?2";
constexpr std::string_view kMarkBucket =
    "UPDATE buckets SET removing_ms = iif(?3 IS NULL, NULL, coalesce(removing_ms, ?3)), version = ?4"
    " WHERE cdn = ?1 AND bucket = ?2";

constexpr std::string_view kFindAccount = "SELECT 0 AS id FROM accounts WHERE cdn = ?1";
constexpr std::string_view kFindKey = "SELECT id FROM api_keys WHERE api_key = ?1";
constexpr std::string_view kFindBucket = "SELECT 0 AS id FROM buckets WHERE cdn = ?1 AND bucket = ?2";

// Uploads that have not ended: ?1 account, ?2 limit, ?3 key or bucket.
constexpr std::string_view kOpenOfAccount =
    "SELECT id, state, wanted FROM uploads INDEXED BY uploads_open_target"
    " WHERE finished_ms IS NULL AND account = ?1 LIMIT ?2";
constexpr std::string_view kOpenOfBucket =
    "SELECT id, state, wanted FROM uploads INDEXED BY uploads_open_target"
    " WHERE finished_ms IS NULL AND account = ?1 AND bucket = ?3 LIMIT ?2";
constexpr std::string_view kOpenOfKey =
    "SELECT id, state, wanted FROM uploads INDEXED BY uploads_open_target"
    " WHERE finished_ms IS NULL AND account = ?1 AND key_id = ?3 LIMIT ?2";

// Callbacks that wait for their delivery: ?1 account, ?2 limit, ?3 key or bucket.
constexpr std::string_view kCallbacksOfAccount =
    "SELECT count(*) AS found FROM (SELECT 1 FROM callbacks INDEXED BY callbacks_in_state"
    " WHERE account = ?1 AND state = 'pending' LIMIT ?2)";
constexpr std::string_view kCallbacksOfBucket =
    "SELECT count(*) AS found FROM (SELECT 1 FROM callbacks INDEXED BY callbacks_in_state"
    " JOIN uploads ON uploads.id = upload_id"
    " WHERE callbacks.account = ?1 AND callbacks.state = 'pending' AND uploads.bucket = ?3 LIMIT ?2)";
constexpr std::string_view kCallbacksOfKey =
    "SELECT count(*) AS found FROM (SELECT 1 FROM callbacks INDEXED BY callbacks_in_state"
    " JOIN uploads ON uploads.id = upload_id"
    " WHERE callbacks.account = ?1 AND callbacks.state = 'pending' AND uploads.key_id = ?3 LIMIT ?2)";

// What uploads have left at the store. What is in use is an upload's that has not ended.
constexpr std::string_view kMultipartsOfAccount =
    "SELECT count(*) AS found FROM multipart_ledger WHERE account = ?1 AND left_ms IS NOT NULL";
constexpr std::string_view kMultipartsOfBucket =
    "SELECT count(*) AS found FROM multipart_ledger WHERE account = ?1 AND bucket = ?2 AND left_ms IS NOT NULL";

constexpr std::string_view kKeysOfAccount = "SELECT count(*) AS found FROM api_keys WHERE cdn = ?1";
constexpr std::string_view kBucketsOfAccount = "SELECT count(*) AS found FROM buckets WHERE cdn = ?1";

// Expired ones too: they go in the same way.
constexpr std::string_view kTokensOfAccount = "SELECT count(*) AS found FROM access_tokens WHERE cdn = ?1";

constexpr std::string_view kRemember =
    "INSERT OR REPLACE INTO former_accounts (cdn, user, removed_ms) SELECT cdn, user, ?2 FROM accounts WHERE cdn = ?1";
constexpr std::string_view kRemoveKeys = "DELETE FROM api_keys WHERE cdn = ?1";
constexpr std::string_view kRemoveBuckets = "DELETE FROM buckets WHERE cdn = ?1";
constexpr std::string_view kRemoveTokens = "DELETE FROM access_tokens WHERE cdn = ?1";
constexpr std::string_view kRemoveAccount = "DELETE FROM accounts WHERE cdn = ?1";
constexpr std::string_view kRemoveKey = "DELETE FROM api_keys WHERE cdn = ?1 AND api_key = ?2";
constexpr std::string_view kRemoveBucket = "DELETE FROM buckets WHERE cdn = ?1 AND bucket = ?2";
constexpr std::string_view kNoteRemoval = "UPDATE counters SET value = ?1 WHERE name = 'accounts_removed'";

constexpr std::string_view kFormerUser = "SELECT user FROM former_accounts WHERE cdn = ?1";
constexpr std::string_view kAnyUpload = "SELECT 1 FROM uploads WHERE account = ?1 LIMIT 1";
constexpr std::string_view kForgetFormer = "DELETE FROM former_accounts WHERE cdn = ?1";
constexpr std::string_view kForgetStatistics = "DELETE FROM statistics WHERE account = ?1";
constexpr std::string_view kForgetBuckets = "DELETE FROM statistics_buckets WHERE account = ?1";

// The id of the key, 0 for others.
Result<std::int64_t> find_row(SqliteConnection& connection, const Removable& one) {
  auto row = connection.prepare(one.kind == RemovableKind::account ? kFindAccount
                                : one.kind == RemovableKind::key   ? kFindKey
                                                                   : kFindBucket);
  if (one.kind == RemovableKind::account) {
    row.bind(one.cdn);
  } else if (one.kind == RemovableKind::key) {
    row.bind(one.name);
  } else {
    row.bind(one.cdn, one.name);
  }
  if (!row.step()) return no_such(one);
  return row.integer("id");
}

// Runs a statement with one form for each kind, and hands each row to `each`.
template <class Each>
void for_each_row(SqliteConnection& connection, const Removable& one, std::int64_t key, std::string_view of_account,
                  std::string_view of_key, std::string_view of_bucket, int limit, const Each& each) {
  auto row = connection.prepare(one.kind == RemovableKind::account ? of_account
                                : one.kind == RemovableKind::key   ? of_key
                                                                   : of_bucket);
  if (one.kind == RemovableKind::account) {
    row.bind(one.cdn, limit);
  } else if (one.kind == RemovableKind::key) {
    row.bind(one.cdn, limit, key);
  } else {
    row.bind(one.cdn, limit, one.name);
  }
  while (row.step() && each(row)) {
  }
}

template <class... Values>
std::int64_t count_found(SqliteConnection& connection, std::string_view sql, const Values&... values) {
  auto row = connection.prepare(sql);
  row.bind(values...);
  return row.step() ? row.integer("found") : 0;
}

void count_state(Uses& uses, std::string_view state) {
  ++(state == "queued" ? uses.queued : state == "paused" ? uses.paused : uses.uploading);
}

}  // namespace

Result<> mark_removing(SqliteConnection& connection, const Removable& one, std::optional<WallTime> since,
                       std::int64_t version) {
  std::optional<std::int64_t> since_ms;
  if (since) since_ms = to_unix_ms(*since);
  connection
      .prepare(one.kind == RemovableKind::account ? kMarkAccount
               : one.kind == RemovableKind::key   ? kMarkKey
                                                  : kMarkBucket)
      .bind(one.cdn, one.name, since_ms, version)
      .run();
  return connection.changes() == 1 ? Result<>() : no_such(one);
}

Result<Uses> count_uses(SqliteConnection& connection, const Removable& one) {
  const auto key = find_row(connection, one);
  if (!key) return key.error();
  Uses uses;
  for_each_row(connection, one, *key, kOpenOfAccount, kOpenOfKey, kOpenOfBucket, kMostUses, [&](const auto& row) {
    count_state(uses, row.text("state"));
    return true;
  });
  for_each_row(connection, one, *key, kCallbacksOfAccount, kCallbacksOfKey, kCallbacksOfBucket, kMostUses,
               [&](const auto& row) {
                 uses.callbacks = row.integer("found");
                 return true;
               });
  if (one.kind == RemovableKind::bucket) {
    uses.multiparts = count_found(connection, kMultipartsOfBucket, one.cdn, one.name);
  } else if (one.kind == RemovableKind::account) {
    uses.multiparts = count_found(connection, kMultipartsOfAccount, one.cdn);
    uses.keys = count_found(connection, kKeysOfAccount, one.cdn);
    uses.buckets = count_found(connection, kBucketsOfAccount, one.cdn);
    uses.tokens = count_found(connection, kTokensOfAccount, one.cdn);
  }
  return uses;
}

Result<std::vector<UploadId>> find_uncancelled(SqliteConnection& connection, const Removable& one, int limit) {
  const auto key = find_row(connection, one);
  if (!key) return key.error();
  std::vector<UploadId> ids;
  for_each_row(connection, one, *key, kOpenOfAccount, kOpenOfKey, kOpenOfBucket, kMostUses, [&](const auto& row) {
    if (row.text("wanted") != "cancel") ids.push_back(row.integer("id"));
    return static_cast<int>(ids.size()) < limit;
  });
  return ids;
}

Result<bool> is_unused(SqliteConnection& connection, const Removable& one) {
  const auto key = find_row(connection, one);
  if (!key) return key.error();
  bool used = false;
  const auto note = [&used](const auto& /*row*/) {
    used = true;
    return false;
  };
  for_each_row(connection, one, *key, kOpenOfAccount, kOpenOfKey, kOpenOfBucket, 1, note);
  if (one.kind == RemovableKind::account) used |= count_found(connection, kCallbacksOfAccount, one.cdn, 1) > 0;
  return !used;
}

void remove_rows(SqliteConnection& connection, const Removable& one, WallTime now, std::int64_t version) {
  switch (one.kind) {
    case RemovableKind::key:
      connection.prepare(kRemoveKey).bind(one.cdn, one.name).run();
      break;
    case RemovableKind::bucket:
      connection.prepare(kRemoveBucket).bind(one.cdn, one.name).run();
      break;
    case RemovableKind::account:
      connection.prepare(kRemember).bind(one.cdn, to_unix_ms(now)).run();
      connection.prepare(kRemoveKeys).bind(one.cdn).run();
      connection.prepare(kRemoveBuckets).bind(one.cdn).run();
      // The account that gets the number later may be another customer's.
      connection.prepare(kRemoveTokens).bind(one.cdn).run();
      connection.prepare(kRemoveAccount).bind(one.cdn).run();
      break;
  }
  connection.prepare(kNoteRemoval).bind(version).run();
}

Result<> take_number(SqliteConnection& connection, const Account& account) {
  std::string former;
  {
    auto row = connection.prepare(kFormerUser);
    if (!row.bind(account.cdn).step()) return {};
    former = row.text("user");
  }
  if (former != account.user) {
    if (connection.prepare(kAnyUpload).bind(account.cdn).step()) return number_is_taken(account.cdn, former);
    connection.prepare(kForgetStatistics).bind(account.cdn).run();
    connection.prepare(kForgetBuckets).bind(account.cdn).run();
  }
  connection.prepare(kForgetFormer).bind(account.cdn).run();
  return {};
}

}  // namespace vodlift::store
