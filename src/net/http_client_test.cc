#include "net/http_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <future>
#include <mutex>
#include <set>
#include <thread>

#include "net/http_server.h"
#include "net/transfer_loop.h"

namespace vodlift::net {
namespace {

using namespace std::chrono_literals;

// A real server on loopback that answers by path.
class HttpClientTest : public ::testing::Test {
 protected:
  HttpClientTest()
      : server_(
            "http", limits(), 1, [this](Request request, Responder respond) { answer(std::move(request), respond); },
            [](Errc, std::string_view message) {
              return Response{400, "text/plain", std::string(message), {}};
            }),
        client_("test-http", 8) {}
  void SetUp() override {
    ASSERT_TRUE(server_.listen("127.0.0.1:0"));
    server_.start();
  }
  void TearDown() override {
    client_.stop();
    {
      const std::lock_guard lock(mutex_);
      held_.clear();
    }
    server_.stop(0ms);
  }

  static HttpServerLimits limits() {
    HttpServerLimits limits;
    limits.body_bytes = 64 * 1024 * 1024;
    return limits;
  }

  void answer(Request request, const Responder& respond) {
    if (request.target == "/never") {
      const std::lock_guard lock(mutex_);
      return held_.push_back(respond);
    }
    if (request.target == "/big") return respond({200, "text/plain", std::string(100000, 'x'), {}});
    if (request.target == "/redirect") return respond({302, "text/plain", "", {{"Location", "/"}}});
    if (request.target == "/header") {
      const bool there =
          std::ranges::any_of(request.headers, [](const auto& header) { return header.first == "x-empty"; });
      return respond({200, "text/plain", there ? "there" : "absent", {}});
    }
    Response response{200, "text/plain", request.method + " " + request.body, {{"X-Echo", request.target}}};
    respond(std::move(response));
  }

  HttpRequest request(std::string method, const std::string& path) {
    HttpRequest out;
    out.method = std::move(method);
    out.url = "http://" + server_.address() + path;
    return out;
  }

  std::mutex mutex_;
  std::vector<Responder> held_;
  HttpServer server_;
  HttpClient client_;
};

class StringReader final : public BodyReader {
 public:
  explicit StringReader(std::string bytes) : bytes_(std::move(bytes)) {}
  Chunk read(std::span<std::uint8_t> buffer, const std::function<void()>& resume) override {
    if (later-- > 0) return {Status::wait, 0, std::chrono::milliseconds(30)};
    if (waits-- > 0) {
      std::thread(resume).detach();
      return {Status::wait, 0};
    }
    if (fails) return {Status::failed, 0};
    const std::size_t count = std::min(buffer.size(), bytes_.size() - at_);
    std::memcpy(buffer.data(), bytes_.data() + at_, count);
    at_ += count;
    return {Status::ok, count};
  }
  void rewind() override { at_ = 0; }
  [[nodiscard]] Error failure() const override { return {Errc::source_unreadable, "disk on fire"}; }

  int waits = 0;
  int later = 0;
  bool fails = false;

 private:
  const std::string bytes_;
  std::size_t at_ = 0;
};

// Takes one connection, and some bytes of it every 50 ms.
class SlowServer {
 public:
  SlowServer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 1), 0);
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  SlowServer(const SlowServer&) = delete;
  SlowServer& operator=(const SlowServer&) = delete;
  ~SlowServer() {
    thread_.join();
    ::close(listener_);
  }

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }

 private:
  void serve() const {
    const int connection = ::accept(listener_, nullptr, nullptr);
    std::array<char, 16384> buffer{};
    while (::recv(connection, buffer.data(), buffer.size(), 0) > 0) std::this_thread::sleep_for(50ms);
    ::close(connection);
  }

  const int listener_;
  int port_ = 0;
  std::thread thread_;
};

TEST_F(HttpClientTest, EveryMethodCarriesItsBody) {
  for (const char* method : {"GET", "PUT", "POST", "DELETE"}) {
    HttpRequest out = request(method, "/a?b=c");
    if (std::string(method) == "PUT" || std::string(method) == "POST") out.body = "payload";
    const auto response = client_.perform(std::move(out));
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 200);
    EXPECT_TRUE(response->body.starts_with(method)) << response->body;
    EXPECT_EQ(response->header("x-echo"), "/a?b=c");
  }
}

TEST_F(HttpClientTest, SendsABodyFromAReaderThatHasToWait) {
  const std::string bytes(3 * 1024 * 1024 + 17, 'v');
  auto reader = std::make_shared<StringReader>(bytes);
  reader->waits = 3;
  HttpRequest out = request("PUT", "/");
  out.reader = reader;
  out.reader_size = static_cast<std::int64_t>(bytes.size());
  out.max_response_bytes = 8 * 1024 * 1024;
  const auto response = client_.perform(std::move(out));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "PUT " + bytes);
}

TEST_F(HttpClientTest, AReaderThatNamesATimeIsAskedAgainThen) {
  auto reader = std::make_shared<StringReader>("late");
  reader->later = 3;
  HttpRequest out = request("PUT", "/");
  out.reader = reader;
  out.reader_size = 4;
  const auto begun = std::chrono::steady_clock::now();
  const auto response = client_.perform(std::move(out));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "PUT late");
  const auto took = std::chrono::steady_clock::now() - begun;
  EXPECT_GE(took, 3 * std::chrono::milliseconds(30));
  EXPECT_LT(took, std::chrono::seconds(5)) << "sooner than a poll of a second for each";
}

TEST_F(HttpClientTest, TheTimeOfABodyIsFromItsFirstByteToTheAnswer) {
  HttpClient one("test-one", 1);  // connection
  std::promise<Result<HttpResponse>> first;
  one.start(request("GET", "/never"), [&](Result<HttpResponse> response) { first.set_value(std::move(response)); });
  auto reader = std::make_shared<StringReader>("late");
  reader->later = 3;
  HttpRequest out = request("PUT", "/");
  out.reader = reader;
  out.reader_size = 4;
  std::promise<Result<HttpResponse>> second;
  const auto begun = std::chrono::steady_clock::now();
  one.start(std::move(out), [&](Result<HttpResponse> response) { second.set_value(std::move(response)); });
  std::this_thread::sleep_for(200ms);  // it waits for the connection, which counts nothing
  {
    const std::lock_guard lock(mutex_);
    ASSERT_EQ(held_.size(), 1U);
    held_.front()({200, "text/plain", "", {}});
  }
  EXPECT_EQ(first.get_future().get()->took, 0ns) << "it had no body";
  const auto response = second.get_future().get();
  const auto whole = std::chrono::steady_clock::now() - begun;
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_GE(response->took, 3 * 30ms);
  EXPECT_LE(response->took, whole - 190ms);
}

TEST_F(HttpClientTest, AnEmptyReaderIsAnEmptyBody) {
  HttpRequest out = request("PUT", "/");
  out.reader = std::make_shared<StringReader>("");
  EXPECT_EQ(client_.perform(std::move(out))->body, "PUT ");
}

TEST_F(HttpClientTest, AFailingReaderGivesItsOwnReason) {
  auto reader = std::make_shared<StringReader>("x");
  reader->fails = true;
  HttpRequest out = request("PUT", "/");
  out.reader = reader;
  out.reader_size = 1;
  EXPECT_EQ(client_.perform(std::move(out)).error().code, Errc::source_unreadable);
}

TEST_F(HttpClientTest, AHeaderWithoutAValueIsStillSent) {
  HttpRequest out = request("GET", "/header");
  out.headers = {"X-Empty: "};
  EXPECT_EQ(client_.perform(std::move(out))->body, "there") << "a signature may cover it";
}

TEST_F(HttpClientTest, NeverFollowsARedirect) { EXPECT_EQ(client_.perform(request("GET", "/redirect"))->status, 302); }

TEST_F(HttpClientTest, BoundsTheAnswer) {
  HttpRequest out = request("GET", "/big");
  out.max_response_bytes = 1000;
  EXPECT_EQ(client_.perform(out).error().code, Errc::network);
  out.status_decides = true;
  const auto response = client_.perform(out);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body.size(), 1000U);
}

TEST_F(HttpClientTest, BoundsTheTime) {
  HttpRequest out = request("GET", "/never");
  out.total_timeout = 100ms;
  const auto response = client_.perform(std::move(out));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Errc::timeout);
}

// Gives a byte every half second, as one does whose bandwidth is limited.
class TricklingReader final : public BodyReader {
 public:
  Chunk read(std::span<std::uint8_t> buffer, const std::function<void()>&) override {
    waits_ = !waits_;
    if (waits_) return {Status::wait, 0, 500ms};
    buffer[0] = 'x';
    return {Status::ok, 1};
  }
  void rewind() override {}
  [[nodiscard]] Error failure() const override { return {}; }

 private:
  bool waits_ = false;
};

TEST_F(HttpClientTest, TheTimeInWhichTheReaderWaitsIsNotTheServers) {
  HttpRequest out = request("PUT", "/");
  out.reader = std::make_shared<TricklingReader>();
  out.reader_size = 8;
  out.stall_timeout = 1s;
  out.peer_timeout = 1s;
  const auto begun = std::chrono::steady_clock::now();
  const auto response = client_.perform(std::move(out));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "PUT xxxxxxxx");
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 4s) << "longer than both limits";
}

TEST_F(HttpClientTest, AnAnswerThatDoesNotComeAfterTheBodyIsAStall) {
  for (const bool from_reader : {false, true}) {
    HttpRequest out = request("PUT", "/never");
    out.body = "short";
    if (from_reader) {
      out.reader = std::make_shared<StringReader>("short");
      out.reader_size = 5;
    }
    out.stall_timeout = 200ms;
    const auto response = client_.perform(std::move(out));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Errc::timeout);
    EXPECT_NE(response.error().message.find("less than 1024 bytes a second for 0.2 s"), std::string::npos)
        << response.error().message;
  }
}

TEST_F(HttpClientTest, AServerThatTakesLittleAtATimeIsTooSlowInTheEnd) {
  SlowServer server;
  HttpRequest out = request("PUT", "/");
  out.url = server.url();
  out.reader = std::make_shared<StringReader>(std::string(64 << 20, 'v'));
  out.reader_size = 64 << 20;
  out.peer_timeout = 1s;
  const auto response = client_.perform(std::move(out));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Errc::timeout);
  EXPECT_NE(response.error().message.find("too slow"), std::string::npos) << response.error().message;
}

TEST_F(HttpClientTest, TellsWhichHostRefused) {
  HttpRequest out;
  out.url = "http://127.0.0.1:1/secret?token=abc";
  const auto response = client_.perform(std::move(out));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Errc::network);
  EXPECT_NE(response.error().message.find("http://127.0.0.1:1"), std::string::npos);
  EXPECT_EQ(response.error().message.find("token"), std::string::npos) << "a query may hold secrets";
}

TEST_F(HttpClientTest, AGuardedRequestDoesNotReachLoopback) {
  HttpRequest out = request("GET", "/");
  out.guard = std::make_shared<AddressGuard>(std::vector<Network>(), std::vector<PortRange>{{1024, 65535}});
  const auto response = client_.perform(out);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Errc::address_denied) << response.error().message;

  out.guard = std::make_shared<AddressGuard>(std::vector<Network>{*parse_network("127.0.0.0/8")},
                                             std::vector<PortRange>{{1024, 65535}});
  EXPECT_TRUE(client_.perform(out));
}

TEST_F(HttpClientTest, ANameThatLeadsToLoopbackIsRefusedAtTheConnection) {
  HttpRequest out = request("GET", "/");
  out.url = "http://localhost" + server_.address().substr(server_.address().rfind(':'));
  out.guard = std::make_shared<AddressGuard>(std::vector<Network>(), std::vector<PortRange>{{1024, 65535}});
  EXPECT_EQ(client_.perform(out).error().code, Errc::address_denied);
}

TEST_F(HttpClientTest, ManyRequestsShareTheConnections) {
  constexpr int kRequests = 500;
  std::atomic<int> good{0};
  std::promise<void> all;
  std::atomic<int> left{kRequests};
  for (int i = 0; i < kRequests; ++i) {
    client_.start(request("GET", "/"), [&](Result<HttpResponse> response) {
      if (response && response->status == 200) ++good;
      if (--left == 0) all.set_value();
    });
  }
  all.get_future().get();
  EXPECT_EQ(good, kRequests);
}

TEST_F(HttpClientTest, StopEndsWhatIsUnderWayAndRefusesTheRest) {
  std::promise<Errc> ended;
  client_.start(request("GET", "/never"), [&](Result<HttpResponse> response) {
    ended.set_value(response ? Errc::internal : response.error().code);
  });
  client_.stop();
  EXPECT_EQ(ended.get_future().get(), Errc::interrupted);
  EXPECT_EQ(client_.perform(request("GET", "/")).error().code, Errc::interrupted);
  client_.stop();
}

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

}  // namespace
}  // namespace vodlift::net
