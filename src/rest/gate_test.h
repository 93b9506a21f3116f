// The gate with people, browsers and programs before it.
#pragma once

#include "rest/gate.h"
#include "rest/rest_api_test.h"

namespace vodlift::rest {

inline constexpr std::string_view kPassword = "correct horse battery";

// What a browser or a program sends besides the request.
struct Client {
  std::string cookie{};
  std::string csrf{};
  std::string token{};
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string address = "192.0.2.7";
};

class GateTest : public RestApiTest {
 protected:
  // Before what its jobs use goes.
  ~GateTest() override {
    pool_.stop();
    sign_ins_.stop();
    outside_.stop();
  }

  net::Response ask(const Client& client, std::string_view method, const std::string& path, const object& fields = {}) {
    net::Request request;
    request.method = method;
    request.target = "/api/v1" + path;
    request.peer = client.address;
    request.headers = client.headers;
    request.headers.emplace_back("host", "panel.example");
    if (!client.cookie.empty()) request.headers.emplace_back("cookie", client.cookie);
    if (!client.csrf.empty()) request.headers.emplace_back("x-csrf-token", client.csrf);
    if (!client.token.empty()) request.headers.emplace_back("authorization", "Bearer " + client.token);
    if (method != "GET" && method != "DELETE") {
      request.headers.emplace_back("content-type", "application/json");
      request.body = boost::json::serialize(fields);
    }
    return answer_of(gate_, std::move(request));
  }

  // The thread that answers may still be at it when the answer is there, so it shares the promise.
  static std::future<net::Response> answer_to(Gate& gate, net::Request request) {
    const auto answered = std::make_shared<std::promise<net::Response>>();
    gate.handle(std::move(request), [answered](net::Response response) { answered->set_value(std::move(response)); });
    return answered->get_future();
  }
  static net::Response answer_of(Gate& gate, net::Request request) { return answer_to(gate, std::move(request)).get(); }

  // A person who has chosen a password.
  void add_person(const std::string& name, Role role, std::optional<AccountId> cdn = std::nullopt) {
    const auto invited = invite(people_, name, role, cdn);
    ASSERT_TRUE(invited);
    ASSERT_TRUE(people_.use_link(access_hash(invited->link.reveal()), "",
                                 hasher_.hash(Secret(std::string(kPassword))).value()));
  }

  net::Response sign_in_as(const std::string& name, std::string_view password = kPassword, const Client& client = {}) {
    return ask(client, "POST", "/session", {{"name", name}, {"password", password}});
  }

  static std::string header(const net::Response& response, std::string_view name) {
    for (const auto& [header, value] : response.headers) {
      if (header == name) return value;
    }
    return {};
  }

  // The browser after an answer that has begun a session.
  static Client browser(const net::Response& begun) {
    EXPECT_EQ(begun.status, 200) << begun.body;
    Client client;
    client.cookie = header(begun, "Set-Cookie");
    client.cookie = client.cookie.substr(0, client.cookie.find(';'));
    client.csrf = boost::json::parse(begun.body).at("csrf").as_string().c_str();
    return client;
  }

  std::string token_of(const std::string& name, Role role, std::optional<AccountId> cdn = std::nullopt) {
    const AccessSecret secret = make_access_secret(kTokenPrefix);
    Token token;
    token.label = "ci";
    token.owner = name;
    token.role = role;
    token.cdn = cdn;
    EXPECT_TRUE(people_.add_token(token, secret.hash));
    return std::string(secret.text.reveal());
  }

  static std::string code_of(const net::Response& response) {
    return std::string(boost::json::parse(response.body).at("code").as_string());
  }

  Gate::Options options() {
    Gate::Options options;
    options.origin = "https://panel.proxy.example";
    options.now = [this] { return steady_; };
    return options;
  }

  ThreadPool sign_ins_{"sign-in", 2, 4};
  ThreadPool outside_{"outside", 1, 4};
  door::FairPool fair_{pool_, {1, 2}, 16};
  const Gate::Pools pools_{pool_, sign_ins_, outside_, fair_};
  Gate gate_{api_, people_, pools_, options()};
};

}  // namespace vodlift::rest
