#include "store/row_news.h"

#include <sqlite3.h>

#include <algorithm>
#include <exception>
#include <string_view>

#include "base/log.h"

namespace vodlift::store {
namespace {

void sort_out_repeats(std::vector<std::int64_t>& rows) {
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
}

}  // namespace

RowNews::RowNews(SqliteConnection& connection, LocalChangeFeed& feed) : feed_(feed) {
  // No growth later: an exception must not pass through SQLite.
  uploads_.reserve(kMostRows);
  callbacks_.reserve(kMostRows);
  const auto changed = [](void* self, int /*operation*/, const char* /*database*/, const char* table,
                          sqlite3_int64 row) {
    auto& news = *static_cast<RowNews*>(self);
    const std::string_view name(table);
    if (name == "uploads") news.note(news.uploads_, row);
    if (name == "callbacks") news.note(news.callbacks_, row);
  };
  sqlite3_update_hook(connection.handle(), changed, this);
}

void RowNews::note(std::vector<std::int64_t>& rows, std::int64_t id) {
  if (rows.size() < kMostRows) rows.push_back(id);
}

void RowNews::begin() {
  uploads_.clear();
  callbacks_.clear();
}

// The commit stands, whatever becomes of the news.
void RowNews::committed() {
  try {
    publish();
  } catch (const std::exception& error) {
    log::error("what a commit changed could not be told", {{"error", error.what()}});
  }
  begin();
}

void RowNews::publish() {
  const bool too_many = uploads_.size() == kMostRows || callbacks_.size() == kMostRows;
  if (feed_.is_followed(Change::Kind::upload_changed)) {
    sort_out_repeats(uploads_);
    for (const UploadId id : uploads_) feed_.publish({.kind = Change::Kind::upload_changed, .upload = id});
    if (too_many) feed_.publish({.kind = Change::Kind::upload_changed});
  }
  if (feed_.is_followed(Change::Kind::callback_changed)) {
    sort_out_repeats(callbacks_);
    for (const std::int64_t id : callbacks_) feed_.publish({.kind = Change::Kind::callback_changed, .callback = id});
  }
}

}  // namespace vodlift::store
