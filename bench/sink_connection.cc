#include "sink_connection.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

namespace vodlift::bench {
namespace {

constexpr std::size_t kMaxHeadBytes = 32 * 1024;
constexpr std::int64_t kTrailerBytes = 256;
constexpr std::int64_t kMaxDiscardBytes = std::int64_t{1} << 30;

std::string_view reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    default:
      return "Status";
  }
}

std::string serialize(const SinkResponse& response, bool close) {
  std::string text = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason(response.status));
  for (const auto& [name, value] : response.headers) text += fmt::format("{}: {}\r\n", name, value);
  if (close) text += "Connection: close\r\n";
  if (response.status != 204) {
    const auto length = static_cast<std::int64_t>(response.body.size());
    text += fmt::format("Content-Length: {}\r\n", response.content_length < 0 ? length : response.content_length);
  }
  return text + "\r\n" + response.body;
}

// The framing that the head announces; nothing where it is contradictory or none that a server could know.
std::optional<SinkBody> framing_of(const HttpHead& head) {
  const auto length = head.header("content-length");
  if (head.header("transfer-encoding")) {
    if (length || !head.lists("transfer-encoding", "chunked")) return std::nullopt;
    return SinkBody::chunked();
  }
  const auto count = parse_count(length.value_or("0"));
  if (!count) return std::nullopt;
  return SinkBody::fixed(*count, head.header("x-amz-trailer") ? kTrailerBytes : 0);
}

bool blocked(ssize_t result) { return result < 0 && (errno == EAGAIN || errno == EINTR); }

}  // namespace

SinkConnection::Next SinkConnection::on_readable() {
  if (answer_) return Next::wait;
  if (body_ && input_.empty() && body_->discardable() > 0) {
    // MSG_TRUNC on TCP: the kernel drops the bytes instead of copying them to us, so that the client's cost shows.
    const auto want = static_cast<std::size_t>(std::min(body_->discardable(), kMaxDiscardBytes));
    const ssize_t dropped = ::recv(fd(), nullptr, want, MSG_TRUNC);
    if (blocked(dropped)) return Next::wait;
    if (dropped <= 0) return Next::close;
    body_->discarded(dropped);
    return advance();
  }
  std::array<char, 16 * 1024> buffer;
  const ssize_t got = ::recv(fd(), buffer.data(), buffer.size(), 0);
  if (blocked(got)) return Next::wait;
  if (got <= 0) return Next::close;
  input_.append(buffer.data(), static_cast<std::size_t>(got));
  return advance();
}

SinkConnection::Next SinkConnection::on_writable() {
  if (!flush()) return Next::close;
  return close_after_ && !answer_ && output_.empty() ? Next::close : Next::wait;
}

SinkConnection::Next SinkConnection::release_answer() {
  output_ += *answer_;
  answer_.reset();
  if (!flush()) return Next::close;
  if (close_after_) return output_.empty() ? Next::close : Next::wait;
  return advance();
}

SinkConnection::Next SinkConnection::advance() {
  if (close_after_) return Next::wait;
  if (!body_) {
    const std::size_t end = input_.find("\r\n\r\n");
    if (end == std::string::npos) {
      if (input_.size() <= kMaxHeadBytes) return Next::wait;
      refuse(431);
      return Next::answer_ready;
    }
    const bool understood = begin_request(std::string_view(input_).substr(0, end + 2));
    input_.erase(0, end + 4);
    if (!understood) {
      refuse(400);
      return Next::answer_ready;
    }
    if (!flush()) return Next::close;
  }
  input_.erase(0, body_->consume(input_));
  if (body_->failed()) {
    refuse(400);
    return Next::answer_ready;
  }
  if (!body_->done()) return Next::wait;
  finish_request();
  return Next::answer_ready;
}

bool SinkConnection::begin_request(std::string_view text) {
  auto head = parse_head(text);
  if (!head) return false;
  const std::string_view line = head->start_line;
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last || line.substr(last + 1, 7) != "HTTP/1.") return false;
  const std::string_view target = line.substr(first + 1, last - first - 1);
  if (!target.starts_with('/')) return false;
  body_ = framing_of(*head);
  if (!body_) return false;
  const std::size_t mark = target.find('?');
  close_after_ = line.ends_with("1.0") || head->lists("connection", "close");
  if (!body_->done() && head->lists("expect", "100-continue")) output_ += "HTTP/1.1 100 Continue\r\n\r\n";
  request_ = {.method = std::string(line.substr(0, first)),
              .path = std::string(target.substr(0, mark)),
              .query = std::string(mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1)),
              .head = std::move(*head),
              .arrived_ns = std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1)};
  return true;
}

void SinkConnection::finish_request() {
  request_.body_bytes = body_->size();
  add_trailers(request_.head, body_->tail());
  body_.reset();
  SinkResponse response = objects_.answer(request_);
  if (request_.method == "HEAD") {
    if (response.content_length < 0) response.content_length = static_cast<std::int64_t>(response.body.size());
    response.body.clear();
  }
  answer_ = serialize(response, close_after_);
}

void SinkConnection::refuse(int status) {
  close_after_ = true;
  body_.reset();
  answer_ = serialize({.status = status}, true);
}

bool SinkConnection::flush() {
  while (!output_.empty()) {
    const ssize_t sent = ::send(fd(), output_.data(), output_.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno == EAGAIN;
    output_.erase(0, static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace vodlift::bench
