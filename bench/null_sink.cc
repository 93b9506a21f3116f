// A store that keeps nothing: what an upload costs against it is the client's own cost.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <unordered_map>

#include "base/file.h"
#include "sink_connection.h"

namespace vodlift::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxConnections = 4096;
constexpr std::uint64_t kListener = 0;

class SinkServer {
 public:
  SinkServer(UniqueFd listener, std::chrono::milliseconds delay)
      : listener_(std::move(listener)), epoll_(::epoll_create1(EPOLL_CLOEXEC)), delay_(delay) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = kListener}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listener_.get(), &event);
  }

  // Serves until the process gets a signal to end.
  [[noreturn]] void run() {
    std::array<epoll_event, 256> events;
    for (;;) {
      const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), next_timeout());
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.u64 == kListener) {
          accept_all();
        } else {
          serve(event.data.u64, event.events);
        }
      }
      release_due();
    }
  }

 private:
  struct Client {
    SinkConnection connection;
    std::uint32_t interest = EPOLLIN;
  };

  int next_timeout() const {
    if (due_.empty()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(due_.begin()->first - Clock::now());
    return static_cast<int>(std::max<std::int64_t>(0, left.count()));
  }

  void accept_all() {
    for (;;) {
      UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!socket.valid()) return;
      if (clients_.size() >= kMaxConnections) continue;
      const int on = 1;
      ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      const std::uint64_t id = ++last_id_;
      epoll_event event{.events = EPOLLIN, .data = {.u64 = id}};
      if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket.get(), &event) != 0) continue;
      clients_.emplace(id, std::make_unique<Client>(Client{.connection = {std::move(socket), objects_}}));
    }
  }

  void serve(std::uint64_t id, std::uint32_t events) {
    const auto found = clients_.find(id);
    if (found == clients_.end()) return;
    SinkConnection& connection = found->second->connection;
    auto next = SinkConnection::Next::wait;
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) next = SinkConnection::Next::close;
    if (next == SinkConnection::Next::wait && (events & EPOLLOUT) != 0) next = connection.on_writable();
    if (next == SinkConnection::Next::wait && (events & EPOLLIN) != 0) next = connection.on_readable();
    settle(id, *found->second, next);
  }

  void settle(std::uint64_t id, Client& client, SinkConnection::Next next) {
    while (next == SinkConnection::Next::answer_ready && delay_.count() == 0) {
      next = client.connection.release_answer();
    }
    if (next == SinkConnection::Next::close) {
      clients_.erase(id);
      return;
    }
    if (next == SinkConnection::Next::answer_ready) due_.emplace(Clock::now() + delay_, id);
    const std::uint32_t interest = (client.connection.wants_read() ? std::uint32_t{EPOLLIN} : 0U) |
                                   (client.connection.wants_write() ? std::uint32_t{EPOLLOUT} : 0U);
    if (interest == client.interest) return;
    client.interest = interest;
    epoll_event event{.events = interest, .data = {.u64 = id}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, client.connection.fd(), &event);
  }

  void release_due() {
    while (!due_.empty() && due_.begin()->first <= Clock::now()) {
      const std::uint64_t id = due_.begin()->second;
      due_.erase(due_.begin());
      const auto found = clients_.find(id);
      if (found != clients_.end()) settle(id, *found->second, found->second->connection.release_answer());
    }
  }

  UniqueFd listener_;
  UniqueFd epoll_;
  std::chrono::milliseconds delay_;
  SinkObjects objects_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Client>> clients_;
  std::multimap<Clock::time_point, std::uint64_t> due_;  // answers held back, at most one a client
  std::uint64_t last_id_ = kListener;
};

Result<UniqueFd> listen_on_loopback(std::uint16_t port) {
  UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(socket.get(), generic, size) != 0 || ::listen(socket.get(), SOMAXCONN) != 0 ||
      ::getsockname(socket.get(), generic, &size) != 0) {
    return Error{Errc::network, fmt::format("cannot listen on 127.0.0.1:{}: {}", port, errno_text(errno))};
  }
  fmt::print("listening on http://127.0.0.1:{}\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return socket;
}

}  // namespace
}  // namespace vodlift::bench

int main(int argc, char** argv) {
  CLI::App app{"An S3 store for measurements: believes every upload, discards every byte."};
  std::uint16_t port = 0;
  std::int64_t delay_ms = 0;
  app.add_option("--port", port, "Port on 127.0.0.1; 0 takes a free one")->capture_default_str();
  app.add_option("--delay-ms", delay_ms, "Hold every answer back for so long")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{3600000}))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  auto listener = vodlift::bench::listen_on_loopback(port);
  if (!listener) {
    fmt::print(stderr, "{}\n", listener.error().message);
    return 1;
  }
  vodlift::bench::SinkServer(std::move(*listener), std::chrono::milliseconds(delay_ms)).run();
}
