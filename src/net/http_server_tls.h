// A connection's bytes, plain or through TLS, and the server's certificate.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"

namespace vodlift::net {

// TLS 1.2 and 1.3, ciphers with forward secrecy and authentication only, sessions resumed by tickets, of ALPN's
// protocols http/1.1 (a client that offers only others is turned away). Internally locked.
class TlsCertificate {
 public:
  // Paths of PEM files: the certificate, its issuers behind it; its private key, without password, which no other user
  // may read or write.
  TlsCertificate(std::string certificate, std::string key)
      : certificate_(std::move(certificate)), key_(std::move(key)) {}

  // Reads both files; handshakes that begin from now on use them. After an error the pair read before stays in use.
  // Errors: config_invalid.
  Result<> load();

  // The pair in use; nullptr before the first load().
  [[nodiscard]] std::shared_ptr<boost::asio::ssl::context> context() const;

 private:
  const std::string certificate_;
  const std::string key_;
  mutable std::mutex mutex_;
  std::shared_ptr<boost::asio::ssl::context> context_;
};

// TCP or Unix alike. The concrete executor spares the indirection of any_io_executor at each operation.
using Socket =
    boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol, boost::asio::io_context::executor_type>;

// One thread at a time; one read and one write may be under way at once. Each handler gets what Asio's would.
class Stream {
 public:
  explicit Stream(Socket socket) : socket_(std::move(socket)) {}

  // From here on all goes through TLS; handshake() has to come first.
  void use_tls(boost::asio::ssl::context& context) { tls_.emplace(socket_, context); }
  [[nodiscard]] bool has_tls() const { return tls_.has_value(); }

  template <class Handler>
  void handshake(Handler handler) {
    tls_->async_handshake(boost::asio::ssl::stream_base::server, std::move(handler));
  }

  template <class Handler>
  void read_some(boost::asio::mutable_buffer space, Handler handler) {
    tls_ ? tls_->async_read_some(space, std::move(handler)) : socket_.async_read_some(space, std::move(handler));
  }

  // All of `buffers`.
  template <class Buffers, class Handler>
  void write(const Buffers& buffers, Handler handler) {
    if (tls_) {
      boost::asio::async_write(*tls_, buffers, std::move(handler));
    } else {
      boost::asio::async_write(socket_, buffers, std::move(handler));
    }
  }

  // Says goodbye inside TLS and waits for the client's. No read or write may be under way.
  template <class Handler>
  void shut_down_tls(Handler handler) {
    tls_->async_shutdown(std::move(handler));
  }

  [[nodiscard]] Socket& socket() { return socket_; }

 private:
  Socket socket_;
  std::optional<boost::asio::ssl::stream<Socket&>> tls_;  // refers to socket_
};

}  // namespace vodlift::net
