#include "net/http_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <new>

#include "base/await.h"
#include "base/file.h"
#include "base/log.h"
#include "base/worker_thread.h"
#include "net/http_date.h"
#include "net/http_server_listener.h"
#include "net/http_server_session.h"

namespace vodlift::net {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::chrono::seconds kAcceptLogPeriod{10};
// How long a stop waits for connections whose first packet had come before it.
constexpr std::chrono::milliseconds kLastHandshakes{50};
// Connections over the limit that still get an answer. Beyond this number they are closed without one.
constexpr std::size_t kMaxRefusals = 256;
constexpr int kSendBufferBytes = 65536;  // the kernel doubles it

// The socket file that this process made, so that stop() does not remove one of another process.
struct SocketFile {
  std::string path;
  dev_t device = 0;
  ino_t inode = 0;
};

// One step of a sweep takes some ten microseconds: a look at a session costs a cache miss or two, and a session that
// expires is answered or closed.
constexpr int kSweepStep = 128;
constexpr int kCostOfLook = 1;
constexpr int kCostOfExpiry = 32;
constexpr std::chrono::milliseconds kBetweenSteps{1};

std::chrono::milliseconds sweep_period(const HttpServerLimits& limits) {
  const auto shortest =
      std::min({limits.header_timeout, limits.body_timeout, limits.idle_timeout, limits.write_timeout});
  return std::clamp(shortest / 40, std::chrono::milliseconds(5), std::chrono::milliseconds(250));
}

}  // namespace

std::string_view Request::header(std::string_view name) const {
  for (const auto& [field, value] : headers) {
    if (field == name) return value;
  }
  return {};
}

Loop::Loop(const HttpServerLimits& limits)
    : io_(1), work_(io_.get_executor()), sweep_timer_(io_), sweep_period_(sweep_period(limits)) {}

void Loop::run() {
  for (;;) {
    try {
      begin_again();
      io_.run();
      return;
    } catch (const std::exception& exception) {
      // Only memory can run out here; the session it happened to ends by its deadline.
      log::error("network thread met an exception", {{"exception", exception.what()}});
    }
  }
}

// Accepting and the sweep each begin their next round themselves. An exception may have kept them from it.
void Loop::begin_again() {
  if (!sessions_.empty() && !sweep_armed_) arm_sweep(sweep_period_);
  if (accept_again) accept_again();
}

void Loop::add(std::shared_ptr<Session> session) {
  sessions_.add(std::move(session));
  if (!sweep_armed_) arm_sweep(sweep_period_);
}

void Loop::remove(const Session& session) {
  sessions_.remove(session);
  if (sessions_.empty()) sweep_timer_.cancel();
}

void Loop::release() {
  for (const auto& session : sessions_.snapshot()) session->drain();
  work_.reset();
}

void Loop::close_all() {
  for (const auto& session : sessions_.snapshot()) session->close();
}

std::string_view Loop::date() {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  if (now != date_second_) {
    date_second_ = now;
    date_ = http_date(now);
  }
  return date_;
}

void Loop::arm_sweep(std::chrono::milliseconds from_now) {
  sweep_timer_.expires_after(from_now);
  sweep_timer_.async_wait([this](const boost::system::error_code&) {
    sweep_armed_ = false;
    sweep();
  });
  sweep_armed_ = true;
}

void Loop::sweep() {
  const auto now = std::chrono::steady_clock::now();
  const bool round_over =
      sessions_.step(kSweepStep, [now](Session& session) { return session.expire(now) ? kCostOfExpiry : kCostOfLook; });
  if (sessions_.empty()) return;
  arm_sweep(round_over ? sweep_period_ : std::min(sweep_period_, kBetweenSteps));
}

struct HttpServer::Impl {
  Impl(std::string name, HttpServerLimits limits, std::size_t thread_count, Handler handler, FaultBody fault_body,
       std::vector<Network> trusted_proxies)
      : thread_name(std::move(name)),
        shared(std::make_shared<ServerShared>(limits, std::move(handler), std::move(fault_body),
                                              std::move(trusted_proxies))) {
    for (std::size_t i = 0; i < std::max<std::size_t>(thread_count, 1); ++i) {
      loops.push_back(std::make_shared<Loop>(limits));
    }
    acceptor.emplace(loops.front()->io());
    accept_pause.emplace(loops.front()->io());
    loops.front()->accept_again = [this] { accept_again(); };
  }

  void accept();
  // Unless it does, or waits to.
  void accept_again();
  void on_accepted(const boost::system::error_code& error, Socket socket, const std::shared_ptr<Loop>& loop);
  // Gives the connection to `loop`, or refuses it when there is no room.
  void admit(Socket socket, const std::shared_ptr<Loop>& loop);
  void refuse(Socket socket, const std::shared_ptr<Loop>& loop, Peer peer, Errc why);
  // Gives connections that the kernel has made already to a loop: closing the listener would reset them.
  void accept_the_rest();
  void stop_accepting(std::chrono::milliseconds grace, std::function<void()> closed);
  void pause_accepting(const boost::system::error_code& error);
  void start();
  void stop(std::chrono::milliseconds grace);
  void remove_socket_file();

  const std::string thread_name;
  std::shared_ptr<ServerShared> shared;
  std::vector<std::shared_ptr<Loop>> loops;
  // On the first loop's thread once started.
  std::optional<Acceptor> acceptor;
  std::optional<asio::steady_timer> accept_pause;
  bool accepts = false;          // or waits to
  bool shared_listener = false;  // somebody else holds it as well
  std::size_t next_loop = 0;
  std::shared_ptr<std::atomic<std::size_t>> refusals = std::make_shared<std::atomic<std::size_t>>(0);
  SteadyTime accept_logged;

  std::string address;
  std::optional<SocketFile> socket_file;
  std::vector<std::thread> threads;
  std::mutex mutex;
  std::condition_variable thread_ended;
  std::size_t threads_running = 0;
};

void HttpServer::Impl::accept() {
  const std::shared_ptr<Loop> loop = loops[next_loop];
  next_loop = (next_loop + 1) % loops.size();
  acceptor->async_accept(loop->io().get_executor(),
                         [this, loop](const boost::system::error_code& error, Socket socket) {
                           accepts = false;
                           on_accepted(error, std::move(socket), loop);
                         });
  accepts = true;
}

void HttpServer::Impl::accept_again() {
  if (!accepts && acceptor->is_open() && !shared->draining) accept();
}

void HttpServer::Impl::on_accepted(const boost::system::error_code& error, Socket socket,
                                   const std::shared_ptr<Loop>& loop) {
  if (!acceptor->is_open() || error == asio::error::operation_aborted) return;
  if (error) {
    const bool peer_gone = error == asio::error::connection_aborted || error == asio::error::connection_reset ||
                           error == asio::error::interrupted;
    return peer_gone ? accept() : pause_accepting(error);
  }
  try {
    admit(std::move(socket), loop);
  } catch (const std::bad_alloc&) {
    return pause_accepting(make_error_code(boost::system::errc::not_enough_memory));
  }
  if (!shared->draining) accept();
}

void HttpServer::Impl::admit(Socket socket, const std::shared_ptr<Loop>& loop) {
  const int on = 1;
  // Fails on Unix sockets, where there is nothing to delay.
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // Left alone, the kernel holds up to 4 MB of answers for a client that does not read.
  ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_SNDBUF, &kSendBufferBytes, sizeof kSendBufferBytes);
  boost::system::error_code gone;
  const auto remote = socket.remote_endpoint(gone);
  // A client that has gone already is found out by the first read.
  Peer peer{gone ? std::string("unknown") : peer_text(remote.data()), {}};
  peer.address = parse_address(peer.text);
  auto place = Place::take(shared, peer);
  if (!place) return refuse(std::move(socket), loop, std::move(peer), place.error().code);
  auto session = std::make_shared<Session>(shared, loop, std::move(socket), std::move(peer), std::move(*place));
  asio::post(loop->io(), [session = std::move(session)] { session->start(); });
}

void HttpServer::Impl::refuse(Socket socket, const std::shared_ptr<Loop>& loop, Peer peer, Errc why) {
  // A handshake for a refusal would make a flood expensive.
  if (shared->tls != nullptr) return;
  if (refusals->load() >= kMaxRefusals) return;
  auto made = std::make_unique<Session>(shared, loop, std::move(socket), std::move(peer), Place());
  ++*refusals;
  // The deleter counts down: a refused session lives for one answer.
  std::shared_ptr<Session> session(made.release(), [count = refusals](Session* gone) {
    delete gone;
    --*count;
  });
  asio::post(loop->io(), [session = std::move(session), why] { session->refuse(why); });
}

void HttpServer::Impl::accept_the_rest() {
  boost::system::error_code error;
  acceptor->non_blocking(true, error);
  while (!error) {
    const std::shared_ptr<Loop>& loop = loops[next_loop];
    next_loop = (next_loop + 1) % loops.size();
    Socket socket(loop->io());
    acceptor->accept(socket, error);
    if (!error) admit(std::move(socket), loop);
  }
}

// Out of file descriptors or memory: the connection stays in the kernel's queue, so accepting again without a pause
// would fail again and again, and take a whole core.
void HttpServer::Impl::pause_accepting(const boost::system::error_code& error) {
  const auto now = std::chrono::steady_clock::now();
  if (now - accept_logged >= kAcceptLogPeriod) {
    accept_logged = now;
    log::warn("cannot accept connections for the moment",
              {{"listener", address}, {"error", errno_text(error.value())}});
  }
  accept_pause->expires_after(kAcceptPause);
  accept_pause->async_wait([this](const boost::system::error_code&) {
    accepts = false;
    accept_again();
  });
  accepts = true;
}

void HttpServer::Impl::start() {
  accept();
  threads_running = loops.size();
  for (const auto& loop : loops) {
    threads.push_back(named_thread(thread_name, [this, loop] {
      loop->run();
      const std::lock_guard lock(mutex);
      --threads_running;
      thread_ended.notify_all();
    }));
  }
}

void HttpServer::Impl::stop(std::chrono::milliseconds grace) {
  if (!acceptor) return;
  shared->draining = true;
  remove_socket_file();
  if (threads.empty()) {
    acceptor.reset();
    return;
  }
  // Accepting ends before any loop is released: what it has posted to the loops still runs there.
  await<void>([this, grace](const std::function<void()>& closed) {
    asio::post(loops.front()->io(), [this, grace, closed] { stop_accepting(grace, closed); });
  });
  for (const auto& loop : loops) asio::post(loop->io(), [loop] { loop->release(); });
  {
    std::unique_lock lock(mutex);
    thread_ended.wait_for(lock, grace, [this] { return threads_running == 0; });
  }
  for (const auto& loop : loops) asio::post(loop->io(), [raw = loop.get()] { raw->close_all(); });
  for (std::thread& thread : threads) thread.join();
  threads.clear();
  acceptor.reset();
}

// Connections that are there or about to be, and one that was just accepted and whose handler waits behind this call,
// are served.
void HttpServer::Impl::stop_accepting(std::chrono::milliseconds grace, std::function<void()> closed) {
  boost::system::error_code ignored;
  if (shared_listener) {
    // What comes from now on waits in the kernel for the next process.
    acceptor->close(ignored);
    return closed();
  }
  turn_new_connections_away(*acceptor);
  acceptor->cancel(ignored);
  accept_pause->expires_after(std::min(grace, kLastHandshakes));
  accept_pause->async_wait([this, closed = std::move(closed)](const boost::system::error_code&) {
    accept_the_rest();
    boost::system::error_code close_ignored;
    acceptor->close(close_ignored);
    closed();
  });
}

void HttpServer::Impl::remove_socket_file() {
  if (!socket_file) return;
  struct stat found {};
  if (::lstat(socket_file->path.c_str(), &found) == 0 && found.st_dev == socket_file->device &&
      found.st_ino == socket_file->inode) {
    ::unlink(socket_file->path.c_str());
  }
  socket_file.reset();
}

HttpServer::HttpServer(const std::string& name, HttpServerLimits limits, std::size_t threads, Handler handler,
                       FaultBody fault_body, std::vector<Network> trusted_proxies)
    : impl_(std::make_unique<Impl>(name, limits, threads, std::move(handler), std::move(fault_body),
                                   std::move(trusted_proxies))) {}

void HttpServer::limit_connections(std::size_t most) { impl_->shared->most_connections = most; }

void HttpServer::limit_memory(std::size_t bytes) { impl_->shared->memory.use(bytes); }

void HttpServer::trust(std::vector<Network> proxies) {
  auto trusted = std::make_shared<const std::vector<Network>>(std::move(proxies));
  const std::lock_guard lock(impl_->shared->trusted_mutex);
  impl_->shared->trusted.swap(trusted);
}

HttpServer::~HttpServer() { stop(std::chrono::milliseconds(0)); }

Result<> HttpServer::listen(std::string_view address) {
  auto bound = listen_tcp(*impl_->acceptor, address);
  if (!bound) return bound.error();
  impl_->address = std::move(*bound);
  return {};
}

Result<> HttpServer::adopt(UniqueFd socket) {
  auto adopted = adopt_listener(*impl_->acceptor, std::move(socket));
  if (!adopted) return adopted.error();
  impl_->address = std::move(*adopted);
  impl_->shared_listener = true;
  return {};
}

Result<> HttpServer::listen_unix(const std::string& path) {
  if (auto bound = listen_unix_path(*impl_->acceptor, path); !bound) return bound;
  impl_->address = path;
  struct stat made {};
  if (::lstat(path.c_str(), &made) == 0) impl_->socket_file = {path, made.st_dev, made.st_ino};
  return {};
}

Result<> HttpServer::use_tls(const std::string& certificate, const std::string& key) {
  auto tls = std::make_unique<TlsCertificate>(certificate, key);
  if (auto loaded = tls->load(); !loaded) return loaded;
  impl_->shared->tls = std::move(tls);
  return {};
}

Result<> HttpServer::reload_certificate() { return impl_->shared->tls->load(); }

HttpServerLoad HttpServer::load() const {
  const ServerShared& shared = *impl_->shared;
  return {shared.connections, shared.most_connections, shared.memory.held(), shared.memory.total(),
          shared.streams.taken()};
}

std::string HttpServer::address() const { return impl_->address; }

void HttpServer::start() { impl_->start(); }

void HttpServer::stop(std::chrono::milliseconds grace) { impl_->stop(grace); }

}  // namespace vodlift::net
