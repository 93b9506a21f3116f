#include "base/secret.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <new>
#include <ostream>
#include <type_traits>

namespace vodlift {
namespace {

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) {
  out << value;
};

static_assert(!Streamable<Secret>);
static_assert(!fmt::is_formattable<Secret>::value);
static_assert(!std::is_convertible_v<Secret, std::string_view>);
static_assert(std::is_nothrow_move_constructible_v<Secret>);

const std::string kShort = "short";
const std::string kLong(100, 'k');  // beyond the small buffer of std::string

TEST(Secret, RevealsWhatItHolds) {
  EXPECT_EQ(Secret(kLong).reveal(), kLong);
  EXPECT_TRUE(Secret().empty());
  EXPECT_FALSE(Secret(kShort).empty());
}

TEST(Secret, CopiesAreIndependent) {
  for (const std::string& value : {kShort, kLong}) {
    Secret first(value);
    Secret copy(first);
    first = Secret("other");
    EXPECT_EQ(copy.reveal(), value);
    EXPECT_EQ(first.reveal(), "other");
    copy = first;
    EXPECT_EQ(copy.reveal(), "other");
  }
}

TEST(Secret, AMovedSecretIsEmpty) {
  for (const std::string& value : {kShort, kLong}) {
    Secret first(value);
    Secret moved(std::move(first));
    EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
    EXPECT_EQ(moved.reveal(), value);
    Secret assigned("old");
    assigned = std::move(moved);
    EXPECT_TRUE(moved.empty());  // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(assigned.reveal(), value);
  }
}

TEST(Secret, SelfAssignmentKeepsIt) {
  Secret secret(kLong);
  const Secret& alias = secret;
  secret = alias;
  EXPECT_EQ(secret.reveal(), kLong);
}

// A short string lies within the object, so the storage can be looked at after the object is gone.
TEST(Secret, LeavesNothingBehind) {
  alignas(Secret) unsigned char storage[sizeof(Secret)] = {};
  const auto holds = [&] {
    return std::string_view(reinterpret_cast<const char*>(storage), sizeof storage).find(kShort) !=
           std::string_view::npos;
  };
  auto* secret = new (storage) Secret(kShort);
  EXPECT_TRUE(holds());
  const Secret taken(std::move(*secret));
  EXPECT_FALSE(holds());
  *secret = taken;
  EXPECT_TRUE(holds());
  secret->~Secret();
  EXPECT_FALSE(holds());
}

}  // namespace
}  // namespace vodlift
