// Requests on a kept-alive connection that closes without an answer.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <stdexcept>
#include <thread>

#include "net/http_client.h"

namespace vodlift::net {
namespace {

// Answers one request on each connection, and closes the first one when it has read another there, the rest at once.
class OnceClosingServer {
 public:
  OnceClosingServer() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 4) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("no server on loopback");
    }
    url_ = fmt::format("http://127.0.0.1:{}/", ntohs(address.sin_port));
    thread_ = std::thread([this] { run(); });
  }
  OnceClosingServer(const OnceClosingServer&) = delete;
  OnceClosingServer& operator=(const OnceClosingServer&) = delete;
  ~OnceClosingServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] int requests() const { return requests_; }

 private:
  void run() {
    for (bool first = true;; first = false) {
      const int connection = ::accept(listener_, nullptr, nullptr);
      if (connection < 0) return;
      if (read(connection)) {
        constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        ::send(connection, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL);
      }
      if (first) read(connection);
      ::close(connection);
    }
  }

  bool read(int connection) {
    std::array<char, 4096> bytes{};
    const bool came = ::recv(connection, bytes.data(), bytes.size(), 0) > 0;
    requests_ += came ? 1 : 0;
    return came;
  }

  const int listener_;
  std::string url_;
  std::atomic<int> requests_ = 0;
  std::thread thread_;
};

TEST(HttpClientSendOnce, OnlyWhatMayBeSentTwiceIsSentAgainOnAnotherConnection) {
  HttpClient client("test-http", 8);
  for (const bool send_once : {false, true}) {
    OnceClosingServer server;
    HttpRequest out;
    out.method = "POST";
    out.url = server.url();
    ASSERT_TRUE(client.perform(out));
    out.send_once = send_once;
    const auto second = client.perform(out);
    EXPECT_EQ(second.has_value(), !send_once);
    EXPECT_EQ(server.requests(), send_once ? 2 : 3);
    if (!send_once) continue;
    EXPECT_EQ(second.error().code, Errc::network);
    EXPECT_NE(second.error().message.find("may have been carried out"), std::string::npos) << second.error().message;
    EXPECT_TRUE(client.perform(out)) << "the next request has a new connection";
  }
}

}  // namespace
}  // namespace vodlift::net
