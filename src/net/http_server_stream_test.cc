// Answers that are streams.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "net/http_server.h"
#include "net/http_server_test_client.h"

namespace vodlift::net {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr std::string_view kGet = "GET /events HTTP/1.1\r\nHost: a\r\n\r\n";

std::shared_ptr<const std::string> text(std::string_view bytes) { return std::make_shared<const std::string>(bytes); }

// Answers "/events" with a stream that the test writes to, and everything else like echo().
class Streams {
 public:
  explicit Streams(std::string holder = {}) : holder_(std::move(holder)) {}

  Handler handler() {
    return [this](const Request& request, const Responder& respond) {
      if (request.target != "/events") return echo(request, respond);
      Response response;
      response.content_type = "text/event-stream";
      response.holder = holder_;
      response.stream = [this](std::shared_ptr<BodyStream> stream) {
        const std::lock_guard lock(mutex_);
        streams_.push_back(std::move(stream));
        begun_.notify_all();
      };
      respond(std::move(response));
    };
  }
  std::shared_ptr<BodyStream> wait_for(std::size_t number) {
    std::unique_lock lock(mutex_);
    begun_.wait(lock, [&] { return streams_.size() >= number; });
    return streams_[number - 1];
  }
  void let_go() {
    const std::lock_guard lock(mutex_);
    streams_.clear();
  }

 private:
  const std::string holder_;
  std::mutex mutex_;
  std::condition_variable begun_;
  std::vector<std::shared_ptr<BodyStream>> streams_;
};

// Writes until the stream is over.
void write_until_over(BodyStream& stream, std::string_view bytes) {
  while (stream.write(text(bytes))) std::this_thread::yield();
}

TEST(Stream, SendsWhatIsWrittenInChunksAsItComes) {
  Streams streams;
  TestServer server(streams.handler());
  RawClient client = server.connect();
  client.send(kGet);
  const Answer answer = client.answer();
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.has("Content-Type: text/event-stream\r\n"));
  EXPECT_TRUE(answer.has("Transfer-Encoding: chunked\r\n"));
  EXPECT_TRUE(answer.has("Connection: close\r\n"));
  EXPECT_FALSE(answer.has("Content-Length"));
  const auto stream = streams.wait_for(1);
  EXPECT_TRUE(stream->write(text("one")));
  EXPECT_EQ(client.until("one\r\n"), "3\r\none\r\n");
  EXPECT_TRUE(stream->write(text("")));
  EXPECT_TRUE(stream->write(text("seventeen letters")));
  EXPECT_EQ(client.until("letters\r\n"), "11\r\nseventeen letters\r\n");
  stream->close();
  EXPECT_FALSE(stream->write(text("late")));
  EXPECT_EQ(client.until("0\r\n\r\n"), "0\r\n\r\n");
  EXPECT_TRUE(client.closed());
}

TEST(Stream, EndsWhenNobodyHoldsIt) {
  Streams streams;
  TestServer server(streams.handler());
  RawClient client = server.connect();
  client.send(kGet);
  streams.wait_for(1)->write(text("last words"));
  streams.let_go();
  EXPECT_THAT(client.until("0\r\n\r\n"), HasSubstr("last words\r\n0\r\n\r\n"));
  EXPECT_TRUE(client.closed());
}

TEST(Stream, AnOldClientGetsTheBytesAsTheyAre) {
  Streams streams;
  TestServer server(streams.handler());
  RawClient client = server.connect();
  client.send("GET /events HTTP/1.0\r\n\r\n");
  const Answer answer = client.answer();
  EXPECT_FALSE(answer.has("Transfer-Encoding"));
  const auto stream = streams.wait_for(1);
  stream->write(text("bytes"));
  stream->close();
  EXPECT_EQ(client.until("nothing"), "bytes");
}

TEST(Stream, HeadGetsNoBody) {
  Streams streams;
  TestServer server(streams.handler());
  RawClient client = server.connect();
  client.send("HEAD /events HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.answer(true).status, 200);
  EXPECT_TRUE(client.closed());
}

TEST(Stream, OutlivesTheIdleTime) {
  HttpServerLimits limits;
  limits.idle_timeout = limits.header_timeout = limits.write_timeout = milliseconds(20);
  Streams streams;
  TestServer server(streams.handler(), limits);
  RawClient client = server.connect();
  client.send(kGet);
  const auto stream = streams.wait_for(1);
  RawClient idle = server.connect();
  EXPECT_TRUE(idle.closed());  // its time is over, and it came later
  EXPECT_TRUE(stream->write(text("still here")));
  EXPECT_THAT(client.until("here"), HasSubstr("still here"));
}

TEST(Stream, EndsWhenTheClientGoes) {
  Streams streams;
  TestServer server(streams.handler());
  RawClient client = server.connect();
  client.send(kGet);
  const auto stream = streams.wait_for(1);
  client.close();
  write_until_over(*stream, "x");
}

TEST(Stream, AClientThatDoesNotReadIsDisconnectedAndHoldsUpNobody) {
  HttpServerLimits limits;
  limits.stream_bytes = 65536;
  Streams streams;
  TestServer server(streams.handler(), limits, 1);
  RawClient slow = server.connect();
  slow.send(kGet);
  const auto stream = streams.wait_for(1);
  write_until_over(*stream, std::string(30000, 'x'));
  RawClient other = server.connect();
  other.send(post("1"));
  EXPECT_EQ(other.answer().status, 200);
  EXPECT_THAT(slow.until("0\r\n\r\n"), testing::Not(HasSubstr("0\r\n\r\n")));  // it was cut, and can tell
}

TEST(Stream, APieceThatIsNotTakenInTimeEndsIt) {
  HttpServerLimits limits;
  limits.stream_bytes = std::size_t{64} * 1024 * 1024;
  limits.write_timeout = milliseconds(50);
  Streams streams;
  TestServer server(streams.handler(), limits, 1);
  RawClient slow = server.connect();
  slow.send(kGet);
  const auto stream = streams.wait_for(1);
  ASSERT_TRUE(stream->write(text(std::string(std::size_t{8} * 1024 * 1024, 'x'))));
  while (stream->write(text("x"))) std::this_thread::sleep_for(milliseconds(1));
}

TEST(Stream, WhatWaitsBelongsToTheMemoryOfAll) {
  HttpServerLimits limits;
  limits.memory_bytes = 65536;  // of which one address may have a quarter
  Streams streams;
  TestServer server(streams.handler(), limits, 1);
  RawClient client = server.connect();
  client.send(kGet);
  const auto stream = streams.wait_for(1);
  EXPECT_FALSE(stream->write(text(std::string(20000, 'x'))));
  EXPECT_THAT(client.until("nothing"), testing::Not(HasSubstr("xxx")));
  RawClient other = server.connect();
  other.send(kGet);
  const auto next = streams.wait_for(2);
  for (int i = 0; i < 100; ++i) {  // each is given back
    ASSERT_TRUE(next->write(text(std::string(8000, 'y'))));
    other.until("y\r\n");
  }
}

TEST(Stream, ThereAreSoManyOfOneHolderAndInAll) {
  HttpServerLimits limits;
  limits.streams = 3;
  limits.streams_per_holder = 2;
  Streams ann("ann");
  TestServer server(ann.handler(), limits);
  std::vector<RawClient> open;
  for (std::size_t i = 1; i <= 2; ++i) {
    open.push_back(server.connect());
    open.back().send(kGet);
    ann.wait_for(i);
  }
  RawClient refused = server.connect();
  refused.send(std::string(kGet) + post("1"));
  const Answer answer = refused.answer();
  EXPECT_EQ(answer.status, 429);
  EXPECT_TRUE(answer.has("Retry-After: "));
  EXPECT_THAT(answer.body, HasSubstr("too_many_connections"));
  EXPECT_EQ(refused.answer().status, 200);  // the connection serves on
  open.front().close();
  write_until_over(*ann.wait_for(1), "x");
  RawClient again = server.connect();
  again.send(kGet);
  EXPECT_EQ(again.answer().status, 200);
}

TEST(Stream, MoreThanAllAreAnsweredWith503) {
  HttpServerLimits limits;
  limits.streams = 1;
  Streams streams;
  TestServer server(streams.handler(), limits);
  RawClient first = server.connect();
  first.send(kGet);
  streams.wait_for(1);
  RawClient second = server.connect();
  second.send(kGet);
  EXPECT_EQ(second.answer().status, 503);
}

TEST(Stream, ARequestBehindItIsNotAnswered) {
  Streams streams;
  TestServer server(streams.handler());
  RawClient client = server.connect();
  client.send(std::string(kGet) + post("1"));
  client.send(post("2"));
  const auto stream = streams.wait_for(1);
  stream->write(text("event"));
  stream->close();
  client.answer();
  EXPECT_EQ(client.until("0\r\n\r\n"), "5\r\nevent\r\n0\r\n\r\n");
  EXPECT_TRUE(client.closed());
}

TEST(Stream, AClientThatSendsOnAndOnIsDisconnected) {
  Streams streams;
  TestServer server(streams.handler());
  RawClient client = server.connect();
  client.send(kGet);
  const auto stream = streams.wait_for(1);
  while (client.send("more and more and more")) {
  }
  write_until_over(*stream, "x");
}

TEST(Stream, AStopEndsItAtOnce) {
  Streams streams;
  TestServer server(streams.handler());
  RawClient client = server.connect();
  client.send(kGet);
  const auto stream = streams.wait_for(1);
  stream->write(text("event"));
  auto stopped = std::async(std::launch::async, [&] { server->stop(std::chrono::minutes(10)); });
  client.answer();
  EXPECT_EQ(client.until("0\r\n\r\n"), "5\r\nevent\r\n0\r\n\r\n");
  EXPECT_TRUE(client.closed());
  stopped.wait();
  EXPECT_FALSE(stream->write(text("late")));
}

TEST(Stream, AStopDoesNotWaitForAClientThatDoesNotRead) {
  Streams streams;
  TestServer server(streams.handler());
  RawClient slow = server.connect();
  slow.send(kGet);
  const auto stream = streams.wait_for(1);
  stream->write(text(std::string(200000, 'x')));
  server->stop(milliseconds(20));
  EXPECT_FALSE(stream->write(text("late")));
}

TEST(Stream, TheHandleMayOutliveTheServer) {
  Streams streams;
  {
    TestServer server(streams.handler());
    RawClient client = server.connect();
    client.send(kGet);
    streams.wait_for(1);
  }
  EXPECT_FALSE(streams.wait_for(1)->write(text("late")));
}

TEST(Stream, RacingWritesClosesAndStopsAreHarmless) {
  for (int round = 0; round < 20; ++round) {
    Streams streams;
    TestServer server(streams.handler());
    std::vector<RawClient> clients;
    std::vector<std::shared_ptr<BodyStream>> handles;
    for (std::size_t i = 1; i <= 4; ++i) {
      clients.push_back(server.connect());
      clients.back().send(kGet);
      handles.push_back(streams.wait_for(i));
    }
    std::thread writes([&] {
      for (const auto& handle : handles) write_until_over(*handle, "some bytes");
    });
    std::thread ends([&] {
      handles[0]->close();
      clients[1].close();
      streams.let_go();
    });
    ends.join();
    server->stop(milliseconds(round % 3));
    writes.join();
  }
}

}  // namespace
}  // namespace vodlift::net
