#include "base/seal.h"

#include <gtest/gtest.h>

namespace vodlift {
namespace {

Seal seal_of(char byte) { return Seal(Secret(std::string(Seal::kKeyBytes, byte))); }

TEST(Seal, OpensWhatItSealed) {
  const Seal seal = seal_of('k');
  for (const std::string text : {"", "s", "8fc8c48da81e6a2a06a9556379bf798a"}) {
    const auto opened = seal.open(seal.seal(Secret(text), "here"), "here");
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(opened->reveal(), text);
  }
}

TEST(Seal, HidesTheSecretAndNeverTwiceAlike) {
  const Seal seal = seal_of('k');
  const Secret secret("a secret that is long enough to be found");
  const std::string first = seal.seal(secret, "here");
  EXPECT_EQ(first.find("secret"), std::string::npos);
  EXPECT_NE(first, seal.seal(secret, "here"));
}

TEST(Seal, StaysWhereItBelongs) {
  const Seal seal = seal_of('k');
  const auto moved = seal.open(seal.seal(Secret("s"), "api_keys.secret:A"), "api_keys.secret:B");
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, Errc::seal_broken);
}

TEST(Seal, AnotherMasterKeyOpensNothingAndTheMessageHelps) {
  const auto opened = seal_of('x').open(seal_of('k').seal(Secret("s"), "here"), "here");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::seal_broken);
  EXPECT_NE(opened.error().message.find("master key file"), std::string::npos);
}

TEST(Seal, EveryBitCounts) {
  const Seal seal = seal_of('k');
  const std::string sealed = seal.seal(Secret("secret"), "here");
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(seal.open(changed, "here")) << "byte " << i;
    EXPECT_FALSE(seal.open(sealed.substr(0, i), "here")) << "cut to " << i;
  }
}

TEST(Seal, RefusesAKeyOfAnotherLength) { EXPECT_THROW(Seal(Secret("short")), std::invalid_argument); }

}  // namespace
}  // namespace vodlift
