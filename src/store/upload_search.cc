#include "store/upload_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <queue>
#include <utility>

#include "core/search_page.h"
#include "store/sqlite_statements.h"
#include "store/sqlite_upload_rows.h"

namespace vodlift::store {
namespace {

constexpr UploadId kNewest = std::numeric_limits<UploadId>::max();
// Ids that a walk reads at once: few at first, for there may be many walks.
constexpr int kFirstIds = 4;
constexpr int kMostIds = 256;

// Whose uploads a walk is of; nothing: it is of all.
using Kind = std::optional<std::pair<AccountId, UploadState>>;

// The ids of one kind, newest first.
class StateWalk {
 public:
  StateWalk(Kind kind, UploadId before) : kind_(std::move(kind)), before_(before) {}

  // 0: there are no more.
  UploadId next(SqliteConnection& connection) {
    if (at_ == ids_.size()) read(connection);
    return at_ == ids_.size() ? 0 : ids_[at_++];
  }

 private:
  void read(SqliteConnection& connection) {
    at_ = 0;
    ids_.clear();
    auto row = connection.prepare(kind_ ? sql::kOlderOfKind : sql::kOlder);
    kind_ ? row.bind(before_, count_, kind_->first, to_string(kind_->second)) : row.bind(before_, count_);
    while (row.step()) ids_.push_back(row.integer("id"));
    if (!ids_.empty()) before_ = ids_.back();
    count_ = std::min(count_ * 4, kMostIds);
  }

  Kind kind_;
  UploadId before_;
  int count_ = kFirstIds;
  std::vector<UploadId> ids_;
  std::size_t at_ = 0;
};

// Several walks as one, newest first.
class Walks {
 public:
  Walks(SqliteConnection& connection, const std::vector<Kind>& kinds, UploadId before) : connection_(connection) {
    for (const Kind& kind : kinds) {
      walks_.emplace_back(kind, before);
      push(walks_.size() - 1);
    }
  }

  // 0: there are no more.
  UploadId next() {
    if (heads_.empty()) return 0;
    const auto [id, walk] = heads_.top();
    heads_.pop();
    push(walk);
    return id;
  }

 private:
  void push(std::size_t walk) {
    if (const UploadId id = walks_[walk].next(connection_); id != 0) heads_.emplace(id, walk);
  }

  SqliteConnection& connection_;
  std::vector<StateWalk> walks_;
  std::priority_queue<std::pair<UploadId, std::size_t>> heads_;
};

std::vector<Kind> kinds_of(SqliteConnection& connection, const UploadFilter& filter) {
  if (!filter.account && filter.states.empty() && filter.errors.empty()) return {std::nullopt};
  const std::vector<UploadState> states = filter.possible_states();
  std::vector<Kind> kinds;
  auto row = connection.prepare(sql::kCounts);
  while (row.step()) {
    const AccountId account = row.integer("account");
    const auto state = upload_state_from(row.text("state"));
    const bool fits = state && std::ranges::find(states, *state) != states.end();
    if (fits && (!filter.account || *filter.account == account)) kinds.emplace_back(std::pair(account, *state));
    if (kinds.size() > kMostWalks) return {std::nullopt};
  }
  return kinds;
}

// Only what the filter looks at. False: the connection has failed.
bool read_filtered(SqliteConnection& connection, Upload& upload) {
  auto row = connection.prepare(sql::kSelectFiltered);
  row.bind(upload.id);
  if (!row.step()) return false;
  const bool understood = read_filtered_upload(row, upload);
  if (!understood) connection.fail(fmt::format("the row of upload {} cannot be understood", upload.id));
  return understood;
}

// The id below which everything lies that was created before `until`. The ids are halved: see kClockSetBack.
UploadId first_after(SqliteConnection& connection, WallTime until) {
  UploadId low = 0;   // created before, like all below it
  UploadId high = 1;  // created later, like all above it
  if (auto last = connection.prepare(sql::kLastUpload); last.step()) high = last.integer("id") + 1;
  while (high - low > 1) {
    const UploadId middle = low + (high - low) / 2;
    auto row = connection.prepare(sql::kCreatedUpTo);
    row.bind(middle);
    if (row.step() && from_unix_ms(row.integer("created_ms")) >= until + kClockSetBack) {
      high = row.integer("id");
    } else {
      low = middle;
    }
  }
  return high;
}

}  // namespace

UploadPage search_uploads(SqliteConnection& connection, const UploadSearch& search) {
  const UploadFilter& filter = search.filter;
  UploadId before = search.before > 0 ? search.before : kNewest;
  if (filter.created_until) before = std::min(before, first_after(connection, *filter.created_until));
  Walks walks(connection, kinds_of(connection, filter), before);
  SearchPage searched(search);
  Upload upload;
  do {
    upload.id = walks.next();
  } while (upload.id != 0 && read_filtered(connection, upload) && searched.look(upload));
  UploadPage page = searched.page();
  for (const UploadId id : searched.ids()) {
    if (auto stored = load_upload(connection, id)) page.uploads.push_back(std::move(stored->upload));
  }
  return page;
}

}  // namespace vodlift::store
