#include "memory/memory_queue.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>
#include <variant>

namespace vodlift::memory {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr int kMaxFound = 100;
constexpr int kMaxLookedAt = 2000;

}  // namespace

// --- Doors

void MemoryUploadStore::insert(NewUpload upload, InsertDone done) {
  Result<InsertOutcome> outcome = InsertOutcome();
  {
    const MemoryDatabase::Transaction transaction(database_);
    if (const auto first = database_.repeat_of(upload.key_id, upload.signature)) {
      outcome = InsertOutcome{*first, true};
    } else if (database_.open_uploads(upload.account) >= database_.most_open_uploads_) {
      outcome = too_many_open_uploads(upload.account, database_.most_open_uploads_);
    } else {
      MemoryDatabase::Row row;
      row.upload.id = ++database_.last_upload_;
      row.upload.account = upload.account;
      row.upload.trace = trace_of(upload);
      row.upload.request = std::move(upload.request);
      row.upload.size = upload.size;
      row.upload.retry_of = upload.retry_of;
      row.upload.created = row.next_attempt = database_.clock_.now();
      row.upload.callback_state = row.upload.request.callback.empty() ? CallbackState::none : CallbackState::waiting;
      row.token = std::move(upload.token);
      for (const auto& [id, other] : database_.uploads_) {
        const UploadRequest& theirs = other.upload.request;
        const bool same = other.upload.account == row.upload.account && theirs.bucket == row.upload.request.bucket &&
                          theirs.destination_path == row.upload.request.destination_path;
        if (same && !is_end(other.upload.state)) row.waiting_on = id;
      }
      outcome->id = row.upload.id;
      const auto repeated = database_.uploads_.find(upload.retry_of);
      if (repeated != database_.uploads_.end() && repeated->second.upload.account == upload.account) {
        repeated->second.upload.retried_as = outcome->id;
        database_.changed_uploads_.insert(upload.retry_of);
      }
      if (!upload.signature.mac.empty()) {
        database_.signatures_[{upload.signature.timestamp, upload.key_id, upload.signature.mac}] = outcome->id;
      }
      database_.uploads_.emplace(outcome->id, std::move(row));
      database_.changed_uploads_.insert(outcome->id);
      database_.forget_signatures_if_due();
    }
  }
  done(outcome);
  if (outcome && !outcome->repeated) database_.feed_.publish({Change::Kind::uploads_due, upload.account, outcome->id});
}

Result<std::optional<UploadId>> MemoryUploadStore::find_repeat(std::int64_t key_id, const RequestSignature& signature) {
  const MemoryDatabase::Transaction transaction(database_);
  return database_.repeat_of(key_id, signature);
}

Result<std::vector<Upload>> MemoryUploadStore::find(AccountId account, const UploadQuery& query) {
  return matching(account, query);
}

Result<std::vector<Upload>> MemoryUploadStore::find_in_all(const UploadQuery& query) {
  return matching(std::nullopt, query);
}

Upload MemoryUploadStore::shown(const MemoryDatabase::Row& row) {
  Upload upload = row.upload;
  const bool for_later = upload.state == UploadState::queued && row.next_attempt > upload.created;
  if (for_later) upload.next_attempt = row.next_attempt;
  return upload;
}

std::vector<Upload> MemoryUploadStore::matching(std::optional<AccountId> account, const UploadQuery& query) {
  const MemoryDatabase::Transaction transaction(database_);
  std::vector<Upload> found;
  std::int64_t skip = query.ids.empty() ? std::max<std::int64_t>(query.offset, 0) : 0;
  const auto limit = static_cast<std::size_t>(std::clamp(query.limit, 1, kMaxFound));
  for (auto at = database_.uploads_.rbegin(); at != database_.uploads_.rend(); ++at) {
    Upload upload = shown(at->second);
    const bool asked = query.ids.empty() || std::ranges::find(query.ids, upload.id) != query.ids.end();
    const bool in_state = query.states.empty() || std::ranges::find(query.states, upload.state) != query.states.end();
    if ((account && upload.account != *account) || !asked || !in_state || !query.scope.holds(upload.request)) continue;
    if (skip-- > 0) continue;
    if (query.ids.empty() && found.size() == limit) break;
    found.push_back(std::move(upload));
  }
  return found;
}

Result<UploadPage> MemoryUploadStore::search(const UploadSearch& search) {
  const MemoryDatabase::Transaction transaction(database_);
  const UploadFilter& filter = search.filter;
  const std::vector<UploadState> states = filter.possible_states();
  const auto limit = static_cast<std::size_t>(std::clamp(search.limit, 1, kMaxFound));
  const int look_at = std::clamp(search.look_at, 1, kMaxLookedAt);
  UploadPage page;
  const Upload* last = nullptr;
  int looked_at = 0;
  for (auto at = database_.uploads_.rbegin(); at != database_.uploads_.rend(); ++at) {
    const Upload upload = shown(at->second);
    if (search.before > 0 && upload.id >= search.before) continue;
    if (filter.account && upload.account != *filter.account) continue;
    if (std::ranges::find(states, upload.state) == states.end()) continue;
    if (filter.created_until && upload.created >= *filter.created_until + kClockSetBack) continue;
    if (looked_at++ == look_at) {
      page.next = last->id;
      page.searched_to = last->created;
      break;
    }
    last = &at->second.upload;
    if (filter.created_since && upload.created < *filter.created_since - kClockSetBack) break;
    if (!filter.holds(upload)) continue;
    if (page.uploads.size() == limit) {
      page.next = page.uploads.back().id;
      break;
    }
    page.uploads.push_back(upload);
  }
  return page;
}

Result<std::vector<UploadCount>> MemoryUploadStore::counts() {
  const MemoryDatabase::Transaction transaction(database_);
  std::map<std::pair<AccountId, UploadState>, UploadCount> sums;
  for (const auto& [id, row] : database_.uploads_) {
    const Upload& upload = row.upload;
    UploadCount& sum = sums[{upload.account, upload.state}];
    sum = {upload.account, upload.state, sum.uploads + 1, sum.bytes + upload.size};
  }
  std::vector<UploadCount> counts;
  counts.reserve(sums.size());
  for (const auto& [place, sum] : sums) counts.push_back(sum);
  return counts;
}

Result<QueueState> MemoryUploadStore::queue(std::optional<AccountId> account) {
  const MemoryDatabase::Transaction transaction(database_);
  const WallTime now = database_.clock_.now();
  std::map<int, ReadyUploads, std::greater<>> ready;
  std::set<AccountId> accounts;
  QueueState state;
  for (const auto& [id, row] : database_.uploads_) {
    const Upload& upload = row.upload;
    if (upload.state != UploadState::queued || (account && upload.account != *account)) continue;
    accounts.insert(upload.account);
    if (!state.oldest || upload.created < *state.oldest) state.oldest = upload.created;
    if (!row.ready(now) || row.delayed) continue;
    ReadyUploads& one = ready[upload.request.priority];
    one.priority = upload.request.priority;
    if (one.uploads == kMostReadyLookedAt) {
      one.complete = false;
      continue;
    }
    if (one.uploads++ == 0 || row.next_attempt < one.longest) one.longest = row.next_attempt;
    one.bytes += upload.size - upload.bytes_sent;
  }
  for (const auto& [priority, one] : ready) state.ready.push_back(one);
  if (std::ssize(accounts) > kMostQueuesLookedAt) state.oldest.reset();
  return state;
}

Result<int> MemoryUploadStore::wake(AccountId account, const std::string& bucket) {
  int woken = 0;
  {
    const MemoryDatabase::Transaction transaction(database_);
    for (auto& [id, row] : database_.uploads_) {
      const Upload& upload = row.upload;
      const bool waits = upload.state == UploadState::queued && row.delayed;
      if (!waits || upload.account != account || upload.request.bucket != bucket) continue;
      row.next_attempt = upload.created;
      row.delayed = false;
      database_.changed_uploads_.insert(id);
      ++woken;
    }
  }
  if (woken > 0) database_.feed_.publish({Change::Kind::uploads_due, account});
  return woken;
}

Result<ChangeOutcome> MemoryUploadStore::change(const ChangeRequest& request) {
  std::vector<Change> news;
  ChangeOutcome outcome;
  {
    const MemoryDatabase::Transaction transaction(database_);
    const auto first = database_.repeat_of(request.key_id, request.signature);
    MemoryDatabase::Row* row = database_.find(first.value_or(request.id));
    if (row == nullptr || row->upload.account != request.account || !request.scope.holds(row->upload.request)) {
      return no_such_upload();
    }
    if (first) return ChangeOutcome{row->upload};
    const auto decision = decide_change(row->upload.state, row->wanted, request.change);
    if (const auto* refusal = std::get_if<ChangeRefusal>(&decision)) return ChangeOutcome{row->upload, *refusal};
    database_.changed_uploads_.insert(row->upload.id);
    switch (std::get<ChangeStep>(decision)) {
      case ChangeStep::cancel:
        database_.end(*row, UploadState::cancelled, news);
        break;
      case ChangeStep::pause:
        row->upload.state = UploadState::paused;
        break;
      case ChangeStep::resume:
        row->suspect = false;
        [[fallthrough]];
      case ChangeStep::run_now:
        row->upload.state = UploadState::queued;
        row->next_attempt = row->upload.created;
        row->delayed = false;
        break;
      case ChangeStep::prioritize:
        row->upload.request.priority = request.priority;
        break;
      case ChangeStep::want_cancel:
        row->wanted = Wanted::cancel;
        news.push_back({Change::Kind::upload_recalled, request.account, request.id});
        break;
      case ChangeStep::want_pause:
        row->wanted = Wanted::pause;
        news.push_back({Change::Kind::upload_recalled, request.account, request.id});
        break;
      case ChangeStep::want_nothing:
        row->wanted = Wanted::nothing;
        break;
    }
    if (!request.signature.mac.empty()) {
      database_.signatures_[{request.signature.timestamp, request.key_id, request.signature.mac}] = request.id;
    }
    outcome.upload = row->upload;
    news.push_back({Change::Kind::uploads_due, request.account, request.id});
  }
  database_.publish(news);
  return outcome;
}

Result<std::vector<UploadAttempt>> MemoryAttemptHistory::attempts_of(UploadId id) {
  const MemoryDatabase::Transaction transaction(database_);
  const MemoryDatabase::Row* row = database_.find(id);
  return row == nullptr ? std::vector<UploadAttempt>() : row->attempts;
}

Result<ConfirmedParts> MemoryAttemptHistory::parts_of(UploadId id) {
  const MemoryDatabase::Transaction transaction(database_);
  const MemoryDatabase::Row* row = database_.find(id);
  if (row == nullptr || row->journal.multipart_id.empty()) return ConfirmedParts();
  ConfirmedParts parts{.part_size = row->journal.part_size};
  for (const Part& part : row->journal.parts) add_part(parts, part.number, row->part_times.at(part.number));
  return parts;
}

// --- Workers

Result<Candidates> MemoryWorkQueue::candidates(const CandidateQuery& query) {
  const MemoryDatabase::Transaction transaction(database_);
  const WallTime now = database_.clock_.now();
  Candidates answer;
  int listed = 0;
  for (int priority = kMaxPriority; priority >= 0; --priority) {
    std::map<AccountId, Candidate> ready;
    std::vector<const MemoryDatabase::Row*> rows;
    for (const auto& [id, row] : database_.uploads_) {
      if (row.upload.request.priority == priority && row.ready(now)) rows.push_back(&row);
    }
    std::ranges::stable_sort(rows, {}, &MemoryDatabase::Row::next_attempt);
    for (const MemoryDatabase::Row* row : rows) {
      const Upload& upload = row->upload;
      const bool large = upload.size > kLargeUploadBytes;
      if (large && query.places.large <= 0) continue;
      Candidate& candidate = ready[upload.account];
      candidate.priority = priority;
      candidate.account = upload.account;
      candidate.weight = database_.weight_of_(upload.account);
      auto& heads = large ? candidate.large : candidate.small;
      const int places = large ? std::min(query.places.large, query.places.all) : query.places.all;
      if (std::ssize(heads) < std::min(query.depth, places)) {
        heads.push_back(
            {upload.id, upload.size - upload.bytes_sent, query.with_buckets ? upload.request.bucket : std::string()});
      } else {
        (large ? candidate.more_large : candidate.more_small) = true;
      }
    }
    // From the first account of the order on, then those below it.
    std::vector<Candidate> ordered;
    const auto from = ready.lower_bound(query.from[static_cast<std::size_t>(priority)]);
    for (auto at = from; at != ready.end(); ++at) ordered.push_back(std::move(at->second));
    for (auto at = ready.begin(); at != from; ++at) ordered.push_back(std::move(at->second));
    for (Candidate& one : ordered) {
      if (query.leaves_out && query.leaves_out(one.account)) {
        answer.left_out = true;
        continue;
      }
      if (listed >= query.uploads) {
        answer.more_accounts = true;
        return answer;
      }
      listed += static_cast<int>(one.small.size() + one.large.size());
      answer.accounts.push_back(std::move(one));
    }
  }
  return answer;
}

Result<std::vector<ClaimedUpload>> MemoryWorkQueue::claim(const std::vector<UploadId>& ids, milliseconds lease) {
  const MemoryDatabase::Transaction transaction(database_);
  const WallTime now = database_.clock_.now();
  std::vector<ClaimedUpload> claimed;
  for (const UploadId id : ids) {
    MemoryDatabase::Row* row = database_.find(id);
    if (row == nullptr || !row->may_run(now) || claimed.size() == kMaxClaim) continue;
    Upload& upload = row->upload;
    database_.changed_uploads_.insert(id);
    upload.state = UploadState::uploading;
    if (!row->interrupted) ++upload.attempts;
    row->interrupted = false;
    row->suspect = false;
    row->delayed = false;
    if (!upload.started) upload.started = now;
    upload.attempt_started = now;
    upload.attempt_first_byte = upload.bytes_sent;
    row->hold = {now + lease, self_};
    ++row->fence;
    claimed.push_back({{id, row->fence},
                       upload,
                       row->token,
                       row->journal,
                       database_.weight_of_(upload.account),
                       row->unanswered,
                       row->only_look});
  }
  return claimed;
}

Result<std::vector<HeldLease>> MemoryWorkQueue::renew(const std::vector<Lease>& leases, milliseconds lease) {
  const MemoryDatabase::Transaction transaction(database_);
  std::vector<HeldLease> still_held;
  for (const Lease& one : leases) {
    MemoryDatabase::Row* row = database_.held(one);
    if (row == nullptr) continue;
    row->hold->until = database_.clock_.now() + lease;
    still_held.push_back({one, row->wanted != Wanted::nothing});
  }
  return still_held;
}

void MemoryWorkQueue::finish(const Lease& lease, UploadEnding ending, Done done) {
  std::vector<Change> news;
  Result<> outcome;
  {
    const MemoryDatabase::Transaction transaction(database_);
    outcome = database_.finish(lease, ending, end_of_run(ending.state), news);
  }
  database_.publish(news);
  done(std::move(outcome));
}

void MemoryWorkQueue::requeue(const Lease& lease, Requeue how, Done done) {
  std::vector<Change> news;
  Result<> outcome;
  {
    const MemoryDatabase::Transaction transaction(database_);
    outcome = database_.requeue(lease, how, MemoryDatabase::Crash::none, news);
  }
  database_.publish(news);
  done(std::move(outcome));
}

Result<std::optional<WorkQueue::Suspect>> MemoryWorkQueue::next_suspect() {
  const MemoryDatabase::Transaction transaction(database_);
  const MemoryDatabase::Row* first = nullptr;
  for (const auto& [id, row] : database_.uploads_) {
    const bool may_run = row.suspect && row.upload.state == UploadState::queued;
    if (may_run && (first == nullptr || row.crashes_alone < first->crashes_alone)) first = &row;
  }
  if (first == nullptr) return std::optional<Suspect>();
  return std::optional<Suspect>({first->upload.id, first->crashes});
}

Result<int> MemoryWorkQueue::rescue(int max_crashes) {
  std::vector<Change> news;
  int taken = 0;
  {
    const MemoryDatabase::Transaction transaction(database_);
    std::vector<UploadId> orphans;
    for (const auto& [id, row] : database_.uploads_) {
      if (row.hold && row.hold->until <= database_.clock_.now()) orphans.push_back(id);
    }
    taken = database_.take_back(orphans, max_crashes, news);
  }
  database_.publish(news);
  return taken;
}

Result<int> MemoryWorkQueue::reclaim(int max_crashes) {
  std::vector<Change> news;
  int taken = 0;
  {
    const MemoryDatabase::Transaction transaction(database_);
    std::vector<UploadId> orphans;
    for (const auto& [id, row] : database_.uploads_) {
      const bool ours = row.hold && row.hold->owner.node == self_.node && row.hold->owner.term < self_.term;
      if (ours) orphans.push_back(id);
    }
    taken = database_.take_back(orphans, max_crashes, news);
  }
  database_.publish(news);
  return taken;
}

Result<std::optional<milliseconds>> MemoryWorkQueue::next_due() {
  const MemoryDatabase::Transaction transaction(database_);
  const WallTime now = database_.clock_.now();
  std::optional<milliseconds> first;
  for (const auto& [id, row] : database_.uploads_) {
    if (row.upload.state != UploadState::queued || row.waiting_on) continue;
    const milliseconds due = row.ready(now) ? 0ms : database_.until(row.next_attempt);
    first = std::min(first.value_or(due), due);
  }
  return first;
}

}  // namespace vodlift::memory
