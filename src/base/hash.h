// Digests: SHA-256, HMAC-SHA256 and MD5 (OpenSSL), CRC32C (ISA-L). A keyed hash for tables (libsodium).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/encoding.h"

namespace vodlift {

using Sha256Digest = std::array<std::uint8_t, 32>;
using Md5Digest = std::array<std::uint8_t, 16>;

Sha256Digest sha256(ByteView bytes);
Sha256Digest hmac_sha256(ByteView key, ByteView message);
Md5Digest md5(ByteView bytes);

// True when both are equal, in time that depends on their lengths only.
bool equal_constant_time(ByteView left, ByteView right);

// The digest of a stream of bytes. One thread at a time.
class StreamDigest {
 public:
  StreamDigest(const StreamDigest&) = delete;
  StreamDigest& operator=(const StreamDigest&) = delete;

  void update(ByteView bytes);

 protected:
  struct State;
  explicit StreamDigest(std::unique_ptr<State> state);
  ~StreamDigest();
  void finish_into(std::span<std::uint8_t> digest);

 private:
  std::unique_ptr<State> state_;
};

class Md5 : public StreamDigest {
 public:
  Md5();
  // The digest of all bytes so far; the object starts over.
  Md5Digest finish();
};

class Sha256 : public StreamDigest {
 public:
  Sha256();
  // As Md5's.
  Sha256Digest finish();
};

// CRC32C (Castagnoli) of bytes that continue a stream whose CRC so far is `crc` (0 at the start).
std::uint32_t crc32c(std::uint32_t crc, ByteView bytes);

// CRC32C of A followed by B, from crc32c(A), crc32c(B) and B's length; no byte is read again.
std::uint32_t crc32c_combine(std::uint32_t crc_a, std::uint32_t crc_b, std::uint64_t length_b);

// The four bytes of a CRC, big-endian, in base64: the form of S3's x-amz-checksum-crc32c.
std::string crc32c_base64(std::uint32_t crc);

inline constexpr std::size_t kShortHashKeyBytes = 16;

// SipHash-2-4 of `text`: fast, for tables whose keys an attacker may choose. `key` has kShortHashKeyBytes bytes, random
// and secret.
std::uint64_t short_hash(std::string_view key, std::string_view text);

}  // namespace vodlift
