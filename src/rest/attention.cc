#include "rest/attention.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "base/encoding.h"
#include "rest/callbacks.h"
#include "rest/route.h"

namespace vodlift::rest {
namespace {

using std::chrono::seconds;

constexpr std::size_t kMaxNameBytes = 255;

// What is said of each. The gravest first. In braces: what is known of the one case.
struct Advice {
  std::string_view code;
  std::string_view kind;
  std::string_view severity;
  std::string_view title;
  std::string_view detail;
  std::string_view fix;  // what a customer can do; empty: ask the operator
  std::string_view operator_fix;
};
constexpr std::string_view kCritical = "critical";
constexpr std::string_view kWarning = "warning";
constexpr std::array kWords = {
    Advice{
        "store_damaged", "database", kCritical, "The database is damaged.",
        "The check that runs in the background found {count} tables or indexes whose damage stays. The log names them.",
        "",
        "Stop vodlift, keep a copy of the database, and put back the last good copy: see docs/storage.md. Check the "
        "disk."},
    Advice{"store_refuses", "database", kCritical, "The database refuses changes.",
           "Nothing can be queued, and no end of an upload can be recorded. The log tells why.", "",
           "See the log (\"the database refused changes\"), the disk of the database and its mount."},
    Advice{"disk_full", "disk", kCritical, "The database's disk is full.",
           "Uploads that are queued go on. New ones are refused.", "", "Make room on the disk of the database."},
    Advice{"queue_stuck", "server", kCritical, "Uploads are ready, but none is running.",
           "The first of them has waited for {time}.", "",
           "See the log of the server, then restart it: uploads go on where they were."},
    Advice{"no_worker", "server", kCritical, "No running node sends files.",
           "Uploads are accepted, and wait for a node with the role worker.", "",
           "Start a node with the role worker: vodlift node list shows which there are."},
    Advice{"no_callbacks", "callbacks", kCritical, "No running node delivers callbacks.",
           "Callbacks wait for a node with the role callback.", "",
           "Start a node with the role callback: vodlift node list shows which there are."},
    Advice{"storage_gone", "storage", kCritical, "Storage {storage} is not available.",
           "Its files cannot be read. Uploads from it wait and go on when it is back.", "",
           "Mount it, or see that the server answers: vodlift storage list tells whether it is back."},
    Advice{"storage_nowhere", "storage", kCritical, "No running worker has storage {storage}.",
           "Uploads from it wait for a node that has it. When no node is known any more that had it in the last week, "
           "they fail as storage_removed.",
           "",
           "Start a node with this [[storage]], or add it to the configuration of one and reload. If it is gone for "
           "good: vodlift upload cancel --storage {storage}"},
    Advice{"bucket_key", "bucket", kCritical, "The S3 key of bucket {bucket} is refused, or cannot be had.",
           "Uploads of account {cdn} to it wait until the key is good.",
           "Make the key valid at the store, or ask the operator of this server to set another.",
           "Make the key valid at the store, or give another with vodlift bucket set. Then: vodlift bucket check --cdn "
           "{cdn} --bucket {bucket}"},
    Advice{"bucket_denied", "bucket", kCritical, "Bucket {bucket} refuses us: access denied.",
           "Uploads of account {cdn} to it fail, because the store does not let its key write there.",
           "Give the key the policy that the check of the bucket shows. Then retry what failed with s3_access_denied.",
           "Give the key the policy that this prints: vodlift bucket check --cdn {cdn} --bucket {bucket}. Then retry "
           "what failed with s3_access_denied."},
    Advice{
        "bucket_missing", "bucket", kCritical, "Bucket {bucket} does not exist at its store.",
        "Uploads of account {cdn} to it fail.",
        "Make the bucket at {endpoint}, or ask the operator of this server to correct its settings. Then retry what "
        "failed with s3_no_such_bucket.",
        "Make the bucket at {endpoint}, or correct its settings with vodlift bucket set. Then retry what failed with "
        "s3_no_such_bucket."},
    Advice{"bucket_full", "bucket", kCritical, "Bucket {bucket} has no room.",
           "The store takes no more objects of account {cdn} there.", "Make room at the store, or raise its quota.",
           "Make room at the store, or raise its quota."},
    Advice{"bucket_down", "bucket", kCritical, "Bucket {bucket} does not answer, or only with errors.",
           "Uploads of account {cdn} to it wait. One at a time tries whether it is back.",
           "See {endpoint}. Uploads go on by themselves when it answers.",
           "See {endpoint}. Uploads go on by themselves when it answers."},
    Advice{"endpoint_down", "bucket", kCritical, "{endpoint} does not answer, or only with errors.",
           "Uploads to {count} buckets there wait. One at a time tries whether it is back.",
           "See the store. Uploads go on by themselves when it answers.",
           "See the store, and the network between here and there. Uploads go on by themselves when it answers."},
    Advice{
        "callbacks_disabled", "callbacks", kWarning,
        "Receiver {receiver} is disabled: all callbacks to it have failed for {time}.",
        "Account {cdn} does not hear how its uploads end. Its callbacks to there fail unsent, but for one an hour. The "
        "last error: {error}",
        "See what the receiver answers. When it works, send a callback again: one that is delivered enables it.",
        "See what the receiver answers: vodlift callback list --receiver {receiver}. When it works, vodlift callback "
        "send ID: one that is delivered enables it."},
    Advice{
        "callbacks_failing", "callbacks", kWarning, "Callbacks to {receiver} have failed for {time}.",
        "Account {cdn} does not hear how its uploads end. The last error: {error}",
        "See what the receiver answers. What has failed for good can be sent again when it works.",
        "See what the receiver answers: vodlift callback list --receiver {receiver}. What has failed for good can be "
        "sent again when it works."},
    Advice{"alerts_failing", "server", kWarning, "Alerts to {receiver} have failed for {time}.",
           "Whoever reads them is not told what needs a person. The last error: {error}", "",
           "See what it answers: vodlift alerts test"},
    Advice{"queue_behind", "server", kWarning, "The first upload that is ready has waited for {time}.",
           "More is queued than is sent.", "",
           "See the limits (vodlift limit list), and whether more uploads may run at once ([worker] uploads)."},
    Advice{"clock_wrong", "clock", kWarning, "The clock of this machine is not that of {endpoint}.",
           "They differ by {time}. Requests are signed with the store's time; clients' requests are judged by ours.",
           "", "Set this machine's clock right (NTP)."},
    Advice{"disk_low", "disk", kWarning, "The database's disk has only {count} MiB left.",
           "When it is full, new uploads are refused.", "", "Make room on the disk of the database."},
};

// Of a storage whose root has no folder.
constexpr std::string_view kBareDetail =
    "Its root is there, but has no folder in it: most likely nothing is mounted there. Uploads from it wait and go on "
    "when it is.";
constexpr std::string_view kBareFix =
    "Mount it; nothing needs a restart. If it is mounted, make the folders of the accounts in it. vodlift storage list "
    "tells whether it is back.";

// What may be put in the place of the braces.
struct Known {
  std::string bucket{};
  AccountId cdn = 0;
  std::string endpoint{};
  std::string storage{};
  std::string receiver{};
  std::string error{};
  std::int64_t count = 0;
  seconds time{0};
};

std::string fill(std::string_view text, const Known& known) {
  return fmt::format(fmt::runtime(text), fmt::arg("bucket", printable(known.bucket, kMaxNameBytes)),
                     fmt::arg("cdn", known.cdn), fmt::arg("endpoint", printable(known.endpoint, kMaxNameBytes)),
                     fmt::arg("storage", printable(known.storage, kMaxNameBytes)), fmt::arg("count", known.count),
                     fmt::arg("time", duration_text(known.time)),
                     fmt::arg("receiver", printable(known.receiver, kMaxNameBytes)),
                     fmt::arg("error", printable(known.error, kMaxNameBytes)));
}

Need need_of(std::string_view code, const Known& known) {
  const auto words = std::ranges::find(kWords, code, &Advice::code);
  Need need{.code = words->code, .kind = words->kind, .severity = words->severity};
  Known constant = known;
  constant.count = 0;
  constant.time = {};
  need.mark = fmt::format("{} {} {}", code, known.cdn, fill(words->title, constant));
  need.title = fill(words->title, known);
  need.detail = fill(words->detail, known);
  need.fix = words->fix.empty() ? std::string(kAskOperator) : fill(words->fix, known);
  need.operator_fix = fill(words->operator_fix, known);
  return need;
}

std::string_view code_of(const BucketTrouble& trouble) {
  switch (trouble.code) {
    case Errc::s3_credential:
      return "bucket_key";
    case Errc::s3_access_denied:
      return "bucket_denied";
    case Errc::s3_no_such_bucket:
      return "bucket_missing";
    case Errc::s3_full:
      return "bucket_full";
    default:
      return "bucket_down";
  }
}

// Finds and collects them.
class Search {
 public:
  Search(const Context& context, NeedView cdn, const NeedLimits& limits = {})
      : context_(context), cdn_(cdn), limits_(limits) {}

  void look_at_database() {
    const StoreHealth health = context_.monitor.look();
    if (health.damaged > 0) add(need_of("store_damaged", {.count = health.damaged}));
    if (health.refuses_for) add(need_of("store_refuses", {}), health.refuses_for);
    constexpr std::int64_t kMiB = std::int64_t{1024} * 1024;
    if (health.disk_full) {
      add(need_of("disk_full", {}));
    } else if (health.free_bytes < limits_.low_disk_bytes) {
      add(need_of("disk_low", {.count = health.free_bytes / kMiB}));
    }
  }

  void look_at_queue(const QueueState& queue, std::int64_t running) {
    seconds longest{0};
    for (const ReadyUploads& one : queue.ready) {
      longest = std::max(longest, std::chrono::floor<seconds>(context_.clock.now() - one.longest));
    }
    if (running == 0 && longest >= kStuckAfter) return add(need_of("queue_stuck", {.time = longest}), longest);
    if (longest >= limits_.behind_after) add(need_of("queue_behind", {.time = longest}), longest);
  }

  void look_for_nodes(const std::vector<std::string>& nowhere) {
    look_for_roles();
    for (const std::string& storage : nowhere) {
      Need need = need_of("storage_nowhere", {.storage = storage});
      need.storage = storage;
      UploadFilter waiting;
      waiting.states = {UploadState::queued};
      waiting.storage = storage;
      count(need, std::move(waiting));
      add(std::move(need), {});
    }
  }

  // What cannot be read is told by what is wrong with the database.
  void look_for_roles() {
    const auto nodes = context_.nodes.list();
    if (!nodes) return;
    const auto has = [&](bool NodeRoles::*role) {
      return std::ranges::any_of(*nodes, [&](const NodeInfo& node) {
        return node.about.roles.*role && (node.state == NodeState::alive || node.self.node == context_.self.node);
      });
    };
    if (!has(&NodeRoles::worker)) add(need_of("no_worker", {}), {});
    if (!has(&NodeRoles::callback)) add(need_of("no_callbacks", {}), {});
  }

  // The three above, with what the queue holds now.
  Result<> look_at_server() {
    look_at_database();
    const auto queue = context_.uploads.queue({});
    if (!queue) return queue.error();
    const auto counts = context_.uploads.counts();
    if (!counts) return counts.error();
    std::int64_t running = 0;
    for (const UploadCount& one : *counts) running += one.state == UploadState::uploading ? one.uploads : 0;
    look_at_queue(*queue, running);
    look_for_nodes(queue->nowhere);
    return {};
  }

  void look_at_alerts() {
    for (const AlertReceiver& one : context_.alerts.receivers()) {
      if (!one.failing_since) continue;
      const auto lasts = std::chrono::floor<seconds>(context_.clock.now() - *one.failing_since);
      if (lasts < kAlertsFailAfter) continue;
      add(need_of("alerts_failing", {.receiver = one.name, .error = one.error, .time = lasts}), lasts);
    }
  }

  void look_at_storages(const std::vector<StorageInfo>& storages) {
    for (const StorageInfo& one : storages) {
      if (one.available) continue;
      Need need = need_of("storage_gone", {.storage = one.name});
      need.storage = one.name;
      if (one.bare) need.detail = kBareDetail;
      if (one.bare) need.operator_fix = kBareFix;
      UploadFilter waiting;
      waiting.states = {UploadState::queued};
      waiting.errors = {Errc::storage_unavailable};
      waiting.text = one.name + "/";
      count(need, std::move(waiting));
      add(std::move(need), one.gone_for);
    }
  }

  void look_at_stores() {
    const StoreTroubles troubles = context_.doctor.troubles(context_.accounts.buckets(cdn_));
    std::map<std::string, std::vector<const BucketTrouble*>> endpoints;
    for (const BucketTrouble& one : troubles.buckets) {
      one.whole_endpoint ? endpoints[one.endpoint].push_back(&one) : add_bucket(one, code_of(one));
    }
    for (const auto& [endpoint, buckets] : endpoints) {
      if (buckets.size() == 1) {
        add_bucket(*buckets.front(), "bucket_down");
      } else {
        add(need_of("endpoint_down", {.endpoint = endpoint, .count = std::ssize(buckets)}), buckets.front()->lasts);
      }
    }
    if (cdn_ || troubles.clock_endpoint.empty()) return;
    add(need_of("clock_wrong", {.endpoint = troubles.clock_endpoint, .time = std::chrono::abs(troubles.clock_offset)}));
  }

  Result<> look_at_callbacks() {
    const auto receivers = context_.callbacks.receivers(cdn_.value_or(0));
    if (!receivers) return receivers.error();
    for (const CallbackReceiver& one : *receivers) {
      if (!one.sums.failing_since || one.account == kOtherReceivers) continue;
      const auto lasts = std::chrono::floor<seconds>(context_.clock.now() - *one.sums.failing_since);
      const bool disabled = is_disabled(context_, one);
      if (!disabled && lasts < kCallbacksFailAfter) continue;
      Need need = need_of(disabled ? "callbacks_disabled" : "callbacks_failing",
                          {.cdn = one.account, .receiver = one.receiver, .error = one.sums.last_error, .time = lasts});
      need.cdn = one.account;
      need.receiver = one.receiver;
      need.affected = one.sums.waiting;
      add(std::move(need), lasts);
    }
    return {};
  }

  std::vector<Need> take() {
    std::ranges::stable_sort(needs_, {}, [](const Need& one) { return one.severity != kCritical; });
    if (needs_.size() > kMostNeeds) needs_.erase(needs_.begin() + kMostNeeds, needs_.end());
    return std::move(needs_);
  }

 private:
  void add_bucket(const BucketTrouble& trouble, std::string_view code) {
    Need need = need_of(code, {.bucket = trouble.bucket, .cdn = trouble.cdn, .endpoint = trouble.endpoint});
    need.cdn = trouble.cdn;
    need.bucket = trouble.bucket;
    UploadFilter waiting;
    waiting.account = trouble.cdn;
    waiting.states = {UploadState::queued};
    waiting.bucket = trouble.bucket;
    count(need, std::move(waiting));
    add(std::move(need), trouble.lasts);
  }

  // Not for those that will not be shown. What cannot be counted now is not known.
  void count(Need& need, UploadFilter filter) {
    if (needs_.size() >= kMostNeeds) return;
    if (cdn_) filter.account = cdn_;
    const auto page = context_.uploads.search({std::move(filter), 0, kMostAffected, kAffectedLookedAt});
    if (!page) return;
    need.affected = std::ssize(page->uploads);
    need.at_least = page->next != 0;
  }

  void add(Need need, std::optional<seconds> lasts = {}) {
    if (lasts) need.since = context_.clock.now() - *lasts;
    needs_.push_back(std::move(need));
  }

  const Context& context_;
  const NeedView cdn_;
  const NeedLimits limits_;
  std::vector<Need> needs_;
};

}  // namespace

std::vector<Need> find_needs(const Context& context, NeedView cdn, const QueueState& queue, std::int64_t running) {
  Search search(context, cdn);
  if (!cdn) {
    search.look_at_database();
    search.look_at_queue(queue, running);
    search.look_for_nodes(queue.nowhere);
    search.look_at_alerts();
  }
  search.look_at_storages(context.storages.list());
  search.look_at_stores();
  // What cannot be read is told by what is wrong with the database.
  (void)search.look_at_callbacks();
  return search.take();
}

Result<std::vector<std::vector<Need>>> find_needs(const Context& context, std::span<const NeedView> views,
                                                  const NeedLimits& limits) {
  const auto storages = context.storages.list();
  std::vector<std::vector<Need>> found;
  for (const NeedView view : views) {
    Search search(context, view, limits);
    if (!view) {
      if (auto looked = search.look_at_server(); !looked) return looked.error();
      search.look_at_alerts();
    }
    search.look_at_storages(storages);
    search.look_at_stores();
    if (auto looked = search.look_at_callbacks(); !looked) return looked.error();
    found.push_back(search.take());
  }
  return found;
}

boost::json::object to_json(const Need& need, Role role) {
  boost::json::object json{{"code", need.code},         {"kind", need.kind},
                           {"severity", need.severity}, {"title", need.title},
                           {"detail", need.detail},     {"fix", is_operator(role) ? need.operator_fix : need.fix},
                           {"at_least", need.at_least}};
  json["since"] = need.since ? boost::json::value(to_unix_seconds(*need.since)) : boost::json::value(nullptr);
  json["affected"] = need.affected ? boost::json::value(*need.affected) : boost::json::value(nullptr);
  if (need.cdn != 0) json["cdn"] = need.cdn;
  if (!need.bucket.empty()) json["bucket"] = printable(need.bucket, kMaxNameBytes);
  if (!need.receiver.empty()) json["receiver"] = printable(need.receiver, kMaxNameBytes);
  if (!need.storage.empty()) json["storage"] = printable(need.storage, kMaxNameBytes);
  return json;
}

std::string duration_text(seconds time) {
  using namespace std::chrono;
  if (time < minutes(1)) return fmt::format("{} s", time.count());
  if (time < hours(1)) return fmt::format("{} min", floor<minutes>(time).count());
  const auto in_hours = floor<hours>(time);
  if (time < days(1)) return fmt::format("{} h {:02} min", in_hours.count(), floor<minutes>(time - in_hours).count());
  const auto in_days = floor<days>(time);
  return fmt::format("{} d {} h", in_days.count(), floor<hours>(time - in_days).count());
}

}  // namespace vodlift::rest
