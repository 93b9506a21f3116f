#include "net/http_server_stream.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <boost/asio/post.hpp>
#include <exception>
#include <utility>

#include "base/log.h"
#include "net/http_server_session.h"

namespace vodlift::net {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace

Result<> StreamPlaces::take(const std::string& holder) {
  const std::lock_guard lock(mutex_);
  if (taken_ >= all_) {
    return Error{Errc::overloaded, "The server has as many streams as it can hold. Try again in a minute."};
  }
  if (!holder.empty()) {
    std::size_t& count = holders_[holder];
    if (count >= each_) {
      return Error{Errc::too_many_connections, "You have as many streams open as one may have. Close one."};
    }
    ++count;
  }
  ++taken_;
  return {};
}

void StreamPlaces::release(const std::string& holder) {
  const std::lock_guard lock(mutex_);
  --taken_;
  const auto found = holders_.find(holder);
  if (found != holders_.end() && --found->second == 0) holders_.erase(found);
}

Result<std::shared_ptr<StreamQueue>> StreamQueue::make(const std::shared_ptr<ServerShared>& shared,
                                                       const ByteHolders& holders,
                                                       const std::weak_ptr<Session>& session) {
  std::shared_ptr<StreamQueue> queue(new StreamQueue(shared, holders, session));
  if (auto taken = shared->streams.take(holders.key); !taken) {
    queue->ended_ = true;  // it has no place to give back
    return taken.error();
  }
  return queue;
}

bool StreamQueue::write(std::shared_ptr<const std::string> bytes) {
  std::unique_lock lock(mutex_);
  if (closed_ || ended_ || failed_) return false;
  const std::size_t size = bytes->size();
  if (size == 0) return true;
  const bool fits = held_ + size <= shared_->limits.stream_bytes;
  if (fits && shared_->memory.take(holders_, size)) {
    held_ += size;
    waiting_ += size;
    texts_.push_back(std::move(bytes));
  } else {
    failed_ = true;
  }
  wake(std::move(lock));
  return !failed_;
}

void StreamQueue::close() {
  std::unique_lock lock(mutex_);
  if (closed_ || ended_) return;
  closed_ = true;
  wake(std::move(lock));
}

// What is posted holds the session weakly, so that it cannot keep alive a loop that will never run it.
void StreamQueue::wake(std::unique_lock<std::mutex> lock) {
  if (std::exchange(woken_, true)) return;
  lock.unlock();
  const std::shared_ptr<Session> session = session_.lock();
  if (session == nullptr) return;
  try {
    asio::post(session->loop_->io(), [weak = session_] {
      if (const auto alive = weak.lock()) alive->carry_out([&] { alive->send_stream(); });
    });
  } catch (const std::exception& exception) {
    log::error("a stream was given up", {{"exception", exception.what()}});
    failed_ = true;  // the next sweep closes it
  }
}

StreamQueue::Piece StreamQueue::take() {
  const std::lock_guard lock(mutex_);
  woken_ = false;
  return {std::exchange(texts_, {}), std::exchange(waiting_, 0), closed_};
}

void StreamQueue::sent(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  if (ended_ || bytes == 0) return;
  held_ -= bytes;
  shared_->memory.give_back(holders_, bytes);
}

void StreamQueue::end() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(ended_, true)) return;
  texts_.clear();
  if (held_ > 0) shared_->memory.give_back(holders_, held_);
  shared_->streams.release(holders_.key);
}

void Session::begin_stream(Response response) {
  holders_.key = std::move(response.holder);
  auto queue = StreamQueue::make(shared_, holders_, weak_from_this());
  if (!queue) {
    Response refusal = fault_response(queue.error().code, queue.error().message);
    refusal.headers.emplace_back("Retry-After", "10");
    return write(std::move(refusal));
  }
  streamed_ = *queue;
  state_ = State::streaming;
  close_after_ = true;
  drop_input();
  // What was sent is acknowledged within this time, or the client is gone. Fails on Unix sockets, whose clients cannot
  // vanish.
  const auto patience = static_cast<unsigned>(shared_->limits.write_timeout.count());
  ::setsockopt(stream_.socket().native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof patience);
  answer_head_.clear();
  append_head(answer_head_, response, loop_->date(), true,
              head_.takes_chunks ? Framing::chunked : Framing::until_close);
  send_stream_part({asio::buffer(answer_head_)});
  read();  // tells when the client goes
  if (shared_->draining || without_body_) return streamed_->close();
  response.stream(std::make_shared<StreamHandle>(streamed_));
}

void Session::send_stream_part(const std::vector<asio::const_buffer>& parts) {
  sending_stream_ = true;
  set_deadline(shared_->limits.write_timeout);
  stream_.write(parts, [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
    self->carry_out([&] { self->on_stream_sent(error); });
  });
}

void Session::send_stream() {
  if (state_ != State::streaming || sending_stream_) return;
  if (streamed_->failed()) return close();
  piece_ = streamed_->take();
  if (piece_.texts.empty() && !piece_.last) return;
  // A response without a body has none in chunks either.
  const bool chunked = head_.takes_chunks && !without_body_;
  answer_head_.clear();
  if (chunked && piece_.bytes > 0) fmt::format_to(std::back_inserter(answer_head_), "{:x}{}", piece_.bytes, kLineEnd);
  std::vector<asio::const_buffer> parts;
  parts.reserve(piece_.texts.size() + 3);
  parts.push_back(asio::buffer(std::as_const(answer_head_)));
  for (const auto& text : piece_.texts) parts.push_back(asio::buffer(*text));
  if (chunked && piece_.bytes > 0) parts.push_back(asio::buffer(kLineEnd));
  if (chunked && piece_.last) parts.push_back(asio::buffer(kLastChunk));
  send_stream_part(parts);
}

void Session::on_stream_sent(const boost::system::error_code& error) {
  sending_stream_ = false;
  if (state_ != State::streaming) return;
  streamed_->sent(piece_.bytes);
  const bool last = piece_.last;
  piece_ = {};
  if (error) return close();
  deadline_ = SteadyTime::max();
  if (!last) return send_stream();
  streamed_->end();
  linger(shared_->draining ? kLingerInDrain : kLinger);
}

// Nobody answers a request behind a stream: the stream's header says that the connection closes.
void Session::ignore_input(std::size_t bytes) {
  ignored_ += bytes;
  if (ignored_ > shared_->limits.header_bytes) return close();
  read();
}

}  // namespace vodlift::net
