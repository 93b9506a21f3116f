#include "net/http_transfer.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>

#include "base/text.h"

namespace vodlift::net {
namespace {

constexpr std::size_t kMaxResponseHeaderBytes = std::size_t{64} * 1024;
// Four times libcurl's own: a quarter of the system calls for a large body.
constexpr long kUploadBufferBytes = 256L * 1024;

Errc errc_of(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return Errc::timeout;
    case CURLE_OUT_OF_MEMORY:  // says nothing of the other side
      return Errc::internal;
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

// Of an IPv4 or IPv6 address, whose ports lie at the same place.
int port_of(const sockaddr& address) {
  sockaddr_in v4{};
  std::memcpy(&v4, &address, sizeof v4);
  return ntohs(v4.sin_port);
}

// Scheme, host and port only: the rest of a URL may hold what must not be in a log.
std::string origin_of(std::string_view url) {
  const std::size_t authority = url.find("://");
  if (authority == std::string_view::npos) return "?";
  return std::string(url.substr(0, url.find_first_of("/?#", authority + 3)));
}

}  // namespace

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
  set(CURLOPT_XFERINFOFUNCTION, &Transfer::on_progress);
  set(CURLOPT_XFERINFODATA, this);
  set(CURLOPT_NOPROGRESS, 0L);
  set_connection();
  set_payload();
}

void Transfer::set_connection() {
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.connect_timeout.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(request_.total_timeout.count()));
  // A resolver that hangs would otherwise be waited for on the transfer thread, and its other transfers with it.
  set(CURLOPT_QUICK_EXIT, 1L);
  set(CURLOPT_TCP_NODELAY, 1L);
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(CURLOPT_PROXY, request_.proxy.c_str());
  set(CURLOPT_NOPROXY, request_.no_proxy.c_str());
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (!request_.ca_file.empty()) set(CURLOPT_CAINFO, request_.ca_file.c_str());
  if (!request_.unix_socket.empty()) set(CURLOPT_UNIX_SOCKET_PATH, request_.unix_socket.c_str());
  if (!request_.reuse_connection) {
    set(CURLOPT_FRESH_CONNECT, 1L);
    set(CURLOPT_FORBID_REUSE, 1L);
  }
  if (request_.send_once) {
    set(CURLOPT_PREREQFUNCTION, &Transfer::on_send);
    set(CURLOPT_PREREQDATA, this);
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
  if (!body_begun_) body_begun_ = std::chrono::steady_clock::now();
  const BodyReader::Chunk chunk = request_.reader->read(buffer.first(std::min(buffer.size(), left)), resume_);
  switch (chunk.status) {
    case BodyReader::Status::ok:
      body_sent_ += chunk.size;
      return chunk.size;
    case BodyReader::Status::wait:
      peer_.hold(std::chrono::steady_clock::now());
      if (chunk.again_after.count() > 0) resume_after_(chunk.again_after);
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
  const auto rewind = [transfer] {
    transfer->start_over();
    return CURL_SEEKFUNC_OK;
  };
  return transfer->walled(rewind, CURL_SEEKFUNC_FAIL);
}

void Transfer::start_over() {
  body_sent_ = 0;
  body_begun_.reset();
  peer_.go_on(std::chrono::steady_clock::now());
  if (request_.reader != nullptr) request_.reader->rewind();
}

std::size_t Transfer::take_header(std::string_view line) {
  const std::size_t taken = line.size();
  if (line.starts_with("HTTP/")) {  // the final answer after "100 Continue"
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
  response_.headers.emplace_back(to_lower(line.substr(0, colon)), trimmed(line.substr(colon + 1), " \t\r\n"));
  return taken;
}

std::size_t Transfer::take_body(std::string_view bytes) {
  const std::size_t room = request_.max_response_bytes - response_.body.size();
  response_.body.append(bytes.substr(0, room));
  if (bytes.size() <= room) return bytes.size();
  cut_off_ = true;
  return 0;
}

void Transfer::go_on() {
  peer_.go_on(std::chrono::steady_clock::now());
  curl_easy_pause(handle_, CURLPAUSE_CONT);
}

// libcurl asks at each step, and once a second where nothing moves. Its own clocks would count our pauses too.
int Transfer::check_time(std::int64_t moved) {
  if (request_.cut != nullptr && request_.cut->load()) {
    failure_ = Error{Errc::interrupted, fmt::format("{}: cut off on request", origin_of(request_.url))};
    return 1;
  }
  const auto seconds = [](std::chrono::milliseconds time) { return std::chrono::duration<double>(time).count(); };
  switch (peer_.look(std::chrono::steady_clock::now(), moved)) {
    case PeerClock::Verdict::fine:
      return 0;
    case PeerClock::Verdict::stalled:
      failure_ = Error{Errc::timeout,
                       fmt::format("{} took and sent less than {} bytes a second for {:g} s", origin_of(request_.url),
                                   kStalledBytesPerSecond, seconds(request_.stall_timeout))};
      return 1;
    case PeerClock::Verdict::too_slow:
      failure_ = Error{Errc::timeout, fmt::format("{} was too slow: {} bytes moved in {:g} s", origin_of(request_.url),
                                                  moved, seconds(request_.peer_timeout))};
      return 1;
  }
  return 0;
}

int Transfer::on_send(void* self, char*, char*, int, int) {
  auto* transfer = static_cast<Transfer*>(self);
  return transfer->walled([transfer] { return transfer->note_sending(); }, CURL_PREREQFUNC_ABORT);
}

// libcurl asks whenever it has a connection to send the request on.
int Transfer::note_sending() {
  if (!std::exchange(sent_, true)) return CURL_PREREQFUNC_OK;
  failure_ = Error{Errc::network,
                   fmt::format("{} closed the connection before it answered; the request may have been carried out",
                               origin_of(request_.url))};
  return CURL_PREREQFUNC_ABORT;
}

curl_socket_t Transfer::on_open_socket(void* self, curlsocktype purpose, curl_sockaddr* address) {
  auto* transfer = static_cast<Transfer*>(self);
  return transfer->walled([&] { return transfer->open_socket(purpose, *address); }, CURL_SOCKET_BAD);
}

curl_socket_t Transfer::open_socket(curlsocktype purpose, const curl_sockaddr& address) {
  if (purpose != CURLSOCKTYPE_IPCXN) return CURL_SOCKET_BAD;
  // One refused address refuses the name: a host that mixes public and private addresses is not one to trust.
  if (failure_) return CURL_SOCKET_BAD;
  const AddressGuard& guard = *request_.guard;
  auto refusal = guard.port_refusal(port_of(address.addr));
  if (!refusal) refusal = guard.refusal(&address.addr);
  if (refusal) {
    failure_ = Error{Errc::address_denied, fmt::format("{}: {}", origin_of(request_.url), *refusal)};
    return CURL_SOCKET_BAD;
  }
  return ::socket(address.family, address.socktype | SOCK_CLOEXEC, address.protocol);
}

// Whether libcurl's text may name a proxy or a file of certificates: these are this host's own. Behind a proxy every
// text may be about it: its certificate, its refusal of the tunnel.
bool Transfer::tells_of_this_host(CURLcode code) const {
  return code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CERTPROBLEM || !request_.proxy.empty();
}

void Transfer::fail(Error error) {
  load_.release();
  done_(std::move(error));
}

void Transfer::finish(CURLcode code) {
  load_.release();
  long status = 0;
  curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<int>(status);
  if (request_.status_decides && status >= 200) return done_(std::move(response_));
  if (failure_) return done_(*failure_);
  if (cut_off_) {
    return done_(Error{Errc::network, fmt::format("{} answered with more than {} bytes", origin_of(request_.url),
                                                  request_.max_response_bytes)});
  }
  if (code != CURLE_OK) {
    const std::string detail = error_text_[0] != '\0' ? error_text_.data() : curl_easy_strerror(code);
    if (tells_of_this_host(code)) {
      return done_(
          Error{errc_of(code), fmt::format("{}: {}", origin_of(request_.url), curl_easy_strerror(code)), detail});
    }
    return done_(Error{errc_of(code), fmt::format("{}: {}", origin_of(request_.url), detail)});
  }
  if (body_begun_) response_.took = std::chrono::steady_clock::now() - *body_begun_;
  done_(std::move(response_));
}

}  // namespace vodlift::net
