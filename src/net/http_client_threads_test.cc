// How requests are shared out among the transfer threads.
#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "net/http_client_test.h"
#include "net/transfer_loop.h"

namespace vodlift::net {
namespace {

// Tells which thread reads from it.
class ThreadTellingReader final : public BodyReader {
 public:
  ThreadTellingReader(std::mutex& mutex, std::multiset<std::thread::id>& threads) : mutex_(mutex), threads_(threads) {}
  Chunk read(std::span<std::uint8_t> buffer, const std::function<void()>&) override {
    if (!told_) {
      const std::lock_guard lock(mutex_);
      threads_.insert(std::this_thread::get_id());
      told_ = true;
    }
    std::ranges::fill(buffer, std::uint8_t{'x'});
    return {Status::ok, buffer.size()};
  }
  void rewind() override {}
  [[nodiscard]] Error failure() const override { return {}; }

 private:
  std::mutex& mutex_;
  std::multiset<std::thread::id>& threads_;
  bool told_ = false;
};

class HttpClientThreadsTest : public HttpClientTest {
 protected:
  HttpRequest telling(const std::string& path, std::int64_t size) {
    HttpRequest out = request("PUT", path);
    out.reader = std::make_shared<ThreadTellingReader>(mutex_, threads_);
    out.reader_size = size;
    out.max_response_bytes = std::size_t{2} * kLargeBodyBytes;
    return out;
  }
  std::size_t held() {
    const std::lock_guard lock(mutex_);
    return held_.size();
  }
  // Starts `count` at once and interrupts them when all have arrived.
  void run_at_once(HttpClient& client, std::size_t count, std::int64_t size) {
    std::atomic<std::size_t> interrupted = 0;
    for (std::size_t i = 0; i < count; ++i) {
      client.start(telling("/never", size), [&](const Result<HttpResponse>& response) {
        if (!response && response.error().code == Errc::interrupted) ++interrupted;
      });
    }
    while (held() < count) std::this_thread::yield();
    client.stop();
    EXPECT_EQ(interrupted, count);
    ASSERT_EQ(threads_.size(), count);
  }

  std::multiset<std::thread::id> threads_;
};

TEST_F(HttpClientThreadsTest, LargeBodiesAreSpreadEvenly) {
  HttpClient client("test-http", 9, 3);
  run_at_once(client, 6, kLargeBodyBytes);
  for (const auto& thread : threads_) EXPECT_EQ(threads_.count(thread), 2U);
}

TEST_F(HttpClientThreadsTest, SmallOnesStayTogetherWhileThereIsRoom) {
  HttpClient client("test-http", 9, 3);
  run_at_once(client, 7, kLargeBodyBytes - 1);
  std::multiset<std::size_t> shares;
  for (const auto& thread : std::set<std::thread::id>(threads_.begin(), threads_.end())) {
    shares.insert(threads_.count(thread));
  }
  EXPECT_EQ(shares, (std::multiset<std::size_t>{1, 3, 3}));
}

TEST_F(HttpClientThreadsTest, WhatComesOneByOneStaysOnOneAndItsConnection) {
  HttpClient client("test-http", 9, 3);
  for (const std::int64_t size : {std::int64_t{1}, kLargeBodyBytes, std::int64_t{1}, kLargeBodyBytes}) {
    ASSERT_TRUE(client.perform(telling("/", size)));
  }
  EXPECT_EQ(threads_.count(*threads_.begin()), 4U);
}

TEST_F(HttpClientThreadsTest, NoMoreConnectionsThanAllowedInAll) {
  constexpr int kRequests = 40;
  constexpr std::size_t kConnections = 4;
  for (const std::size_t threads : {1U, 2U, 3U, 16U}) {
    HttpClient client("test-http", kConnections, threads);
    std::atomic<int> good = 0;
    for (int i = 0; i < kRequests; ++i) {
      client.start(telling("/never", 1), [&](const Result<HttpResponse>& response) { good += response ? 1 : 0; });
    }
    for (int answered = 0; answered < kRequests; ++answered) {
      // Each thread has a queue of its own: at the end some are idle while others still have work.
      while (held() < (answered == 0 ? kConnections : 1)) std::this_thread::yield();
      const std::lock_guard lock(mutex_);
      EXPECT_LE(held_.size(), kConnections) << threads << " threads";
      held_.back()({200, "text/plain", "", {}});
      held_.pop_back();
    }
    while (good < kRequests) std::this_thread::yield();
  }
}

TEST_F(HttpClientThreadsTest, TakesAnotherNumberOfConnectionsWhileItIsUsed) {
  HttpClient client("test-http", 1, 1);
  std::atomic<int> ended = 0;
  for (int i = 0; i < 3; ++i) {
    client.start(telling("/never", 1), [&](const Result<HttpResponse>&) { ++ended; });
  }
  while (held() < 1) std::this_thread::yield();
  client.use_connections(3);
  while (held() < 3) std::this_thread::yield();
  client.stop();
  EXPECT_EQ(ended, 3);
}

}  // namespace
}  // namespace vodlift::net
