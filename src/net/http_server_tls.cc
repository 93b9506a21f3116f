#include "net/http_server_tls.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "base/encoding.h"
#include "base/file.h"

namespace vodlift::net {
namespace {

namespace ssl = boost::asio::ssl;

// Of TLS 1.2; the suites of 1.3 are all of this kind.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL";
constexpr std::array<unsigned char, 9> kProtocols = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
constexpr std::string_view kSessionName = "vodlift";

Error wrong(std::string_view what, std::string_view path) {
  const unsigned long code = ::ERR_get_error();
  ::ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ::ERR_reason_error_string(code);
  return {Errc::config_invalid,
          fmt::format("{} {}: {}", what, printable(path), reason == nullptr ? "cannot be used" : reason)};
}

// A key whose password is asked for at the terminal would hold up a daemon for ever.
int no_password(char*, int, int, void*) { return 0; }

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_bytes, const unsigned char* offered,
                    unsigned int offered_bytes, void*) {
  unsigned char* found = nullptr;
  const int result =
      ::SSL_select_next_proto(&found, chosen_bytes, kProtocols.data(), kProtocols.size(), offered, offered_bytes);
  if (result != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

Result<> check_key_file(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) {
    return Error{Errc::config_invalid, fmt::format("the key {}: {}", printable(path), errno_text(errno))};
  }
  // Its group may read it: that is how Debian shares keys (ssl-cert).
  constexpr mode_t kForbidden = S_IWGRP | S_IXGRP | S_IRWXO;
  if (!S_ISREG(found.st_mode)) {
    return Error{Errc::config_invalid, fmt::format("the key {} is not a regular file", printable(path))};
  }
  if ((found.st_mode & kForbidden) != 0) {
    return Error{Errc::config_invalid,
                 fmt::format("the key {} has mode {:04o}, so others can get at it; run chmod 0600 on it and "
                             "think of a new key",
                             printable(path), found.st_mode & 07777)};
  }
  return {};
}

void set_rules(SSL_CTX* context) {
  ::SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  ::SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  ::SSL_CTX_set_cipher_list(context, kCiphers);
  ::SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  ::SSL_CTX_set_default_passwd_cb(context, no_password);
  // Tickets alone resume sessions, so that none has to be kept.
  ::SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  ::SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(kSessionName.data()),
                                   kSessionName.size());
}

}  // namespace

Result<> TlsCertificate::load() {
  if (auto checked = check_key_file(key_); !checked) return checked;
  auto fresh = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX* const native = fresh->native_handle();
  set_rules(native);
  ::ERR_clear_error();
  if (::SSL_CTX_use_certificate_chain_file(native, certificate_.c_str()) != 1) {
    return wrong("the certificate", certificate_);
  }
  if (::SSL_CTX_use_PrivateKey_file(native, key_.c_str(), SSL_FILETYPE_PEM) != 1) return wrong("the key", key_);
  if (::SSL_CTX_check_private_key(native) != 1) return wrong("the key", key_);
  const std::lock_guard lock(mutex_);
  context_ = std::move(fresh);
  return {};
}

std::shared_ptr<ssl::context> TlsCertificate::context() const {
  const std::lock_guard lock(mutex_);
  return context_;
}

}  // namespace vodlift::net
