// One outgoing request between its options and its answer: the callbacks that libcurl makes for it.
#pragma once

#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "net/http_client.h"
#include "net/peer_clock.h"

namespace vodlift::net {

struct SlistDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// Counts a transfer in a loop's load until it ends or is dropped.
class LoadShare {
 public:
  LoadShare(std::atomic<std::size_t>& all, std::atomic<std::size_t>* large) : all_(&all), large_(large) {
    ++*all_;
    if (large_ != nullptr) ++*large_;
  }
  LoadShare(LoadShare&& other) noexcept : all_(std::exchange(other.all_, nullptr)), large_(other.large_) {}
  LoadShare(const LoadShare&) = delete;
  LoadShare& operator=(const LoadShare&) = delete;
  LoadShare& operator=(LoadShare&&) = delete;
  ~LoadShare() { release(); }

  void release() {
    if (all_ == nullptr) return;
    --*std::exchange(all_, nullptr);
    if (large_ != nullptr) --*large_;
  }

 private:
  std::atomic<std::size_t>* all_;
  std::atomic<std::size_t>* large_;  // null: its body is not large
};

// Made on any thread, then used by one transfer thread only.
class Transfer {
 public:
  // `resume` continues a transfer that waits, from any thread; `resume_after` has that done later, and is called on
  // the transfer thread.
  Transfer(std::uint64_t id, LoadShare load, HttpRequest request, HttpClient::Done done, std::function<void()> resume,
           std::function<void(std::chrono::nanoseconds)> resume_after)
      : id_(id),
        load_(std::move(load)),
        request_(std::move(request)),
        done_(std::move(done)),
        resume_(std::move(resume)),
        resume_after_(std::move(resume_after)),
        peer_({request_.stall_timeout, request_.peer_timeout}) {}
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  [[nodiscard]] std::uint64_t id() const { return id_; }
  [[nodiscard]] CURL* handle() const { return handle_; }

  // Prepares `handle` (fresh or reset) for this request.
  void attach(CURL* handle);
  // The reader may have bytes again.
  void go_on();
  void finish(CURLcode code);
  void fail(Error error);

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

  // An exception must not pass through libcurl, which would be left in the middle of what it does. It ends the request
  // instead, with what libcurl calls `failed`.
  template <class Call>
  auto walled(Call call, decltype(call()) failed) noexcept -> decltype(call()) {
    try {
      return call();
    } catch (const std::exception&) {
      if (!failure_) failure_ = Error{Errc::internal, "no memory"};
      return failed;
    }
  }

  static std::size_t on_read(char* buffer, std::size_t size, std::size_t count, void* self) {
    auto* transfer = static_cast<Transfer*>(self);
    const std::span room(reinterpret_cast<std::uint8_t*>(buffer), size * count);
    return transfer->walled([&] { return transfer->give_body(room); }, CURL_READFUNC_ABORT);
  }
  static int on_seek(void* self, curl_off_t offset, int origin);
  static std::size_t on_header(char* line, std::size_t size, std::size_t count, void* self) {
    auto* transfer = static_cast<Transfer*>(self);
    return transfer->walled([&] { return transfer->take_header({line, size * count}); }, 0);
  }
  static std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* self) {
    auto* transfer = static_cast<Transfer*>(self);
    return transfer->walled([&] { return transfer->take_body({bytes, size * count}); }, 0);
  }
  void start_over();
  int check_time(std::int64_t moved);
  int note_sending();
  curl_socket_t open_socket(curlsocktype purpose, const curl_sockaddr& address);

  static int on_progress(void* self, curl_off_t, curl_off_t received, curl_off_t, curl_off_t sent) {
    auto* transfer = static_cast<Transfer*>(self);
    return transfer->walled([&] { return transfer->check_time(received + sent); }, 1);
  }
  static int on_send(void* self, char* address_there, char* address_here, int port_there, int port_here);
  static curl_socket_t on_open_socket(void* self, curlsocktype purpose, curl_sockaddr* address);

  const std::uint64_t id_;
  LoadShare load_;
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
