#include "net/http_server_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/dispatch.hpp>

#include "base/log.h"

namespace vodlift::net {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kReadBytes = 4096;
constexpr std::size_t kReadBodyBytes = 32768;
constexpr std::size_t kKeptBufferBytes = 2 * kReadBytes;  // an idle connection keeps no more
constexpr std::size_t kRequestBytes = 8192;               // a request and its answer hold this much at least
constexpr std::chrono::milliseconds kDrainPatience{100};
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

// An assignment would keep the memory for the next text.
void free_memory(std::string& text) { std::string().swap(text); }

int status_of_fault(Errc code) {
  // Both are 200 within the API's envelope, but the server speaks for HTTP itself.
  if (code == Errc::internal) return 500;
  if (code == Errc::overloaded) return 503;
  return info(code).http_status;
}

}  // namespace

// The right to answer one request: used once, or answered with 500 when it is lost. Any thread.
class Ticket {
 public:
  explicit Ticket(const std::shared_ptr<Session>& session) : session_(session) {}
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  ~Ticket() {
    if (used_ || session_.expired()) return;
    log::error("request dropped without an answer");
    fail();
  }

  void answer(Response response) {
    if (used_.exchange(true)) return;
    run([response = std::move(response)](Session& session) mutable { session.answer(std::move(response)); });
  }

  void fail() {
    if (used_.exchange(true)) return;
    run([](Session& session) {
      session.answer(session.fault_response(Errc::internal, "The server failed to answer this request."));
    });
  }

 private:
  // Runs the job on the session's thread, at once if this is that thread. Nothing happens when the session is gone or
  // its loop has ended. The job holds the session weakly, so that it cannot keep alive a loop that will never run it.
  template <class Job>
  void run(Job job) {
    const std::shared_ptr<Session> session = session_.lock();
    if (session == nullptr) return;
    try {
      asio::dispatch(session->loop_->io(), [weak = session_, job = std::move(job)]() mutable {
        if (const auto alive = weak.lock()) alive->carry_out([&] { job(*alive); });
      });
    } catch (const std::exception& exception) {
      log::error("an answer was lost", {{"exception", exception.what()}});
      session->answer_lost_ = true;
    }
  }

  const std::weak_ptr<Session> session_;
  std::atomic<bool> used_{false};
};

Place::~Place() {
  if (shared_ == nullptr) return;
  --shared_->connections;
  if (capped_) shared_->caps.release(*capped_);
}

Result<Place> Place::take(const std::shared_ptr<ServerShared>& shared, const Peer& peer) {
  if (shared->connections >= shared->most_connections) {
    return Error{Errc::overloaded, "the server has as many connections as it can hold"};
  }
  // A proxy brings the connections of many clients.
  const bool capped = peer.address && !is_within(*shared->trusted_proxies(), *peer.address);
  if (capped && !shared->caps.take(*peer.address)) {
    return Error{Errc::too_many_connections, "the address has as many connections as one may have"};
  }
  ++shared->connections;
  return Place(shared, capped ? peer.address : std::nullopt);
}

Session::Session(std::shared_ptr<ServerShared> shared, std::shared_ptr<Loop> loop, Socket socket, Peer peer,
                 Place place)
    : shared_(std::move(shared)),
      trusted_proxies_(shared_->trusted_proxies()),
      loop_(std::move(loop)),
      stream_(std::move(socket)),
      peer_(std::move(peer)),
      place_(std::move(place)),
      charge_(shared_->memory) {}

// Where memory ends in a step, the client learns it at once, and not by a deadline.
void Session::give_up(std::string_view why) {
  log::error("a connection was given up", {{"exception", why}, {"peer", peer_.text}});
  close();
}

void Session::start() {
  loop_->add(shared_from_this());  // only what was added can be closed
  carry_out([this] { begin(); });
}

void Session::begin() {
  set_deadline(shared_->limits.idle_timeout);
  if (shared_->tls == nullptr) {
    read();
    if (shared_->draining) drain();
    return;
  }
  state_ = State::handshake;
  set_deadline(shared_->limits.header_timeout);
  stream_.use_tls(*shared_->tls->context());
  stream_.handshake([self = shared_from_this()](const boost::system::error_code& error) {
    self->carry_out([&] { self->on_handshake(error); });
  });
}

void Session::on_handshake(const boost::system::error_code& error) {
  if (state_ == State::closed) return;
  if (error) {
    log::debug("no TLS with a client", {{"why", error.message()}, {"peer", peer_.text}});
    state_ = State::lingering;
    set_deadline(kLinger);
    return finish_sending();
  }
  state_ = State::head;
  set_deadline(shared_->limits.idle_timeout);
  read();
}

void Session::refuse(Errc why) {
  loop_->add(shared_from_this());
  if (why == Errc::too_many_connections) {
    return fault(why,
                 "Your address has as many connections as one may have. Close some, or use them for more requests.");
  }
  fault(why, "The server has as many connections as it can hold. Try again in a few minutes.");
}

bool Session::expire(SteadyTime now) {
  const bool lost = (state_ == State::handling && answer_lost_) || (state_ == State::streaming && streamed_->failed());
  if (lost) {
    close();
    return true;
  }
  if (now < deadline_) return false;
  const bool may_answer = (state_ == State::head && request_begun_) || (state_ == State::body && !sending_continue_);
  // Bytes that the client sent all the same must not make the kernel send a reset.
  if (shared_->draining && state_ == State::head && !request_begun_) {
    linger(kLingerInDrain);
  } else if (!may_answer) {
    close();
  } else {
    fault(Errc::request_timeout, state_ == State::head ? "The request's header did not arrive in time."
                                                       : "The request's body did not arrive in time.");
  }
  return true;
}

void Session::drain() {
  if (state_ == State::handshake) return close();
  if (state_ == State::streaming) return streamed_->close();
  // A request may be on its way already: the client could not know.
  if (state_ == State::head && !request_begun_) set_deadline(kDrainPatience);
}

void Session::close() {
  if (state_ == State::closed) return;
  state_ = State::closed;
  if (streamed_ != nullptr) streamed_->end();
  boost::system::error_code ignored;
  stream_.socket().close(ignored);
  const auto alive_until_the_end = shared_from_this();  // the loop's hold on it may be the last
  loop_->remove(*this);
}

std::string_view Session::buffered() const { return {static_cast<const char*>(buffer_.data().data()), buffer_.size()}; }

void Session::set_deadline(std::chrono::milliseconds from_now) {
  deadline_ = std::chrono::steady_clock::now() + from_now;
}

std::size_t Session::read_size() const {
  if (state_ != State::body) return kReadBytes;
  const std::size_t body = head_.request.body.size();
  const std::size_t wanted = chunks_ ? body : static_cast<std::size_t>(head_.content_length) - body;
  return std::clamp(wanted, kReadBytes, kReadBodyBytes);
}

void Session::read() {
  if (reading_) return;
  reading_ = true;
  const auto space = buffer_.prepare(read_size());
  auto done = [self = shared_from_this()](const boost::system::error_code& error, std::size_t bytes) {
    self->carry_out([&] { self->on_read(error, bytes); });
  };
  if (state_ == State::lingering) return stream_.socket().async_read_some(space, std::move(done));
  stream_.read_some(space, std::move(done));
}

void Session::on_read(const boost::system::error_code& error, std::size_t bytes) {
  reading_ = false;
  if (state_ == State::closed) return;
  if (state_ == State::lingering && stream_.has_tls() && !said_goodbye_) return say_goodbye();
  // While a fault is written or the handler works, only the read that was already under way can end here.
  if (error && (state_ == State::writing || state_ == State::handling)) return;
  if (error) return close();
  if (state_ == State::lingering) {
    read();
    return;
  }
  if (state_ == State::streaming) return ignore_input(bytes);
  buffer_.commit(bytes);
  advance();
}

void Session::advance() {
  if (state_ == State::head) advance_head();
  // advance_head() may have gone on to the body.
  if (state_ == State::body && !sending_continue_) advance_body();
}

void Session::advance_head() {
  const std::string_view bytes = buffered();
  if (bytes.empty()) return read();
  const HeadScanner::Verdict verdict = scanner_.scan(bytes);
  if (verdict == HeadScanner::Verdict::bad) {
    return fault(Errc::bad_request, "This is not a valid HTTP/1.1 request.");
  }
  if (scanner_.size() > shared_->limits.header_bytes) {
    if (scanner_.request_line_size() > shared_->limits.header_bytes)
      return fault(Errc::uri_too_long, "The URL is too long.");
    return fault(Errc::headers_too_large,
                 fmt::format("The request's header may have {} bytes at most.", shared_->limits.header_bytes));
  }
  if (verdict == HeadScanner::Verdict::complete) {
    return begin_request(bytes.substr(scanner_.begin(), scanner_.size() - scanner_.begin()));
  }
  if (!request_begun_) {
    request_begun_ = true;
    set_deadline(shared_->limits.header_timeout);
    const bool alone = peer_.address && !is_within(*trusted_proxies_, *peer_.address);
    holders_ = {alone ? address_holder(*peer_.address) : std::string(), {}};
  }
  if (buffer_.capacity() > kKeptBufferBytes) {
    if (auto charged = charge_request(); !charged) return fault(charged.error().code, charged.error().message);
  }
  read();
}

void Session::begin_request(std::string_view head) {
  request_begun_ = true;
  auto parsed = parse_head(head, shared_->limits.body_bytes);
  if (!parsed) return fault(parsed.error().code, parsed.error().message);
  head_ = std::move(*parsed);
  std::optional<Address> client = peer_.address;
  head_.request.peer = peer_.text;
  if (client && !trusted_proxies_->empty()) {
    client = client_address(head_.request, *client, *trusted_proxies_);
    head_.request.peer = to_string(*client);
  }
  holders_ = {client ? address_holder(*client) : std::string(), {}};
  head_.request.received = std::chrono::steady_clock::now();
  without_body_ = head_.request.method == "HEAD";
  close_after_ = !head_.keep_alive;
  buffer_.consume(scanner_.size());
  scanner_.reset();
  chunks_.reset();
  if (head_.chunked) chunks_.emplace(shared_->limits.body_bytes, shared_->limits.header_bytes);
  state_ = State::body;
  deadline_ = head_.request.received + shared_->limits.body_timeout;
  if (auto charged = charge_request(); !charged) return fault(charged.error().code, charged.error().message);
  // When the body is on its way the client no longer waits for permission to send it.
  const bool body_awaited = (head_.chunked || head_.content_length > 0) && buffer_.size() == 0;
  if (head_.expects_continue && body_awaited) send_continue();
}

void Session::send_continue() {
  sending_continue_ = true;
  stream_.write(asio::buffer(kContinue),
                [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
                  self->sending_continue_ = false;
                  if (self->state_ == State::closed) return;
                  if (error) return self->close();
                  self->carry_out([&] { self->advance_body(); });
                });
}

void Session::advance_body() {
  const auto complete = take_body();
  if (!complete) return fault(complete.error().code, complete.error().message);
  if (auto charged = charge_request(); !charged) return fault(charged.error().code, charged.error().message);
  if (!*complete) return read();
  hand_over();
}

Result<bool> Session::take_body() {
  std::string& body = head_.request.body;
  if (chunks_) {
    const auto used = chunks_->feed(buffered(), body);
    if (!used) return used.error();
    buffer_.consume(*used);
    return chunks_->done();
  }
  const auto wanted = static_cast<std::size_t>(head_.content_length) - body.size();
  const std::string_view piece = buffered().substr(0, wanted);
  body.append(piece);
  buffer_.consume(piece.size());
  return piece.size() == wanted;
}

Result<> Session::charge_request() {
  const std::size_t bytes = std::max(kRequestBytes, buffer_.capacity() + head_.request.body.capacity());
  return bytes == charge_.bytes() ? Result<>() : charge_.hold(holders_, bytes);
}

void Session::charge_answer(Response& response) {
  const std::size_t bytes = buffer_.capacity() + response.body.capacity();
  if (bytes <= std::max(charge_.bytes(), kRequestBytes)) return;
  holders_.key = std::move(response.holder);
  const auto charged = charge_.hold(holders_, bytes);
  if (charged) return;
  if (response.otherwise == nullptr) return charge_.hold_anyway(holders_, bytes);
  const std::shared_ptr<const Response> instead = std::move(response.otherwise);
  response = *instead;
  response.status = status_of_fault(charged.error().code);
}

// Frees what came in, which nobody will look at. The bytes of a read that is under way stay.
void Session::drop_input() {
  free_memory(head_.request.body);
  if (reading_) return;
  buffer_.clear();
  buffer_.shrink_to_fit();
  charge_.release();
}

void Session::hand_over() {
  const auto ticket = std::make_shared<Ticket>(shared_from_this());
  state_ = State::handling;
  deadline_ = SteadyTime::max();
  try {
    // The handler may answer before it returns: nothing of the request may be touched after this line.
    shared_->handler(std::move(head_.request), [ticket](Response response) { ticket->answer(std::move(response)); });
  } catch (const std::exception& exception) {
    log::error("handler threw an exception", {{"exception", exception.what()}});
    ticket->fail();
  } catch (...) {
    log::error("handler threw something that is no exception");
    ticket->fail();
  }
}

void Session::answer(Response response) {
  if (state_ != State::handling) return;
  response.stream ? begin_stream(std::move(response)) : write(std::move(response));
}

Response Session::fault_response(Errc code, std::string_view message) const {
  Response response;
  try {
    response = shared_->fault_body(code, message);
  } catch (const std::exception& exception) {
    log::error("fault body threw an exception", {{"exception", exception.what()}});
    response.content_type = "text/plain; charset=utf-8";
    response.body = message;
  }
  response.status = status_of_fault(code);
  return response;
}

void Session::fault(Errc code, std::string_view message) {
  log::debug("request refused", {{"code", info(code).name}, {"why", message}, {"peer", peer_.text}});
  close_after_ = true;
  input_unread_ = true;
  // The method is not known for certain, so neither is whether a body is expected; after it the connection ends anyway.
  without_body_ = false;
  drop_input();
  write(fault_response(code, message));
}

void Session::write(Response response) {
  state_ = State::writing;
  set_deadline(shared_->limits.write_timeout);
  close_after_ = close_after_ || shared_->draining;
  charge_answer(response);
  answer_head_.clear();
  append_head(answer_head_, response, loop_->date(), close_after_);
  answer_body_ = std::move(response.body);
  const bool with_body = !without_body_ && may_have_body(response);
  const std::array<asio::const_buffer, 2> parts = {
      asio::buffer(answer_head_), with_body ? asio::buffer(std::as_const(answer_body_)) : asio::const_buffer()};
  stream_.write(parts, [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
    self->carry_out([&] { self->on_written(error); });
  });
}

void Session::on_written(const boost::system::error_code& error) {
  if (state_ == State::closed) return;
  free_memory(answer_body_);
  charge_.release();
  if (error) return close();
  if (close_after_) return input_unread_ || buffer_.size() > 0 || stream_.has_tls() ? linger(kLinger) : close();
  state_ = State::head;
  request_begun_ = buffer_.size() > 0;
  if (!request_begun_ && buffer_.capacity() > kKeptBufferBytes) buffer_.shrink_to_fit();
  set_deadline(request_begun_ ? shared_->limits.header_timeout : shared_->limits.idle_timeout);
  advance();
  // The stop began when the header of this answer was made already.
  if (shared_->draining) drain();
}

// Closing with unread input makes the kernel send a reset, and that can overtake the answer. So the write side ends
// first, and what still comes in is thrown away until the client closes too or the time is up (RFC 9112 section 9.6).
void Session::linger(std::chrono::milliseconds longest) {
  state_ = State::lingering;
  set_deadline(longest);
  if (!stream_.has_tls()) return finish_sending();
  if (!reading_) return say_goodbye();
  // One operation at a time: when the read ends, it continues here.
  boost::system::error_code ignored;
  stream_.socket().cancel(ignored);
}

void Session::say_goodbye() {
  said_goodbye_ = true;
  // It ends with the client's own goodbye, or with whatever else comes; the deadline bounds both.
  stream_.shut_down_tls([self = shared_from_this()](const boost::system::error_code&) {
    if (self->state_ != State::closed) self->finish_sending();
  });
}

void Session::finish_sending() {
  said_goodbye_ = true;
  boost::system::error_code ignored;
  stream_.socket().shutdown(Socket::shutdown_send, ignored);
  read();
}

}  // namespace vodlift::net
