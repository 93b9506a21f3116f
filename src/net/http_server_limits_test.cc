// Limits of time and of connections.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "net/http_server.h"
#include "net/http_server_test_client.h"

namespace vodlift::net {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

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

TEST(Connections, ThoseThatBeginLaterAreOfTheProxiesOfThen) {
  const auto peer = [](const Request& request, const Responder& respond) {
    Response out;
    out.body = request.peer;
    respond(std::move(out));
  };
  TestServer server(peer);
  const std::string forwarded = post("", "X-Forwarded-For: 198.51.100.7\r\n");
  RawClient before = server.connect();
  before.send(forwarded);
  EXPECT_EQ(before.answer().body, "127.0.0.1");
  server->trust({parse_network("127.0.0.0/8").value()});
  RawClient after = server.connect();
  after.send(forwarded);
  EXPECT_EQ(after.answer().body, "198.51.100.7");
  before.send(forwarded);
  EXPECT_EQ(before.answer().body, "127.0.0.1");
}

TEST(Connections, AnotherLimitCountsFromNowOn) {
  TestServer server(echo);
  RawClient first = server.connect();
  first.send(post("a"));
  EXPECT_EQ(first.answer().status, 200);
  server->limit_connections(1);
  RawClient second = server.connect();
  second.send(post("b"));
  EXPECT_EQ(second.answer().status, 503);
  first.send(post("c"));
  EXPECT_EQ(first.answer().status, 200) << "what is open stays";
  EXPECT_EQ(server->load().most_connections, 1U);
}

}  // namespace
}  // namespace vodlift::net
