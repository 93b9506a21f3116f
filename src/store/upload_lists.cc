#include "store/upload_lists.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/store_rules.h"
#include "store/sqlite_account_rows.h"
#include "store/sqlite_statements.h"

namespace vodlift::store {
namespace {

int bits_of(const std::vector<UploadState>& states) {
  int bits = 0;
  for (const UploadState state : sql::kStates) {
    if (states.empty() || std::ranges::find(states, state) != states.end()) bits |= sql::bit_of(state);
  }
  return bits;
}

std::vector<UploadId> walk(SqliteConnection& connection, AccountId account, const UploadQuery& query) {
  std::vector<UploadId> ids;
  const std::string buckets = texts_to_json(query.scope.buckets);  // as long as the statement that it is bound to
  auto row = connection.prepare(query.scope != KeyScope{} ? sql::kNewestInScope : sql::kNewestOfAccount);
  row.bind(account, query.limit, query.offset, query.scope.path_prefix, buckets, bits_of(query.states));
  while (row.step()) ids.push_back(row.integer("id"));
  return ids;
}

// How many uploads the account has in these states.
std::int64_t count_in(SqliteConnection& connection, AccountId account, const std::vector<UploadState>& states) {
  std::int64_t count = 0;
  auto row = connection.prepare(sql::kCountsOfAccount);
  row.bind(account);
  while (row.step()) {
    const auto state = upload_state_from(row.text("state"));
    if (state && std::ranges::find(states, *state) != states.end()) count += row.integer("uploads");
  }
  return count;
}

std::optional<UploadState> state_of(SqliteConnection& connection, UploadId id) {
  auto row = connection.prepare(sql::kStateOf);
  row.bind(id);
  if (!row.step()) return std::nullopt;
  return upload_state_from(row.text("state"));
}

std::vector<UploadId> pick(SqliteConnection& connection, const std::vector<UploadId>& oldest_first,
                           const UploadQuery& query) {
  std::vector<UploadId> ids;
  std::int64_t skip = query.offset;
  for (auto id = oldest_first.rbegin(); id != oldest_first.rend(); ++id) {
    const auto state = state_of(connection, *id);
    if (!state || std::ranges::find(query.states, *state) == query.states.end() || skip-- > 0) continue;
    ids.push_back(*id);
    if (std::ssize(ids) == query.limit) break;
  }
  return ids;
}

}  // namespace

std::vector<UploadId> UploadLists::newest(SqliteConnection& connection, AccountId account, const UploadQuery& asked) {
  UploadQuery query = asked;
  query.limit = std::clamp(query.limit, 1, kMaxFound);
  query.offset = std::max<std::int64_t>(query.offset, 0);
  const bool narrowed = query.scope != KeyScope{};
  if (!narrowed && (query.offset <= kSmallOffset || !query.states.empty())) return walk(connection, account, query);
  const std::shared_ptr<List> list = list_of(account, query.scope);
  const std::lock_guard lock(list->mutex);
  if (!list->too_long) read_new_rows(connection, account, query.scope, *list);
  note_size(list, list->ids.size());
  if (list->too_long) return walk(connection, account, query);
  if (!query.states.empty()) {
    const bool fewer = count_in(connection, account, query.states) < std::ssize(list->ids);
    if (fewer) return walk(connection, account, query);
    return pick(connection, list->ids, query);
  }
  const auto from = std::min<std::int64_t>(query.offset, std::ssize(list->ids));
  const auto to = std::min<std::int64_t>(from + query.limit, std::ssize(list->ids));
  return {list->ids.rbegin() + from, list->ids.rbegin() + to};
}

std::shared_ptr<UploadLists::List> UploadLists::list_of(AccountId account, const KeyScope& scope) {
  const std::string name = fmt::format("{} {} {}", account, texts_to_json(scope.buckets), scope.path_prefix);
  const std::lock_guard lock(mutex_);
  auto found = std::ranges::find(lists_, name, [](const auto& list) -> const std::string& { return list->name; });
  if (found == lists_.end()) {
    lists_.push_front(std::make_shared<List>());
    lists_.front()->name = name;
    if (lists_.size() > kMostLists) lists_.pop_back();
  } else {
    lists_.splice(lists_.begin(), lists_, found);
  }
  return lists_.front();
}

// The transaction's first statement: under the list's lock, so that it sees all that an earlier one has seen.
void UploadLists::read_new_rows(SqliteConnection& connection, AccountId account, const KeyScope& scope, List& list) {
  UploadId last = list.seen_to;
  if (auto row = connection.prepare(sql::kLastUpload); row.step()) last = row.integer("id");
  if (last <= list.seen_to) return;
  const std::string buckets = texts_to_json(scope.buckets);
  std::vector<UploadId> found;
  {
    auto row = connection.prepare(sql::kNewInScope);
    row.bind(account, list.seen_to, 0, scope.path_prefix, buckets, bits_of({}));
    while (row.step() && list.ids.size() + found.size() <= kMostOfOne) found.push_back(row.integer("id"));
  }
  if (connection.failed()) return;
  if (list.ids.size() + found.size() > kMostOfOne) {
    list.too_long = true;
    list.ids = std::vector<UploadId>();
    return;
  }
  list.ids.insert(list.ids.end(), found.begin(), found.end());
  list.seen_to = last;
}

// A list that is being read meanwhile may read them, but it has its lock before it sees anything. So it has them in
// full when it gives back the lock, or sees that they are removed.
void UploadLists::forget(const std::vector<UploadId>& removed) {
  std::vector<std::shared_ptr<List>> lists;
  {
    const std::lock_guard lock(mutex_);
    lists.assign(lists_.begin(), lists_.end());
  }
  for (const std::shared_ptr<List>& list : lists) {
    const std::lock_guard lock(list->mutex);
    std::erase_if(list->ids, [&](UploadId id) { return std::binary_search(removed.begin(), removed.end(), id); });
    note_size(list, list->ids.size());
  }
}

void UploadLists::note_size(const std::shared_ptr<List>& list, std::size_t size) {
  const std::lock_guard lock(mutex_);
  list->size = size;
  std::size_t sum = 0;
  for (const auto& one : lists_) sum += one->size;
  while (sum > kMostIds && lists_.size() > 1) {
    sum -= lists_.back()->size;
    lists_.pop_back();
  }
}

}  // namespace vodlift::store
