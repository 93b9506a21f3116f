#include "base/hash.h"

#include <gtest/gtest.h>

namespace vodlift {
namespace {

std::string repeated(char c, std::size_t count) { return std::string(count, c); }

// Bytes without a pattern, the same in every run.
std::string noise(std::size_t size) {
  std::string out(size, '\0');
  std::uint64_t state = 0x9E3779B97F4A7C15;
  for (char& c : out) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    c = static_cast<char>(state >> 56);
  }
  return out;
}

// One bit at a time, straight from the polynomial: slow, and shares nothing with what it checks.
std::uint32_t plain_crc32c(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const std::uint8_t byte : bytes_of(bytes)) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
  }
  return ~crc;
}

TEST(Sha256, MatchesFips180) {
  EXPECT_EQ(to_hex(sha256(bytes_of(""))), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha256(bytes_of("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256(bytes_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(HmacSha256, MatchesRfc4231) {
  EXPECT_EQ(to_hex(hmac_sha256(bytes_of(repeated('\x0b', 20)), bytes_of("Hi There"))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(to_hex(hmac_sha256(bytes_of("Jefe"), bytes_of("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(hmac_sha256(bytes_of(repeated('\xaa', 131)),
                               bytes_of("Test Using Larger Than Block-Size Key - Hash Key First"))),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HmacSha256, TakesAnEmptyKeyAndAnEmptyMessage) {
  const char* expected = "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
  EXPECT_EQ(to_hex(hmac_sha256({}, {})), expected);
  // Also right after another key was used.
  static_cast<void>(hmac_sha256(bytes_of("key"), bytes_of("message")));
  EXPECT_EQ(to_hex(hmac_sha256({}, {})), expected);
}

TEST(Md5, MatchesRfc1321) {
  EXPECT_EQ(to_hex(md5(bytes_of(""))), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(to_hex(md5(bytes_of("abc"))), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(to_hex(md5(bytes_of("message digest"))), "f96b697d7cb7938d525a2f31aaf161d0");
}

TEST(Md5, StreamsAndStartsOver) {
  Md5 hash;
  hash.update(bytes_of("message "));
  hash.update({});
  hash.update(bytes_of("digest"));
  EXPECT_EQ(hash.finish(), md5(bytes_of("message digest")));
  hash.update(bytes_of("abc"));
  EXPECT_EQ(hash.finish(), md5(bytes_of("abc")));
  EXPECT_EQ(hash.finish(), md5({}));
}

TEST(EqualConstantTime, ComparesBytesAndLengths) {
  EXPECT_TRUE(equal_constant_time(bytes_of("same"), bytes_of("same")));
  EXPECT_TRUE(equal_constant_time({}, {}));
  EXPECT_FALSE(equal_constant_time(bytes_of("same"), bytes_of("sama")));
  EXPECT_FALSE(equal_constant_time(bytes_of("same"), bytes_of("same ")));
  EXPECT_FALSE(equal_constant_time(bytes_of("same"), {}));
}

TEST(Crc32c, MatchesRfc3720) {
  EXPECT_EQ(crc32c(0, {}), 0u);
  EXPECT_EQ(crc32c(0, bytes_of("123456789")), 0xE3069283u);
  EXPECT_EQ(crc32c(0, bytes_of(repeated('\0', 32))), 0x8A9136AAu);
  EXPECT_EQ(crc32c(0, bytes_of(repeated('\xff', 32))), 0x62A8AB43u);
  std::string ascending;
  for (char c = 0; c < 32; ++c) ascending += c;
  EXPECT_EQ(crc32c(0, bytes_of(ascending)), 0x46DD794Eu);
}

TEST(Crc32c, AgreesWithThePolynomialAtEveryLength) {
  const std::string bytes = noise(600);
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    const std::string_view part = std::string_view(bytes).substr(bytes.size() - length);
    ASSERT_EQ(crc32c(0, bytes_of(part)), plain_crc32c(part)) << length;
  }
}

TEST(Crc32c, ContinuesAStream) {
  const std::string bytes = noise(10'000);
  const std::string_view all = bytes;
  for (const std::size_t cut : {0u, 1u, 7u, 64u, 4096u, 9'999u, 10'000u}) {
    EXPECT_EQ(crc32c(crc32c(0, bytes_of(all.substr(0, cut))), bytes_of(all.substr(cut))), crc32c(0, bytes_of(all)));
  }
}

TEST(Crc32cCombine, EqualsTheCrcOfBothTogether) {
  const std::string bytes = noise(70'000);
  const std::string_view all = bytes;
  const std::uint32_t whole = crc32c(0, bytes_of(all));
  for (std::size_t cut = 0; cut <= all.size(); cut += cut < 300 ? 1 : 4999) {
    const std::uint32_t first = crc32c(0, bytes_of(all.substr(0, cut)));
    const std::uint32_t second = crc32c(0, bytes_of(all.substr(cut)));
    ASSERT_EQ(crc32c_combine(first, second, all.size() - cut), whole) << cut;
  }
}

TEST(Crc32cCombine, FoldsManyParts) {
  const std::string bytes = noise(100'000);
  std::uint32_t combined = 0;
  for (std::size_t at = 0; at < bytes.size(); at += 7001) {
    const std::string part = bytes.substr(at, 7001);
    combined = crc32c_combine(combined, crc32c(0, bytes_of(part)), part.size());
  }
  EXPECT_EQ(combined, crc32c(0, bytes_of(bytes)));
}

TEST(Crc32cCombine, TakesLengthsBeyond32Bits) {
  // Zero bytes double their run: the CRC of 2^n zeros gives that of 2^(n+1) of them, and both ways must meet.
  const std::uint32_t head = crc32c(0, bytes_of("head"));
  std::uint64_t length = 1;
  std::uint32_t zeros = crc32c(0, bytes_of(repeated('\0', 1)));
  for (int doubling = 0; doubling < 40; ++doubling) {
    const std::uint32_t in_one = crc32c_combine(head, crc32c_combine(zeros, zeros, length), 2 * length);
    const std::uint32_t in_two = crc32c_combine(crc32c_combine(head, zeros, length), zeros, length);
    ASSERT_EQ(in_one, in_two) << doubling;
    zeros = crc32c_combine(zeros, zeros, length);
    length *= 2;
  }
}

TEST(Crc32cBase64, IsBigEndian) {
  EXPECT_EQ(crc32c_base64(0xE3069283), "4waSgw==");
  EXPECT_EQ(crc32c_base64(0), "AAAAAA==");
}

}  // namespace
}  // namespace vodlift
