#include "base/hash.h"

#include <isa-l/crc.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdexcept>

namespace vodlift {
namespace {

// OpenSSL fails here only when memory is gone or the provider is missing: nothing a caller could handle.
void require(int openssl_result) {
  if (openssl_result != 1) throw std::runtime_error("OpenSSL digest failed");
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
  require(EVP_Digest(bytes.data(), bytes.size(), out.data(), nullptr, EVP_sha256(), nullptr));
  return out;
}

Sha256Digest hmac_sha256(ByteView key, ByteView message) {
  Sha256Digest out{};
  unsigned length = 0;
  // A null key means "keep the old key" to OpenSSL; an empty one must not become that.
  static constexpr std::uint8_t kEmpty = 0;
  const void* key_data = key.empty() ? &kEmpty : key.data();
  if (HMAC(EVP_sha256(), key_data, static_cast<int>(key.size()), message.data(), message.size(), out.data(), &length) ==
      nullptr) {
    throw std::runtime_error("OpenSSL HMAC failed");
  }
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

Md5::Md5() : StreamDigest(std::make_unique<State>(EVP_md5())) {}

Md5Digest Md5::finish() {
  Md5Digest out{};
  finish_into(out);
  return out;
}

Sha256::Sha256() : StreamDigest(std::make_unique<State>(EVP_sha256())) {}

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

}  // namespace vodlift
