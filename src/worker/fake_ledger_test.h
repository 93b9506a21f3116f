// A ledger of multipart uploads in memory, for the worker's unit tests.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "core/multipart_ledger.h"

namespace vodlift::worker {

// Notes what a run tells it, and keeps left entries for the reaper; those are always due unless postponed beyond `now`.
class MemoryLedger final : public MultipartLedger {
 public:
  Result<> intend(const Lease&, const MultipartPlace& place) override {
    if (on_intend) on_intend();
    told.push_back("intend " + place.key);
    return {};
  }
  Result<> withdraw(const Lease&) override {
    told.emplace_back("withdraw");
    return {};
  }
  Result<> leave(const Lease&) override {
    told.emplace_back("leave");
    return {};
  }
  Result<std::vector<LeftMultipart>> due(int limit) override {
    std::vector<LeftMultipart> found;
    for (const LeftMultipart& entry : entries) {
      if (entry.next_attempt <= now && std::ssize(found) < limit) found.push_back(entry);
    }
    std::ranges::stable_sort(found, {}, &LeftMultipart::next_attempt);
    return found;
  }
  Result<std::vector<LeftMultipart>> left(std::optional<AccountId>, int) override { return entries; }
  Result<std::optional<WallTime>> next_due() override { return std::optional<WallTime>(); }
  Result<KnownMultiparts> known(const MultipartPlace&) override { return in_use; }
  Result<bool> adopt(std::int64_t id, const std::vector<std::string>& ids) override {
    if (under_way_at_adoption) return false;
    const LeftMultipart search = *find(id);
    for (const std::string& multipart_id : ids) {
      LeftMultipart found = search;
      found.id = ++last_id;
      found.multipart_id = multipart_id;
      found.next_attempt = now;
      entries.push_back(found);
    }
    return remove(id) ? Result<bool>(true) : Result<bool>(Error{});
  }
  Result<std::int64_t> intend_probe(const LeftMultipart& beside) override {
    LeftMultipart probe = beside;
    probe.id = ++last_id;
    entries.push_back(probe);
    return probe.id;
  }
  Result<> postpone(std::int64_t id, WallTime until, const std::optional<std::string>& error) override {
    const auto at = find(id);
    at->next_attempt = until;
    if (!error) return {};
    ++at->attempts;
    at->error = *error;
    return {};
  }
  Result<> postpone_bucket(const LeftMultipart& entry, WallTime until) override {
    for (LeftMultipart& other : entries) {
      if (other.place.bucket == entry.place.bucket) other.next_attempt = std::max(other.next_attempt, until);
    }
    return {};
  }
  Result<> remove(std::int64_t id) override {
    std::erase_if(entries, [&](const LeftMultipart& entry) { return entry.id == id; });
    return {};
  }

  std::vector<LeftMultipart>::iterator find(std::int64_t id) {
    return std::ranges::find(entries, id, &LeftMultipart::id);
  }

  std::vector<std::string> told;
  std::function<void()> on_intend;
  std::vector<LeftMultipart> entries;
  std::int64_t last_id = 100;
  KnownMultiparts in_use;
  bool under_way_at_adoption = false;
  WallTime now = from_unix_ms(1'700'000'000'000);
};

}  // namespace vodlift::worker
