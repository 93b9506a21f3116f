#include "rest/event_ring.h"

#include <gtest/gtest.h>

namespace vodlift::rest {
namespace {

constexpr EventView kOperator{std::nullopt, Role::operate};
constexpr EventView kCustomer{158, Role::customer};

TEST(EventRing, ContinuesAfterTheLastOneThatAClientHad) {
  EventRing ring("m");
  ring.add("upload", {158}, {"1"});
  ring.add("upload", {159}, {"2"});
  ring.add("reset", {}, {"{}"});
  EXPECT_EQ(ring.since("m-1", kOperator), "id: m-2\nevent: upload\ndata: 2\n\nid: m-3\nevent: reset\ndata: {}\n\n");
  EXPECT_EQ(ring.since("m-1", kCustomer), "id: m-3\nevent: reset\ndata: {}\n\n");
  EXPECT_EQ(ring.since("m-3", kOperator), "");
  EXPECT_EQ(ring.since(0, kCustomer), "id: m-1\nevent: upload\ndata: 1\n\nid: m-3\nevent: reset\ndata: {}\n\n");
  EXPECT_EQ(ring.last_id(), "m-3");
}

TEST(EventRing, OperatorsGetTheirOwnTexts) {
  EventRing ring("m");
  ring.add("upload", {158}, {"short", "", "long"});
  EXPECT_EQ(ring.since("m-0", kOperator), "id: m-1\nevent: upload\ndata: long\n\n");
  EXPECT_EQ(ring.since("m-0", kCustomer), "id: m-1\nevent: upload\ndata: short\n\n");
}

TEST(EventRing, KeepsEventsFromThoseWhomTheyAreNotFor) {
  EventRing ring("m");
  ring.add("settings", {158, Audience::operators}, {"1"});
  ring.add("settings", {{}, Audience::admins}, {"2"});
  EXPECT_EQ(ring.since("m-0", kCustomer), "");
  EXPECT_EQ(ring.since("m-0", EventView{}), "") << "who sees all accounts need not be an operator";
  EXPECT_EQ(ring.since("m-0", kOperator), "id: m-1\nevent: settings\ndata: 1\n\n");
  EXPECT_EQ(ring.since("m-1", {{}, Role::admin}), "id: m-2\nevent: settings\ndata: 2\n\n");
  EXPECT_EQ(ring.since("m-0", {159, Role::admin}), "id: m-2\nevent: settings\ndata: 2\n\n");
}

TEST(EventRing, EachRoleGetsItsOwnText) {
  EventRing ring("m");
  ring.add("upload", {158}, {"a", "b", "c"});
  const auto said = [&ring](Role role) { return ring.since("m-0", {158, role}).value().substr(22, 7); };
  EXPECT_EQ(said(Role::viewer), "data: a");
  EXPECT_EQ(said(Role::customer), "data: b");
  EXPECT_EQ(said(Role::operate), "data: c");
  EXPECT_EQ(said(Role::admin), "data: c");
}

TEST(EventRing, DoesNotKnowForeignIds) {
  EventRing ring("m");
  ring.add("upload", {158}, {"1"});
  for (const char* id : {"", "m", "m-", "m-2", "m--1", "m-1x", "n-1", "1", "mm-1"}) {
    EXPECT_FALSE(ring.since(id, kOperator)) << id;
  }
}

TEST(EventRing, KeepsSoManyEvents) {
  EventRing ring("m");
  for (std::size_t i = 0; i < EventRing::kMostEvents + 2; ++i) ring.add("upload", {158}, {"1"});
  EXPECT_FALSE(ring.since("m-1", kOperator));
  EXPECT_TRUE(ring.since("m-2", kOperator));
}

TEST(EventRing, KeepsSoManyBytes) {
  EventRing ring("m");
  const std::string half(EventRing::kMostBytes / 2, 'x');
  for (int i = 0; i < 3; ++i) ring.add("upload", {158}, {half});
  EXPECT_FALSE(ring.since("m-1", kOperator));
  EXPECT_TRUE(ring.since("m-2", kOperator));
}

}  // namespace
}  // namespace vodlift::rest
