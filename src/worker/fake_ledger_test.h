// A ledger of multipart uploads in memory, for the worker's unit tests.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "core/multipart_ledger.h"

namespace vodlift::worker {

// Keeps abandoned entries for the reaper. Each is due unless it was postponed beyond `now`.
class MemoryLedger final : public MultipartLedger {
 public:
  Result<std::vector<AbandonedMultipart>> due(int limit) override {
    std::vector<AbandonedMultipart> found;
    for (const AbandonedMultipart& entry : entries) {
      if (entry.next_attempt > now || std::ssize(found) >= limit) continue;
      found.push_back(entry);
      found.back().read = now;
    }
    std::ranges::stable_sort(found, {}, &AbandonedMultipart::next_attempt);
    return found;
  }
  Result<std::vector<AbandonedMultipart>> abandoned(std::optional<AccountId>, int) override { return entries; }
  Result<std::optional<std::chrono::milliseconds>> next_due() override {
    return std::optional<std::chrono::milliseconds>();
  }
  Result<KnownMultiparts> known(const MultipartPlace&) override { return in_use; }
  Result<bool> adopt(std::int64_t id, const std::vector<std::string>& ids) override {
    if (under_way_at_adoption) return false;
    const AbandonedMultipart search = *find(id);
    for (const std::string& multipart_id : ids) {
      AbandonedMultipart found = search;
      found.id = ++last_id;
      found.multipart_id = multipart_id;
      found.next_attempt = now;
      entries.push_back(found);
    }
    return remove(id) ? Result<bool>(true) : Result<bool>(Error{});
  }
  Result<std::int64_t> intend_probe(const AbandonedMultipart& entry) override {
    AbandonedMultipart probe = entry;
    probe.id = ++last_id;
    entries.push_back(probe);
    return probe.id;
  }
  Result<> postpone(std::int64_t id, std::chrono::milliseconds delay,
                    const std::optional<std::string>& error) override {
    const auto at = find(id);
    at->next_attempt = now + delay;
    if (!error) return {};
    ++at->attempts;
    at->error = *error;
    return {};
  }
  Result<> postpone_bucket(const AbandonedMultipart& entry, std::chrono::milliseconds delay) override {
    for (AbandonedMultipart& other : entries) {
      if (other.place.bucket == entry.place.bucket) other.next_attempt = std::max(other.next_attempt, now + delay);
    }
    return {};
  }
  Result<> remove(std::int64_t id) override {
    std::erase_if(entries, [&](const AbandonedMultipart& entry) { return entry.id == id; });
    return {};
  }

  std::vector<AbandonedMultipart>::iterator find(std::int64_t id) {
    return std::ranges::find(entries, id, &AbandonedMultipart::id);
  }

  std::vector<AbandonedMultipart> entries;
  std::int64_t last_id = 100;
  KnownMultiparts in_use;
  bool under_way_at_adoption = false;
  WallTime now = from_unix_ms(1'700'000'000'000);
};

}  // namespace vodlift::worker
