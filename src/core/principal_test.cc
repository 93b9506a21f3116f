#include "core/principal.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace vodlift {
namespace {

constexpr AccountId kOwn = 158;
constexpr AccountId kOther = 159;

Principal principal(Role role, std::optional<AccountId> cdn) { return {.name = "anna", .role = role, .cdn = cdn}; }

TEST(Principal, RolesAreWords) {
  for (const Role role : kRoles) EXPECT_EQ(role_from(to_string(role)), role);
  EXPECT_EQ(to_string(Role::operate), "operator");
  for (const auto* const word : {"", "root", "Admin", "operate", "admin "}) EXPECT_FALSE(role_from(word)) << word;
}

TEST(Principal, H10EachRoleMayDoExactlyWhatTheTableSays) {
  const std::set<Role> everybody(kRoles.begin(), kRoles.end());
  const std::map<Act, std::set<Role>> expected = {
      {Act::read, everybody},
      {Act::read_audit, {Role::customer, Role::operate, Role::admin}},
      {Act::change_uploads, {Role::customer, Role::operate, Role::admin}},
      {Act::change_keys, {Role::customer, Role::admin}},
      {Act::configure, {Role::operate, Role::admin}},
      {Act::manage_accounts, {Role::admin}},
      {Act::manage_people, {Role::admin}},
      {Act::manage_self, everybody},
  };
  ASSERT_EQ(expected.size(), kActs.size());
  for (const Act act : kActs) {
    for (const Role role : kRoles) {
      const bool may = expected.at(act).contains(role);
      const std::string what = std::string(to_string(role)) + ", act " + std::to_string(static_cast<int>(act));
      EXPECT_EQ(role_may(role, act), may) << what;
      for (const auto owner : {std::optional<AccountId>(), std::optional(kOwn)}) {
        for (const auto cdn : {std::optional<AccountId>(), std::optional(kOwn)}) {
          const auto access = check_access(principal(role, cdn), act, owner);
          EXPECT_EQ(access.has_value(), may) << what;
          if (!access) {
            EXPECT_EQ(access.error().code, Errc::permission_denied) << what;
          }
        }
      }
    }
  }
}

TEST(Principal, H11WhatAnotherAccountOwnsDoesNotExist) {
  for (const Act act : kActs) {
    for (const Role role : kRoles) {
      EXPECT_EQ(check_access(principal(role, kOwn), act, kOther).error().code, Errc::not_found)
          << "even where the role would be refused";
      EXPECT_EQ(check_access(principal(role, std::nullopt), act, kOther).has_value(), role_may(role, act));
    }
  }
}

TEST(Principal, TheSocketIsAnAdmin) {
  for (const Act act : kActs) EXPECT_TRUE(check_access(socket_principal(), act, kOwn));
}

TEST(Principal, RolesAreBoundToAccounts) {
  EXPECT_TRUE(check_binding(Role::customer, kOwn));
  EXPECT_EQ(check_binding(Role::customer, std::nullopt).error().code, Errc::invalid_value);
  EXPECT_TRUE(check_binding(Role::viewer, kOwn));
  EXPECT_TRUE(check_binding(Role::viewer, std::nullopt));
  for (const Role role : {Role::operate, Role::admin}) {
    EXPECT_TRUE(check_binding(role, std::nullopt));
    EXPECT_EQ(check_binding(role, kOwn).error().code, Errc::invalid_value);
  }
}

// Over all pairs: whatever the given one may reach and do, the giver may.
TEST(Principal, ATokenCanDoNothingMoreThanItsOwner) {
  const std::array<std::optional<AccountId>, 3> accounts = {std::nullopt, kOwn, kOther};
  int granted = 0;
  for (const Role role : kRoles) {
    for (const auto cdn : accounts) {
      if (!check_binding(role, cdn)) continue;
      EXPECT_TRUE(may_grant(role, cdn, role, cdn)) << "one's own role";
      for (const Role given : kRoles) {
        for (const auto given_cdn : accounts) {
          if (!may_grant(role, cdn, given, given_cdn)) continue;
          ++granted;
          EXPECT_TRUE(check_binding(given, given_cdn));
          for (const Act act : kActs) {
            for (const AccountId owner : {kOwn, kOther}) {
              if (!check_access(principal(given, given_cdn), act, owner)) continue;
              EXPECT_TRUE(check_access(principal(role, cdn), act, owner))
                  << to_string(role) << " gives " << to_string(given);
            }
          }
        }
      }
    }
  }
  EXPECT_GT(granted, 0);
  EXPECT_FALSE(may_grant(Role::customer, kOwn, Role::operate, std::nullopt));
  EXPECT_FALSE(may_grant(Role::operate, std::nullopt, Role::admin, std::nullopt));
  EXPECT_FALSE(may_grant(Role::operate, std::nullopt, Role::customer, kOwn)) << "an operator makes no keys";
  EXPECT_FALSE(may_grant(Role::customer, kOwn, Role::viewer, std::nullopt)) << "would see all accounts";
}

}  // namespace
}  // namespace vodlift
