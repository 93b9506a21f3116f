// For the tests of the HTTP server: a client that sends exactly the given bytes, and a server around a handler.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "net/http_server.h"

namespace vodlift::net {

struct Answer {
  int status = 0;  // 0: the server closed without one
  std::string head;
  std::string body;

  [[nodiscard]] bool has(std::string_view text) const { return head.find(text) != std::string::npos; }
};

class RawClient {
 public:
  // Connects to "127.0.0.1:PORT" or to a socket's path.
  explicit RawClient(const std::string& address) {
    sockaddr_storage storage{};
    socklen_t length = 0;
    if (address.front() == '/') {
      auto* local = reinterpret_cast<sockaddr_un*>(&storage);
      local->sun_family = AF_UNIX;
      address.copy(local->sun_path, sizeof local->sun_path - 1);
      length = sizeof(sockaddr_un);
    } else {
      auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
      const std::size_t colon = address.rfind(':');
      v4->sin_family = AF_INET;
      v4->sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
      ::inet_pton(AF_INET, address.substr(0, colon).c_str(), &v4->sin_addr);
      length = sizeof(sockaddr_in);
    }
    fd_ = UniqueFd(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    // A hanging server must fail a test, not stop it.
    const timeval limit{10, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    connected_ = ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&storage), length) == 0;
  }

  [[nodiscard]] bool connected() const { return connected_; }

  // False once the server has closed.
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  void finish_sending() const { ::shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.reset(); }

  // The next answer; `without_body` for HEAD.
  Answer answer(bool without_body = false) {
    Answer out;
    std::size_t end = std::string::npos;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive()) return out;
    }
    out.head = received_.substr(0, end + 4);
    received_.erase(0, end + 4);
    out.status = std::stoi(out.head.substr(9, 3));
    const std::size_t field = out.head.find("Content-Length: ");
    if (field == std::string::npos || without_body) return out;
    const std::size_t length = std::stoul(out.head.substr(field + 16));
    while (received_.size() < length) {
      if (!receive()) return out;
    }
    out.body = received_.substr(0, length);
    received_.erase(0, length);
    return out;
  }

  // What comes until `text`, `text` included; all that came where it never comes.
  std::string until(std::string_view text) {
    std::size_t at = std::string::npos;
    while ((at = received_.find(text)) == std::string::npos) {
      if (!receive()) return std::exchange(received_, {});
    }
    const std::string out = received_.substr(0, at + text.size());
    received_.erase(0, out.size());
    return out;
  }

  // True when the server closes now without sending anything more.
  bool closed() { return received_.empty() && !receive(); }

 private:
  bool receive() {
    char buffer[4096];
    const ssize_t count = ::recv(fd_.get(), buffer, sizeof buffer, 0);
    EXPECT_FALSE(count < 0 && errno == EAGAIN) << "the server did nothing for ten seconds";
    if (count <= 0) return false;
    received_.append(buffer, static_cast<std::size_t>(count));
    return true;
  }

  UniqueFd fd_;
  bool connected_ = false;
  std::string received_;
};

inline Response fault_body(Errc code, std::string_view message) {
  Response out;
  out.body = std::string(info(code).name) + ": " + std::string(message);
  return out;
}

// Answers "METHOD TARGET BODY".
inline void echo(const Request& request, const Responder& respond) {
  Response out;
  out.content_type = "text/plain";
  out.body = request.method + " " + request.target + " " + request.body;
  respond(std::move(out));
}

// Holds every request until release() answers them.
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

inline HttpServer make_server(Handler handler = echo) {
  return HttpServer("http", {}, 1, std::move(handler), fault_body);
}

// A server on a free loopback port, started.
class TestServer {
 public:
  explicit TestServer(Handler handler = echo, HttpServerLimits limits = {}, std::size_t threads = 2,
                      std::vector<Network> trusted_proxies = {})
      : server_("http", limits, threads, std::move(handler), fault_body, std::move(trusted_proxies)) {
    EXPECT_TRUE(server_.listen("127.0.0.1:0"));
    server_.start();
  }

  [[nodiscard]] RawClient connect() const { return RawClient(server_.address()); }
  HttpServer& operator*() { return server_; }
  HttpServer* operator->() { return &server_; }

 private:
  HttpServer server_;
};

inline std::chrono::milliseconds since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
}

inline std::string post(std::string_view body, std::string_view extra = "") {
  return "POST /stable/ HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(extra) + "\r\n" + std::string(body);
}

}  // namespace vodlift::net
