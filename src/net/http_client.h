// All outgoing HTTP (libcurl multi): many requests at once on a few threads.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "net/address_guard.h"

namespace vodlift::net {

// Where a request's body comes from when it is not in memory. Called on the request's transfer thread only: must not
// block.
class BodyReader {
 public:
  enum class Status { ok, wait, failed };
  struct Chunk {
    Status status = Status::ok;
    std::size_t size = 0;  // bytes put into the buffer; >= 1 with ok
    // With wait: the time after which read() is called again. 0: it is called again after `resume`.
    std::chrono::nanoseconds again_after{0};
  };

  BodyReader() = default;
  BodyReader(const BodyReader&) = delete;
  BodyReader& operator=(const BodyReader&) = delete;
  virtual ~BodyReader() = default;

  // Puts the next bytes into `buffer`. `wait`: there are none now; `resume` may be kept and called once, from any
  // thread, when there are. `failed`: the request ends with the error of failure().
  virtual Chunk read(std::span<std::uint8_t> buffer, const std::function<void()>& resume) = 0;
  // Starts over from the first byte: a kept-alive connection was dead and the request goes out again.
  virtual void rewind() = 0;
  [[nodiscard]] virtual Error failure() const = 0;
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;                   // percent-encoded already; sent as it is
  std::vector<std::string> headers;  // "Name: value"
  std::string body;                  // sent when `reader` is null
  std::shared_ptr<BodyReader> reader;
  std::int64_t reader_size = 0;  // exact bytes that `reader` gives

  std::chrono::milliseconds connect_timeout{10000};
  std::chrono::milliseconds total_timeout{0};  // 0: none
  // These two count only the time in which the other side makes us wait, not the time in which `reader` waits. 0: none.
  std::chrono::milliseconds stall_timeout{60000};             // fails when less than 1 KiB/s moved for this time
  std::chrono::milliseconds peer_timeout{0};                  // fails when they have made us wait this long in all
  std::size_t max_response_bytes = std::size_t{1024} * 1024;  // more is an error, and read no further
  // Once the status line of the answer is there, nothing that happens to the rest is an error (callbacks): headers and
  // body are what arrived in time, cut off at the limit.
  bool status_decides = false;
  std::string proxy;     // "http://host:port"; empty: none. The environment's variables are never looked at.
  std::string no_proxy;  // hosts, domains and networks that are reached without it, with commas between
  bool reuse_connection = true;
  // The client must not repeat the request: where a kept-alive connection closes without an answer, the request fails
  // with `network` and is not sent again on another connection.
  bool send_once = false;
  std::shared_ptr<const AddressGuard> guard;  // null: any address
  // When any thread sets it, the request ends with `interrupted`, within about a second. May be null.
  std::shared_ptr<const std::atomic<bool>> cut;
  std::string ca_file;      // empty: the system's
  std::string unix_socket;  // connect there instead; empty: TCP
};

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names lower-case
  std::string body;
  // The time from the first call of the request's `reader` to the end of the answer; waiting for a connection does not
  // count. 0: the request had no reader, or it was not called.
  std::chrono::nanoseconds took{0};

  [[nodiscard]] bool is_success() const { return status >= 200 && status < 300; }
  // The value of the first header of that (lower-case) name; empty when there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

class TransferLoop;

// Runs requests on transfer threads of its own, each request on one thread. start() and perform() from any thread.
// Redirects are never followed, .netrc and cookies never used, certificates always checked.
class HttpClient {
 public:
  using Done = std::function<void(Result<HttpResponse>)>;

  // At most `max_connections` are open at once (1..10000), kept alive and shared between requests; further requests
  // wait. All `threads` have the name `name`, as in named_thread(); there are no more threads than connections.
  HttpClient(const std::string& name, std::size_t max_connections, std::size_t threads = 1);
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  // Like stop().
  ~HttpClient();

  // Runs the request; `done` is called once, on a transfer thread, and must not block.
  // Errors: network, timeout, tls, address_denied, interrupted (the client stops), or what the reader failed with.
  // The message says what happened to which host; it never holds the URL's query or a header.
  void start(HttpRequest request, Done done);

  // At most so many from now on (1..10000); those above it end as soon as they are not used. Any thread.
  void use_connections(std::size_t max_connections);

  // start() and wait. Not from a transfer thread.
  Result<HttpResponse> perform(HttpRequest request);

  // Ends all running requests with `interrupted`, joins the threads. May be called twice.
  void stop();

 private:
  std::vector<std::unique_ptr<TransferLoop>> loops_;
};

}  // namespace vodlift::net
