// An HttpClient and a server on loopback, for unit tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "net/http_client.h"
#include "net/http_server.h"

namespace vodlift::net {

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
    server_.stop(std::chrono::milliseconds(0));
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

}  // namespace vodlift::net
