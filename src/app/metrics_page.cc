#include "app/metrics_page.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "app/process.h"
#include "rest/callbacks.h"
#include "worker/turns.h"

namespace vodlift::app {
namespace {

using std::chrono::duration;

std::string text_of(AccountId account) { return account == kOtherAccounts ? "other" : std::to_string(account); }

// The accounts that have samples of their own.
std::set<AccountId> largest_accounts(const std::vector<UploadCount>& counts, std::size_t most) {
  std::map<AccountId, std::int64_t> open;
  for (const UploadCount& one : counts) {
    if (!is_end(one.state)) open[one.account] += one.uploads;
  }
  std::vector<std::pair<AccountId, std::int64_t>> sorted(open.begin(), open.end());
  std::ranges::stable_sort(sorted, std::ranges::greater(), [](const auto& one) { return one.second; });
  std::set<AccountId> largest;
  for (const auto& [account, uploads] : sorted) {
    if (uploads > 0 && largest.size() < most) largest.insert(account);
  }
  return largest;
}

}  // namespace

// One page.
class MetricsPage::Writing {
 public:
  explicit Writing(const Sources& sources) : from_(sources), context_(sources.context) {}

  void build(const Build& build) {
    text_.gauge("vodlift_build_info", "What this program was built from.");
    text_.sample(std::int64_t{1}, {{"version", build.version}, {"commit", build.commit}});
  }

  void uploads() {
    const auto counts = context_.uploads.counts();
    if (!counts) return miss();
    const auto own = largest_accounts(*counts, kMostMeasuredAccounts);
    std::map<std::pair<AccountId, UploadState>, std::int64_t> uploads;
    for (const UploadCount& one : *counts) {
      uploads[{own.contains(one.account) ? one.account : kOtherAccounts, one.state}] += one.uploads;
      running_ += one.state == UploadState::uploading ? one.uploads : 0;
    }
    text_.gauge("vodlift_uploads",
                "Uploads in a state, by account; other: the accounts with fewest that have not ended.");
    for (const auto& [place, count] : uploads) {
      text_.sample(count, {{"state", to_string(place.second)}, {"cdn", text_of(place.first)}});
    }
    queue_age_of(largest_accounts(*counts, kMostMeasuredQueues));
  }

  void queue() {
    const auto queue = context_.uploads.queue(std::nullopt);
    if (!queue) return miss();
    text_.gauge("vodlift_ready_uploads", "Uploads that could be sent now, by priority; 1000 stands for more.");
    for (const ReadyUploads& one : queue->ready) {
      text_.sample(one.uploads, {{"priority", std::to_string(one.priority)}});
    }
    text_.gauge("vodlift_ready_bytes", "Bytes of these that are still to be sent.");
    for (const ReadyUploads& one : queue->ready) {
      text_.sample(one.bytes, {{"priority", std::to_string(one.priority)}});
    }
    text_.gauge("vodlift_ready_age_seconds", "How long the one of these has waited that waits longest.");
    for (const ReadyUploads& one : queue->ready) {
      text_.sample(seconds_since(one.longest), {{"priority", std::to_string(one.priority)}});
    }
    text_.gauge("vodlift_queue_age_seconds",
                "Age of the oldest upload that is queued, ready or not; 0: there is none.");
    text_.sample(queue->oldest ? seconds_since(*queue->oldest) : 0.0);
    needs(*queue);
  }

  void work() {
    const StatisticsCollector::Totals totals = from_.collector.totals();
    text_.counter("vodlift_sent_bytes_total", "Bytes that stores have confirmed, by account.");
    for (const auto& [account, bytes] : totals.bytes_sent) text_.sample(bytes, {{"cdn", text_of(account)}});
    text_.counter("vodlift_attempt_errors_total",
                  "Attempts of uploads that ended with an error; outcome: the upload is retried, or has failed.");
    for (const auto& [code, sums] : totals.errors) {
      text_.sample(sums.retried, {{"error", info(code).name}, {"outcome", "retried"}});
      text_.sample(sums.failed, {{"error", info(code).name}, {"outcome", "failed"}});
    }
    const worker::Dispatcher::Occupied occupied = from_.dispatcher.occupied();
    text_.gauge("vodlift_upload_slots", "How many uploads may run at once; spare: beside the usual ones.");
    text_.sample(std::int64_t{from_.dispatcher.slots()}, {{"kind", "usual"}});
    text_.sample(std::int64_t{worker::spare_places(from_.dispatcher.slots())}, {{"kind", "spare"}});
    text_.gauge("vodlift_upload_slots_occupied", "How many of these run an upload.");
    text_.sample(std::int64_t{occupied.usual}, {{"kind", "usual"}});
    text_.sample(std::int64_t{occupied.spare}, {{"kind", "spare"}});
    text_.gauge("vodlift_uploads_claimed_ahead", "Uploads that are claimed and wait for a slot.", occupied.ahead);
  }

  void calls() { from_.calls.write(text_); }

  void stores() {
    from_.endpoints.metrics().write(text_);
    text_.gauge("vodlift_endpoint_clock_offset_seconds",
                "By how much the clock of a store is ahead of ours, if it told.");
    for (const auto& [endpoint, offset] : from_.endpoints.clock_offsets()) {
      text_.sample(std::int64_t{offset.count()}, {{"endpoint", endpoint}});
    }
    const auto known = context_.ledger.counts();
    if (!known) return miss();
    text_.gauge("vodlift_multipart_uploads",
                "Multipart uploads that may be open at a store; litter: of no upload any more.");
    text_.sample(known->in_use, {{"kind", "in_use"}});
    text_.sample(known->abandoned, {{"kind", "litter"}});
  }

  void callbacks() {
    from_.callbacks.metrics().write(text_);
    const auto receivers = context_.callbacks.receivers(0);
    if (!receivers) return miss();
    std::int64_t waiting = 0;
    std::int64_t failing = 0;
    std::int64_t disabled = 0;
    for (const CallbackReceiver& one : *receivers) {
      waiting += one.sums.waiting;
      failing += one.sums.failing_since ? 1 : 0;
      disabled += rest::is_disabled(context_, one) ? 1 : 0;
    }
    text_.gauge("vodlift_callbacks_waiting", "Callbacks that are to be delivered.", waiting);
    text_.gauge("vodlift_callback_receivers_failing", "Receivers whose last attempt failed.", failing);
    text_.gauge("vodlift_callback_receivers_disabled",
                "Receivers that get one callback an hour, because all have failed for days.", disabled);
  }

  void database() {
    from_.engine.write_metrics(text_);
    from_.retention.metrics().write(text_);
    const StoreHealth health = context_.monitor.look();
    if (health.knows_room()) {
      text_.gauge("vodlift_store_free_bytes", "Free space of the database's disk.", health.free_bytes);
    }
    text_.gauge("vodlift_store_disk_full", "1: the disk was full, and new uploads are refused.",
                health.disk_full ? 1 : 0);
    text_.gauge("vodlift_store_refusing_seconds", "How long the database has refused changes; 0: it does not.",
                health.refuses_for.value_or(std::chrono::seconds(0)).count());
    text_.gauge("vodlift_store_busy_seconds", "How long the change that is under way has taken so far.",
                health.busy_for.count());
    text_.gauge("vodlift_store_damaged", "Tables and indexes that the last check found damaged.", health.damaged);
  }

  void listeners(const std::vector<Listener>& listeners) {
    const auto each = [&](std::string_view name, std::string_view help, std::size_t net::HttpServerLoad::*number) {
      text_.gauge(name, help);
      for (const Listener& one : listeners) {
        text_.sample(static_cast<std::int64_t>(one.server.load().*number), {{"listener", one.name}});
      }
    };
    using Load = net::HttpServerLoad;
    each("vodlift_http_connections", "Open connections of clients.", &Load::connections);
    each("vodlift_http_connections_limit", "How many there may be.", &Load::most_connections);
    each("vodlift_http_memory_bytes", "Memory that requests and answers hold.", &Load::memory_bytes);
    each("vodlift_http_memory_limit_bytes", "How much they may hold.", &Load::most_memory_bytes);
    each("vodlift_http_streams", "Open streams of events.", &Load::streams);
  }

  void spans() {
    if (from_.spans.wanted()) from_.spans.write_metrics(text_);
  }

  void storages() {
    const auto all = context_.storages.list();
    text_.gauge("vodlift_storage_available", "1: the files of a storage can be read.");
    for (const StorageInfo& one : all) text_.sample(std::int64_t{one.available ? 1 : 0}, {{"storage", one.name}});
    text_.gauge("vodlift_storage_free_bytes", "Free space of a storage that is available.");
    for (const StorageInfo& one : all) {
      if (one.available) text_.sample(one.bytes_free, {{"storage", one.name}});
    }
  }

  void nodes() {
    const auto all = context_.nodes.list();
    if (!all) return miss();
    text_.gauge("vodlift_nodes", "Nodes that share the database, by state.");
    for (const NodeState state : kNodeStates) {
      text_.sample(std::ranges::count(*all, state, &NodeInfo::state), {{"state", to_string(state)}});
    }
  }

  void process() {
    const ProcessUsage usage = process_usage();
    text_.counter("process_cpu_seconds_total", "Processor time of the process.");
    text_.sample(usage.cpu_seconds);
    text_.gauge("process_start_time_seconds", "When the process started, Unix time.");
    text_.sample(usage.start_time);
    text_.gauge("process_resident_memory_bytes", "Resident memory of the process.", usage.resident_bytes);
    text_.gauge("process_virtual_memory_bytes", "Virtual memory of the process.", usage.virtual_bytes);
    text_.gauge("process_open_fds", "Open file descriptors.", usage.open_files);
    text_.gauge("process_max_fds", "How many there may be.", static_cast<std::int64_t>(open_files_limit()));
    text_.gauge("process_threads", "Threads of the process.", usage.threads);
  }

  std::string take() {
    text_.gauge("vodlift_metrics_complete", "0: something could not be read, and is missing above.", complete_ ? 1 : 0);
    return text_.take();
  }

 private:
  void miss() { complete_ = false; }

  [[nodiscard]] double seconds_since(WallTime time) const {
    return std::max(0.0, duration<double>(context_.clock.now() - time).count());
  }

  void queue_age_of(const std::set<AccountId>& accounts) {
    text_.gauge("vodlift_account_queue_age_seconds",
                "Age of the oldest upload that is queued, of the accounts with most that have not ended.");
    for (const AccountId account : accounts) {
      const auto queue = context_.uploads.queue(account);
      if (!queue) return miss();
      if (queue->oldest) text_.sample(seconds_since(*queue->oldest), {{"cdn", text_of(account)}});
    }
  }

  void needs(const QueueState& queue) {
    std::map<std::pair<std::string_view, std::string_view>, std::int64_t> needs;
    for (const rest::Need& one : rest::find_needs(context_, std::nullopt, queue, running_)) {
      ++needs[{one.code, one.severity}];
    }
    text_.gauge("vodlift_attention", "Things that need a person now, as the overview of the panel shows them.");
    for (const auto& [what, count] : needs) text_.sample(count, {{"code", what.first}, {"severity", what.second}});
  }

  const Sources& from_;
  const rest::Context& context_;
  MetricsText text_;
  std::int64_t running_ = 0;
  bool complete_ = true;
};

std::string MetricsPage::write() const {
  Writing page(sources_);
  page.build(build_);
  page.uploads();
  page.queue();
  page.work();
  page.calls();
  page.stores();
  page.callbacks();
  page.database();
  page.listeners(listeners_);
  page.spans();
  page.storages();
  page.nodes();
  page.process();
  return page.take();
}

}  // namespace vodlift::app
