#include "core/people.h"

#include <gtest/gtest.h>

#include "core/sessions.h"

namespace vodlift {
namespace {

TEST(People, NamesHaveASmallAlphabet) {
  for (const auto* const name : {"a", "0", "anna", "anna@example.org", "a.b_c+d-e"}) {
    EXPECT_TRUE(is_person_name(name)) << name;
  }
  EXPECT_TRUE(is_person_name(std::string(128, 'a')));
  for (const std::string name : {"", "Anna", ".a", "@a", "-a", "a b", "a\nb", "a\x1b", "a/b", "ann\xc3\xa4", "a<b"}) {
    EXPECT_FALSE(is_person_name(name)) << name;
  }
  EXPECT_FALSE(is_person_name(std::string(129, 'a')));
  EXPECT_FALSE(is_person_name(std::string_view("a\0b", 3)));
}

TEST(People, ASessionIsItsPersonAsTheyAreNow) {
  SignedIn session;
  session.person.name = "anna";
  session.person.role = Role::customer;
  session.person.cdn = 158;
  const Principal who = principal_of(session);
  EXPECT_EQ(who.name, "anna");
  EXPECT_EQ(who.role, Role::customer);
  EXPECT_EQ(who.cdn, 158);
  EXPECT_EQ(who.via, Principal::Via::session);
}

TEST(People, ATokenNeverOutgrowsItsOwner) {
  TokenUse use;
  use.owner.name = "anna";
  use.owner.role = Role::admin;
  use.owner.password = Secret("a hash");
  use.token.label = "nightly";
  use.token.role = Role::operate;
  const auto who = principal_of(use);
  ASSERT_TRUE(who);
  EXPECT_EQ(who->role, Role::operate);
  EXPECT_EQ(who->via, Principal::Via::token);
  EXPECT_EQ(who->label, "nightly");
  use.owner.role = Role::viewer;
  EXPECT_FALSE(principal_of(use)) << "the owner may do less by now";
  use.owner.role = Role::operate;
  EXPECT_TRUE(principal_of(use));
  use.owner.password = Secret();
  EXPECT_FALSE(principal_of(use));
}

}  // namespace
}  // namespace vodlift
