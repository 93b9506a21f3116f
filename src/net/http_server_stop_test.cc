// How the server stops, and what is answered before it does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <thread>
#include <vector>

#include "base/temporary_folder_test.h"
#include "net/http_server.h"
#include "net/http_server_test_client.h"

namespace vodlift::net {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

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
