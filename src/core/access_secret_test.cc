#include "core/access_secret.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace vodlift {
namespace {

TEST(AccessSecret, H05HasAPrefixAnd256RandomBits) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const AccessSecret made = make_access_secret(kTokenPrefix);
    const std::string text(made.text.reveal());
    EXPECT_EQ(text.size(), kTokenPrefix.size() + 64);
    EXPECT_TRUE(text.starts_with(kTokenPrefix));
    EXPECT_EQ(made.hash, access_hash(text));
    seen.insert(text);
  }
  EXPECT_EQ(seen.size(), 100U);
}

TEST(AccessSecret, TheHashDoesNotShowTheSecret) {
  const AccessSecret made = make_access_secret(kSessionPrefix);
  const std::string hash(made.hash.begin(), made.hash.end());
  EXPECT_EQ(std::string(made.text.reveal()).find(to_hex(made.hash)), std::string::npos);
  EXPECT_NE(access_hash(made.text.reveal()), access_hash(to_hex(made.hash))) << "what is stored opens nothing";
}

TEST(AccessSecret, H02ACsrfTokenBelongsToItsSession) {
  const Secret one = make_access_secret(kSessionPrefix).text;
  const Secret other = make_access_secret(kSessionPrefix).text;
  const std::string csrf(csrf_of(one).reveal());
  EXPECT_TRUE(is_csrf_of(one, csrf));
  EXPECT_FALSE(is_csrf_of(other, csrf));
  EXPECT_FALSE(is_csrf_of(one, ""));
  EXPECT_FALSE(is_csrf_of(one, csrf.substr(1)));
  EXPECT_FALSE(is_csrf_of(one, one.reveal()));
}

}  // namespace
}  // namespace vodlift
