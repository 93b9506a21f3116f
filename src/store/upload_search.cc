#include "store/upload_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <queue>
#include <utility>

#include "store/sqlite_statements.h"
#include "store/sqlite_upload_rows.h"

namespace vodlift::store {
namespace {

constexpr int kMaxFound = 100;
constexpr int kMaxLookedAt = 2000;
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
bool read_filtered(SqliteConnection& connection, UploadId id, Upload& upload) {
  auto row = connection.prepare(sql::kSelectFiltered);
  row.bind(id);
  if (!row.step()) return false;
  const auto state = upload_state_from(row.text("state"));
  if (!state) {
    connection.fail(fmt::format("the row of upload {} cannot be understood", id));
    return false;
  }
  upload.account = row.integer("account");
  upload.state = *state;
  upload.request.priority = static_cast<int>(row.integer("priority"));
  upload.request.path = row.text("path");
  upload.request.destination_path = row.text("destination_path");
  upload.request.bucket = row.text("bucket");
  upload.error.reset();
  if (!row.is_null("error_code")) upload.error = UploadError{errc_from_name(row.text("error_code")), {}, false};
  upload.created = from_unix_ms(row.integer("created_ms"));
  return true;
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
  const auto limit = static_cast<std::size_t>(std::clamp(search.limit, 1, kMaxFound));
  const int look_at = std::clamp(search.look_at, 1, kMaxLookedAt);
  UploadId before = search.before > 0 ? search.before : kNewest;
  if (filter.created_until) before = std::min(before, first_after(connection, *filter.created_until));
  Walks walks(connection, kinds_of(connection, filter), before);
  UploadPage page;
  std::vector<UploadId> found;
  Upload upload;
  UploadId last = 0;
  for (int looked_at = 0;; ++looked_at) {
    const UploadId id = walks.next();
    if (id == 0) break;
    if (looked_at == look_at) {
      page.next = last;
      page.searched_to = upload.created;
      break;
    }
    if (!read_filtered(connection, id, upload)) break;
    last = id;
    if (filter.created_since && upload.created < *filter.created_since - kClockSetBack) break;
    if (!filter.holds(upload)) continue;
    if (found.size() == limit) {
      page.next = found.back();
      break;
    }
    found.push_back(id);
  }
  for (const UploadId id : found) {
    if (auto stored = load_upload(connection, id)) page.uploads.push_back(std::move(stored->upload));
  }
  return page;
}

}  // namespace vodlift::store
