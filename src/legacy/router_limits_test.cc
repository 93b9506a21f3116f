// How much one key may ask, and how often somebody may fail.
#include <algorithm>

#include "legacy/router_test.h"

namespace vodlift::legacy {
namespace {

class RouterLimits : public RouterTest {
 protected:
  // The answer of `router` to a text from `peer`, `ms` after the beginning.
  net::Response from(Router& router, std::string_view text, std::string peer, int ms) {
    net::Request request = form_request(text);
    request.peer = std::move(peer);
    request.received = start_ + std::chrono::milliseconds(ms);
    std::promise<net::Response> promise;
    auto answer = promise.get_future();
    router.handle(std::move(request), [&promise](net::Response response) { promise.set_value(std::move(response)); });
    return answer.get();
  }
  static std::string retry_after(const net::Response& response) {
    const auto found = std::ranges::find(response.headers, "Retry-After",
                                         [](const auto& header) -> const std::string& { return header.first; });
    return found == response.headers.end() ? "" : found->second;
  }

  const std::string good_ = signed_json(call_text("aws.status"));
  const std::string bad_ = signed_json(call_text("aws.status"), kOtherSecret);
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  Router by_key_{accounts_,  usage_,  uploads_,
                 storages_,  intake_, clock_,
                 fair_pool_, audit_,  Options{.key_requests = {2, 3}, .failures = {}}};
  Router by_failures_{accounts_,  usage_,  uploads_,
                      storages_,  intake_, clock_,
                      fair_pool_, audit_,  Options{.key_requests = {}, .failures = {1, 3}}};
};

TEST_F(RouterLimits, B26AKeyHasItsBurstAndItsRate) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(verdict(envelope_of(from(by_key_, good_, "192.0.2.1", 0))), "success");
  const net::Response refused = from(by_key_, good_, "192.0.2.2", 0);
  EXPECT_EQ(refused.status, 200) << "in the envelope, as clients expect";
  EXPECT_EQ(verdict(envelope_of(refused)),
            "1000: more traffic than usual with this key; nothing was queued, try again later");
  EXPECT_EQ(retry_after(refused), "1");
  EXPECT_TRUE(verdict(envelope_of(from(by_key_, good_, "192.0.2.1", 499))).starts_with("1000"));
  EXPECT_EQ(verdict(envelope_of(from(by_key_, good_, "192.0.2.1", 500))), "success");
}

TEST_F(RouterLimits, B25OthersFailuresTakeNothingFromAKey) {
  for (int i = 0; i < 100; ++i) from(by_key_, bad_, "192.0.2.1", 0);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(verdict(envelope_of(from(by_key_, good_, "192.0.2.1", 0))), "success");
}

TEST_F(RouterLimits, B26FailuresOfAnAddressAreCutOff) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(from(by_failures_, bad_, "192.0.2.1", 0).status, 200);
  const net::Response refused = from(by_failures_, bad_, "192.0.2.1", 0);
  EXPECT_EQ(refused.status, 429);
  EXPECT_TRUE(verdict(envelope_of(refused)).starts_with("1000: too many requests from your address"));
  EXPECT_EQ(retry_after(refused), "1");
  EXPECT_EQ(from(by_failures_, bad_, "192.0.2.1", 999).status, 429);
  EXPECT_EQ(from(by_failures_, bad_, "192.0.2.1", 1000).status, 200);
  EXPECT_EQ(from(by_failures_, bad_, "192.0.2.1", 1000).status, 429);
}

TEST_F(RouterLimits, B25TheKeyIsFreeFromEveryOtherAddress) {
  for (int peer = 1; peer < 200; ++peer) {
    for (int i = 0; i < 5; ++i) from(by_failures_, bad_, "198.51.100." + std::to_string(peer), 0);
  }
  EXPECT_EQ(verdict(envelope_of(from(by_failures_, good_, "192.0.2.1", 0))), "success");
  EXPECT_EQ(from(by_failures_, good_, "198.51.100.7", 0).status, 429) << "where its failures come from, it waits";
  EXPECT_EQ(verdict(envelope_of(from(by_failures_, good_, "198.51.100.7", 1000))), "success");
}

TEST_F(RouterLimits, B25WhoeverDoesNotKnowTheKeyCannotKeepItsOwnerOutBehindTheSameAddress) {
  std::string stranger = call_text("aws.status");
  stranger.replace(stranger.find(kApiKey), kApiKey.size(), "NOSUCHKEY");
  for (int i = 0; i < 100; ++i) from(by_failures_, signed_json(stranger), "192.0.2.1", 0);
  for (int i = 0; i < 100; ++i) from(by_failures_, "{}", "192.0.2.1", 0);
  EXPECT_EQ(from(by_failures_, signed_json(stranger), "192.0.2.1", 0).status, 429);
  EXPECT_EQ(from(by_failures_, "{}", "192.0.2.1", 0).status, 429);
  EXPECT_EQ(verdict(envelope_of(from(by_failures_, good_, "192.0.2.1", 0))), "success");
}

TEST_F(RouterLimits, AHostsIpv6AddressesAreOne) {
  for (int i = 0; i < 3; ++i) from(by_failures_, bad_, "2001:db8:0:1::" + std::to_string(i), 0);
  EXPECT_EQ(from(by_failures_, bad_, "2001:db8:0:1:ffff::1", 0).status, 429);
  EXPECT_EQ(from(by_failures_, bad_, "2001:db8:0:2::1", 0).status, 200);
}

TEST_F(RouterLimits, GoodRequestsTakeNothingFromTheFailures) {
  for (int i = 0; i < 100; ++i) ASSERT_EQ(from(by_failures_, good_, "192.0.2.1", 0).status, 200);
  EXPECT_TRUE(verdict(envelope_of(from(by_failures_, bad_, "192.0.2.1", 0))).starts_with("0003"));
}

}  // namespace
}  // namespace vodlift::legacy
