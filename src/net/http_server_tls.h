// The server's certificate and what it is used with.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <mutex>
#include <string>

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

}  // namespace vodlift::net
