// Lets people and programs in to the REST API over TCP.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/thread_pool.h"
#include "core/rate_limiter.h"
#include "core/sessions.h"
#include "door/fair_pool.h"
#include "net/http_server.h"
#include "rest/rest_api.h"

namespace vodlift::rest {

// Finds out who asks: by the session's cookie (rest/cookie.h) or by `Authorization: Bearer`, which goes first. Nobody's
// requests are answered 401, but for the routes by which people come in. A session and a token are looked up for each
// request, so that one which ends is over at once.
//
// A request that changes something and has a cookie, or begins a session, must come from the panel's own pages: with
// the session's X-CSRF-Token, and from no other origin.
//
// Each network (IPv6: each /64) and each caller may send so many requests; beyond it, they are answered 429 with
// Retry-After, RateLimit and RateLimit-Policy. What is over a network's limit costs no more than its parsing.
//
// Internally locked; any thread. Everything given must outlive the last answer.
class Gate {
 public:
  struct Options {
    bool secure = true;          // browsers come over HTTPS
    std::string origin{};        // "https://panel.example.com", besides the name in Host; empty: no other
    Rate of_network{100, 500};   // requests
    Rate of_caller{50, 200};     // of a person's sessions together, or of a token
    std::size_t buckets = 4096;  // networks, and callers, that are told apart
    SteadyClock now = std::chrono::steady_clock::now;
  };

  // Threads for each Load of a route, so that what takes long holds up nothing else. The threads of `hashes` bound the
  // hashes that are computed at once, its queue those who wait for it. `fair` is over `usual`: one caller has a share.
  struct Pools {
    ThreadPool& usual;
    ThreadPool& hashes;
    ThreadPool& outside;
    door::FairPool& fair;
  };

  Gate(RestApi& api, Sessions& sessions, Pools pools, Options options);

  // Does not block.
  void handle(net::Request request, net::Responder respond);

 private:
  // A request, and what is to be done with its answer.
  struct Visit {
    net::Request request;
    net::Responder respond;
    const Route* route = nullptr;  // none: the path leads nowhere, which is told to those who are let in
  };
  using Shared = std::shared_ptr<const Visit>;

  [[nodiscard]] ThreadPool& pool_of(const Route* route) const;
  void admit(const Shared& visit);
  // Nothing: the caller is let in.
  std::optional<net::Response> refusal(const Visit& visit, Caller& caller);
  void run(const Shared& visit, Caller caller);
  Result<std::optional<Caller>> find_caller(const net::Request& request);
  Result<std::optional<Caller>> caller_of_token(std::string_view shown);
  Result<std::optional<Caller>> caller_of_session(Secret shown);
  [[nodiscard]] Result<> check_origin(const net::Request& request) const;

  RestApi& api_;
  Sessions& sessions_;
  const Pools pools_;
  const Options options_;
  RateLimiter networks_;
  RateLimiter callers_;
};

}  // namespace vodlift::rest
