#include "base/seal.h"

#include <fmt/format.h>
#include <sodium.h>

#include <stdexcept>

namespace vodlift {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kHeaderBytes = 1 + crypto_secretbox_NONCEBYTES;
// Keeps these keys apart from any other use of the same master key.
constexpr std::string_view kPurpose = "vodlift sealed secret v1:";

const unsigned char* data_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* data_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

}  // namespace

Seal::Seal(Secret master_key) : master_key_(std::move(master_key)) {
  if (sodium_init() < 0) throw std::runtime_error("libsodium could not be initialised");
  if (master_key_.reveal().size() != kKeyBytes) throw std::invalid_argument("a master key has 32 bytes");
}

Secret Seal::key_for(std::string_view context) const {
  const std::string message = std::string(kPurpose) + std::string(context);
  std::string key(crypto_secretbox_KEYBYTES, '\0');
  const std::string_view master = master_key_.reveal();
  crypto_generichash(data_of(key), key.size(), data_of(message), message.size(), data_of(master), master.size());
  return Secret(std::move(key));
}

std::string Seal::seal(const Secret& secret, std::string_view context) const {
  const std::string_view plain = secret.reveal();
  std::string sealed(kHeaderBytes + crypto_secretbox_MACBYTES + plain.size(), '\0');
  sealed[0] = kVersion;
  unsigned char* nonce = data_of(sealed) + 1;
  randombytes_buf(nonce, crypto_secretbox_NONCEBYTES);
  crypto_secretbox_easy(data_of(sealed) + kHeaderBytes, data_of(plain), plain.size(), nonce,
                        data_of(key_for(context).reveal()));
  return sealed;
}

Result<Secret> Seal::open(std::string_view sealed, std::string_view context) const {
  if (sealed.size() < kHeaderBytes + crypto_secretbox_MACBYTES || sealed[0] != kVersion) {
    return Error{Errc::seal_broken,
                 fmt::format("the sealed value of {} has a form this vodlift does not know", context)};
  }
  std::string plain(sealed.size() - kHeaderBytes - crypto_secretbox_MACBYTES, '\0');
  const int opened =
      crypto_secretbox_open_easy(data_of(plain), data_of(sealed) + kHeaderBytes, sealed.size() - kHeaderBytes,
                                 data_of(sealed) + 1, data_of(key_for(context).reveal()));
  if (opened != 0) {
    return Error{Errc::seal_broken,
                 fmt::format("the sealed value of {} does not open: is this the master key file that the database was "
                             "set up with? Put the right one back; if it is the right one, the value was tampered with",
                             context)};
  }
  return Secret(std::move(plain));
}

}  // namespace vodlift
