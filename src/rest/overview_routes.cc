#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <map>

#include "rest/attention.h"
#include "rest/route.h"
#include "rest/uploads.h"

namespace vodlift::rest {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;
using std::chrono::hours;
using std::chrono::seconds;

constexpr hours kToday{24};
constexpr int kMostRunning = 5;
constexpr int kRunningLookedAt = 100;

// How many uploads there are in each state.
using Sums = std::map<UploadState, UploadCount>;

Result<Sums> sums_of(const Context& context, std::optional<AccountId> cdn) {
  const auto counts = context.uploads.counts();
  if (!counts) return counts.error();
  Sums sums;
  for (const UploadCount& one : *counts) {
    if (cdn && one.account != *cdn) continue;
    UploadCount& sum = sums[one.state];
    sum.uploads += one.uploads;
    const std::int64_t room = std::numeric_limits<std::int64_t>::max() - sum.bytes;
    sum.bytes += std::min(one.bytes, room);
  }
  return sums;
}

std::int64_t count_of(const Sums& sums, UploadState state) {
  const auto at = sums.find(state);
  return at == sums.end() ? 0 : at->second.uploads;
}

value cdn_or_null(std::optional<AccountId> cdn) { return cdn ? value(*cdn) : value(nullptr); }
value moment_or_null(const std::optional<WallTime>& time) {
  return time ? value(to_unix_seconds(*time)) : value(nullptr);
}

array counts_json(const Sums& sums, std::optional<AccountId> cdn) {
  array json;
  for (const auto& [state, sum] : sums) {
    json.push_back(
        object{{"cdn", cdn_or_null(cdn)}, {"state", to_string(state)}, {"uploads", sum.uploads}, {"bytes", sum.bytes}});
  }
  return json;
}

array queue_json(const QueueState& queue) {
  array json;
  for (const ReadyUploads& one : queue.ready) {
    json.push_back(object{{"priority", one.priority},
                          {"uploads", one.uploads},
                          {"bytes", one.bytes},
                          {"oldest", to_unix_seconds(one.longest)},
                          {"complete", one.complete}});
  }
  return json;
}

Result<array> running_json(const Context& context, const Caller& caller, std::optional<AccountId> cdn) {
  UploadSearch search;
  search.filter.account = cdn;
  search.filter.states = {UploadState::uploading};
  search.limit = kMostRunning;
  search.look_at = kRunningLookedAt;
  const auto page = context.uploads.search(search);
  if (!page) return page.error();
  array json;
  for (const Upload& upload : page->uploads) json.push_back(upload_json(upload, caller, context.clock.now()));
  return json;
}

// Of the last hours: errors by which uploads failed, the most frequent first, and the sums of all.
struct Today {
  array errors;
  AccountSums sums;
};
Result<Today> today_of(const Context& context, std::optional<AccountId> cdn) {
  const WallTime since = context.clock.now() - kToday;
  const auto slots = context.statistics.series({cdn.value_or(kAllAccounts), Resolution::hour, since});
  if (!slots) return slots.error();
  Today today;
  today.sums.account = cdn.value_or(kAllAccounts);
  std::map<Errc, std::int64_t> failed;
  for (const StatisticsSlot& slot : *slots) {
    today.sums.bytes_sent += slot.bytes_sent;
    today.sums.completed += slot.completed;
    today.sums.failed += slot.failed;
    today.sums.cancelled += slot.cancelled;
    for (const auto& [code, sums] : slot.errors) failed[code] += sums.failed;
  }
  std::vector<std::pair<Errc, std::int64_t>> by_count(failed.begin(), failed.end());
  std::ranges::stable_sort(by_count, std::ranges::greater(), [](const auto& one) { return one.second; });
  for (const auto& [code, uploads] : by_count) {
    if (uploads > 0) today.errors.push_back(object{{"code", info(code).name}, {"uploads", uploads}});
  }
  return today;
}

Result<array> accounts_json(const Context& context, const Today& today, std::optional<AccountId> cdn) {
  std::vector<AccountSums> all = {today.sums};
  if (!cdn) {
    auto busiest = context.statistics.busiest(context.clock.now() - kToday);
    if (!busiest) return busiest.error();
    all = std::move(*busiest);
  }
  array json;
  for (const AccountSums& one : all) {
    const auto whose = one.account == kOtherAccounts ? std::nullopt : std::optional(one.account);
    json.push_back(object{
        {"cdn", cdn_or_null(whose)}, {"bytes", one.bytes_sent}, {"completed", one.completed}, {"failed", one.failed}});
  }
  return json;
}

Result<array> buckets_json(const Context& context, std::optional<AccountId> cdn) {
  const auto busiest = context.statistics.busiest_buckets(cdn.value_or(kAllAccounts), context.clock.now() - kToday);
  if (!busiest) return busiest.error();
  array json;
  for (const BucketSums& one : *busiest) {
    const bool others = one.account == kOtherAccounts;
    json.push_back(object{{"cdn", others ? value(nullptr) : value(one.account)},
                          {"bucket", others ? value(nullptr) : value(one.bucket)},
                          {"bytes", one.work.bytes_sent},
                          {"completed", one.work.completed},
                          {"failed", one.work.failed}});
  }
  return json;
}

value server_json(const Context& context) {
  const net::HttpServerLoad load = context.api_load();
  const StoreHealth health = context.monitor.look();
  return object{{"disk_free_bytes", health.knows_room() ? value(health.free_bytes) : value(nullptr)},
                {"memory_bytes", load.memory_bytes},
                {"memory_limit_bytes", load.most_memory_bytes}};
}

std::string uploads_text(std::int64_t uploads) {
  return uploads == 1 ? "1 upload" : fmt::format("{} uploads", uploads);
}

// The one sentence.
std::string sentence(const std::vector<Need>& needs, const Sums& sums, const QueueState& queue, WallTime now) {
  if (!needs.empty()) {
    const Need& first = needs.front();
    std::string text = first.title;
    if (first.affected.value_or(0) > 0) {
      text += fmt::format(" {}{} {} for it.", first.at_least ? "At least " : "", uploads_text(*first.affected),
                          *first.affected == 1 ? "waits" : "wait");
    }
    const std::size_t others = needs.size() - 1;
    if (others == 1) text += " 1 other thing needs a person.";
    if (others > 1) text += fmt::format(" {} other things need a person.", others);
    return text;
  }
  const std::int64_t running = count_of(sums, UploadState::uploading);
  const std::int64_t waiting = count_of(sums, UploadState::queued);
  if (running == 0 && waiting == 0) return "All is well: no upload is running or waiting.";
  std::string text = fmt::format("All is well: {} running, {} waiting", uploads_text(running), waiting);
  if (waiting > 0 && queue.oldest) {
    const auto since = std::max(seconds(0), std::chrono::floor<seconds>(now - *queue.oldest));
    text += fmt::format(", the oldest for {}", duration_text(since));
  }
  return text + ".";
}

Result<value> show(const Context& context, const Caller& caller, const Fields& fields) {
  const auto cdn = fields.number_if_given("cdn");
  if (cdn) {
    if (const auto account = existing_account(context, *cdn); !account) return account.error();
  }
  const auto sums = sums_of(context, cdn);
  if (!sums) return sums.error();
  const auto queue = context.uploads.queue(cdn);
  if (!queue) return queue.error();
  const auto running = running_json(context, caller, cdn);
  if (!running) return running.error();
  const auto today = today_of(context, cdn);
  if (!today) return today.error();
  const auto accounts = accounts_json(context, *today, cdn);
  if (!accounts) return accounts.error();
  auto buckets = buckets_json(context, cdn);
  if (!buckets) return buckets.error();
  const auto needs = find_needs(context, cdn, *queue, count_of(*sums, UploadState::uploading));
  array attention;
  for (const Need& need : needs) attention.push_back(to_json(need, caller.who.role));
  const WallTime now = context.clock.now();
  return value(object{{"at", to_unix_seconds(now)},
                      {"sentence", sentence(needs, *sums, *queue, now)},
                      {"attention", std::move(attention)},
                      {"counts", counts_json(*sums, cdn)},
                      {"queue", queue_json(*queue)},
                      {"oldest", moment_or_null(queue->oldest)},
                      {"running", *running},
                      {"errors", today->errors},
                      {"today", *accounts},
                      {"buckets_today", std::move(*buckets)},
                      {"server", cdn ? value(nullptr) : server_json(context)}});
}

constexpr std::array kFields = {kCdnIfGiven};

constexpr std::array kOverviewRoutes = {
    Route{.name = "overview.show",
          .act = Act::read,
          .method = "GET",
          .path = "/overview",
          .fields = kFields,
          .run = run_at_once<show>},
};

}  // namespace

std::span<const Route> overview_routes() { return kOverviewRoutes; }

}  // namespace vodlift::rest
