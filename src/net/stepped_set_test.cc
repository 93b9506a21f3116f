#include "net/stepped_set.h"

#include <gtest/gtest.h>

#include <random>

namespace vodlift::net {
namespace {

struct Member {
  std::size_t set_index = 0;
  int visits = 0;
  bool present = false;
};

int count_visit(Member& member) {
  ++member.visits;
  return 1;
}

TEST(SteppedSet, AStepVisitsWhatItsBudgetAllowsAndARoundEachMemberOnce) {
  SteppedSet<Member> set;
  std::vector<std::shared_ptr<Member>> members;
  for (int i = 0; i < 10; ++i) set.add(members.emplace_back(std::make_shared<Member>()));

  EXPECT_FALSE(set.step(4, count_visit));
  EXPECT_FALSE(set.step(4, count_visit));
  EXPECT_TRUE(set.step(4, count_visit));
  for (const auto& member : members) EXPECT_EQ(member->visits, 1);

  EXPECT_FALSE(set.step(9, count_visit));
  EXPECT_EQ(members.front()->visits, 2);
  EXPECT_EQ(members.back()->visits, 1);
}

TEST(SteppedSet, AVisitThatCostsMoreEndsTheStepEarlier) {
  SteppedSet<Member> set;
  for (int i = 0; i < 10; ++i) set.add(std::make_shared<Member>());
  int visits = 0;
  EXPECT_FALSE(set.step(8, [&](Member&) {
    ++visits;
    return 4;
  }));
  EXPECT_EQ(visits, 2);
}

TEST(SteppedSet, AnEmptyOneIsThroughAtOnce) {
  SteppedSet<Member> set;
  EXPECT_TRUE(set.empty());
  EXPECT_TRUE(set.step(1, count_visit));
}

TEST(SteppedSet, AMemberMayLeaveDuringItsVisitAndTheLastHoldOnItIsGivenBack) {
  SteppedSet<Member> set;
  const auto member = std::make_shared<Member>();
  set.add(member);
  EXPECT_TRUE(set.step(1, [&](Member& visited) {
    EXPECT_EQ(set.remove(visited), member);
    return 1;
  }));
  EXPECT_TRUE(set.empty());
  EXPECT_EQ(member.use_count(), 1);
}

// Members come and go between and during the visits; a member that stays for a round is visited in it, once.
TEST(SteppedSet, NoRoundMissesAMemberHoweverOthersComeAndGo) {
  std::mt19937 random(20261125);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same run each time
  SteppedSet<Member> set;
  std::vector<std::shared_ptr<Member>> all;
  const auto add = [&] {
    set.add(all.emplace_back(std::make_shared<Member>()));
    all.back()->present = true;
  };
  const auto remove_one = [&] {
    const auto& member = all[random() % all.size()];
    if (!member->present) return;
    member->present = false;
    EXPECT_EQ(set.remove(*member), member);
  };
  for (int i = 0; i < 50; ++i) add();
  for (int round = 0; round < 1000; ++round) {
    const std::size_t old = all.size();
    for (const auto& member : all) member->visits = 0;
    while (!set.step(3, [&](Member& member) {
      EXPECT_TRUE(member.present);
      ++member.visits;
      if (random() % 4 == 0) remove_one();
      return 1;
    })) {
      if (random() % 2 == 0) add();
      if (random() % 2 == 0) remove_one();
    }
    for (std::size_t i = 0; i < old; ++i) {
      EXPECT_LE(all[i]->visits, 1);
      if (all[i]->present) {
        EXPECT_EQ(all[i]->visits, 1) << "round " << round;
      }
    }
    std::erase_if(all, [](const auto& member) { return !member->present; });
    while (set.snapshot().size() < 50) add();
  }
}

}  // namespace
}  // namespace vodlift::net
