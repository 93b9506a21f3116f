#include "net/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <future>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "base/log.h"

namespace vodlift::net {
namespace {

constexpr std::size_t kMaxResponseHeaderBytes = std::size_t{64} * 1024;
constexpr long kUploadBufferBytes = 256L * 1024;  // measured: docs/decisions/0003-checksums-before-sending.md
constexpr std::size_t kIdleHandles = 64;

void require_global_init() {
  static const CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (result != CURLE_OK) throw std::runtime_error("libcurl cannot be initialised");
}

Errc errc_of(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return Errc::timeout;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
      return Errc::tls;
    default:
      return Errc::network;
  }
}

// Scheme, host and port only: the rest of a URL may tell more than a log should hold.
std::string origin_of(std::string_view url) {
  const std::size_t authority = url.find("://");
  if (authority == std::string_view::npos) return "?";
  return std::string(url.substr(0, url.find_first_of("/?#", authority + 3)));
}

struct SlistDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// One request under way. Lives on the transfer thread, but for `id`.
class Transfer {
 public:
  Transfer(std::uint64_t id, HttpRequest request, HttpClient::Done done, std::function<void()> resume)
      : id_(id), request_(std::move(request)), done_(std::move(done)), resume_(std::move(resume)) {}
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  [[nodiscard]] std::uint64_t id() const { return id_; }
  [[nodiscard]] CURL* handle() const { return handle_; }

  // Prepares `handle` (fresh or reset) for this request.
  void attach(CURL* handle);
  void finish(CURLcode code);
  void fail(Error error) { done_(std::move(error)); }

 private:
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
  static curl_socket_t on_open_socket(void* self, curlsocktype purpose, curl_sockaddr* address);

  const std::uint64_t id_;
  const HttpRequest request_;
  const HttpClient::Done done_;
  const std::function<void()> resume_;
  CURL* handle_ = nullptr;
  std::unique_ptr<curl_slist, SlistDeleter> headers_;
  std::array<char, CURL_ERROR_SIZE> error_text_{};
  HttpResponse response_;
  std::size_t header_bytes_ = 0;
  std::size_t body_sent_ = 0;
  std::optional<Error> failure_;  // set by a callback: tells more than libcurl's code
  bool cut_off_ = false;
};

void Transfer::attach(CURL* handle) {
  handle_ = handle;
  set(CURLOPT_PRIVATE, this);
  set(CURLOPT_ERRORBUFFER, error_text_.data());
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_URL, request_.url.c_str());
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_HTTP09_ALLOWED, 0L);
  set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  set(CURLOPT_WRITEDATA, this);
  set_connection();
  set_payload();
}

void Transfer::set_connection() {
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.connect_timeout.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(request_.total_timeout.count()));
  if (request_.stall_timeout.count() > 0) {
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(request_.stall_timeout.count()));
  }
  set(CURLOPT_TCP_NODELAY, 1L);
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!request_.use_proxy_environment) set(CURLOPT_PROXY, "");
  if (!request_.ca_file.empty()) set(CURLOPT_CAINFO, request_.ca_file.c_str());
  if (!request_.unix_socket.empty()) set(CURLOPT_UNIX_SOCKET_PATH, request_.unix_socket.c_str());
  if (!request_.reuse_connection) {
    set(CURLOPT_FRESH_CONNECT, 1L);
    set(CURLOPT_FORBID_REUSE, 1L);
  }
  if (request_.guard != nullptr) {
    set(CURLOPT_OPENSOCKETFUNCTION, &Transfer::on_open_socket);
    set(CURLOPT_OPENSOCKETDATA, this);
  }
}

void Transfer::set_payload() {
  curl_slist* list = nullptr;
  const auto append = [&list](const char* line) {
    curl_slist* longer = curl_slist_append(list, line);
    if (longer == nullptr) throw std::bad_alloc();
    list = longer;
  };
  // libcurl would wait up to a second for "100 Continue"; a refused upload costs less than that wait on each.
  append("Expect:");
  for (const std::string& header : request_.headers) {
    // libcurl takes "Name:" for "send no such header"; an empty value is written "Name;".
    const std::size_t colon = header.find(':');
    const bool empty = colon != std::string::npos && header.find_first_not_of(' ', colon + 1) == std::string::npos;
    append(empty ? (header.substr(0, colon) + ";").c_str() : header.c_str());
  }
  headers_.reset(list);

  const bool has_body = request_.reader != nullptr || !request_.body.empty();
  if (request_.method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (request_.method == "PUT" || request_.reader != nullptr) {
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_READFUNCTION, &Transfer::on_read);
    set(CURLOPT_READDATA, this);
    set(CURLOPT_SEEKFUNCTION, &Transfer::on_seek);
    set(CURLOPT_SEEKDATA, this);
    const auto size =
        request_.reader != nullptr ? request_.reader_size : static_cast<std::int64_t>(request_.body.size());
    set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(size));
    if (size >= kUploadBufferBytes) set(CURLOPT_UPLOAD_BUFFERSIZE, kUploadBufferBytes);
    if (request_.method != "PUT") set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  } else if (request_.method == "POST" || has_body) {
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDS, request_.body.data());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    if (request_.method != "POST") set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  } else if (request_.method != "GET") {
    set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  }
  set(CURLOPT_HTTPHEADER, headers_.get());
}

std::size_t Transfer::give_body(std::span<std::uint8_t> buffer) {
  if (request_.reader == nullptr) {
    const std::size_t count = std::min(buffer.size(), request_.body.size() - body_sent_);
    std::copy_n(request_.body.data() + body_sent_, count, buffer.data());
    body_sent_ += count;
    return count;
  }
  const std::size_t left = static_cast<std::size_t>(request_.reader_size) - body_sent_;
  if (left == 0) return 0;
  const BodyReader::Chunk chunk = request_.reader->read(buffer.first(std::min(buffer.size(), left)), resume_);
  switch (chunk.status) {
    case BodyReader::Status::ok:
      body_sent_ += chunk.size;
      return chunk.size;
    case BodyReader::Status::wait:
      return CURL_READFUNC_PAUSE;
    case BodyReader::Status::failed:
      break;
  }
  failure_ = request_.reader->failure();
  return CURL_READFUNC_ABORT;
}

int Transfer::on_seek(void* self, curl_off_t offset, int origin) {
  auto* transfer = static_cast<Transfer*>(self);
  if (offset != 0 || origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  transfer->body_sent_ = 0;
  if (transfer->request_.reader != nullptr) transfer->request_.reader->rewind();
  return CURL_SEEKFUNC_OK;
}

std::size_t Transfer::take_header(std::string_view line) {
  const std::size_t taken = line.size();
  if (line.starts_with("HTTP/")) {  // a final answer after "100 Continue" begins anew
    response_.headers.clear();
    header_bytes_ = 0;
    return taken;
  }
  header_bytes_ += taken;
  if (header_bytes_ > kMaxResponseHeaderBytes) {
    failure_ = Error{Errc::network, fmt::format("{} sent more than {} bytes of headers", origin_of(request_.url),
                                                kMaxResponseHeaderBytes)};
    return 0;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return taken;
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  std::string_view value = line.substr(colon + 1);
  const std::size_t first = value.find_first_not_of(" \t");
  const std::size_t last = value.find_last_not_of(" \t\r\n");
  value =
      first == std::string_view::npos || last == std::string_view::npos ? "" : value.substr(first, last - first + 1);
  response_.headers.emplace_back(std::move(name), value);
  return taken;
}

std::size_t Transfer::take_body(std::string_view bytes) {
  const std::size_t room = request_.max_response_bytes - response_.body.size();
  response_.body.append(bytes.substr(0, room));
  if (bytes.size() <= room) return bytes.size();
  cut_off_ = true;
  return 0;
}

curl_socket_t Transfer::on_open_socket(void* self, curlsocktype purpose, curl_sockaddr* address) {
  auto* transfer = static_cast<Transfer*>(self);
  if (purpose != CURLSOCKTYPE_IPCXN) return CURL_SOCKET_BAD;
  // One refused address refuses the name: a host that mixes public and private addresses is not one to trust.
  if (transfer->failure_) return CURL_SOCKET_BAD;
  if (const auto refusal = transfer->request_.guard->refusal(&address->addr)) {
    transfer->failure_ =
        Error{Errc::address_denied, fmt::format("{}: {}", origin_of(transfer->request_.url), *refusal)};
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

void Transfer::finish(CURLcode code) {
  if (failure_) return done_(*failure_);
  if (cut_off_ && !request_.ignore_long_response) {
    return done_(Error{Errc::network, fmt::format("{} answered with more than {} bytes", origin_of(request_.url),
                                                  request_.max_response_bytes)});
  }
  if (code != CURLE_OK && !cut_off_) {
    const std::string detail = error_text_[0] != '\0' ? error_text_.data() : curl_easy_strerror(code);
    return done_(Error{errc_of(code), fmt::format("{}: {}", origin_of(request_.url), detail)});
  }
  long status = 0;
  curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<int>(status);
  done_(std::move(response_));
}

}  // namespace

std::string_view HttpResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

class HttpClient::Impl {
 public:
  Impl(const std::string& name, std::size_t max_connections) {
    require_global_init();
    multi_ = curl_multi_init();
    if (multi_ == nullptr) throw std::bad_alloc();
    curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, static_cast<long>(max_connections));
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(max_connections));
    thread_ = std::thread([this] { run(); });
    pthread_setname_np(thread_.native_handle(), name.c_str());
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    stop();
    for (CURL* handle : idle_) curl_easy_cleanup(handle);
    curl_multi_cleanup(multi_);
  }

  void start(HttpRequest request, Done done) {
    {
      const std::lock_guard lock(mutex_);
      if (!stopping_) {
        const std::uint64_t id = ++last_id_;
        arrivals_.push_back(
            std::make_unique<Transfer>(id, std::move(request), std::move(done), [this, id] { resume(id); }));
        wake();
        return;
      }
    }
    done(Error{Errc::interrupted, "the server is stopping"});
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void wake() { curl_multi_wakeup(multi_); }

  void resume(std::uint64_t id) {
    {
      const std::lock_guard lock(mutex_);
      resumed_.push_back(id);
    }
    wake();
  }

  void run();
  bool take_arrivals();
  void begin(std::unique_ptr<Transfer> transfer);
  void collect_finished();
  void release(CURL* handle);

  CURLM* multi_ = nullptr;
  std::thread thread_;

  std::mutex mutex_;  // guards the next four
  bool stopping_ = false;
  std::uint64_t last_id_ = 0;
  std::vector<std::unique_ptr<Transfer>> arrivals_;
  std::vector<std::uint64_t> resumed_;

  // The rest belongs to the transfer thread.
  std::unordered_map<std::uint64_t, std::unique_ptr<Transfer>> running_;
  std::vector<CURL*> idle_;
};

void HttpClient::Impl::run() {
  while (take_arrivals()) {
    int still_running = 0;
    curl_multi_perform(multi_, &still_running);
    collect_finished();
    curl_multi_poll(multi_, nullptr, 0, 1000, nullptr);
  }
  for (auto& [id, transfer] : running_) {
    curl_multi_remove_handle(multi_, transfer->handle());
    curl_easy_cleanup(transfer->handle());
    transfer->fail(Error{Errc::interrupted, "the server is stopping"});
  }
  running_.clear();
}

// Takes in what other threads left; false when it is time to stop.
bool HttpClient::Impl::take_arrivals() {
  std::vector<std::unique_ptr<Transfer>> arrivals;
  std::vector<std::uint64_t> resumed;
  bool stopping = false;
  {
    const std::lock_guard lock(mutex_);
    arrivals.swap(arrivals_);
    resumed.swap(resumed_);
    stopping = stopping_;
  }
  for (auto& transfer : arrivals) {
    if (stopping) {
      transfer->fail(Error{Errc::interrupted, "the server is stopping"});
    } else {
      begin(std::move(transfer));
    }
  }
  for (const std::uint64_t id : resumed) {
    const auto at = running_.find(id);
    if (at != running_.end()) curl_easy_pause(at->second->handle(), CURLPAUSE_CONT);
  }
  return !stopping;
}

void HttpClient::Impl::begin(std::unique_ptr<Transfer> transfer) {
  CURL* handle = nullptr;
  if (idle_.empty()) {
    handle = curl_easy_init();
  } else {
    handle = idle_.back();
    idle_.pop_back();
  }
  if (handle == nullptr) return transfer->fail(Error{Errc::internal, "out of memory for a new connection"});
  try {
    transfer->attach(handle);
  } catch (const std::exception& failure) {
    curl_easy_cleanup(handle);
    return transfer->fail(Error{Errc::internal, failure.what()});
  }
  if (curl_multi_add_handle(multi_, handle) != CURLM_OK) {
    curl_easy_cleanup(handle);
    return transfer->fail(Error{Errc::internal, "libcurl refused a new request"});
  }
  running_.emplace(transfer->id(), std::move(transfer));
}

void HttpClient::Impl::collect_finished() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* handle = message->easy_handle;
    const CURLcode code = message->data.result;
    Transfer* transfer = nullptr;
    curl_easy_getinfo(handle, CURLINFO_PRIVATE, &transfer);
    curl_multi_remove_handle(multi_, handle);
    const auto at = running_.find(transfer->id());
    const std::unique_ptr<Transfer> owned = std::move(at->second);
    running_.erase(at);
    try {
      owned->finish(code);
    } catch (const std::exception& failure) {
      log::error("a completion threw", {{"reason", failure.what()}});
    }
    release(handle);
  }
}

void HttpClient::Impl::release(CURL* handle) {
  if (idle_.size() >= kIdleHandles) return curl_easy_cleanup(handle);
  curl_easy_reset(handle);
  idle_.push_back(handle);
}

HttpClient::HttpClient(std::string name, std::size_t max_connections)
    : impl_(std::make_unique<Impl>(name, max_connections)) {}

HttpClient::~HttpClient() = default;

void HttpClient::start(HttpRequest request, Done done) { impl_->start(std::move(request), std::move(done)); }

Result<HttpResponse> HttpClient::perform(HttpRequest request) {
  // Shared: the waiter may be gone before set_value() has returned on the transfer thread.
  const auto promise = std::make_shared<std::promise<Result<HttpResponse>>>();
  auto answer = promise->get_future();
  start(std::move(request), [promise](Result<HttpResponse> result) { promise->set_value(std::move(result)); });
  return answer.get();
}

void HttpClient::stop() { impl_->stop(); }

}  // namespace vodlift::net
