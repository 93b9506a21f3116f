// Where the HTTP server listens: binding, and addresses as text.
#pragma once

#include <sys/socket.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/file.h"

namespace vodlift::net {

using Acceptor =
    boost::asio::basic_socket_acceptor<boost::asio::generic::stream_protocol, boost::asio::io_context::executor_type>;

// Opens `acceptor` on "ADDRESS:PORT"; returns the address with the real port. Errors: config_invalid, io_error.
Result<std::string> listen_tcp(Acceptor& acceptor, std::string_view address);

// Opens `acceptor` on a socket file of mode 0600. Errors: io_error, locked.
Result<> listen_unix_path(Acceptor& acceptor, const std::string& path);

// Takes over a socket of listening_address(); returns its address. Errors: config_invalid, io_error.
Result<std::string> adopt_listener(Acceptor& acceptor, UniqueFd socket);

// From now on the kernel makes no new connection over TCP, but completes those that have begun. A client that asks for
// one gets no answer, asks again after a second, and then meets a closed port or the next process. Unix sockets do not
// change.
void turn_new_connections_away(Acceptor& acceptor);

// "192.0.2.7", "2001:db8::1", "unix"; an IPv4 client of an IPv6 listener is shown as IPv4.
std::string peer_text(const sockaddr* address);

}  // namespace vodlift::net
