#include "load_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <deque>

#include "base/encoding.h"
#include "base/file.h"
#include "http_head.h"

namespace vodlift::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxAnswerBytes = 64 * 1024;

// What follows `"name":` and white space in a flat reading of the text; enough for an envelope we only spot-check.
std::string_view after_member(std::string_view body, std::string_view quoted_name) {
  const std::size_t place = body.find(quoted_name);
  if (place == std::string_view::npos) return {};
  const std::size_t value = body.find_first_not_of(" :", place + quoted_name.size());
  return value == std::string_view::npos ? std::string_view{} : body.substr(value);
}

Result<UniqueFd> connect_to(std::uint16_t port) {
  UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return Error{Errc::network, fmt::format("cannot connect to 127.0.0.1:{}: {}", port, errno_text(errno))};
  }
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::fcntl(socket.get(), F_SETFL, ::fcntl(socket.get(), F_GETFL) | O_NONBLOCK);
  return socket;
}

// One whole answer at the front of `input`.
struct Answer {
  std::size_t size = 0;
  std::string_view body;
  bool success_status = false;
  bool close = false;
};

// Nothing while bytes are missing. Errors: internal for an answer without a length.
Result<std::optional<Answer>> take_answer(std::string_view input) {
  const std::size_t end = input.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    if (input.size() > kMaxAnswerBytes) return Error{Errc::internal, "the answer's head does not end"};
    return std::optional<Answer>();
  }
  const auto head = parse_head(input.substr(0, end + 2));
  const auto length = head ? parse_count(head->header("content-length").value_or("")) : std::nullopt;
  if (!length || static_cast<std::size_t>(*length) > kMaxAnswerBytes) {
    return Error{Errc::internal, fmt::format("no usable Content-Length in: {}", printable(input.substr(0, end)))};
  }
  const std::size_t size = end + 4 + static_cast<std::size_t>(*length);
  if (input.size() < size) return std::optional<Answer>();
  return std::optional<Answer>({.size = size,
                                .body = input.substr(end + 4, static_cast<std::size_t>(*length)),
                                .success_status = head->start_line.starts_with("HTTP/1.1 200"),
                                .close = head->lists("connection", "close")});
}

class LoadRun {
 public:
  LoadRun(const LoadPlan& plan, const LoadRequests& requests)
      : plan_(plan), requests_(requests), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    result_.ids.reserve(static_cast<std::size_t>(plan.requests));
    result_.latencies_us.reserve(static_cast<std::size_t>(plan.requests));
  }

  Result<LoadResult> run() {
    for (int i = 0; i < plan_.connections; ++i) {
      if (auto opened = open(slots_.emplace_back(), static_cast<std::uint64_t>(i)); !opened) return opened.error();
    }
    const auto begin = Clock::now();
    for (Slot& slot : slots_) {
      if (auto started = start_call(slot); !started) return started.error();
    }
    std::array<epoll_event, 256> events;
    while (result_.ids.size() < static_cast<std::size_t>(plan_.requests)) {
      if (Clock::now() - begin > plan_.give_up) {
        return Error{Errc::timeout, fmt::format("{} of {} calls answered within {} s", result_.ids.size(),
                                                plan_.requests, plan_.give_up.count())};
      }
      const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 1000);
      for (int i = 0; i < count; ++i) {
        if (auto served = serve(events[static_cast<std::size_t>(i)].data.u64); !served) return served.error();
      }
    }
    result_.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    return std::move(result_);
  }

 private:
  struct Slot {
    UniqueFd socket;
    std::string output;
    std::string input;
    Clock::time_point sent_at;
    bool waiting = false;  // a call is under way
  };

  Result<> open(Slot& slot, std::uint64_t index) {
    auto socket = connect_to(plan_.port);
    if (!socket) return socket.error();
    slot.socket = std::move(*socket);
    // Edge-triggered, so that one registration serves both directions for the connection's whole life.
    epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.u64 = index}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, slot.socket.get(), &event);
    return {};
  }

  Result<> start_call(Slot& slot) {
    if (next_ == plan_.requests) return {};
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    slot.output = requests_.http_request(plan_.first_number + next_++,
                                         std::chrono::duration_cast<std::chrono::seconds>(now).count());
    slot.sent_at = Clock::now();
    slot.waiting = true;
    return send_rest(slot);
  }

  Result<> send_rest(Slot& slot) {
    while (!slot.output.empty()) {
      const ssize_t sent = ::send(slot.socket.get(), slot.output.data(), slot.output.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EAGAIN) return {};
      if (sent < 0) return Error{Errc::network, fmt::format("sending a call failed: {}", errno_text(errno))};
      slot.output.erase(0, static_cast<std::size_t>(sent));
    }
    return {};
  }

  Result<> serve(std::uint64_t index) {
    Slot& slot = slots_[index];
    if (auto sent = send_rest(slot); !sent) return sent.error();
    std::array<char, 8192> buffer;
    for (;;) {
      const ssize_t got = ::recv(slot.socket.get(), buffer.data(), buffer.size(), 0);
      if (got < 0 && errno == EAGAIN) return {};
      if (got <= 0) {
        if (!slot.waiting) return {};
        return Error{Errc::network, "the server closed a connection with a call under way"};
      }
      slot.input.append(buffer.data(), static_cast<std::size_t>(got));
      auto answer = take_answer(slot.input);
      if (!answer) return answer.error();
      if (!*answer) continue;
      if (auto done = finish_call(slot, index, **answer); !done) return done.error();
    }
  }

  Result<> finish_call(Slot& slot, std::uint64_t index, const Answer& answer) {
    const auto id = answer.success_status ? accepted_id(answer.body) : std::nullopt;
    if (!id) return Error{Errc::internal, fmt::format("a call was not accepted: {}", printable(answer.body, 512))};
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - slot.sent_at).count();
    result_.ids.push_back(*id);
    result_.latencies_us.push_back(static_cast<std::uint32_t>(took));
    slot.waiting = false;
    const bool close = answer.close;
    slot.input.erase(0, answer.size);
    if (close) {
      if (auto opened = open(slot, index); !opened) return opened.error();
    }
    return start_call(slot);
  }

  const LoadPlan& plan_;
  const LoadRequests& requests_;
  UniqueFd epoll_;
  std::deque<Slot> slots_;
  std::int64_t next_ = 0;
  LoadResult result_;
};

}  // namespace

std::optional<std::int64_t> accepted_id(std::string_view body) {
  if (!after_member(body, "\"status\"").starts_with("\"success\"")) return std::nullopt;
  const std::string_view data = after_member(body, "\"data\"");
  const auto id = parse_count(data.substr(0, data.find_first_not_of("0123456789")));
  return id && *id > 0 ? id : std::nullopt;
}

Result<LoadResult> run_load(const LoadPlan& plan, const LoadRequests& requests) {
  return LoadRun(plan, requests).run();
}

}  // namespace vodlift::bench
