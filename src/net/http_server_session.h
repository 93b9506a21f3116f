// One connection of the HTTP server, and the thread it lives on.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "net/byte_budget.h"
#include "net/connection_caps.h"
#include "net/http_server.h"
#include "net/http_server_message.h"
#include "net/http_server_stream.h"
#include "net/http_server_tls.h"
#include "net/stepped_set.h"

namespace vodlift::net {

// How long the client may take to close the connection behind the last answer.
inline constexpr std::chrono::milliseconds kLinger{2000};
inline constexpr std::chrono::milliseconds kLingerInDrain{100};

// What all threads of one server share.
struct ServerShared {
  ServerShared(HttpServerLimits limits_given, Handler handler_given, FaultBody fault_body_given,
               std::vector<Network> proxies)
      : limits(limits_given),
        handler(std::move(handler_given)),
        fault_body(std::move(fault_body_given)),
        trusted(std::make_shared<const std::vector<Network>>(std::move(proxies))),
        caps(limits_given.connections_per_address),
        memory(limits_given.memory_bytes),
        streams(limits_given.streams, limits_given.streams_per_holder) {}

  const HttpServerLimits limits;
  const Handler handler;
  const FaultBody fault_body;
  // For connections that begin now.
  [[nodiscard]] std::shared_ptr<const std::vector<Network>> trusted_proxies() const {
    const std::lock_guard lock(trusted_mutex);
    return trusted;
  }

  mutable std::mutex trusted_mutex;  // guards the next one
  std::shared_ptr<const std::vector<Network>> trusted;
  ConnectionCaps caps;
  ByteBudget memory;
  StreamPlaces streams;
  std::unique_ptr<TlsCertificate> tls;  // none: plain HTTP; set before the first connection
  std::atomic<std::size_t> connections{0};
  std::atomic<std::size_t> most_connections{limits.connections};
  std::atomic<bool> draining{false};
};

// The other end of a connection.
struct Peer {
  std::string text;                // "192.0.2.7", "unix", or "unknown"
  std::optional<Address> address;  // of the socket; none for the other two
};

// One of the places that HttpServerLimits allows; the destructor returns it. Movable; an empty one holds nothing.
class Place {
 public:
  Place() = default;
  Place(Place&& other) noexcept : shared_(std::move(other.shared_)), capped_(std::exchange(other.capped_, {})) {}
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  Place& operator=(Place&&) = delete;
  ~Place();

  // Errors: overloaded (the server is full), too_many_connections (of this address).
  static Result<Place> take(const std::shared_ptr<ServerShared>& shared, const Peer& peer);

 private:
  Place(std::shared_ptr<ServerShared> shared, std::optional<Address> capped)
      : shared_(std::move(shared)), capped_(capped) {}

  std::shared_ptr<ServerShared> shared_;
  std::optional<Address> capped_;  // what the cap of each address counts
};

class Session;

// One thread's event loop and the sessions on it. All but io() and the constructor: on that thread only.
class Loop {
 public:
  explicit Loop(const HttpServerLimits& limits);

  // Handles events until release() was called and the last session is gone.
  void run();
  [[nodiscard]] boost::asio::io_context& io() { return io_; }

  void add(std::shared_ptr<Session> session);
  void remove(const Session& session);
  // Lets run() end once nothing is left to do; sessions between two requests end now.
  void release();
  void close_all();

  // Called when run() begins, and again after an exception; nothing: not called. Set before run().
  std::function<void()> accept_again;

  // The value of the header Date, renewed once a second.
  [[nodiscard]] std::string_view date();

 private:
  void begin_again();
  void arm_sweep(std::chrono::milliseconds from_now);
  void sweep();

  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  // Deadlines are kept by a look at all sessions now and then, so that a request costs no timer operation. A step looks
  // at a few sessions only, so that no request waits for a look at thousands.
  boost::asio::steady_timer sweep_timer_;
  const std::chrono::milliseconds sweep_period_;
  bool sweep_armed_ = false;
  SteppedSet<Session> sessions_;
  std::chrono::sys_seconds date_second_;  // of date_
  std::string date_;
};

// Reads a request, hands it to the handler, writes the answer, and again. All methods on the loop's thread, but the
// constructor, which any thread may run before the session is added to the loop.
class Session : public std::enable_shared_from_this<Session> {
 public:
  // `place` is held as long as the session lives.
  Session(std::shared_ptr<ServerShared> shared, std::shared_ptr<Loop> loop, Socket socket, Peer peer, Place place);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() = default;

  void start();
  // Answers with the reason (an error of Place::take()) without reading anything, and closes.
  void refuse(Errc why);
  // Acts on the deadline if it has passed; false if it has not.
  bool expire(SteadyTime now);
  // The next answer will be the last; where no request is under way one may still come for a moment, then it closes.
  void drain();
  void close();
  // The answer to the request that the handler has.
  void answer(Response response);
  [[nodiscard]] Response fault_response(Errc code, std::string_view message) const;

  std::size_t set_index = 0;  // of the loop's set of sessions

 private:
  friend class Ticket;
  friend class StreamQueue;
  enum class State { handshake, head, body, handling, writing, streaming, lingering, closed };

  void begin();
  // Calls `step`. An exception closes the connection.
  template <class Step>
  void carry_out(const Step& step) {
    try {
      step();
    } catch (const std::exception& exception) {
      give_up(exception.what());
    }
  }
  void give_up(std::string_view why);
  void on_handshake(const boost::system::error_code& error);
  void read();
  void on_read(const boost::system::error_code& error, std::size_t bytes);
  void advance();
  void advance_head();
  void begin_request(std::string_view head);
  void send_continue();
  void advance_body();
  Result<bool> take_body();
  void hand_over();
  // What the request holds now; never less than an ordinary request and its answer need.
  Result<> charge_request();
  void charge_answer(Response& response);
  void drop_input();
  void fault(Errc code, std::string_view message);
  void write(Response response);
  void on_written(const boost::system::error_code& error);
  // Of an answer that is a stream, in http_server_stream.cc.
  void begin_stream(Response response);
  void send_stream_part(const std::vector<boost::asio::const_buffer>& parts);
  // Sends what waits, unless something is being sent.
  void send_stream();
  void on_stream_sent(const boost::system::error_code& error);
  void ignore_input(std::size_t bytes);

  void linger(std::chrono::milliseconds longest);
  void say_goodbye();
  void finish_sending();
  [[nodiscard]] std::string_view buffered() const;
  // How many bytes the next read may bring.
  [[nodiscard]] std::size_t read_size() const;
  void set_deadline(std::chrono::milliseconds from_now);

  const std::shared_ptr<ServerShared> shared_;
  const std::shared_ptr<const std::vector<Network>> trusted_proxies_;
  // Before the stream: its socket must not outlive the io_context it is registered with.
  const std::shared_ptr<Loop> loop_;
  Stream stream_;
  const Peer peer_;
  const Place place_;
  State state_ = State::head;
  SteadyTime deadline_;
  std::atomic<bool> answer_lost_{false};  // the handler's: there was no memory to bring it here

  boost::beast::flat_buffer buffer_;  // must not be touched while a read is under way
  bool reading_ = false;
  bool sending_continue_ = false;
  bool request_begun_ = false;

  ByteHolders holders_;  // of this request
  ByteCharge charge_;

  HeadScanner scanner_;
  RequestHead head_;
  std::optional<ChunkedDecoder> chunks_;
  bool without_body_ = false;  // the answer must not carry its body
  bool close_after_ = false;
  bool said_goodbye_ = false;  // TLS: that nothing more is sent
  bool input_unread_ = false;  // a fault: what the client still sends must be drained, or it may never see the answer

  std::string answer_head_;
  std::string answer_body_;

  std::shared_ptr<StreamQueue> streamed_;  // none: the answer is no stream
  StreamQueue::Piece piece_;               // that is being sent
  bool sending_stream_ = false;
  std::size_t ignored_ = 0;  // bytes that came during the stream
};

}  // namespace vodlift::net
