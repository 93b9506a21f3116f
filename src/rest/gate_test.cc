// Who comes in over TCP, and how much everybody may send.
#include "rest/gate_test.h"

#include <latch>

#include "rest/cookie.h"

namespace vodlift::rest {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST_F(GateTest, H01NobodyGetsAnythingOnAnyRoute) {
  add_account();
  for (const Route* route : routes()) {
    const std::string path =
        path_of(route->path, {{"cdn", 158}, {"api_key", "K"}, {"bucket", "b"}, {"id", 7}, {"name", "anna"}}).substr(7);
    for (const Client& client :
         {Client{}, Client{.cookie = std::string(kCookie) + "=vls_guess"}, Client{.token = "vlt_guess"},
          Client{.cookie = std::string(kPlainCookie) + "=vls_guess"}}) {
      const net::Response response = ask(client, route->method, path);
      if (route->open) {
        EXPECT_EQ(response.status, 400) << route->name << ": its fields are missing";
      } else {
        EXPECT_EQ(response.status, 401) << route->name;
        EXPECT_THAT(response.body, Not(HasSubstr("158"))) << route->name;
      }
      steady_ += std::chrono::seconds(1);
    }
  }
  EXPECT_EQ(ask({}, "GET", "/nothing").status, 401) << "which paths there are is not told either";
}

TEST_F(GateTest, ACallerAndANetworkMaySendSoMuch) {
  add_person("anna", Role::admin);
  Gate::Options narrow = options();
  narrow.of_caller = {1, 3};
  narrow.of_network = {1, 5};
  Gate gate(api_, people_, pools_, narrow);
  const auto from = [&](const std::string& address, const std::string& token) {
    net::Request request;
    request.method = "GET";
    request.target = "/api/v1/routes";
    request.peer = address;
    request.headers = {{"authorization", "Bearer " + token}};
    return answer_of(gate, std::move(request));
  };
  const std::string token = token_of("anna", Role::viewer);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(from("192.0.2." + std::to_string(i), token).status, 200);
  const net::Response caller = from("192.0.2.9", token);
  EXPECT_EQ(caller.status, 429) << "from wherever it comes";
  EXPECT_EQ(header(caller, "Retry-After"), "1");
  EXPECT_EQ(header(caller, "RateLimit"), R"("caller";r=0;t=1)");
  EXPECT_EQ(header(caller, "RateLimit-Policy"), R"("caller";q=3;w=3)");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(from("2001:db8::" + std::to_string(i), "vlt_guess").status, 401);
  const net::Response network = from("2001:db8::ff", token);
  EXPECT_EQ(network.status, 429);
  EXPECT_EQ(header(network, "RateLimit"), R"("network";r=0;t=1)");
  EXPECT_EQ(from("2001:db8:0:1::1", "vlt_guess").status, 401) << "another network";
  steady_ += std::chrono::seconds(1);
  EXPECT_EQ(from("192.0.2.9", token).status, 200);
}

TEST_F(GateTest, H09SigningInHoldsUpNobody) {
  add_person("anna", Role::admin);
  const Client program{.token = token_of("anna", Role::viewer)};
  std::promise<void> release;
  const auto released = release.get_future().share();
  std::latch busy(2);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(sign_ins_.post([released, &busy] {
      busy.count_down();
      released.wait();
    }));
  }
  busy.wait();
  net::Request request;
  request.method = "POST";
  request.target = "/api/v1/session";
  request.headers = {{"content-type", "application/json"}};
  request.body = boost::json::serialize(object{{"name", "anna"}, {"password", kPassword}});
  auto waiting = answer_to(gate_, request);
  EXPECT_EQ(ask(program, "GET", "/routes").status, 200) << "while both threads compute hashes";
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(sign_ins_.post([] {}));
  EXPECT_EQ(sign_in_as("anna").status, 503) << "so many may wait";
  release.set_value();
  EXPECT_EQ(waiting.get().status, 200);
}

TEST_F(GateTest, WhatAsksOtherHostsHoldsUpNobody) {
  add_account();
  add_person("anna", Role::admin);
  const std::string token = token_of("anna", Role::operate);
  std::promise<void> release;
  const auto released = release.get_future().share();
  ASSERT_TRUE(outside_.post([released] { released.wait(); }));
  net::Request request;
  request.method = "POST";
  request.target = "/api/v1/callbacks/test";
  request.headers = {{"content-type", "application/json"}, {"authorization", "Bearer " + token}};
  request.body = boost::json::serialize(object{{"cdn", 158}, {"url", "http://a.example/x"}});
  auto waiting = answer_to(gate_, request);
  EXPECT_EQ(ask({.token = token}, "GET", "/routes").status, 200);
  release.set_value();
  EXPECT_EQ(waiting.get().status, 200);
}

TEST_F(GateTest, AFullPoolIsAnsweredAtOnce) {
  pool_.stop();
  const net::Response full = ask({.token = "vlt_x"}, "GET", "/uploads");
  EXPECT_EQ(full.status, 503);
}

}  // namespace
}  // namespace vodlift::rest
