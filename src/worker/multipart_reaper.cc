#include "worker/multipart_reaper.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/encoding.h"
#include "base/log.h"
#include "core/multipart_policy.h"

namespace vodlift::worker {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr int kEntriesPerRound = 1000;
constexpr int kEntriesPerBucket = 100;
constexpr milliseconds kLongestSleep = 15s;
constexpr milliseconds kShortestSleep = 50ms;
constexpr std::string_view kAdvice =
    "abort it by hand (ListMultipartUploads, AbortMultipartUpload), and give the bucket a lifecycle rule with "
    "AbortIncompleteMultipartUpload, which ends what is left open";

std::string name_of(const AbandonedMultipart& entry) {
  return fmt::format("s3://{}/{}", entry.place.bucket, printable(entry.place.key));
}

}  // namespace

MultipartReaper::MultipartReaper(MultipartLedger& ledger, const AccountDirectory& accounts, ObjectStore& objects,
                                 ReaperOptions options)
    : ledger_(ledger), accounts_(accounts), objects_(objects), wanted_(options) {}

MultipartReaper::~MultipartReaper() { stop(); }

void MultipartReaper::start() {
  loop_.start("reaper", [this] { loop(); });
}

void MultipartReaper::stop() { loop_.stop(); }

void MultipartReaper::loop() {
  while (!loop_.stopping()) {
    round();
    milliseconds sleep = std::min(kLongestSleep, options_.retry);
    if (const auto next = ledger_.next_due(); next && *next) {
      sleep = std::clamp(**next, kShortestSleep, sleep);
    }
    loop_.wait_for(sleep);
  }
}

void MultipartReaper::use(ReaperOptions options) {
  const std::lock_guard lock(mutex_);
  wanted_ = options;
}

void MultipartReaper::round() noexcept {
  try {
    {
      const std::lock_guard lock(mutex_);
      options_ = wanted_;
    }
    work_on_all();
  } catch (const std::exception& failure) {
    log::error("unexpected error while open multipart uploads were aborted", {{"reason", failure.what()}});
  }
}

void MultipartReaper::work_on_all() {
  const auto due = ledger_.due(kEntriesPerRound);
  if (!due)
    return log::error("the ledger of multipart uploads cannot be read", {{"reason", due.error().for_operator()}});
  principals_.clear();
  std::map<Bucket, int> tried;
  std::set<Bucket> stuck;
  for (const AbandonedMultipart& entry : *due) {
    if (loop_.stopping()) return;
    const Bucket bucket{entry.account, entry.place.endpoint, entry.place.bucket};
    if (stuck.contains(bucket) || ++tried[bucket] > kEntriesPerBucket) continue;
    const auto done = work_on(entry);
    if (done || done.error().code == Errc::interrupted) continue;
    if (!give_up_or_postpone(entry, done.error())) stuck.insert(bucket);
  }
}

// False: the rest of the bucket must not be tried now either.
bool MultipartReaper::give_up_or_postpone(const AbandonedMultipart& entry, const Error& error) {
  if (entry.read - entry.abandoned >= options_.give_up) {
    log::error("gave up aborting a multipart upload; it stays open at the store",
               {{"object", name_of(entry)},
                {"endpoint", entry.place.endpoint},
                {"multipart", printable(entry.multipart_id)},
                {"upload", entry.upload},
                {"tries", entry.attempts + 1},
                {"reason", error.for_operator()},
                {"hint", kAdvice}});
    return static_cast<bool>(ledger_.remove(entry.id));
  }
  const milliseconds delay = reaper_retry_delay(entry.attempts + 1, options_.retry);
  log::warn("an open multipart upload could not be aborted yet", {{"object", name_of(entry)},
                                                                  {"multipart", printable(entry.multipart_id)},
                                                                  {"upload", entry.upload},
                                                                  {"tries", entry.attempts + 1},
                                                                  {"reason", error.for_operator()},
                                                                  {"in_ms", delay.count()}});
  const auto postponed = ledger_.postpone(entry.id, delay, error.for_operator());
  if (!postponed || !concerns_whole_bucket(error.code)) return static_cast<bool>(postponed);
  (void)ledger_.postpone_bucket(entry, delay);
  return false;
}

// Success: the entry is removed or replaced, or it is too early for it.
Result<> MultipartReaper::work_on(const AbandonedMultipart& entry) {
  const auto access = accounts_.find_bucket(entry.account, entry.place.bucket);
  if (!access) {
    return Error{Errc::bucket_not_configured,
                 fmt::format("bucket {} is not configured for account {} any more", entry.place.bucket, entry.account)};
  }
  // Credentials go to the endpoint that they were given for, and to no other.
  if (access->endpoint != entry.place.endpoint) {
    return Error{Errc::bucket_not_configured,
                 fmt::format("bucket {} is at {} now, this was opened at {}", entry.place.bucket, access->endpoint,
                             entry.place.endpoint.empty() ? "an endpoint that is not known" : entry.place.endpoint)};
  }
  const ObjectTarget target{*access, entry.place.key};
  if (entry.multipart_id.empty()) return search(entry, target);
  if (auto aborted = objects_.abort_multipart(target, entry.multipart_id); !aborted) return aborted;
  log::info("a multipart upload that was left open is aborted", {{"object", name_of(entry)}, {"upload", entry.upload}});
  return ledger_.remove(entry.id);
}

Result<> MultipartReaper::search(const AbandonedMultipart& entry, const ObjectTarget& target) {
  const auto early = std::chrono::ceil<milliseconds>(entry.last + options_.grace - entry.read);
  if (early > 0ms) return ledger_.postpone(entry.id, early, std::nullopt);
  const auto listing = objects_.list_multiparts(target);
  if (!listing) return listing.error();
  const auto known = ledger_.known(entry.place);
  if (!known) return known.error();
  if (known->create_under_way) return ledger_.postpone(entry.id, options_.grace, std::nullopt);

  auto candidates = opened_by(entry, *listing, known->ids);
  if (!candidates) return candidates.error();
  if (auto empty = keep_empty(*candidates, target); !empty) return empty;
  std::optional<std::string> principal;
  if (have_initiators(*candidates)) {
    auto ours = own_principal(entry, target);
    if (!ours) return ours.error();
    principal = std::move(*ours);
  }
  const auto ids = surely_ours(*candidates, principal, entry.creates);
  if (!ids) return ids.error();
  const auto adopted = ledger_.adopt(entry.id, *ids);
  if (!adopted) return adopted.error();
  if (!*adopted) return ledger_.postpone(entry.id, options_.grace, std::nullopt);
  return {};
}

// We send parts only after the id is in the journal: a multipart upload with parts is not ours.
Result<> MultipartReaper::keep_empty(std::vector<ListedMultipart>& candidates, const ObjectTarget& target) {
  std::vector<ListedMultipart> empty;
  for (ListedMultipart& one : candidates) {
    const auto parts = objects_.list_parts(target, one.id);
    if (!parts && parts.error().code != Errc::s3_no_such_upload) return parts.error();
    if (parts && parts->empty()) empty.push_back(std::move(one));
  }
  candidates = std::move(empty);
  return {};
}

Result<std::string> MultipartReaper::own_principal(const AbandonedMultipart& entry, const ObjectTarget& target) {
  const Bucket bucket{entry.account, entry.place.endpoint, entry.place.bucket};
  if (const auto at = principals_.find(bucket); at != principals_.end()) return at->second;
  auto principal = probe(entry, target);
  if (principal) principals_[bucket] = *principal;
  return principal;
}

// Opens a multipart upload only to see which principal the store reports for it, and aborts it. It is in the ledger
// meanwhile.
Result<std::string> MultipartReaper::probe(const AbandonedMultipart& entry, const ObjectTarget& target) {
  const auto probe = ledger_.intend_probe(entry);
  if (!probe) return probe.error();
  const auto opened = objects_.create_multipart(target, {});
  if (!opened) {
    if (!create_may_have_worked(opened.error().code)) (void)ledger_.remove(*probe);
    return opened.error();
  }
  const auto listing = objects_.list_multiparts(target);
  if (const auto aborted = objects_.abort_multipart(target, opened->id); aborted) {
    if (auto removed = ledger_.remove(*probe); !removed) return removed.error();
  } else if (const auto adopted = ledger_.adopt(*probe, {opened->id}); !adopted) {
    return adopted.error();
  }
  if (!listing) return listing.error();
  const auto at = std::ranges::find(listing->uploads, opened->id, &ListedMultipart::id);
  if (at != listing->uploads.end()) return at->initiator;
  return Error{Errc::s3_unverifiable, "a multipart upload just opened is not in the store's list"};
}

}  // namespace vodlift::worker
