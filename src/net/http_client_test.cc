#include "net/http_client_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <future>
#include <thread>

namespace vodlift::net {
namespace {

using namespace std::chrono_literals;

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

}  // namespace
}  // namespace vodlift::net
