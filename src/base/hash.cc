#include "base/hash.h"

#include <isa-l/crc.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <sodium/crypto_shorthash.h>

#include <cstring>
#include <memory>
#include <stdexcept>

namespace vodlift {
namespace {

// OpenSSL fails here only when memory is gone or the provider is missing: nothing a caller could handle.
void require(int openssl_result) {
  if (openssl_result != 1) throw std::runtime_error("OpenSSL digest failed");
}

// Looked up once and kept to the very end, for threads may still hash then: with EVP_sha256() each use looks for an
// implementation again, which takes as long as hashing a few hundred bytes, and HMAC() does so several times.
EVP_MD* fetch_digest(const char* name) {
  EVP_MD* const algorithm = EVP_MD_fetch(nullptr, name, nullptr);
  require(algorithm != nullptr ? 1 : 0);
  return algorithm;
}

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
struct FreeMac {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};

template <class Context, class Free>
std::unique_ptr<Context, Free> owned(Context* context) {
  if (context == nullptr) throw std::bad_alloc();
  return std::unique_ptr<Context, Free>(context);
}

const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const algorithm = fetch_digest("SHA256");
  return algorithm;
}

const EVP_MD* md5_algorithm() {
  static const EVP_MD* const algorithm = fetch_digest("MD5");
  return algorithm;
}

EVP_MAC_CTX* make_keyless_hmac() {
  EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr);
  require(algorithm != nullptr ? 1 : 0);
  EVP_MAC_CTX* const context = EVP_MAC_CTX_new(algorithm);
  EVP_MAC_free(algorithm);
  std::string digest = OSSL_DIGEST_NAME_SHA2_256;
  const std::array parameters = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
                                 OSSL_PARAM_construct_end()};
  require(context != nullptr ? EVP_MAC_CTX_set_params(context, parameters.data()) : 0);
  return context;
}

// HMAC-SHA256 without a key, to be copied.
const EVP_MAC_CTX* keyless_hmac() {
  static const EVP_MAC_CTX* const context = make_keyless_hmac();
  return context;
}

using GfMatrix = std::array<std::uint32_t, 32>;

std::uint32_t times(const GfMatrix& matrix, std::uint32_t vector) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; vector != 0; ++i, vector >>= 1) {
    if ((vector & 1) != 0) sum ^= matrix[i];
  }
  return sum;
}

GfMatrix square(const GfMatrix& matrix) {
  GfMatrix out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = times(matrix, matrix[i]);
  return out;
}

// The operator that advances a (reflected) CRC32C by one zero byte.
GfMatrix one_zero_byte() {
  GfMatrix bit{};
  bit[0] = 0x82F63B78;
  for (std::size_t i = 1; i < bit.size(); ++i) bit[i] = 1U << (i - 1);
  return square(square(square(bit)));
}

}  // namespace

Sha256Digest sha256(ByteView bytes) {
  Sha256Digest out{};
  // One for each thread: to make one takes as long as hashing a hundred bytes.
  thread_local const auto context = owned<EVP_MD_CTX, FreeDigest>(EVP_MD_CTX_new());
  require(EVP_DigestInit_ex(context.get(), sha256_algorithm(), nullptr));
  require(EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()));
  require(EVP_DigestFinal_ex(context.get(), out.data(), nullptr));
  return out;
}

Sha256Digest hmac_sha256(ByteView key, ByteView message) {
  Sha256Digest out{};
  std::size_t length = 0;
  // A null key means "keep the old key" to OpenSSL; an empty one must not become that.
  static constexpr std::uint8_t kEmpty = 0;
  const std::uint8_t* key_data = key.empty() ? &kEmpty : key.data();
  thread_local const auto mac = owned<EVP_MAC_CTX, FreeMac>(EVP_MAC_CTX_dup(keyless_hmac()));  // as in sha256()
  require(EVP_MAC_init(mac.get(), key_data, key.size(), nullptr));
  require(EVP_MAC_update(mac.get(), message.data(), message.size()));
  require(EVP_MAC_final(mac.get(), out.data(), &length, out.size()));
  return out;
}

Md5Digest md5(ByteView bytes) {
  Md5 hash;
  hash.update(bytes);
  return hash.finish();
}

bool equal_constant_time(ByteView left, ByteView right) {
  return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

struct StreamDigest::State {
  explicit State(const EVP_MD* kind) : algorithm(kind), context(EVP_MD_CTX_new()) {
    if (context == nullptr) throw std::bad_alloc();
    begin();
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_MD_CTX_free(context); }
  void begin() const { require(EVP_DigestInit_ex(context, algorithm, nullptr)); }

  const EVP_MD* algorithm;
  EVP_MD_CTX* context;
};

StreamDigest::StreamDigest(std::unique_ptr<State> state) : state_(std::move(state)) {}
StreamDigest::~StreamDigest() = default;

void StreamDigest::update(ByteView bytes) { require(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size())); }

void StreamDigest::finish_into(std::span<std::uint8_t> digest) {
  require(EVP_DigestFinal_ex(state_->context, digest.data(), nullptr));
  state_->begin();
}

Md5::Md5() : StreamDigest(std::make_unique<State>(md5_algorithm())) {}

Md5Digest Md5::finish() {
  Md5Digest out{};
  finish_into(out);
  return out;
}

Sha256::Sha256() : StreamDigest(std::make_unique<State>(sha256_algorithm())) {}

Sha256Digest Sha256::finish() {
  Sha256Digest out{};
  finish_into(out);
  return out;
}

std::uint32_t crc32c(std::uint32_t crc, ByteView bytes) {
  // ISA-L takes an int length and neither pre- nor post-inverts.
  constexpr std::size_t kStep = std::size_t{1} << 30;
  std::uint32_t state = ~crc;
  while (!bytes.empty()) {
    const ByteView step = bytes.first(std::min(bytes.size(), kStep));
    // The function only reads, its C signature just does not say so.
    state = crc32_iscsi(const_cast<unsigned char*>(step.data()), static_cast<int>(step.size()), state);
    bytes = bytes.subspan(step.size());
  }
  return ~state;
}

std::uint32_t crc32c_combine(std::uint32_t crc_a, std::uint32_t crc_b, std::uint64_t length_b) {
  GfMatrix advance = one_zero_byte();
  for (; length_b != 0; length_b >>= 1) {
    if ((length_b & 1) != 0) crc_a = times(advance, crc_a);
    advance = square(advance);
  }
  return crc_a ^ crc_b;
}

std::string crc32c_base64(std::uint32_t crc) {
  const std::array<std::uint8_t, 4> bytes = {static_cast<std::uint8_t>(crc >> 24), static_cast<std::uint8_t>(crc >> 16),
                                             static_cast<std::uint8_t>(crc >> 8), static_cast<std::uint8_t>(crc)};
  return to_base64(bytes);
}

static_assert(kShortHashKeyBytes == crypto_shorthash_KEYBYTES);

std::uint64_t short_hash(std::string_view key, std::string_view text) {
  if (key.size() != kShortHashKeyBytes) throw std::invalid_argument("short_hash: the key must have 16 bytes");
  std::array<unsigned char, crypto_shorthash_BYTES> out{};
  crypto_shorthash(out.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                   reinterpret_cast<const unsigned char*>(key.data()));
  std::uint64_t number = 0;
  std::memcpy(&number, out.data(), sizeof number);
  return number;
}

}  // namespace vodlift
