#include "net/http_server_listener.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cerrno>
#include <charconv>

#include "base/encoding.h"
#include "base/file.h"

namespace vodlift::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// The kernel cuts it to net.core.somaxconn.
constexpr int kBacklog = 4096;

Error config_error(std::string_view address) {
  return {
      Errc::config_invalid,
      fmt::format("\"{}\" is no address to listen on: write IPv4:PORT or [IPv6]:PORT in numbers, like 127.0.0.1:8080",
                  printable(address))};
}

Result<asio::ip::tcp::endpoint> parse_listen_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return config_error(text);
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (failed != std::errc() || end != digits.data() + digits.size()) return config_error(text);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (error || address.is_v6() != bracketed) return config_error(text);
  return asio::ip::tcp::endpoint(address, port);
}

std::string endpoint_text(const sockaddr* address) {
  const bool v6 = address->sa_family == AF_INET6;
  const in_port_t port = v6 ? reinterpret_cast<const sockaddr_in6*>(address)->sin6_port
                            : reinterpret_cast<const sockaddr_in*>(address)->sin_port;
  const std::string host = peer_text(address);
  return v6 && host.find(':') != std::string::npos ? fmt::format("[{}]:{}", host, ntohs(port))
                                                   : fmt::format("{}:{}", host, ntohs(port));
}

// Makes room for a new socket at `path`: removes one that no process serves any more.
Result<> clear_socket_path(const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return {};
    return Error{Errc::io_error, fmt::format("cannot look at {}: {}", path, errno_text(errno))};
  }
  if (!S_ISSOCK(found.st_mode)) {
    return Error{Errc::io_error, fmt::format("{} exists and is not a socket; remove it or choose another path", path)};
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe.valid()) return Error{Errc::io_error, fmt::format("cannot open a socket: {}", errno_text(errno))};
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN) {
    return Error{Errc::locked, fmt::format("another process answers at {}; stop it first", path)};
  }
  if (errno != ECONNREFUSED) {
    return Error{Errc::io_error, fmt::format("cannot find out whether {} is in use: {}", path, errno_text(errno))};
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return Error{Errc::io_error, fmt::format("cannot remove the dead socket {}: {}", path, errno_text(errno))};
  }
  return {};
}

Error give_up(Acceptor& acceptor, std::string_view where, const error_code& error) {
  error_code ignored;
  acceptor.close(ignored);
  return {Errc::io_error, fmt::format("cannot listen on {}: {}", where, errno_text(error.value()))};
}

}  // namespace

Result<std::string> listen_tcp(Acceptor& acceptor, std::string_view address) {
  const auto endpoint = parse_listen_address(address);
  if (!endpoint) return endpoint.error();
  error_code error;
  acceptor.open(endpoint->protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(*endpoint, error);
  if (!error) acceptor.listen(kBacklog, error);
  if (error) return give_up(acceptor, address, error);
  const auto bound = acceptor.local_endpoint(error);
  if (error) return give_up(acceptor, address, error);
  return endpoint_text(bound.data());
}

Result<> listen_unix_path(Acceptor& acceptor, const std::string& path) {
  if (path.empty() || path.size() >= sizeof(sockaddr_un::sun_path)) {
    return Error{Errc::io_error, fmt::format("a socket's path must have 1 to {} bytes; \"{}\" has {}",
                                             sizeof(sockaddr_un::sun_path) - 1, printable(path), path.size())};
  }
  if (auto cleared = clear_socket_path(path); !cleared) return cleared;
  const asio::local::stream_protocol::endpoint endpoint(path);
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  // Linux gives the file the mode of the unbound socket: so it is never open to others, not even between bind and
  // chmod, and the process's umask is left alone.
  if (!error && ::fchmod(acceptor.native_handle(), 0600) != 0) error.assign(errno, boost::system::system_category());
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(kBacklog, error);
  if (error) return give_up(acceptor, path, error);
  return {};
}

Result<std::string> listening_address(const UniqueFd& socket) {
  const auto option = [&](int name) {
    int value = -1;
    socklen_t length = sizeof value;
    return ::getsockopt(socket.get(), SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
  };
  const int family = option(SO_DOMAIN);
  const bool over_tcp = (family == AF_INET || family == AF_INET6) && option(SO_TYPE) == SOCK_STREAM;
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  auto* bound = reinterpret_cast<sockaddr*>(&address);
  if (over_tcp && option(SO_ACCEPTCONN) == 1 && ::getsockname(socket.get(), bound, &length) == 0) {
    return endpoint_text(bound);
  }
  return Error{Errc::config_invalid,
               "the socket that was passed on does not listen over TCP: give ListenStream= an address and a port"};
}

Result<std::string> adopt_listener(Acceptor& acceptor, UniqueFd socket) {
  auto address = listening_address(socket);
  if (!address) return address;
  const bool v6 = address->starts_with('[');
  error_code error;
  acceptor.assign(asio::generic::stream_protocol(v6 ? AF_INET6 : AF_INET, IPPROTO_TCP), socket.get(), error);
  if (error) return give_up(acceptor, *address, error);
  [[maybe_unused]] const int owned = socket.release();
  return address;
}

void turn_new_connections_away(Acceptor& acceptor) {
  // Closing a listener resets what has come into its queue since the last accept(), so nothing must come any more. The
  // filter sees a segment from its TCP header on: byte 13 has the flags.
  constexpr std::uint32_t kFlags = 13;
  constexpr std::uint32_t kSyn = 2;
  constexpr std::uint32_t kWhole = 0xFFFFFFFF;
  std::array<sock_filter, 4> program = {{{BPF_LD | BPF_B | BPF_ABS, 0, 0, kFlags},
                                         {BPF_JMP | BPF_JSET | BPF_K, 0, 1, kSyn},
                                         {BPF_RET | BPF_K, 0, 0, 0},
                                         {BPF_RET | BPF_K, 0, 0, kWhole}}};
  const sock_fprog filter{program.size(), program.data()};
  int domain = AF_UNIX;
  socklen_t length = sizeof domain;
  ::getsockopt(acceptor.native_handle(), SOL_SOCKET, SO_DOMAIN, &domain, &length);
  if (domain == AF_UNIX) return;
  // When it fails the server stops all the same, without this protection.
  ::setsockopt(acceptor.native_handle(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

std::string peer_text(const sockaddr* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    ::inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
  } else if (address->sa_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
      ::inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], text.data(), text.size());
    } else {
      ::inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
    }
  } else {
    return "unix";
  }
  return text.data();
}

}  // namespace vodlift::net
