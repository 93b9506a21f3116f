#include "postgres/pg_insert.h"

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "core/store_rules.h"
#include "postgres/account_statements.h"
#include "postgres/pg_upload_rows.h"
#include "postgres/upload_statements.h"

namespace vodlift::postgres {
namespace {

// More than may be accepted of one account while a count is recent, and by all transactions that run at once.
constexpr std::int64_t kAcceptedMeanwhile = 200'000;

// One group of jobs on its way into the tables.
class Insertion {
 public:
  Insertion(PgTransaction& transaction, std::span<const InsertJob> jobs, OpenLimit limit, RecentCounts& recent)
      : transaction_(transaction), connection_(transaction.connection), jobs_(jobs), limit_(limit), recent_(recent) {
    places_.resize(jobs.size());
  }

  std::vector<Result<InsertOutcome>> run() {
    find_equal_jobs();
    look();
    keep_chain_ends();
    insert_rows();
    insert_retries();
    return answers();
  }

 private:
  using Signature = std::tuple<std::int64_t, std::int64_t, std::string_view>;  // timestamp, key, mac
  // What becomes of a job.
  struct Place {
    bool is_new = true;               // false: repeated or refused
    std::optional<std::size_t> same;  // an earlier job of the group has the same signature
    bool repeated = false;
    std::optional<Error> refusal;
    UploadId id = 0;
    std::int64_t target = 0;
    std::optional<UploadId> waiting_on;
  };

  static Signature signature_of(const InsertJob& job) {
    return {job.upload.signature.timestamp, job.upload.key_id, job.upload.signature.mac};
  }

  // The values of many jobs, for an array each.
  struct Signatures {
    std::vector<std::int64_t> timestamps;
    std::vector<std::int64_t> keys;
    std::vector<Bytes> macs;

    void add(const InsertJob& job) {
      timestamps.push_back(job.upload.signature.timestamp);
      keys.push_back(job.upload.key_id);
      macs.push_back({job.upload.signature.mac});
    }
  };

  // Several of the group may have the same signature: the first of them counts.
  void find_equal_jobs() {
    for (std::size_t at = 0; at < jobs_.size(); ++at) {
      if (jobs_[at].upload.signature.mac.empty()) {
        unsigned_.push_back(at);
        continue;
      }
      const auto [known, is_first] = signed_.try_emplace(signature_of(jobs_[at]), at);
      if (is_first) continue;
      places_[at].is_new = false;
      places_[at].same = known->second;
    }
  }

  // What must be known first, and the signatures with the ids of their uploads, in one message. Objects are locked in
  // one order for all nodes, and before ids are taken: so ids of a chain grow in the order of the chain. Signatures
  // come in one order for all nodes, too: one that another node keeps at this moment is waited for.
  void look() {
    std::set<AccountId> accounts;
    std::set<std::int64_t> targets;
    for (std::size_t at = 0; at < jobs_.size(); ++at) {
      if (!places_[at].is_new) continue;
      const NewUpload& upload = jobs_[at].upload;
      accounts.insert(upload.account);
      places_[at].target = target_of(upload.account, upload.request.bucket, upload.request.destination_path);
      targets.insert(places_[at].target);
    }
    Signatures given;
    for (const auto& [signature, at] : signed_) given.add(jobs_[at]);
    const std::vector<std::int64_t> sorted(targets.begin(), targets.end());
    const std::vector<std::int64_t> not_counted = count_by_memory(accounts);
    std::vector<PgCall> calls = {PgCall(sql::kLockShared, sql::kRemovalLock),
                                 PgCall(sql::kLockTargets, sorted),
                                 PgCall(sql::kInsertSignatures, given.timestamps, given.keys, given.macs,
                                        std::vector<std::optional<std::int64_t>>(signed_.size())),
                                 PgCall(sql::kTakeIds, std::ssize(unsigned_)),
                                 PgCall(sql::kChainEnds, sorted),
                                 PgCall(sql::kLastRemovalTime)};
    if (!not_counted.empty()) calls.emplace_back(sql::kNearlyOpenCounts, not_counted, limit_.added_up_to);
    std::vector<PgResult> answers = connection_.run_together(calls);
    give_ids(answers[2], answers[3]);
    const bool removed_lately =
        answers[5].next() && transaction_.now() - from_unix_ms(answers[5].integer("value")) < kRemovalFelt;
    if (removed_lately) refuse_removed();
    if (!not_counted.empty()) read_counts(answers[6]);
    refuse_full_accounts();
    drop_signatures_of_refused();
    while (answers[4].next()) found_ends_.emplace(answers[4].integer("id"), answers[4].integer("target"));
  }

  // Ids of uploads that are not inserted are lost.
  void give_ids(PgResult& kept, PgResult& taken) {
    while (kept.next()) {
      const std::string mac = kept.blob("mac");
      place_of({kept.integer("timestamp_s"), kept.integer("key_id"), mac}).id = kept.integer("upload_id");
    }
    for (const std::size_t at : unsigned_) {
      if (taken.next()) places_[at].id = taken.integer("id");
    }
    find_repeats();
  }

  Place& place_of(const Signature& signature) { return places_[signed_.at(signature)]; }

  // A signature that was there belongs to an upload of before, perhaps of another node at the same time.
  void find_repeats() {
    Signatures there;
    std::vector<std::size_t> asked;
    for (const auto& [signature, at] : signed_) {
      if (places_[at].id != 0) continue;
      there.add(jobs_[at]);
      asked.push_back(at);
    }
    if (asked.empty() || connection_.failed()) return;
    auto found = connection_.run(sql::kFindSignatures, there.timestamps, there.keys, there.macs);
    while (found.next()) {
      Place& place = places_[asked[static_cast<std::size_t>(found.integer("number") - 1)]];
      place.is_new = false;
      place.repeated = true;
      place.id = found.integer("upload_id");
    }
    for (const std::size_t at : asked) {
      if (places_[at].id == 0) refuse(at, {Errc::store_failed, "the first of equal requests was just forgotten"});
    }
  }

  // Answers the accounts that are not known well enough.
  std::vector<std::int64_t> count_by_memory(const std::set<AccountId>& accounts) {
    std::vector<std::int64_t> unknown;
    for (const AccountId account : accounts) {
      if (const auto count = recent_.find(account, looked_)) {
        open_[account] = *count;
      } else {
        unknown.push_back(account);
      }
    }
    return unknown;
  }

  // The requests were checked by what was in memory then; what they name may be removed since.
  void refuse_removed() {
    std::vector<std::int64_t> accounts;
    std::vector<Bytes> buckets;
    std::vector<std::int64_t> keys;
    for (const InsertJob& job : jobs_) {
      accounts.push_back(job.upload.account);
      buckets.push_back({job.upload.request.bucket});
      keys.push_back(job.upload.key_id);
    }
    auto row = connection_.run(sql::kAreThere, accounts, buckets, keys);
    while (row.next()) {
      const auto at = static_cast<std::size_t>(row.integer("number") - 1);
      if (!places_[at].is_new) continue;
      if (row.integer("has_bucket") == 0) {
        refuse(at, no_such_bucket(jobs_[at].upload.request.bucket));
      } else if (row.integer("has_key") == 0) {
        refuse(at, key_is_removed());
      }
    }
  }

  void refuse(std::size_t at, Error error) {
    places_[at].is_new = false;
    places_[at].refusal = std::move(error);
  }

  void read_counts(PgResult& row) {
    while (row.next()) {
      const AccountId account = row.integer("account");
      open_[account] = row.integer("uploads");
      recent_.note(account, open_[account], looked_);
    }
  }

  // Near the limit one transaction decides after the other, and sees what the one before it has committed.
  void refuse_full_accounts() {
    std::vector<std::int64_t> near;
    for (const auto& [account, count] : open_) {
      if (count > limit_.most - kAcceptedMeanwhile) near.push_back(account);
    }
    if (!near.empty()) {
      auto answers = connection_.run_together({PgCall(sql::kLockAccounts, near), PgCall(sql::kOpenCounts, near)});
      read_counts(answers[1]);
    }
    for (std::size_t at = 0; at < jobs_.size(); ++at) {
      if (!places_[at].is_new) continue;
      std::int64_t& count = open_[jobs_[at].upload.account];
      if (count >= limit_.most) {
        refuse(at, too_many_open_uploads(jobs_[at].upload.account, limit_.most));
      } else {
        ++count;
      }
    }
  }

  // A request that is refused may come again.
  void drop_signatures_of_refused() {
    Signatures refused;
    for (const auto& [signature, at] : signed_) {
      if (places_[at].refusal) refused.add(jobs_[at]);
    }
    if (refused.keys.empty()) return;
    transaction_.last.emplace_back(sql::kDropSignatures, refused.timestamps, refused.keys, refused.macs);
  }

  // Whoever ends the upload that a new one shall wait for waits for this transaction, and then sees the new one. With
  // the targets locked, no upload to them can come; so what is not found in one look is not there.
  void keep_chain_ends() {
    std::map<std::int64_t, UploadId> ends;
    while (!found_ends_.empty() && !connection_.failed()) {
      std::vector<UploadId> ids;
      for (const auto& [id, target] : found_ends_) ids.push_back(id);
      auto kept = connection_.run(sql::kKeepOpen, ids);
      while (kept.next()) {
        const auto one = found_ends_.find(kept.integer("id"));
        ends[one->second] = one->first;
        found_ends_.erase(one);
      }
      if (found_ends_.empty()) break;
      std::vector<std::int64_t> again;  // their ends have ended just now
      for (const auto& [id, target] : found_ends_) again.push_back(target);
      found_ends_.clear();
      auto row = connection_.run(sql::kChainEnds, again);
      while (row.next()) found_ends_.emplace(row.integer("id"), row.integer("target"));
    }
    std::map<UploadId, Place*> in_order;
    for (Place& place : places_) {
      if (place.is_new) in_order.emplace(place.id, &place);
    }
    for (const auto& [id, place] : in_order) {
      if (const auto end = ends.find(place->target); end != ends.end()) place->waiting_on = end->second;
      ends[place->target] = id;
    }
  }

  void insert_rows() {
    std::vector<std::int64_t> ids, accounts, keys, sizes, priorities, targets;
    std::vector<Bytes> paths, destinations, buckets, metadata, callbacks, options, storages;
    std::vector<std::string_view> acls, tokens;
    std::vector<std::optional<std::int64_t>> waiting_on;
    for (std::size_t at = 0; at < jobs_.size(); ++at) {
      const Place& place = places_[at];
      if (!place.is_new) continue;
      const NewUpload& upload = jobs_[at].upload;
      const UploadRequest& request = upload.request;
      ids.push_back(place.id);
      accounts.push_back(upload.account);
      keys.push_back(upload.key_id);
      paths.push_back({request.path});
      storages.push_back({storage_of(request.path)});
      destinations.push_back({request.destination_path});
      buckets.push_back({request.bucket});
      acls.push_back(to_string(request.acl));
      metadata.push_back({jobs_[at].texts.metadata});
      callbacks.push_back({request.callback});
      options.push_back({jobs_[at].texts.options});
      tokens.push_back(upload.token);
      sizes.push_back(upload.size);
      priorities.push_back(request.priority);
      targets.push_back(place.target);
      waiting_on.push_back(place.waiting_on);
      transaction_.counts.add(upload.account, UploadState::queued, upload.size);
      transaction_.changed_upload(place.id);
      transaction_.tell({Change::Kind::uploads_due, upload.account, place.id});
    }
    if (ids.empty()) return;
    transaction_.last.emplace_back(sql::kInsertUploads, ids, accounts, keys, paths, destinations, buckets, acls,
                                   metadata, callbacks, options, tokens, sizes, priorities, targets, waiting_on,
                                   storages, to_unix_ms(transaction_.now()));
  }

  void insert_retries() {
    std::vector<std::int64_t> repeated, ids, accounts;
    for (std::size_t at = 0; at < jobs_.size(); ++at) {
      if (!places_[at].is_new || jobs_[at].upload.retry_of == 0) continue;
      repeated.push_back(jobs_[at].upload.retry_of);
      ids.push_back(places_[at].id);
      accounts.push_back(jobs_[at].upload.account);
    }
    if (ids.empty()) return;
    auto row = connection_.run(sql::kInsertRetries, repeated, ids, accounts);
    while (row.next()) transaction_.changed_upload(row.integer("upload_id"));
  }

  std::vector<Result<InsertOutcome>> answers() {
    std::vector<Result<InsertOutcome>> answers;
    answers.reserve(jobs_.size());
    for (std::size_t at = 0; at < jobs_.size(); ++at) {
      const Place& place = places_[places_[at].same.value_or(at)];
      if (place.refusal) {
        answers.emplace_back(*place.refusal);
      } else {
        answers.emplace_back(InsertOutcome{place.id, place.repeated || places_[at].same.has_value()});
      }
    }
    return answers;
  }

  PgTransaction& transaction_;
  PgConnection& connection_;
  const std::span<const InsertJob> jobs_;
  const OpenLimit limit_;
  RecentCounts& recent_;
  const SteadyTime looked_ = std::chrono::steady_clock::now();
  std::map<AccountId, std::int64_t> open_;       // uploads that have not ended
  std::vector<Place> places_;                    // of the jobs
  std::map<Signature, std::size_t> signed_;      // the jobs that have a signature, but for equal ones
  std::vector<std::size_t> unsigned_;            // the others
  std::map<UploadId, std::int64_t> found_ends_;  // of chains, with their targets
};

}  // namespace

std::vector<Result<InsertOutcome>> insert_uploads(PgTransaction& transaction, std::span<const InsertJob> jobs,
                                                  OpenLimit limit, RecentCounts& recent) {
  return Insertion(transaction, jobs, limit, recent).run();
}

}  // namespace vodlift::postgres
