// One outgoing request between its options and its answer: the callbacks that libcurl makes for it.
#pragma once

#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <memory>
#include <optional>

#include "net/http_client.h"
#include "net/peer_clock.h"

namespace vodlift::net {

struct SlistDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// Made on any thread, then used by one transfer thread only.
class Transfer {
 public:
  // `resume` continues a transfer that waits, from any thread; `resume_after` has that done later, and is called on
  // the transfer thread.
  Transfer(std::uint64_t id, HttpRequest request, HttpClient::Done done, std::function<void()> resume,
           std::function<void(std::chrono::nanoseconds)> resume_after)
      : id_(id),
        request_(std::move(request)),
        done_(std::move(done)),
        resume_(std::move(resume)),
        resume_after_(std::move(resume_after)),
        peer_({request_.stall_timeout, request_.peer_timeout}) {}
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  [[nodiscard]] std::uint64_t id() const { return id_; }
  [[nodiscard]] CURL* handle() const { return handle_; }
  // Of a body that comes from a reader; 0: it has none.
  [[nodiscard]] std::int64_t body_size() const { return request_.reader_size; }

  // Prepares `handle` (fresh or reset) for this request.
  void attach(CURL* handle);
  // The reader may have bytes again.
  void go_on();
  void finish(CURLcode code);
  void fail(Error error) { done_(std::move(error)); }

 private:
  [[nodiscard]] bool tells_of_this_host(CURLcode code) const;
  template <class Value>
  void set(CURLoption option, Value value) {
    if (curl_easy_setopt(handle_, option, value) != CURLE_OK) {
      throw std::runtime_error(fmt::format("libcurl refused option {}", static_cast<int>(option)));
    }
  }
  void set_connection();
  void set_payload();

  std::size_t give_body(std::span<std::uint8_t> buffer);
  std::size_t take_header(std::string_view line);
  std::size_t take_body(std::string_view bytes);

  static std::size_t on_read(char* buffer, std::size_t size, std::size_t count, void* self) {
    return static_cast<Transfer*>(self)->give_body({reinterpret_cast<std::uint8_t*>(buffer), size * count});
  }
  static int on_seek(void* self, curl_off_t offset, int origin);
  static std::size_t on_header(char* line, std::size_t size, std::size_t count, void* self) {
    return static_cast<Transfer*>(self)->take_header({line, size * count});
  }
  static std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* self) {
    return static_cast<Transfer*>(self)->take_body({bytes, size * count});
  }
  int check_time(std::int64_t moved);

  static int on_progress(void* self, curl_off_t, curl_off_t received, curl_off_t, curl_off_t sent) {
    return static_cast<Transfer*>(self)->check_time(received + sent);
  }
  static int on_send(void* self, char* address_there, char* address_here, int port_there, int port_here);
  static curl_socket_t on_open_socket(void* self, curlsocktype purpose, curl_sockaddr* address);

  const std::uint64_t id_;
  const HttpRequest request_;
  const HttpClient::Done done_;
  const std::function<void()> resume_;
  const std::function<void(std::chrono::nanoseconds)> resume_after_;
  PeerClock peer_;
  CURL* handle_ = nullptr;
  std::unique_ptr<curl_slist, SlistDeleter> headers_;
  std::array<char, CURL_ERROR_SIZE> error_text_{};
  HttpResponse response_;
  std::size_t header_bytes_ = 0;
  std::size_t body_sent_ = 0;
  std::optional<std::chrono::steady_clock::time_point> body_begun_;
  std::optional<Error> failure_;  // set by a callback; it says more than libcurl's code
  bool cut_off_ = false;
  bool sent_ = false;  // kept for requests with send_once only
};

}  // namespace vodlift::net
