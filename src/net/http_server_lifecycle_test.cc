// Listening, limits on connections and time, stopping.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <future>
#include <mutex>
#include <optional>

#include "net/http_server.h"
#include "net/http_server_test_client.h"

namespace vodlift::net {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::StartsWith;

milliseconds since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = std::filesystem::temp_directory_path() / "vodlift-test-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string file(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// Holds every request until it is told to answer them.
class Hold {
 public:
  Handler handler() {
    return [this](Request, Responder respond) {
      const std::lock_guard lock(mutex_);
      held_.push_back(std::move(respond));
      arrived_.notify_all();
    };
  }
  void wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return held_.size() >= count; });
  }
  void answer_all() {
    const std::lock_guard lock(mutex_);
    for (const Responder& respond : held_) respond({});
    held_.clear();
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Responder> held_;
};

HttpServer make_server(Handler handler = echo) { return HttpServer({}, 1, std::move(handler), fault_body); }

TEST(Listen, TellsTheRealPort) {
  HttpServer server = make_server();
  ASSERT_TRUE(server.listen("127.0.0.1:0"));
  EXPECT_THAT(server.address(), StartsWith("127.0.0.1:"));
  EXPECT_NE(server.address(), "127.0.0.1:0");
}

TEST(Listen, TakesIpv6) {
  HttpServer server = make_server();
  if (const auto bound = server.listen("[::1]:0"); !bound) GTEST_SKIP() << bound.error().message;
  EXPECT_THAT(server.address(), StartsWith("[::1]:"));
}

TEST(Listen, RefusesWhatIsNoAddress) {
  for (const char* text : {"", ":", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1",
                           "127.0.0.1: 1", "localhost:80", "::1:80", "[::1]", "[127.0.0.1]:80", "[::1:80", "*:80"}) {
    HttpServer server = make_server();
    const auto bound = server.listen(text);
    ASSERT_FALSE(bound) << text;
    EXPECT_EQ(bound.error().code, Errc::config_invalid) << text;
    EXPECT_THAT(bound.error().message, HasSubstr("127.0.0.1:8080"));
  }
}

TEST(Listen, SaysWhyAPortCannotBeHad) {
  HttpServer first = make_server();
  ASSERT_TRUE(first.listen("127.0.0.1:0"));
  HttpServer second = make_server();
  const auto bound = second.listen(first.address());
  ASSERT_FALSE(bound);
  EXPECT_EQ(bound.error().code, Errc::io_error);
  EXPECT_THAT(bound.error().message, HasSubstr("EADDRINUSE"));
  EXPECT_TRUE(second.listen("127.0.0.1:0"));
}

TEST(ListenUnix, ServesASocketFileForItsOwnerOnly) {
  const TemporaryFolder folder;
  const std::string path = folder.file("api.sock");
  std::string peer;
  {
    HttpServer server = make_server([&](const Request& request, const Responder& respond) {
      peer = request.peer;
      echo(request, respond);
    });
    ASSERT_TRUE(server.listen_unix(path));
    EXPECT_EQ(server.address(), path);
    struct stat made {};
    ASSERT_EQ(::stat(path.c_str(), &made), 0);
    EXPECT_EQ(made.st_mode & 07777, 0600u);
    server.start();
    RawClient client(path);
    client.send(post("local"));
    EXPECT_EQ(client.answer().body, "POST /stable/ local");
  }
  EXPECT_EQ(peer, "unix");
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ListenUnix, ReplacesADeadSocketButNoLivingOneAndNoFile) {
  const TemporaryFolder folder;
  const std::string path = folder.file("api.sock");
  {
    const UniqueFd dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  HttpServer living = make_server();
  ASSERT_TRUE(living.listen_unix(path));
  HttpServer second = make_server();
  const auto bound = second.listen_unix(path);
  ASSERT_FALSE(bound);
  EXPECT_EQ(bound.error().code, Errc::locked);
  EXPECT_TRUE(RawClient(path).connected());

  const std::string file = folder.file("precious");
  ASSERT_TRUE(create_private_file(file, "data"));
  EXPECT_EQ(second.listen_unix(file).error().code, Errc::io_error);
  EXPECT_TRUE(std::filesystem::exists(file));
  EXPECT_EQ(second.listen_unix(folder.file("x") + std::string(200, 'x')).error().code, Errc::io_error);
  EXPECT_EQ(second.listen_unix(folder.file("no/such/folder")).error().code, Errc::io_error);
}

TEST(Timeouts, AnIdleConnectionIsClosedSilently) {
  HttpServerLimits limits;
  limits.idle_timeout = milliseconds(60);
  TestServer server(echo, limits);
  const auto start = std::chrono::steady_clock::now();
  RawClient fresh = server.connect();
  RawClient used = server.connect();
  used.send(post(""));
  EXPECT_EQ(used.answer().status, 200);
  EXPECT_TRUE(fresh.closed());
  EXPECT_TRUE(used.closed());
  EXPECT_GE(since(start), milliseconds(60));
}

TEST(Timeouts, ATricklingHeaderEndsByTheClockNotByTheByte) {
  HttpServerLimits limits;
  limits.header_timeout = milliseconds(80);
  TestServer server(echo, limits);
  RawClient client = server.connect();
  const auto start = std::chrono::steady_clock::now();
  std::thread trickle([&] {
    while (since(start) < milliseconds(60) && client.send("G")) std::this_thread::sleep_for(milliseconds(10));
  });
  const Answer answer = client.answer();
  trickle.join();
  EXPECT_EQ(answer.status, 408);
  EXPECT_TRUE(answer.has("Connection: close\r\n"));
  EXPECT_THAT(answer.body, HasSubstr("request_timeout: "));
  EXPECT_GE(since(start), milliseconds(80));
}

TEST(Timeouts, ABodyThatStopsHalfWayAnswers408) {
  HttpServerLimits limits;
  limits.body_timeout = milliseconds(60);
  std::atomic<int> handled{0};
  TestServer server(
      [&](const Request& request, const Responder& respond) {
        ++handled;
        echo(request, respond);
      },
      limits);
  RawClient fixed = server.connect();
  RawClient chunked = server.connect();
  fixed.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
  chunked.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
  EXPECT_EQ(fixed.answer().status, 408);
  EXPECT_EQ(chunked.answer().status, 408);
  EXPECT_EQ(handled, 0);
}

TEST(Timeouts, AClientThatDoesNotReadIsClosed) {
  HttpServerLimits limits;
  limits.write_timeout = milliseconds(60);
  TestServer server(
      [](const Request&, const Responder& respond) {
        Response big;
        big.body.assign(64'000'000, 'x');
        respond(std::move(big));
      },
      limits);
  RawClient client = server.connect();
  client.send(post(""));
  std::this_thread::sleep_for(milliseconds(120));
  EXPECT_LT(client.answer().body.size(), 64'000'000u);
}

TEST(Timeouts, AHandlerMayTakeItsTime) {
  HttpServerLimits limits;
  limits.header_timeout = limits.body_timeout = limits.idle_timeout = limits.write_timeout = milliseconds(30);
  Hold hold;
  TestServer server(hold.handler(), limits);
  RawClient client = server.connect();
  client.send(post(""));
  hold.wait_for(1);
  std::this_thread::sleep_for(milliseconds(90));
  hold.answer_all();
  EXPECT_EQ(client.answer().status, 200);
}

TEST(Connections, MoreThanOneAddressMayHaveAreTold429) {
  HttpServerLimits limits;
  limits.connections_per_address = 1;
  TestServer server(echo, limits);
  std::optional<RawClient> first(server.connect());
  first->send(post("a"));
  EXPECT_EQ(first->answer().status, 200);
  RawClient second = server.connect();
  const Answer refused = second.answer();
  EXPECT_EQ(refused.status, 429);
  EXPECT_TRUE(refused.has("Connection: close\r\n"));
  EXPECT_THAT(refused.body, HasSubstr("too_many_connections: "));
  EXPECT_TRUE(second.closed());
  first.reset();
  // The place is free once the server has seen that the first is gone.
  for (int status = 0; status != 200; std::this_thread::yield()) {
    RawClient third = server.connect();
    third.send(post("a"));
    status = third.answer().status;
    ASSERT_TRUE(status == 200 || status == 429) << status;
  }
}

TEST(Connections, ThoseOfATrustedProxyAreItsClients) {
  HttpServerLimits limits;
  limits.connections_per_address = 1;
  const auto peer = [](const Request& request, const Responder& respond) {
    Response out;
    out.body = request.peer;
    respond(std::move(out));
  };
  TestServer server(peer, limits, 2, {parse_network("127.0.0.0/8").value()});
  RawClient first = server.connect();
  RawClient second = server.connect();
  for (RawClient* client : {&first, &second}) {
    client->send(post("", "X-Forwarded-For: 192.0.2.66, 198.51.100.7\r\n") + post("", "X-Forwarded-For: -\r\n"));
    EXPECT_EQ(client->answer().body, "198.51.100.7");
    EXPECT_EQ(client->answer().body, "127.0.0.1");
  }
  TestServer trusting_nobody(peer);
  RawClient forger = trusting_nobody.connect();
  forger.send(post("", "X-Forwarded-For: 198.51.100.7\r\n"));
  EXPECT_EQ(forger.answer().body, "127.0.0.1");
}

TEST(Connections, MoreThanTheLimitAreTold503) {
  HttpServerLimits limits;
  limits.connections = 2;
  TestServer server(echo, limits);
  std::vector<RawClient> clients;
  for (int i = 0; i < 2; ++i) {
    clients.push_back(server.connect());
    clients.back().send(post(""));
    ASSERT_EQ(clients.back().answer().status, 200);
  }
  RawClient third = server.connect();
  const Answer refused = third.answer();
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.body, HasSubstr("overloaded: "));
  third.finish_sending();
  EXPECT_TRUE(third.closed());

  clients.pop_back();
  int status = 0;
  // The server learns of the closed connection when it gets round to it.
  for (int i = 0; i < 1000 && status != 200; ++i) {
    RawClient next = server.connect();
    next.send(post(""));
    status = next.answer().status;
  }
  EXPECT_EQ(status, 200);
}

TEST(Connections, RunningOutOfDescriptorsNeitherSpinsNorEndsAccepting) {
  TestServer server;
  RawClient first = server.connect();
  first.send(post(""));
  ASSERT_EQ(first.answer().status, 200);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  RawClient waiting = server.connect();
  waiting.send(post("late"));
  ASSERT_EQ(waiting.answer().status, 200);

  const UniqueFd lowest(::dup(0));
  rlimit low = before;
  low.rlim_cur = static_cast<rlim_t>(lowest.get()) + 2;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  RawClient queued = server.connect();  // takes the last descriptor; the server finds none for its end
  EXPECT_TRUE(queued.connected());
  queued.send(post("queued"));
  rusage used_before{};
  ::getrusage(RUSAGE_SELF, &used_before);
  std::this_thread::sleep_for(milliseconds(150));
  rusage used_after{};
  ::getrusage(RUSAGE_SELF, &used_after);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);

  const auto cpu_ms = (used_after.ru_utime.tv_sec - used_before.ru_utime.tv_sec) * 1000 +
                      (used_after.ru_utime.tv_usec - used_before.ru_utime.tv_usec) / 1000;
  EXPECT_LT(cpu_ms, 75);
  EXPECT_EQ(queued.answer().body, "POST /stable/ queued");
}

TEST(Stop, LetsARunningRequestEnd) {
  Hold hold;
  TestServer server(hold.handler());
  RawClient idle = server.connect();
  RawClient busy = server.connect();
  busy.send(post(""));
  hold.wait_for(1);
  auto stopped = std::async(std::launch::async, [&] { server->stop(std::chrono::seconds(10)); });
  EXPECT_TRUE(idle.closed());
  EXPECT_FALSE(server.connect().connected());
  hold.answer_all();
  const Answer answer = busy.answer();
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.has("Connection: close\r\n"));
  EXPECT_TRUE(busy.closed());
  stopped.wait();
}

TEST(Stop, AnswersWhatWasSentBeforeItOnConnectionsOldAndNew) {
  std::promise<void> blocked;
  std::promise<void> go_on;
  // Holds up the server's only thread, so that what the clients send meanwhile is still in the kernel at the stop.
  HttpServer server = make_server([&](const Request& request, const Responder& respond) {
    if (request.target == "/block") {
      blocked.set_value();
      go_on.get_future().wait();
    }
    echo(request, respond);
  });
  const TemporaryFolder folder;
  const std::string path = folder.file("s");
  ASSERT_TRUE(server.listen_unix(path));
  server.start();
  RawClient known(path);
  known.send(post("1"));
  EXPECT_EQ(known.answer().status, 200);
  RawClient blocking(path);
  blocking.send("GET /block HTTP/1.1\r\nHost: a\r\n\r\n");
  blocked.get_future().wait();
  known.send(post("2"));
  RawClient unknown(path);
  unknown.send(post("3"));
  auto stopped = std::async(std::launch::async, [&] { server.stop(std::chrono::seconds(10)); });
  while (std::filesystem::exists(path)) std::this_thread::yield();  // it goes first of all
  go_on.set_value();
  for (auto [client, body] : {std::pair(&known, "2"), std::pair(&unknown, "3"), std::pair(&blocking, "")}) {
    const Answer answer = client->answer();
    EXPECT_EQ(answer.status, 200) << body;
    EXPECT_THAT(answer.body, HasSubstr(body));
    EXPECT_TRUE(answer.has("Connection: close\r\n")) << body;
    EXPECT_TRUE(client->closed());
  }
  stopped.wait();
}

TEST(Stop, EndsWhatRunsLongerThanTheGrace) {
  Hold hold;
  TestServer server(hold.handler());
  RawClient busy = server.connect();
  RawClient half = server.connect();
  busy.send(post(""));
  half.send("POST / HTTP/1.1\r\n");
  hold.wait_for(1);
  const auto start = std::chrono::steady_clock::now();
  server->stop(milliseconds(50));
  EXPECT_LT(since(start), std::chrono::seconds(5));
  EXPECT_TRUE(busy.closed());
  EXPECT_TRUE(half.closed());
  hold.answer_all();  // too late, and harmless
}

TEST(Stop, AResponderMayOutliveTheServer) {
  Hold answered;
  Hold dropped;
  for (Hold* hold : {&answered, &dropped}) {
    TestServer server(hold->handler());
    RawClient client = server.connect();
    client.send(post(""));
    hold->wait_for(1);
  }
  answered.answer_all();
}

TEST(Stop, WithoutStartAndTwice) {
  HttpServer unused = make_server();
  HttpServer server = make_server();
  ASSERT_TRUE(server.listen("127.0.0.1:0"));
  server.stop(milliseconds(0));
  server.stop(milliseconds(0));
  TestServer started;
  started->stop(milliseconds(0));
  started->stop(milliseconds(0));
}

TEST(Stop, RacingAnswersAreHarmless) {
  for (int round = 0; round < 20; ++round) {
    Hold hold;
    TestServer server(hold.handler());
    std::vector<RawClient> clients;
    for (int i = 0; i < 8; ++i) {
      clients.push_back(server.connect());
      clients.back().send(post(""));
    }
    hold.wait_for(8);
    std::thread answers([&] { hold.answer_all(); });
    server->stop(milliseconds(round % 3));
    answers.join();
  }
}

}  // namespace
}  // namespace vodlift::net
