#include <algorithm>
#include <utility>

#include "memory/memory_queue.h"

namespace vodlift::memory {
namespace {

constexpr int kMostEndedLookedAt = 1000;

bool may_be_removed(const Upload& upload) {
  return is_end(upload.state) && upload.callback_state != CallbackState::pending;
}

}  // namespace

Result<EndedPage> MemoryUploadRetention::ended(UploadState state, const EndedPlace& after, WallTime until, int limit) {
  const MemoryDatabase::Transaction transaction(database_);
  std::map<std::pair<WallTime, UploadId>, const MemoryDatabase::Row*> behind;
  for (const auto& [id, row] : database_.uploads_) {
    if (row.upload.state != state || !row.upload.finished || *row.upload.finished > until) continue;
    const std::pair place(*row.upload.finished, id);
    if (place > std::pair(after.ended, after.id)) behind.emplace(place, &row);
  }
  EndedPage page;
  int looked_at = 0;
  for (const auto& [place, row] : behind) {
    if (looked_at++ == std::clamp(limit, 1, kMostEndedLookedAt)) break;
    page.last = EndedPlace{place.first, place.second};
    if (may_be_removed(row->upload)) page.removable.push_back(row->upload);
  }
  return page;
}

Result<int> MemoryUploadRetention::remove(const std::vector<UploadId>& ids) {
  const MemoryDatabase::Transaction transaction(database_);
  int removed = 0;
  for (const UploadId id : ids) {
    const MemoryDatabase::Row* row = database_.find(id);
    if (row == nullptr || !may_be_removed(row->upload)) continue;
    ++database_.removed_ends_[{row->upload.account, row->upload.state}];
    std::erase_if(database_.callbacks_, [&](const auto& one) { return one.second.claimed.upload == id; });
    database_.uploads_.erase(id);
    database_.changed_uploads_.insert(id);
    ++removed;
  }
  return removed;
}

}  // namespace vodlift::memory
