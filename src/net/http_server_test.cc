#include "net/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/thread_pool.h"
#include "net/http_server_test_client.h"

namespace vodlift::net {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

TEST(HttpServer, AnswersARequest) {
  TestServer server;
  RawClient client = server.connect();
  ASSERT_TRUE(client.send(post("hello")));
  const Answer answer = client.answer();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "POST /stable/ hello");
  EXPECT_TRUE(answer.has("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(answer.has("Content-Type: text/plain\r\n"));
  EXPECT_TRUE(answer.has("\r\nDate: "));
  EXPECT_FALSE(answer.has("Connection:"));
}

TEST(HttpServer, GivesTheHandlerAllOfTheRequest) {
  Request seen;
  TestServer server([&](Request request, const Responder& respond) {
    seen = std::move(request);
    respond({});
  });
  RawClient client = server.connect();
  const auto before = std::chrono::steady_clock::now();
  client.send(
      "POST /x?y=1 HTTP/1.1\r\nHOST: a:80\r\nX-One:  two words \r\nX-One: again\r\nContent-Length: 2\r\n\r\nok");
  ASSERT_EQ(client.answer().status, 200);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.target, "/x?y=1");
  EXPECT_EQ(seen.body, "ok");
  EXPECT_EQ(seen.peer, "127.0.0.1");
  EXPECT_GE(seen.received, before);
  EXPECT_THAT(seen.headers, ElementsAre(Pair("host", "a:80"), Pair("x-one", "two words"), Pair("x-one", "again"),
                                        Pair("content-length", "2")));
  EXPECT_EQ(seen.header("x-one"), "two words");
  EXPECT_EQ(seen.header("absent"), "");
}

TEST(HttpServer, KeepsAConnectionForAThousandRequests) {
  TestServer server;
  RawClient client = server.connect();
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(client.send(post(std::to_string(i))));
    ASSERT_EQ(client.answer().body, "POST /stable/ " + std::to_string(i));
  }
}

TEST(HttpServer, ServesManyConnectionsAtOnce) {
  TestServer server;
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      RawClient client = server.connect();
      for (int i = 0; i < 100; ++i) {
        const std::string body = std::to_string(thread) + "/" + std::to_string(i);
        if (client.send(post(body)) && client.answer().body == "POST /stable/ " + body) ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 800);
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  ThreadPool pool("late", 4, 100);
  // The earlier the request, the later its handler answers; order must come from the server.
  TestServer server([&](Request request, Responder respond) {
    auto shared = std::make_shared<Request>(std::move(request));
    ASSERT_TRUE(pool.post([shared, respond] { echo(*shared, respond); }));
  });
  RawClient client = server.connect();
  std::string all;
  for (int i = 0; i < 50; ++i) all += post(std::to_string(i));
  all += "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  client.send(all);
  for (int i = 0; i < 50; ++i) ASSERT_EQ(client.answer().body, "POST /stable/ " + std::to_string(i));
  const Answer last = client.answer();
  EXPECT_EQ(last.body, "GET /last ");
  EXPECT_TRUE(last.has("Connection: close\r\n"));
  EXPECT_TRUE(client.closed());
}

TEST(HttpServer, TakesARequestByteByByte) {
  TestServer server;
  RawClient client = server.connect();
  const std::string plain = post("abc");
  const std::string chunked = "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  for (const std::string& request : {plain, chunked}) {
    for (const char c : request) ASSERT_TRUE(client.send({&c, 1}));
    EXPECT_THAT(client.answer().body, HasSubstr(" abc"));
  }
}

TEST(HttpServer, TakesABodyUpToTheLimit) {
  HttpServerLimits limits;
  limits.body_bytes = 300000;
  TestServer server(echo, limits);
  RawClient client = server.connect();
  const std::string body(limits.body_bytes, 'x');
  client.send(post(body));
  EXPECT_EQ(client.answer().body, "POST /stable/ " + body);
  client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n493E0\r\n" + body +
              "\r\n0\r\nX: y\r\n\r\n");
  EXPECT_EQ(client.answer().body, "POST / " + body);
}

TEST(HttpServer, SendsContinueBeforeTheBody) {
  TestServer server;
  RawClient client = server.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-Continue\r\n\r\n");
  EXPECT_EQ(client.answer().head, "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("abc");
  EXPECT_EQ(client.answer().body, "POST / abc");
  // Nothing is awaited where the body is there already, or where there is none.
  client.send(post("abc", "Expect: 100-continue\r\n") + post("", "Expect: 100-continue\r\n"));
  EXPECT_EQ(client.answer().status, 200);
  EXPECT_EQ(client.answer().status, 200);
}

TEST(HttpServer, AnswersHttp10AndCloses) {
  TestServer server;
  RawClient client = server.connect();
  client.send("POST /old HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi");
  const Answer answer = client.answer();
  EXPECT_EQ(answer.body, "POST /old hi");
  EXPECT_TRUE(answer.has("Connection: close\r\n"));
  EXPECT_TRUE(client.closed());
}

TEST(HttpServer, HandsOverEveryMethod) {
  TestServer server;
  RawClient client = server.connect();
  for (const std::string method : {"GET", "PUT", "DELETE", "TRACE", "OPTIONS", "BREW", "x!#"}) {
    client.send(method + " /m HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(client.answer().body, method + " /m ");
  }
  client.send("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n");
  EXPECT_EQ(client.answer().body, "CONNECT example.com:443 ");
}

TEST(HttpServer, AnswersHeadWithoutBody) {
  TestServer server;
  RawClient client = server.connect();
  client.send("HEAD /h HTTP/1.1\r\nHost: a\r\n\r\nGET /g HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(client.answer(true).has("Content-Length: 8\r\n"));
  EXPECT_EQ(client.answer().body, "GET /g ");
}

TEST(HttpServer, AnswersAClientThatHasFinishedSending) {
  TestServer server;
  RawClient client = server.connect();
  client.send(post("bye"));
  client.finish_sending();
  EXPECT_EQ(client.answer().body, "POST /stable/ bye");
  EXPECT_TRUE(client.closed());
}

TEST(HttpServer, SendsTheHandlersHeadersButNoneThatBreakTheAnswer) {
  TestServer server([](const Request&, const Responder& respond) {
    Response out;
    out.status = 405;
    out.headers = {{"Allow", "POST"}, {"X-Bad", "a\r\nSet-Cookie: b"}, {"X Bad", "c"}, {"content-LENGTH", "99"}};
    respond(std::move(out));
  });
  RawClient client = server.connect();
  client.send(post(""));
  const Answer answer = client.answer();
  EXPECT_TRUE(answer.has("HTTP/1.1 405 Method Not Allowed\r\n"));
  EXPECT_TRUE(answer.has("\r\nAllow: POST\r\n"));
  EXPECT_TRUE(answer.has("\r\nContent-Length: 0\r\n"));
  EXPECT_FALSE(answer.has("Bad"));
  EXPECT_FALSE(answer.has("99"));
  EXPECT_FALSE(answer.has("Set-Cookie"));
}

TEST(HttpServer, NoContentHasNoBody) {
  TestServer server([](const Request&, const Responder& respond) {
    Response out;
    out.status = 204;
    out.body = "must not be sent";
    respond(std::move(out));
  });
  RawClient client = server.connect();
  client.send(post("") + post(""));
  EXPECT_FALSE(client.answer().has("Content-Length"));
  EXPECT_EQ(client.answer().status, 204);
}

TEST(HttpServer, AHandlerThatThrowsAnswers500AndTheConnectionLives) {
  TestServer server([](const Request& request, const Responder& respond) {
    if (request.target == "/throw") throw std::runtime_error("broken");
    if (request.target == "/odd") throw 7;
    respond({});
  });
  RawClient client = server.connect();
  for (const char* target : {"/throw", "/odd"}) {
    client.send("GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n\r\n");
    const Answer answer = client.answer();
    EXPECT_EQ(answer.status, 500);
    EXPECT_THAT(answer.body, HasSubstr("internal: "));
  }
  client.send(post(""));
  EXPECT_EQ(client.answer().status, 200);
}

TEST(HttpServer, ADroppedResponderAnswers500) {
  ThreadPool pool("drop", 1, 10);
  TestServer server([&](const Request& request, const Responder& respond) {
    if (request.target == "/elsewhere") {
      ASSERT_TRUE(pool.post([respond] {}));
    }
  });
  RawClient client = server.connect();
  for (const std::string target : {"/here", "/elsewhere"}) {
    client.send("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(client.answer().status, 500);
  }
}

TEST(HttpServer, ASecondAnswerIsIgnored) {
  TestServer server([](const Request& request, const Responder& respond) {
    echo(request, respond);
    respond({.status = 404, .content_type = {}, .body = "again", .headers = {}});
  });
  RawClient client = server.connect();
  client.send(post("1") + post("2"));
  EXPECT_EQ(client.answer().body, "POST /stable/ 1");
  EXPECT_EQ(client.answer().body, "POST /stable/ 2");
}

TEST(HttpServer, SurvivesAClientThatDoesNotWaitForItsAnswer) {
  std::vector<Responder> kept;
  std::mutex mutex;
  TestServer server([&](const Request&, Responder respond) {
    const std::lock_guard lock(mutex);
    kept.push_back(std::move(respond));
  });
  {
    RawClient client = server.connect();
    client.send(post(""));
    for (bool arrived = false; !arrived; std::this_thread::yield()) {
      const std::lock_guard lock(mutex);
      arrived = !kept.empty();
    }
  }
  Response big;
  big.body.assign(10'000'000, 'x');
  kept.front()(std::move(big));
  kept.clear();
  EXPECT_TRUE(server.connect().connected());
}

}  // namespace
}  // namespace vodlift::net
