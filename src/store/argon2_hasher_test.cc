#include "store/argon2_hasher.h"

#include <gtest/gtest.h>

#include <string>

namespace vodlift::store {
namespace {

// As cheap as libsodium allows.
constexpr Argon2Hasher::Cost kCheap{.passes = 1, .memory_bytes = 8192};

TEST(Argon2Hasher, H08AHashSaysHowItWasMade) {
  const Argon2Hasher hasher(kCheap);
  const Secret password("correct horse");
  const Secret hash = hasher.hash(password).value();
  EXPECT_TRUE(hash.reveal().starts_with("$argon2id$v=19$m=8,t=1,p=1$")) << hash.reveal();
  EXPECT_NE(hash.reveal(), hasher.hash(password).value().reveal()) << "each has a salt of its own";
  EXPECT_TRUE(hasher.matches(hash, password).value());
  for (const std::string wrong : {"", "correct horsE", "correct horse ", "correct hors"}) {
    EXPECT_FALSE(hasher.matches(hash, Secret(wrong)).value()) << wrong;
  }
}

TEST(Argon2Hasher, H08TheParametersAreReadFromTheHash) {
  const Argon2Hasher old(kCheap);
  const Argon2Hasher now({.passes = 2, .memory_bytes = 16384});
  const Secret hash = old.hash(Secret("correct horse")).value();
  EXPECT_TRUE(now.matches(hash, Secret("correct horse")).value());
  EXPECT_FALSE(now.matches(hash, Secret("wrong")).value());
  EXPECT_TRUE(now.is_outdated(hash));
  EXPECT_FALSE(old.is_outdated(hash));
  EXPECT_FALSE(now.is_outdated(now.hash(Secret("correct horse")).value()));
}

TEST(Argon2Hasher, H08PasswordsAreBytes) {
  const Argon2Hasher hasher(kCheap);
  const Secret composed("\xc3\xa4pfel und birnen");
  const Secret hash = hasher.hash(composed).value();
  EXPECT_TRUE(hasher.matches(hash, composed).value());
  EXPECT_FALSE(hasher.matches(hash, Secret("a\xcc\x88pfel und birnen")).value()) << "not normalised here";
  const Secret most(std::string(1024, 'p'));
  EXPECT_TRUE(hasher.matches(hasher.hash(most).value(), most).value());
  EXPECT_FALSE(hasher.matches(hasher.hash(most).value(), Secret(std::string(1023, 'p'))).value()) << "nothing is cut";
}

TEST(Argon2Hasher, H07ADecoyIsAHashOfTheSameParametersThatNothingMatches) {
  const Argon2Hasher hasher(kCheap);
  const Secret decoy = hasher.decoy();
  EXPECT_FALSE(hasher.is_outdated(decoy));
  EXPECT_FALSE(hasher.matches(decoy, Secret("correct horse")).value());
  EXPECT_EQ(decoy.reveal().size(), hasher.hash(Secret("x")).value().reveal().size());
}

TEST(Argon2Hasher, WhatIsNoHashIsAnError) {
  const Argon2Hasher hasher(kCheap);
  for (const std::string text : {"", "plain", "$argon2id$v=19$m=8,t=1,p=1$", "$2b$12$abcdefghijklmnopqrstuu"}) {
    EXPECT_EQ(hasher.matches(Secret(text), Secret("x")).error().code, Errc::store_corrupt) << text;
  }
}

TEST(Argon2Hasher, TheUsualCostIsThatOfRfc9106) {
  EXPECT_TRUE(Argon2Hasher().decoy().reveal().starts_with("$argon2id$v=19$m=65536,t=3,p=1$"));
}

}  // namespace
}  // namespace vodlift::store
