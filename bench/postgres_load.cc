#include "postgres_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <semaphore>

namespace vodlift::bench {
namespace {

constexpr std::ptrdiff_t kEndsAtOnce = 1000;  // that are not committed yet
constexpr AccountId kAccounts = 20;
constexpr std::chrono::milliseconds kLease{60'000};

std::unique_ptr<postgres::PgDatabase> open_database(const Secret& url, LocalChangeFeed& feed) {
  postgres::PgOptions options;
  options.url = url;
  options.feed = &feed;
  return expect(postgres::PgDatabase::open(std::move(options)));
}

NodeTerm join(postgres::PgNodes& nodes, const std::string& name) {
  const NodeTerm self = expect(nodes.join(name));
  expect(nodes.describe(self, {{"sestore4"}}));
  return self;
}

// Waits until all places of `places` are free again.
template <std::ptrdiff_t most>
void wait_for_all(std::counting_semaphore<most>& places, std::ptrdiff_t count) {
  for (std::ptrdiff_t i = 0; i < count; ++i) places.acquire();
}

}  // namespace

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.at(values.size() / 2);
}

NewUpload upload_of(int number) {
  NewUpload upload;
  upload.account = 1 + number % kAccounts;
  upload.key_id = 7;
  upload.request.path = fmt::format("sestore4/jb/films/2026/{}.mp4", number);
  upload.request.bucket = "my_bucket";
  upload.request.destination_path = fmt::format("films/2026/{}.mp4", number);
  upload.request.priority = 5;
  upload.size = 1000;
  upload.token = "0123456789abcdef0123456789abcdef";
  upload.signature = {1'700'000'000, fmt::format("{:032}", number)};
  return upload;
}

Node::Node(const Secret& url, const std::string& name)
    : database_(open_database(url, feed_)),
      nodes_(*database_),
      shared_{*database_, feed_, [](const Upload&) { return std::string("{}"); }, join(nodes_, name)},
      uploads_(shared_),
      queue_(shared_) {}

void Node::accept(int from, int count, int clients) {
  std::counting_semaphore<> places(clients);
  std::atomic<int> refused = 0;
  for (int i = from; i < from + count; ++i) {
    places.acquire();
    uploads_.insert(upload_of(i), [&](const Result<InsertOutcome>& outcome) {
      if (!outcome) ++refused;
      places.release();
    });
  }
  wait_for_all(places, clients);
  if (refused > 0) throw std::runtime_error(fmt::format("{} uploads were refused", refused.load()));
}

int Node::end(int most, int at_once, std::vector<double>* claims) {
  std::counting_semaphore<kEndsAtOnce> places(kEndsAtOnce);
  std::atomic<int> refused = 0;
  UploadEnding ending;
  ending.size = 1000;
  ending.acl_applied = Acl::private_acl;
  ending.verification = {"d41d8cd98f00b204e9800998ecf8427e", "crc32c:AAAAAA==", ""};
  int ended = 0;
  while (ended < most) {
    const auto begin = Steady::now();
    const auto claimed = expect(claim_next(queue_, share_, {at_once, at_once}, kLease));
    if (claimed.empty()) break;
    if (claims != nullptr) claims->push_back(seconds_since(begin) * 1000);
    for (const ClaimedUpload& one : claimed) {
      places.acquire();
      queue_.finish(one.lease, ending, [&](const Result<>& outcome) {
        if (!outcome) ++refused;
        places.release();
      });
      ++ended;
    }
  }
  wait_for_all(places, kEndsAtOnce);
  if (refused > 0) throw std::runtime_error(fmt::format("{} uploads did not end", refused.load()));
  return ended;
}

}  // namespace vodlift::bench
