// The multipart uploads, the nodes and the bandwidth limits of the queue in memory.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/encoding.h"
#include "core/multipart_policy.h"
#include "memory/memory_queue.h"

namespace vodlift::memory {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxMessageBytes = 1024;

}  // namespace

AbandonedMultipart& MemoryDatabase::add_entry(UploadId upload, AccountId account, const MultipartPlace& place,
                                              bool in_use) {
  LedgerEntry added;
  added.in_use = in_use;
  added.entry.id = ++last_entry_;
  added.entry.upload = upload;
  added.entry.account = account;
  added.entry.place = place;
  const WallTime now = clock_.now();
  added.entry.first = added.entry.last = added.entry.abandoned = added.entry.next_attempt = now;
  return ledger_.emplace(last_entry_, std::move(added)).first->second.entry;
}

void MemoryDatabase::abandon_intent(UploadId upload) {
  const auto intent = std::ranges::find_if(ledger_, [&](const auto& one) {
    return one.second.entry.upload == upload && one.second.in_use && one.second.entry.multipart_id.empty();
  });
  if (intent == ledger_.end()) return;
  AbandonedMultipart& entry = intent->second.entry;
  for (auto& [id, other] : ledger_) {
    AbandonedMultipart& search = other.entry;
    const bool joins = search.upload == upload && !other.in_use && search.multipart_id.empty() &&
                       search.place.endpoint == entry.place.endpoint && search.last >= entry.first - kOneSearch;
    if (!joins) continue;
    ++search.creates;
    search.last = std::max(search.last, entry.first);
    ledger_.erase(intent);
    return;
  }
  intent->second.in_use = false;
  entry.abandoned = entry.next_attempt = clock_.now();
}

void MemoryDatabase::abandon_all(UploadId upload) {
  abandon_intent(upload);
  for (auto& [id, one] : ledger_) {
    if (one.entry.upload != upload || !one.in_use) continue;
    one.in_use = false;
    one.entry.abandoned = one.entry.next_attempt = clock_.now();
  }
}

void MemoryDatabase::remove_journaled_entry(const Row& row) {
  if (row.journal.multipart_id.empty()) return;
  std::erase_if(ledger_, [&](const auto& one) {
    return one.second.entry.upload == row.upload.id && one.second.in_use &&
           one.second.entry.multipart_id == row.journal.multipart_id;
  });
}

Result<> MemoryMultipartJournal::intend(const Lease& lease, const MultipartPlace& place) {
  const MemoryDatabase::Transaction transaction(database_);
  const MemoryDatabase::Row* row = database_.held(lease);
  if (row == nullptr) return lease_lost(lease);
  database_.abandon_all(lease.id);
  database_.add_entry(lease.id, row->upload.account, place, /*in_use=*/true);
  return {};
}

Result<> MemoryMultipartJournal::withdraw(const Lease& lease) {
  const MemoryDatabase::Transaction transaction(database_);
  if (database_.held(lease) == nullptr) return lease_lost(lease);
  std::erase_if(database_.ledger_, [&](const auto& one) {
    return one.second.entry.upload == lease.id && one.second.in_use && one.second.entry.multipart_id.empty();
  });
  return {};
}

Result<> MemoryMultipartJournal::record_multipart(const Lease& lease, const OpenMultipart& open) {
  const MemoryDatabase::Transaction transaction(database_);
  MemoryDatabase::Row* row = database_.held(lease);
  if (row == nullptr) return lease_lost(lease);
  row->upload.bytes_sent = row->upload.attempt_first_byte = 0;
  std::string endpoint;
  if (open.multipart_id.empty()) {
    database_.remove_journaled_entry(*row);
  } else {
    row->upload.size = open.source.size;
    for (auto& [id, one] : database_.ledger_) {
      if (one.entry.upload != lease.id || !one.in_use) continue;
      if (one.entry.multipart_id.empty()) one.entry.multipart_id = open.multipart_id;
      if (one.entry.multipart_id == open.multipart_id) endpoint = one.entry.place.endpoint;
    }
  }
  row->journal = open.multipart_id.empty() ? OpenMultipart() : open;
  row->journal.endpoint = endpoint;
  for (const Part& part : row->journal.parts) {
    row->part_times[part.number] = database_.clock_.now();
    row->upload.bytes_sent += part.size;
    row->crashes = row->crashes_alone = 0;
  }
  return {};
}

Result<> MemoryMultipartJournal::record_part(const Lease& lease, const Part& part) {
  const MemoryDatabase::Transaction transaction(database_);
  MemoryDatabase::Row* row = database_.held(lease);
  if (row == nullptr) return lease_lost(lease);
  if (row->journal.multipart_id.empty()) {
    return Error{Errc::internal,
                 fmt::format("upload {}: part {} belongs to no open multipart upload", lease.id, part.number)};
  }
  auto& parts = row->journal.parts;
  const auto at = std::ranges::lower_bound(parts, part.number, {}, &Part::number);
  row->crashes = row->crashes_alone = 0;
  row->part_times[part.number] = database_.clock_.now();
  row->upload.bytes_sent += part.size;
  if (at != parts.end() && at->number == part.number) {
    row->upload.bytes_sent -= at->size;
    *at = part;
  } else {
    parts.insert(at, part);
  }
  return {};
}

Result<> MemoryMultipartJournal::abandon(const Lease& lease) {
  {
    const MemoryDatabase::Transaction transaction(database_);
    if (database_.held(lease) == nullptr) return lease_lost(lease);
    database_.abandon_all(lease.id);
  }
  return record_multipart(lease, {});
}

Result<std::vector<AbandonedMultipart>> MemoryMultipartLedger::due(int limit) {
  auto found = abandoned(std::nullopt, std::numeric_limits<int>::max());
  if (!found) return found;
  std::erase_if(*found, [](const AbandonedMultipart& entry) { return entry.next_attempt > entry.read; });
  std::ranges::stable_sort(*found, {}, &AbandonedMultipart::next_attempt);
  if (std::ssize(*found) > limit) found->resize(static_cast<std::size_t>(std::max(limit, 0)));
  return found;
}

Result<std::vector<AbandonedMultipart>> MemoryMultipartLedger::abandoned(std::optional<AccountId> account, int limit) {
  const MemoryDatabase::Transaction transaction(database_);
  std::vector<AbandonedMultipart> found;
  for (const auto& [id, one] : database_.ledger_) {
    if (one.in_use || (account && one.entry.account != *account)) continue;
    found.push_back(one.entry);
    found.back().read = database_.clock_.now();
  }
  std::ranges::stable_sort(found, {}, &AbandonedMultipart::abandoned);
  if (std::ssize(found) > limit) found.resize(static_cast<std::size_t>(std::max(limit, 0)));
  return found;
}

Result<LedgerCounts> MemoryMultipartLedger::counts() {
  const std::lock_guard lock(database_.mutex_);
  LedgerCounts counts;
  for (const auto& [id, one] : database_.ledger_) ++(one.in_use ? counts.in_use : counts.abandoned);
  return counts;
}

Result<std::optional<milliseconds>> MemoryMultipartLedger::next_due() {
  const MemoryDatabase::Transaction transaction(database_);
  std::optional<milliseconds> first;
  for (const auto& [id, one] : database_.ledger_) {
    if (one.in_use) continue;
    const milliseconds due = database_.until(one.entry.next_attempt);
    first = std::min(first.value_or(due), due);
  }
  return first;
}

Result<KnownMultiparts> MemoryMultipartLedger::known(const MultipartPlace& place) {
  const MemoryDatabase::Transaction transaction(database_);
  KnownMultiparts known;
  for (const auto& [id, one] : database_.ledger_) {
    if (one.entry.place != place) continue;
    if (!one.entry.multipart_id.empty()) known.ids.push_back(one.entry.multipart_id);
    if (one.entry.multipart_id.empty() && one.in_use) known.create_under_way = true;
  }
  return known;
}

Result<bool> MemoryMultipartLedger::adopt(std::int64_t id, const std::vector<std::string>& multipart_ids) {
  std::optional<AbandonedMultipart> search;
  {
    const MemoryDatabase::Transaction transaction(database_);
    const auto at = database_.ledger_.find(id);
    if (at != database_.ledger_.end()) search = at->second.entry;
  }
  if (!search) return Error{Errc::internal, fmt::format("there is no entry {} in the ledger", id)};
  const auto known = this->known(search->place);
  if (known->create_under_way) return false;
  const MemoryDatabase::Transaction transaction(database_);
  for (const std::string& multipart_id : multipart_ids) {
    if (std::ranges::find(known->ids, multipart_id) != known->ids.end()) continue;
    AbandonedMultipart& found = database_.add_entry(search->upload, search->account, search->place, /*in_use=*/false);
    found.multipart_id = multipart_id;
    found.first = search->first;
    found.last = search->last;
    found.abandoned = search->abandoned;
  }
  database_.ledger_.erase(id);
  return true;
}

Result<std::int64_t> MemoryMultipartLedger::intend_probe(const AbandonedMultipart& entry) {
  const MemoryDatabase::Transaction transaction(database_);
  return database_.add_entry(entry.upload, entry.account, entry.place, /*in_use=*/false).id;
}

Result<> MemoryMultipartLedger::postpone(std::int64_t id, milliseconds delay, const std::optional<std::string>& error) {
  const MemoryDatabase::Transaction transaction(database_);
  const auto at = database_.ledger_.find(id);
  if (at == database_.ledger_.end() || at->second.in_use) return {};
  at->second.entry.next_attempt = database_.clock_.now() + delay;
  if (!error) return {};
  ++at->second.entry.attempts;
  at->second.entry.error = printable(*error, kMaxMessageBytes);
  return {};
}

Result<> MemoryMultipartLedger::postpone_bucket(const AbandonedMultipart& entry, milliseconds delay) {
  const MemoryDatabase::Transaction transaction(database_);
  const WallTime next = database_.clock_.now() + delay;
  for (auto& [id, one] : database_.ledger_) {
    const bool same = one.entry.account == entry.account && one.entry.place.endpoint == entry.place.endpoint &&
                      one.entry.place.bucket == entry.place.bucket;
    if (same && !one.in_use) one.entry.next_attempt = std::max(one.entry.next_attempt, next);
  }
  return {};
}

Result<> MemoryMultipartLedger::remove(std::int64_t id) {
  const MemoryDatabase::Transaction transaction(database_);
  const auto at = database_.ledger_.find(id);
  if (at != database_.ledger_.end() && !at->second.in_use) database_.ledger_.erase(at);
  return {};
}

Result<NodeTerm> MemoryNodes::join(const std::string& name) {
  if (name.empty() || name.size() > 255) return Error{Errc::invalid_value, "the name of a node has 1 to 255 bytes"};
  const MemoryDatabase::Transaction transaction(database_);
  auto& nodes = database_.nodes_;
  auto at = std::ranges::find(nodes, name, &NodeInfo::name);
  if (at == nodes.end()) {
    NodeInfo fresh;
    fresh.self.node = std::ssize(nodes) + 1;
    fresh.name = name;
    at = nodes.insert(nodes.end(), std::move(fresh));
  }
  ++at->self.term;
  at->started = at->last_beat = database_.clock_.now();
  at->left.reset();
  at->about.draining = false;
  return at->self;
}

Result<NodeInfo*> MemoryNodes::current(const NodeTerm& self) {
  const auto at = std::ranges::find(database_.nodes_, self, &NodeInfo::self);
  if (at == database_.nodes_.end()) return Error{Errc::lease_lost, "the node has begun a later term"};
  return &*at;
}

Result<> MemoryNodes::describe(const NodeTerm& self, const NodeAbout& about) {
  const MemoryDatabase::Transaction transaction(database_);
  const auto node = current(self);
  if (!node) return node.error();
  (*node)->about = about;
  return {};
}

Result<> MemoryNodes::beat(const NodeTerm& self) {
  const MemoryDatabase::Transaction transaction(database_);
  const auto node = current(self);
  if (!node) return node.error();
  (*node)->last_beat = database_.clock_.now();
  return {};
}

Result<> MemoryNodes::leave(const NodeTerm& self) {
  const MemoryDatabase::Transaction transaction(database_);
  const auto node = current(self);
  if (!node) return node.error();
  (*node)->last_beat = database_.clock_.now();
  (*node)->left = (*node)->last_beat;
  return {};
}

Result<> MemoryNodes::shorten_waits(const LongestWaits& longest) {
  const MemoryDatabase::Transaction transaction(database_);
  const WallTime now = database_.clock_.now();
  for (auto& [id, row] : database_.uploads_) {
    if (!row.delayed || row.next_attempt <= now + longest.uploads) continue;
    row.next_attempt = now + longest.uploads;
    database_.changed_uploads_.insert(id);
  }
  for (auto& [id, callback] : database_.callbacks_) {
    if (callback.next_attempt <= now + longest.callbacks) continue;
    callback.next_attempt = now + longest.callbacks;
    if (callback.hold) callback.hold->until = callback.next_attempt;
    database_.changed_callbacks_.insert(id);
  }
  for (auto& [id, one] : database_.ledger_) {
    one.entry.next_attempt = std::min(one.entry.next_attempt, now + longest.multiparts);
  }
  return {};
}

Result<std::vector<NodeInfo>> MemoryNodes::list() {
  const MemoryDatabase::Transaction transaction(database_);
  auto nodes = database_.nodes_;
  for (NodeInfo& one : nodes) {
    for (const auto& [id, row] : database_.uploads_) {
      if (!row.hold || row.hold->owner.node != one.self.node) continue;
      ++one.uploads;
      one.leases_until = std::max(one.leases_until.value_or(row.hold->until), row.hold->until);
    }
    one.callbacks = std::ranges::count_if(database_.callbacks_, [&](const auto& callback) {
      return callback.second.hold && callback.second.hold->owner.node == one.self.node;
    });
    one.state = node_state(one, database_.clock_.now());
  }
  return nodes;
}

Result<std::vector<BandwidthLimit>> MemoryBandwidthLimits::list() {
  const MemoryDatabase::Transaction transaction(database_);
  std::vector<BandwidthLimit> all;
  for (const auto& [scope, limit] : database_.limits_) all.push_back(limit);
  return all;
}

Result<> MemoryBandwidthLimits::put(const BandwidthLimit& limit) {
  const MemoryDatabase::Transaction transaction(database_);
  if (database_.limits_.size() >= kMaxBandwidthLimits) {
    return Error{Errc::invalid_value, fmt::format("there are {} bandwidth limits already", kMaxBandwidthLimits)};
  }
  database_.limits_[limit.scope] = limit;
  return {};
}

Result<> MemoryBandwidthLimits::remove(const BandwidthScope& scope) {
  const MemoryDatabase::Transaction transaction(database_);
  if (database_.limits_.erase(scope) == 1) return {};
  return Error{Errc::not_found, fmt::format("{}: no bandwidth limit is set", to_text(scope))};
}

}  // namespace vodlift::memory
