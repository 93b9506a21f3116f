// People, links, sessions and tokens: who is let in, for how long, and what ends it.
#include <string>
#include <thread>
#include <vector>

#include "conformance/store_suite.h"

namespace vodlift::conformance {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::chrono::hours kDay{24};

AccessHash hash(const std::string& name) { return access_hash(name); }

class PeopleConformance : public StoreSuite {
 protected:
  People& people() { return store_->people(); }
  Sessions& sessions() { return store_->sessions(); }

  static Person someone(const std::string& name, Role role = Role::viewer, std::optional<AccountId> cdn = {}) {
    Person person;
    person.name = name;
    person.role = role;
    person.cdn = cdn;
    return person;
  }
  // Invited, and with a password.
  Person add(const std::string& name, Role role = Role::viewer, std::optional<AccountId> cdn = {}) {
    people().add(someone(name, role, cdn), hash("link of " + name), kDay).value();
    return people().use_link(hash("link of " + name), "", Secret("hash of " + name)).value();
  }
  Person look(const std::string& name) { return people().find(name).value().value(); }
  bool open(const std::string& session) { return sessions().find(hash(session)).value().has_value(); }
  static Token token(const std::string& owner, const std::string& label = "nightly") {
    Token made;
    made.label = label;
    made.owner = owner;
    return made;
  }
};

TEST_P(PeopleConformance, KeepsPeopleAsTheyWereInvited) {
  const Person added = people().add(someone("zoe", Role::customer, 158), hash("z"), kDay).value();
  EXPECT_GT(added.id, 0);
  ASSERT_TRUE(people().add(someone("anna", Role::operate), hash("a"), kDay));
  EXPECT_EQ(people().add(someone("zoe"), hash("other"), kDay).error().code, Errc::already_exists);
  reopen();
  const auto all = people().list().value();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].name, "anna");
  EXPECT_EQ(all[0].role, Role::operate);
  EXPECT_EQ(all[0].cdn, std::nullopt);
  EXPECT_EQ(all[1].name, "zoe");
  EXPECT_EQ(all[1].role, Role::customer);
  EXPECT_EQ(all[1].cdn, 158);
  EXPECT_TRUE(all[1].invited());
  EXPECT_EQ(all[1].created, clock_.now());
  EXPECT_EQ(all[1].last_seen, std::nullopt);
  EXPECT_EQ(people().find("nobody").value().has_value(), false);
}

TEST_P(PeopleConformance, PeopleAreBounded) {
  constexpr std::size_t kThreads = 20;  // the disk is waited for together
  std::vector<std::thread> threads;
  for (std::size_t first = 0; first < kThreads; ++first) {
    threads.emplace_back([this, first] {
      for (std::size_t i = first; i < kMaxPeople; i += kThreads) {
        const std::string name = "p" + std::to_string(i);
        EXPECT_TRUE(people().add(someone(name), hash(name), kDay));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(people().list().value().size(), kMaxPeople);
  EXPECT_EQ(people().add(someone("more"), hash("more"), kDay).error().code, Errc::invalid_value);
  ASSERT_TRUE(people().remove("p7"));
  EXPECT_TRUE(people().add(someone("more"), hash("more"), kDay));
}

TEST_P(PeopleConformance, H20ALinkWorksOnce) {
  ASSERT_TRUE(people().add(someone("anna"), hash("link"), kDay));
  EXPECT_EQ(people().find_link(hash("link")).value().name, "anna");
  EXPECT_EQ(people().find_link(hash("other")).error().code, Errc::not_found);
  EXPECT_FALSE(people().use_link(hash("link"), "ignored", Secret("h1")).value().invited());
  EXPECT_EQ(look("anna").password.reveal(), "h1");
  EXPECT_EQ(people().find_link(hash("link")).error().code, Errc::not_found);
  EXPECT_EQ(people().use_link(hash("link"), "", Secret("h2")).error().code, Errc::not_found);
  EXPECT_EQ(look("anna").password.reveal(), "h1");
}

TEST_P(PeopleConformance, ALinkExpiresAndIsReplaced) {
  ASSERT_TRUE(people().add(someone("anna"), hash("first"), kDay));
  clock_.pass(kDay - seconds(1));
  EXPECT_TRUE(people().find_link(hash("first")));
  clock_.pass(seconds(1));
  EXPECT_EQ(people().find_link(hash("first")).error().code, Errc::not_found);
  EXPECT_EQ(people().use_link(hash("first"), "", Secret("h")).error().code, Errc::not_found);
  ASSERT_TRUE(people().put_link("anna", hash("second"), kDay));
  ASSERT_TRUE(people().put_link("anna", hash("third"), kDay));
  EXPECT_EQ(people().find_link(hash("second")).error().code, Errc::not_found);
  reopen();
  EXPECT_TRUE(people().use_link(hash("third"), "", Secret("h")));
  EXPECT_EQ(people().put_link("nobody", hash("x"), kDay).error().code, Errc::not_found);
}

TEST_P(PeopleConformance, H20TheFirstAdminIsMadeOnce) {
  ASSERT_TRUE(people().put_link("", hash("setup"), kDay));
  EXPECT_EQ(people().find_link(hash("setup")).value().name, "");
  const Person first = people().use_link(hash("setup"), "root", Secret("h")).value();
  EXPECT_EQ(first.name, "root");
  EXPECT_EQ(first.role, Role::admin);
  EXPECT_FALSE(first.invited());
  EXPECT_EQ(people().use_link(hash("setup"), "evil", Secret("h")).error().code, Errc::not_found);
  EXPECT_EQ(people().put_link("", hash("again"), kDay).error().code, Errc::wrong_state);
  EXPECT_EQ(people().list().value().size(), 1U);
}

TEST_P(PeopleConformance, H20TheFirstAdminsLinkIsDeadOnceThereIsAnAdmin) {
  ASSERT_TRUE(people().put_link("", hash("setup"), kDay));
  ASSERT_TRUE(people().add(someone("anna", Role::admin), hash("anna"), kDay));
  EXPECT_TRUE(people().find_link(hash("setup"))) << "an admin who was only invited cannot help";
  EXPECT_EQ(people().use_link(hash("setup"), "anna", Secret("h")).error().code, Errc::already_exists);
  ASSERT_TRUE(people().use_link(hash("anna"), "", Secret("h")));
  EXPECT_EQ(people().find_link(hash("setup")).error().code, Errc::not_found);
  EXPECT_EQ(people().use_link(hash("setup"), "evil", Secret("h")).error().code, Errc::not_found);
}

TEST_P(PeopleConformance, TheLastAdminStays) {
  add("anna", Role::admin);
  ASSERT_TRUE(people().add(someone("invited", Role::admin), hash("i"), kDay));
  EXPECT_EQ(people().remove("anna").error().code, Errc::wrong_state);
  EXPECT_EQ(people().set_role("anna", Role::viewer, {}).error().code, Errc::wrong_state);
  EXPECT_EQ(look("anna").role, Role::admin);
  add("bob", Role::admin);
  EXPECT_TRUE(people().set_role("anna", Role::viewer, {}));
  EXPECT_EQ(people().remove("bob").error().code, Errc::wrong_state);
  EXPECT_TRUE(people().remove("anna"));
}

TEST_P(PeopleConformance, ASessionIsFoundByItsSecretOnly) {
  const Person anna = add("anna", Role::customer, 158);
  const SignedIn begun = sessions().begin(anna, hash("s")).value();
  EXPECT_EQ(begun.person.name, "anna");
  EXPECT_EQ(begun.created, clock_.now());
  EXPECT_EQ(begun.expires, clock_.now() + kSessionIdle);
  reopen();
  const auto found = sessions().find(hash("s")).value();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->person.role, Role::customer);
  EXPECT_EQ(found->person.cdn, 158);
  EXPECT_FALSE(open("other"));
  ASSERT_TRUE(sessions().end(hash("other")));
  EXPECT_TRUE(open("s"));
  ASSERT_TRUE(sessions().end(hash("s")));
  EXPECT_FALSE(open("s"));
}

TEST_P(PeopleConformance, H06ASessionThatIsNotUsedIsOver) {
  ASSERT_TRUE(sessions().begin(add("anna"), hash("s")));
  clock_.pass(kSessionIdle - seconds(1));
  EXPECT_TRUE(open("s")) << "and it is used now";
  EXPECT_EQ(look("anna").last_seen, clock_.now());
  clock_.pass(kSessionIdle - seconds(1));
  EXPECT_TRUE(open("s"));
  clock_.pass(kSessionIdle);
  EXPECT_FALSE(open("s"));
  EXPECT_FALSE(open("s")) << "a look in vain is no use";
}

TEST_P(PeopleConformance, H06ASessionIsOverHoweverMuchItIsUsed) {
  ASSERT_TRUE(sessions().begin(add("anna"), hash("s")));
  const WallTime end = clock_.now() + kSessionLife;
  while (clock_.now() + minutes(20) < end) {
    clock_.pass(minutes(20));
    ASSERT_TRUE(open("s"));
  }
  EXPECT_EQ(sessions().find(hash("s")).value()->expires, end);
  clock_.pass(minutes(20));
  EXPECT_FALSE(open("s"));
}

TEST_P(PeopleConformance, H04OfTooManySessionsTheOldestGoes) {
  const Person anna = add("anna");
  ASSERT_TRUE(sessions().begin(add("bob"), hash("bob")));
  for (std::size_t i = 0; i <= kMaxSessionsOfPerson; ++i) {
    clock_.pass(seconds(1));
    ASSERT_TRUE(sessions().begin(anna, hash(std::to_string(i))));
  }
  EXPECT_FALSE(open("0"));
  for (std::size_t i = 1; i <= kMaxSessionsOfPerson; ++i) EXPECT_TRUE(open(std::to_string(i))) << i;
  EXPECT_TRUE(open("bob"));
}

TEST_P(PeopleConformance, H06ANewPasswordEndsAllSessionsAndTheLink) {
  const Person anna = add("anna");
  ASSERT_TRUE(sessions().begin(anna, hash("one")));
  ASSERT_TRUE(sessions().begin(anna, hash("two")));
  ASSERT_TRUE(sessions().begin(add("bob"), hash("bob")));
  ASSERT_TRUE(people().put_link("anna", hash("link"), kDay));
  EXPECT_TRUE(open("one")) << "a link alone ends nothing";
  const Person changed = people().set_password(anna, Secret("new")).value();
  EXPECT_GT(changed.version, anna.version);
  EXPECT_EQ(changed.password.reveal(), "new");
  EXPECT_FALSE(open("one"));
  EXPECT_FALSE(open("two"));
  EXPECT_TRUE(open("bob"));
  EXPECT_EQ(people().find_link(hash("link")).error().code, Errc::not_found);
  EXPECT_EQ(people().set_password(anna, Secret("late")).error().code, Errc::wrong_state);
  EXPECT_EQ(look("anna").password.reveal(), "new");
  ASSERT_TRUE(sessions().begin(changed, hash("three")));
  ASSERT_TRUE(people().put_link("anna", hash("reset"), kDay));
  ASSERT_TRUE(people().use_link(hash("reset"), "", Secret("newer")));
  EXPECT_FALSE(open("three"));
}

TEST_P(PeopleConformance, H04ANewRoleEndsAllSessions) {
  const Person anna = add("anna");
  ASSERT_TRUE(sessions().begin(anna, hash("s")));
  const Person changed = people().set_role("anna", Role::customer, 158).value();
  EXPECT_EQ(changed.role, Role::customer);
  EXPECT_EQ(changed.cdn, 158);
  EXPECT_FALSE(open("s"));
  EXPECT_EQ(people().set_role("nobody", Role::viewer, {}).error().code, Errc::not_found);
}

TEST_P(PeopleConformance, WhoWasCheckedBeforeAChangeIsNotLetIn) {
  const Person anna = add("anna");
  ASSERT_TRUE(people().set_password(anna, Secret("new")));
  EXPECT_EQ(sessions().begin(anna, hash("s")).error().code, Errc::not_authorized);
  const Person now = look("anna");
  ASSERT_TRUE(people().remove("anna"));
  add("anna");
  EXPECT_EQ(sessions().begin(now, hash("s")).error().code, Errc::not_authorized) << "another person of this name";
  EXPECT_FALSE(open("s"));
}

TEST_P(PeopleConformance, H08AnotherHashOfTheSamePasswordEndsNothing) {
  const Person anna = add("anna");
  ASSERT_TRUE(sessions().begin(anna, hash("s")));
  ASSERT_TRUE(people().replace_hash(anna, Secret("stronger")));
  EXPECT_EQ(look("anna").password.reveal(), "stronger");
  EXPECT_EQ(look("anna").version, anna.version);
  EXPECT_TRUE(open("s"));
  ASSERT_TRUE(people().set_password(anna, Secret("new")));
  ASSERT_TRUE(people().replace_hash(anna, Secret("of the old password")));
  EXPECT_EQ(look("anna").password.reveal(), "new");
}

TEST_P(PeopleConformance, RemovingAPersonRemovesAllTheyHad) {
  const Person anna = add("anna");
  ASSERT_TRUE(sessions().begin(anna, hash("s")));
  ASSERT_TRUE(sessions().add_token(token("anna"), hash("t")));
  ASSERT_TRUE(people().put_link("anna", hash("l"), kDay));
  EXPECT_EQ(people().remove("anna").value().name, "anna");
  EXPECT_FALSE(open("s"));
  EXPECT_FALSE(sessions().find_token(hash("t")).value());
  EXPECT_TRUE(sessions().tokens(std::nullopt).value().empty());
  EXPECT_EQ(people().find_link(hash("l")).error().code, Errc::not_found);
  EXPECT_EQ(people().remove("anna").error().code, Errc::not_found);
}

TEST_P(PeopleConformance, ATokenIsFoundByItsSecretUntilItExpires) {
  add("anna", Role::operate);
  Token made = token("anna");
  made.role = Role::viewer;
  made.cdn = 158;
  made.expires = clock_.now() + hours(1);
  const Token added = sessions().add_token(made, hash("t")).value();
  EXPECT_GT(added.id, 0);
  reopen();
  const auto found = sessions().find_token(hash("t")).value();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->token.id, added.id);
  EXPECT_EQ(found->token.label, "nightly");
  EXPECT_EQ(found->token.role, Role::viewer);
  EXPECT_EQ(found->token.cdn, 158);
  EXPECT_EQ(found->token.expires, made.expires);
  EXPECT_EQ(found->owner.name, "anna");
  EXPECT_EQ(found->owner.role, Role::operate);
  EXPECT_FALSE(sessions().find_token(hash("other")).value());
  EXPECT_FALSE(open("t")) << "a token is no session";
  EXPECT_EQ(sessions().tokens("anna").value().at(0).last_used, clock_.now());
  clock_.pass(hours(1));
  EXPECT_FALSE(sessions().find_token(hash("t")).value());
  EXPECT_EQ(sessions().add_token(token("nobody"), hash("n")).error().code, Errc::not_found);
}

TEST_P(PeopleConformance, H11ATokenOfSomebodyElseDoesNotExist) {
  add("anna");
  add("bob");
  const Token anna = sessions().add_token(token("anna"), hash("a")).value();
  const Token bob = sessions().add_token(token("bob", "other"), hash("b")).value();
  ASSERT_EQ(sessions().tokens(std::nullopt).value().size(), 2U);
  ASSERT_EQ(sessions().tokens("bob").value().size(), 1U);
  EXPECT_EQ(sessions().tokens("bob").value().at(0).label, "other");
  EXPECT_TRUE(sessions().tokens("nobody").value().empty());
  EXPECT_EQ(sessions().remove_token(anna.id, "bob").error().code, Errc::not_found);
  EXPECT_EQ(sessions().remove_token(999, std::nullopt).error().code, Errc::not_found);
  EXPECT_TRUE(sessions().find_token(hash("a")).value());
  EXPECT_EQ(sessions().remove_token(anna.id, "anna").value().label, "nightly");
  EXPECT_FALSE(sessions().find_token(hash("a")).value());
  EXPECT_TRUE(sessions().remove_token(bob.id, std::nullopt)) << "an admin removes anybody's";
}

TEST_P(PeopleConformance, TokensOfAnOwnerAreBounded) {
  add("anna");
  for (std::size_t i = 0; i < kMaxTokensOfOwner; ++i) {
    Token made = token("anna");
    if (i == 0) made.expires = clock_.now() + hours(1);
    ASSERT_TRUE(sessions().add_token(made, hash(std::to_string(i))));
  }
  EXPECT_EQ(sessions().add_token(token("anna"), hash("more")).error().code, Errc::invalid_value);
  clock_.pass(hours(1));
  EXPECT_TRUE(sessions().add_token(token("anna"), hash("more"))) << "in the place of the one that has expired";
  EXPECT_EQ(sessions().add_token(token("anna"), hash("yet more")).error().code, Errc::invalid_value);
}

VODLIFT_INSTANTIATE_CONFORMANCE(PeopleConformance);

}  // namespace
}  // namespace vodlift::conformance
