// The HTTP/1.1 front (Boost.Beast): bytes in, Request -> Response, bytes out. Knows nothing of what is served.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/network.h"
#include "net/body_stream.h"

namespace vodlift::net {

struct Request {
  std::string method;  // "POST"
  std::string target;  // as received, "/stable/?x=1"; an absolute one ("http://host/x") loses scheme and host
  std::vector<std::pair<std::string, std::string>> headers;  // names lower-case, in order of arrival
  std::string body;
  // The client: "192.0.2.7", as a trusted proxy says where the connection comes from one; "unix" for a socket file.
  std::string peer;
  std::chrono::steady_clock::time_point received;  // when the request's header was complete

  // The value of the first header of that (lower-case) name; empty when there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  // besides Content-Type and Content-Length
  std::string holder{};  // whose share of the memory holds it beside the address's; empty: none
  // Sent instead where memory has no room for this one, with status 503 or 429; none: this one is sent all the same.
  std::shared_ptr<const Response> otherwise{};
  // Set: the body is a stream, in place of `body`. The function is called once, on a network thread, when the header is
  // on its way, and must not block; not at all where the client is gone, wants no body, or there are too many streams.
  // The connection closes behind the stream, which is not ended for being idle. stop() ends it at once.
  std::function<void(std::shared_ptr<BodyStream>)> stream{};
};

// Answers one request. Call it exactly once, from any thread; after the server is gone nothing happens. A responder
// that is destroyed without a call answers 500; a second call is ignored.
using Responder = std::function<void(Response)>;

// Called on a network thread: must not block.
using Handler = std::function<void(Request, Responder)>;

// The answer to a fault of HTTP itself (400, 408, 413, 429, 503 …), so that even those have the caller's envelope.
// Called on a network thread; the server sets the status, and closes the connection after it.
using FaultBody = std::function<Response(Errc code, std::string_view message)>;

struct HttpServerLimits {
  // Request line included; also bounds the bytes of a chunked body that are not data.
  std::size_t header_bytes = std::size_t{16} * 1024;
  std::size_t body_bytes = std::size_t{128} * 1024;
  std::size_t connections = 20000;  // more are answered 503 and closed
  // Of one address (IPv6: of one /64), trusted proxies aside; more are answered 429 and closed. 0: any number.
  std::size_t connections_per_address = 0;
  // Bytes of requests and answers that all connections hold together, beside the first buffer of each connection (4 to
  // 8 KiB): a request 8 KiB at least from the end of its header until its answer is written, larger bodies and answers
  // as much as they need. One address has a quarter at most, and so has one Response::holder (byte_budget.h).
  // Beyond it, 429 and 503.
  std::size_t memory_bytes = std::size_t{64} * 1024 * 1024;
  // Answers that are streams, in all and of one Response::holder. More are answered 503 and 429, with Retry-After.
  std::size_t streams = 256;
  std::size_t streams_per_holder = 4;
  // That wait for the client of one stream; they belong to memory_bytes. A client that reads more slowly is
  // disconnected.
  std::size_t stream_bytes = std::size_t{512} * 1024;
  // Deadlines for the whole of each phase, however slowly the bytes come. They may be exceeded by a fortieth of the
  // shortest one (5-250 ms).
  std::chrono::milliseconds header_timeout{10000};  // first byte to end of header: 408
  std::chrono::milliseconds body_timeout{30000};    // end of header to end of body: 408
  std::chrono::milliseconds idle_timeout{75000};    // before the first and between two requests: closed silently
  std::chrono::milliseconds write_timeout{30000};   // one answer, or one piece of a stream: closed
};

// What a server holds now, and how much it may hold.
struct HttpServerLoad {
  std::size_t connections = 0;
  std::size_t most_connections = 0;
  std::size_t memory_bytes = 0;
  std::size_t most_memory_bytes = 0;
  std::size_t streams = 0;
};

// "127.0.0.1:8080", of a socket that listens over TCP. Errors: config_invalid.
Result<std::string> listening_address(const UniqueFd& socket);

// Serves one listener on threads of its own. Each connection stays on one of them, and its requests are answered in
// their order. Construct, listen (once), start, stop: those four from one thread.
class HttpServer {
 public:
  // `threads`: 1..64, named as in named_thread(). X-Forwarded-For is believed from `trusted_proxies` only.
  HttpServer(const std::string& name, HttpServerLimits limits, std::size_t threads, Handler handler,
             FaultBody fault_body, std::vector<Network> trusted_proxies = {});
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  // Like stop(0).
  ~HttpServer();

  // Binds "ADDRESS:PORT" ("127.0.0.1:8080", "[::1]:0"; port 0: any free one), numbers only, no names.
  // Errors: config_invalid, io_error.
  Result<> listen(std::string_view address);
  // Takes over a socket of listening_address() that somebody else holds as well: what comes into its queue while
  // nobody accepts is kept for the next process. In place of listen(). Errors: config_invalid, io_error.
  Result<> adopt(UniqueFd socket);
  // Binds a Unix socket at `path`, mode 0600, replacing a dead one; stop() removes it.
  // Errors: io_error, locked (a process answers there).
  Result<> listen_unix(const std::string& path);

  // Speaks TLS (1.2 and 1.3) with the certificate (PEM, its issuers behind it) and the private key in these files;
  // before start(). Connections beyond a cap are then closed without an answer. Errors: config_invalid.
  Result<> use_tls(const std::string& certificate, const std::string& key);
  // Reads both files again, for connections that begin from now on. After an error the earlier ones stay in use. Any
  // thread, after use_tls(). Errors: config_invalid.
  Result<> reload_certificate();

  // How many connections there may be, in place of HttpServerLimits::connections. Those that are open stay. Any thread.
  void limit_connections(std::size_t most);

  // How much memory requests and answers may take from now on (HttpServerLimits::memory_bytes). Any thread.
  void limit_memory(std::size_t bytes);

  // Whom to believe X-Forwarded-For, on connections that begin from now on. Any thread.
  void trust(std::vector<Network> proxies);

  // Any thread.
  [[nodiscard]] HttpServerLoad load() const;

  // "127.0.0.1:8080" with the real port, or the socket's path.
  [[nodiscard]] std::string address() const;

  // Serves from now on. After a successful listen().
  void start();
  // Takes no new connection, lets running requests end for up to `grace`, then closes all and joins the threads.
  // May be called twice.
  void stop(std::chrono::milliseconds grace);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vodlift::net
