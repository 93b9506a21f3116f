#include "core/sign_in.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <latch>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "memory/memory_people.h"

namespace vodlift {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Secret kPassword("correct horse battery");
const Secret kNewPassword("another horse battery");
const Secret kWrong("wrong horse battery");
constexpr auto kHere = "192.0.2.1";
constexpr auto kThere = "198.51.100.7";

class FixedClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return from_unix_ms(1'690'000'000'000); }
};

// "v<parameters>:<password>". Counts what is computed, and can be held.
class FakeHasher final : public PasswordHasher {
 public:
  [[nodiscard]] Result<Secret> hash(const Secret& password) const override {
    work();
    if (no_memory) return Error{Errc::overloaded, "no memory"};
    return Secret("v" + std::to_string(parameters) + ":" + std::string(password.reveal()));
  }
  [[nodiscard]] Result<bool> matches(const Secret& hash, const Secret& password) const override {
    work();
    if (no_memory) return Error{Errc::overloaded, "no memory"};
    return hash.reveal().substr(hash.reveal().find(':') + 1) == password.reveal();
  }
  [[nodiscard]] bool is_outdated(const Secret& hash) const override {
    return !hash.reveal().starts_with("v" + std::to_string(parameters) + ":");
  }
  [[nodiscard]] Secret decoy() const override { return Secret("v" + std::to_string(parameters) + ":\n"); }

  int parameters = 1;
  bool no_memory = false;
  mutable std::atomic<int> computed{0};
  mutable std::atomic<int> most_at_once{0};
  std::function<void()> meanwhile{};

 private:
  void work() const {
    const int now = ++at_once_;
    int most = most_at_once;
    while (now > most && !most_at_once.compare_exchange_weak(most, now)) {
    }
    ++computed;
    if (meanwhile) meanwhile();
    --at_once_;
  }
  mutable std::atomic<int> at_once_{0};
};

class SignInTest : public testing::Test {
 protected:
  SignInTest() { make_sign_in({}); }

  void make_sign_in(const SignIn::Limits& limits) {
    sign_in_ = std::make_unique<SignIn>(
        people_, people_, hasher_, [this] { return now_; }, limits);
  }
  void add(const std::string& name) {
    const Invited invited = invite(people_, name, Role::viewer, std::nullopt).value();
    ASSERT_TRUE(sign_in_->use_link(invited.link.reveal(), "", kPassword, kHere).begun);
  }
  SignInAnswer sign_in(const std::string& name, const Secret& password, std::string_view address = kHere) {
    return sign_in_->sign_in(name, password, address);
  }
  Errc refusal(const std::string& name, const Secret& password, std::string_view address = kHere) {
    const SignInAnswer answer = sign_in(name, password, address);
    return answer.begun ? Errc::internal : answer.refusal.error.code;
  }
  bool is_open(const Begun& begun) { return people_.find(access_hash(begun.secret.reveal())).value().has_value(); }

  FixedClock clock_;
  memory::MemoryPeople people_{clock_};
  FakeHasher hasher_;
  SteadyTime now_{std::chrono::hours(1000)};
  std::unique_ptr<SignIn> sign_in_;
};

TEST_F(SignInTest, H04EachSignInGetsANewSecret) {
  add("anna");
  std::set<std::string> secrets;
  for (int i = 0; i < 5; ++i) {
    const SignInAnswer answer = sign_in("anna", kPassword);
    ASSERT_TRUE(answer.begun);
    EXPECT_EQ(answer.begun->session.person.name, "anna");
    EXPECT_TRUE(is_open(*answer.begun));
    secrets.insert(std::string(answer.begun->secret.reveal()));
  }
  EXPECT_EQ(secrets.size(), 5U);
}

TEST_F(SignInTest, H07ANameThatNobodyHasGetsTheSameAnswerForTheSameWork) {
  add("anna");
  ASSERT_TRUE(invite(people_, "invited", Role::viewer, std::nullopt));
  const int before = hasher_.computed;
  const SignInAnswer wrong = sign_in("anna", kWrong);
  EXPECT_EQ(hasher_.computed, before + 1);
  for (const std::string name : {"nobody", "invited", "", "no such name\n"}) {
    const int computed = hasher_.computed;
    const SignInAnswer unknown = sign_in(name, kWrong);
    EXPECT_EQ(hasher_.computed, computed + 1) << name;
    EXPECT_EQ(unknown.refusal.error.code, Errc::not_authorized);
    EXPECT_EQ(unknown.refusal.error.message, wrong.refusal.error.message);
    EXPECT_EQ(unknown.too_often, wrong.too_often);
  }
}

TEST_F(SignInTest, H07AfterFiveWrongPasswordsAnswersTakeLongerAndLonger) {
  add("anna");
  for (const std::string name : {"anna", "nobody"}) {
    now_ += std::chrono::hours(2);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(refusal(name, kWrong), Errc::not_authorized) << i;
    const int computed = hasher_.computed;
    SignInAnswer answer = sign_in(name, kPassword);
    EXPECT_TRUE(answer.too_often);
    EXPECT_EQ(answer.refusal.error.code, Errc::overloaded);
    EXPECT_EQ(answer.refusal.retry_after, seconds(2));
    EXPECT_EQ(hasher_.computed, computed) << "nothing is computed for it";
    now_ += seconds(2);
    EXPECT_EQ(refusal(name, kWrong), Errc::not_authorized);
    answer = sign_in(name, kPassword);
    EXPECT_EQ(answer.refusal.retry_after, seconds(4)) << name;
  }
}

TEST_F(SignInTest, H07TheRightPasswordStaysPossible) {
  add("anna");
  for (int i = 0; i < 6; ++i) static_cast<void>(sign_in("anna", kWrong));
  EXPECT_FALSE(sign_in("anna", kPassword).begun);
  EXPECT_TRUE(sign_in("anna", kPassword, kThere).begun) << "from elsewhere at once";
  EXPECT_FALSE(sign_in("anna", kPassword).begun) << "which does not help the one who guesses";
  now_ += seconds(2);
  EXPECT_TRUE(sign_in("anna", kPassword).begun);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(refusal("anna", kWrong), Errc::not_authorized) << "and forgets the rest";
}

TEST_F(SignInTest, H07OneNetworkHasARateWhateverTheNames) {
  int checked = 0;
  for (int i = 0; i < 200; ++i) {
    const SignInAnswer answer = sign_in("p" + std::to_string(i), kWrong, "2001:db8::" + std::to_string(i));
    checked += answer.too_often ? 0 : 1;
  }
  EXPECT_EQ(checked, 20) << "one client has all addresses of its network";
  EXPECT_EQ(hasher_.computed, 20);
  EXPECT_EQ(refusal("anna", kWrong, "2001:db8:0:1::1"), Errc::not_authorized);
}

TEST(ClientNetwork, IsTheFirstHalfOfAnIpv6Address) {
  EXPECT_EQ(client_network("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(client_network("2001:db8:1:2:3:4:5:6"), client_network("2001:db8:1:2::"));
  EXPECT_NE(client_network("2001:db8:1:3::"), client_network("2001:db8:1:2::"));
  EXPECT_EQ(client_network("::ffff:192.0.2.1"), client_network("::ffff:192.0.2.1"));
  EXPECT_EQ(client_network(""), "");
}

TEST_F(SignInTest, H08PasswordsHaveALimitAndNoNul) {
  add("anna");
  const int computed = hasher_.computed;
  EXPECT_EQ(refusal("anna", Secret(std::string(1025, 'p'))), Errc::invalid_value);
  EXPECT_EQ(refusal("anna", Secret(std::string(1024 * 1024, 'p'))), Errc::invalid_value);
  EXPECT_EQ(refusal("anna", Secret(std::string("correct horse battery\0x", 23))), Errc::invalid_value);
  EXPECT_EQ(hasher_.computed, computed);
  EXPECT_EQ(refusal("anna", Secret(std::string(1024, 'p'))), Errc::not_authorized);
  EXPECT_EQ(refusal("anna", Secret("")), Errc::not_authorized);
  EXPECT_TRUE(check_new_password(Secret(std::string(1024, 'p'))));
  EXPECT_TRUE(check_new_password(Secret("p\xc3\xa4ssw\xc3\xb6rter 1"))) << "12 characters";
  EXPECT_FALSE(check_new_password(Secret("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"))) << "6 of them";
  EXPECT_FALSE(check_new_password(Secret("elevenchars")));
  EXPECT_FALSE(check_new_password(Secret(std::string(1025, 'p'))));
  EXPECT_FALSE(check_new_password(Secret(std::string("twelve chars\0", 13))));
}

TEST_F(SignInTest, H08ASignInReplacesAHashOfOutdatedParameters) {
  add("anna");
  const SignInAnswer before = sign_in("anna", kPassword);
  hasher_.parameters = 2;
  EXPECT_EQ(refusal("anna", kWrong), Errc::not_authorized);
  EXPECT_TRUE(people_.find("anna").value()->password.reveal().starts_with("v1:"));
  ASSERT_TRUE(sign_in("anna", kPassword).begun);
  EXPECT_TRUE(people_.find("anna").value()->password.reveal().starts_with("v2:"));
  EXPECT_TRUE(is_open(*before.begun)) << "it is the same password";
  const int computed = hasher_.computed;
  ASSERT_TRUE(sign_in("anna", kPassword).begun);
  EXPECT_EQ(hasher_.computed, computed + 1) << "once";
}

TEST_F(SignInTest, H09NoMoreThanTwoHashesAtOnce) {
  make_sign_in({.hashes_at_once = 2, .patience = seconds(60), .tries = {0, 1}});
  add("anna");
  std::latch both(2);
  std::atomic<int> first{0};
  hasher_.meanwhile = [&] {
    if (first++ < 2) both.arrive_and_wait();
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 20; ++i) {
    threads.emplace_back([&, i] { EXPECT_TRUE(sign_in("anna", kPassword, "192.0.2." + std::to_string(i)).begun); });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(hasher_.most_at_once, 2);
}

TEST_F(SignInTest, H09WhoFindsNoPlaceIsToldSoAndNotCountedAsWrong) {
  make_sign_in({.hashes_at_once = 1, .patience = milliseconds(0), .tries = {0, 1}});
  add("anna");
  std::vector<Errc> refusals;
  bool inside = false;
  hasher_.meanwhile = [&] {
    if (std::exchange(inside, true)) return;
    for (int i = 0; i < 10; ++i) refusals.push_back(refusal("anna", kPassword));
  };
  EXPECT_TRUE(sign_in("anna", kPassword).begun);
  ASSERT_EQ(refusals.size(), 10U);
  // The try that holds the place is one of the five that are free, so none of these is too often.
  EXPECT_TRUE(std::all_of(refusals.begin(), refusals.end(), [](Errc code) { return code == Errc::overloaded; }));
  EXPECT_TRUE(sign_in("anna", kPassword).begun) << "at once";
}

TEST_F(SignInTest, H09WithoutMemoryNobodyIsWrong) {
  make_sign_in({.tries = {0, 1}});
  add("anna");
  hasher_.no_memory = true;
  for (int i = 0; i < 10; ++i) {
    const SignInAnswer answer = sign_in("anna", kPassword);
    EXPECT_EQ(answer.refusal.error.code, Errc::overloaded);
    EXPECT_FALSE(answer.too_often);
  }
  hasher_.no_memory = false;
  EXPECT_TRUE(sign_in("anna", kPassword).begun);
}

TEST_F(SignInTest, H06ANewPasswordEndsAllSessionsAndBeginsOne) {
  add("anna");
  const SignInAnswer before = sign_in("anna", kPassword);
  EXPECT_EQ(sign_in_->change_password("anna", kWrong, kNewPassword, kHere).refusal.error.code, Errc::not_authorized);
  EXPECT_EQ(sign_in_->change_password("anna", kPassword, Secret("short"), kHere).refusal.error.code,
            Errc::invalid_value);
  EXPECT_TRUE(is_open(*before.begun));
  const SignInAnswer after = sign_in_->change_password("anna", kPassword, kNewPassword, kHere);
  ASSERT_TRUE(after.begun);
  EXPECT_FALSE(is_open(*before.begun));
  EXPECT_TRUE(is_open(*after.begun));
  EXPECT_EQ(refusal("anna", kPassword), Errc::not_authorized);
  EXPECT_TRUE(sign_in("anna", kNewPassword).begun);
}

TEST_F(SignInTest, H07ChangingAPasswordIsNoWayToGuessIt) {
  add("anna");
  for (int i = 0; i < 5; ++i) static_cast<void>(sign_in_->change_password("anna", kWrong, kNewPassword, kHere));
  EXPECT_TRUE(sign_in_->change_password("anna", kPassword, kNewPassword, kHere).too_often);
  EXPECT_TRUE(sign_in("anna", kPassword).too_often);
}

TEST_F(SignInTest, H20TheFirstAdminComesByALinkThatWorksOnce) {
  const auto replaced = first_admin_link(people_).value();
  const auto link = first_admin_link(people_).value();
  ASSERT_TRUE(link);
  const auto use = [&](const Secret& secret, const std::string& name, const Secret& password) {
    return sign_in_->use_link(secret.reveal(), name, password, kHere);
  };
  EXPECT_EQ(use(*replaced, "root", kPassword).refusal.error.code, Errc::not_found);
  const int computed = hasher_.computed;
  EXPECT_EQ(use(Secret("vll_guess"), "root", kPassword).refusal.error.code, Errc::not_found);
  EXPECT_EQ(use(*link, "Root!", kPassword).refusal.error.code, Errc::invalid_value);
  EXPECT_EQ(use(*link, "root", Secret("short")).refusal.error.code, Errc::invalid_value);
  EXPECT_EQ(hasher_.computed, computed) << "nothing is computed for them";
  const SignInAnswer first = use(*link, "root", kPassword);
  ASSERT_TRUE(first.begun);
  EXPECT_EQ(first.begun->session.person.role, Role::admin);
  EXPECT_EQ(use(*link, "evil", kPassword).refusal.error.code, Errc::not_found);
  EXPECT_FALSE(first_admin_link(people_).value()) << "there is one";
  EXPECT_EQ(people_.list().value().size(), 1U);
}

TEST_F(SignInTest, AnInvitationIsChecked) {
  EXPECT_EQ(invite(people_, "Anna", Role::viewer, std::nullopt).error().code, Errc::invalid_value);
  EXPECT_EQ(invite(people_, "anna", Role::customer, std::nullopt).error().code, Errc::invalid_value);
  EXPECT_EQ(invite(people_, "anna", Role::admin, 158).error().code, Errc::invalid_value);
  ASSERT_TRUE(invite(people_, "anna", Role::customer, 158));
  EXPECT_EQ(invite(people_, "anna", Role::viewer, std::nullopt).error().code, Errc::already_exists);
}

TEST_F(SignInTest, ANewLinkIsForWhoForgotThePassword) {
  add("anna");
  const Invited renewed = renew_link(people_, "anna").value();
  EXPECT_TRUE(sign_in("anna", kPassword).begun) << "until it is used";
  EXPECT_TRUE(sign_in_->use_link(renewed.link.reveal(), "", kNewPassword, kHere).begun);
  EXPECT_EQ(refusal("anna", kPassword), Errc::not_authorized);
  EXPECT_EQ(renew_link(people_, "nobody").error().code, Errc::not_found);
  EXPECT_EQ(renew_link(people_, "").error().code, Errc::not_found);
}

}  // namespace
}  // namespace vodlift
