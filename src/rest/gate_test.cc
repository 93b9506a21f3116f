// Who comes in over TCP: sessions, tokens, what a browser must show, limits.
#include "rest/gate.h"

#include <latch>

#include "rest/cookie.h"
#include "rest/rest_api_test.h"

namespace vodlift::rest {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kPassword = "correct horse battery";

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

TEST_F(GateTest, H05ASessionBeginsWithACookieThatNoScriptAndNoOtherSiteCanUse) {
  add_person("anna", Role::admin);
  const net::Response begun = sign_in_as("anna");
  ASSERT_EQ(begun.status, 200) << begun.body;
  const std::string cookie = header(begun, "Set-Cookie");
  EXPECT_TRUE(cookie.starts_with("__Host-vodlift=vls_")) << cookie;
  for (const char* attribute : {"; Path=/", "; HttpOnly", "; SameSite=Strict", "; Secure"}) {
    EXPECT_THAT(cookie, HasSubstr(attribute));
  }
  EXPECT_THAT(cookie, Not(HasSubstr("Domain")));
  const std::string secret = cookie.substr(15, cookie.find(';') - 15);
  EXPECT_GE(secret.size(), 4 + 64U) << "256 bits as hexadecimal";
  EXPECT_THAT(begun.body, Not(HasSubstr(secret)));

  const net::Response shown = ask(browser(begun), "GET", "/session");
  EXPECT_EQ(shown.body, begun.body);
  const value session = boost::json::parse(shown.body);
  EXPECT_EQ(session.at("name"), "anna");
  EXPECT_EQ(session.at("role"), "admin");
  EXPECT_TRUE(session.at("cdn").is_null());
  EXPECT_TRUE(session.at("api_url").is_null());
  api_url_ = "http://127.0.0.1:8080";
  EXPECT_EQ(boost::json::parse(ask(browser(begun), "GET", "/session").body).at("api_url"), "http://127.0.0.1:8080");
  EXPECT_EQ(session.at("expires"), to_unix_seconds(clock_.now() + kSessionIdle));
}

TEST_F(GateTest, OverPlainHttpTheCookieHasAnotherName) {
  add_person("anna", Role::admin);
  Gate::Options plain = options();
  plain.secure = false;
  Gate gate(api_, people_, pools_, plain);
  net::Request request;
  request.method = "POST";
  request.target = "/api/v1/session";
  request.headers = {{"content-type", "application/json"}};
  request.body = boost::json::serialize(object{{"name", "anna"}, {"password", kPassword}});
  const std::string cookie = header(answer_of(gate, std::move(request)), "Set-Cookie");
  EXPECT_TRUE(cookie.starts_with("vodlift=vls_")) << cookie;
  EXPECT_THAT(cookie, Not(HasSubstr("Secure")));
}

TEST_F(GateTest, H04EachSignInBeginsANewSessionAndEndsTheOneBefore) {
  add_person("anna", Role::admin);
  Client fixed;
  fixed.cookie = std::string(kCookie) + "=vls_chosen-by-an-attacker";
  const Client first = browser(sign_in_as("anna", kPassword, fixed));
  EXPECT_NE(first.cookie, fixed.cookie);
  EXPECT_EQ(ask(fixed, "GET", "/session").status, 401);
  const Client second = browser(sign_in_as("anna", kPassword, first));
  EXPECT_NE(second.cookie, first.cookie);
  EXPECT_EQ(ask(first, "GET", "/session").status, 401);
  EXPECT_EQ(ask(second, "GET", "/session").status, 200);
  Client doubled = second;
  doubled.cookie += "; " + std::string(kCookie) + "=vls_of-another-site";
  EXPECT_EQ(ask(doubled, "GET", "/session").status, 401) << "one of two: nobody knows whose";
}

TEST_F(GateTest, H06SessionsEndByThemselvesBySigningOutByANewRoleAndByANewPassword) {
  add_person("anna", Role::admin);
  add_person("bert", Role::operate);
  const Client anna = browser(sign_in_as("anna"));
  Client bert = browser(sign_in_as("bert"));
  EXPECT_EQ(ask(anna, "PATCH", "/people/bert", {{"role", "viewer"}}).status, 200);
  EXPECT_EQ(ask(bert, "GET", "/session").status, 401) << "at once";

  bert = browser(sign_in_as("bert"));
  const Client elsewhere = browser(sign_in_as("bert"));
  const net::Response changed =
      ask(bert, "POST", "/session/password", {{"password", kPassword}, {"new_password", "another long password"}});
  const Client fresh = browser(changed);
  EXPECT_EQ(ask(elsewhere, "GET", "/session").status, 401);
  EXPECT_EQ(ask(bert, "GET", "/session").status, 401);
  EXPECT_EQ(ask(fresh, "GET", "/session").status, 200);
  EXPECT_EQ(sign_in_as("bert").status, 401);

  const net::Response ended = ask(fresh, "DELETE", "/session");
  EXPECT_EQ(ended.status, 200);
  EXPECT_THAT(header(ended, "Set-Cookie"), HasSubstr("Max-Age=0"));
  EXPECT_EQ(ask(fresh, "GET", "/session").status, 401);

  clock_.pass(kSessionIdle);
  EXPECT_EQ(ask(anna, "GET", "/session").status, 401) << "nobody used it";
  const Client busy = browser(sign_in_as("anna"));
  for (auto used = kSessionIdle / 2; used < kSessionLife; used += kSessionIdle / 2) {
    clock_.pass(kSessionIdle / 2);
    EXPECT_EQ(ask(busy, "GET", "/session").status, 200);
    steady_ += std::chrono::seconds(1);
  }
  clock_.pass(kSessionIdle / 2);
  EXPECT_EQ(ask(busy, "GET", "/session").status, 401) << "used all the time, but too old";
}

TEST_F(GateTest, H02WhatChangesSomethingMustComeFromThePanelsOwnPages) {
  add_account();
  add_person("anna", Role::admin);
  const Client anna = browser(sign_in_as("anna"));
  const Client other = browser(sign_in_as("anna"));
  const auto entries = audit_.entries().size();
  for (const Route* route : routes()) {
    if (!route->mutating) continue;
    const std::string path =
        path_of(route->path, {{"cdn", 158}, {"api_key", "K"}, {"bucket", "b"}, {"id", 7}, {"name", "anna"}}).substr(7);
    std::vector<Client> forged(5, anna);
    forged[0].headers = {{"sec-fetch-site", "cross-site"}};
    forged[1].headers = {{"sec-fetch-site", "same-site"}};
    forged[2].headers = {{"origin", "https://evil.example"}};
    forged[3].csrf = "";
    forged[4].csrf = other.csrf;
    for (std::size_t i = 0; i < (route->open ? 3U : 5U); ++i) {
      EXPECT_EQ(ask(forged[i], route->method, path).status, 403) << route->name << " " << i;
      steady_ += std::chrono::seconds(1);
    }
  }
  EXPECT_EQ(audit_.entries().size(), entries) << "nothing was tried";
  Client own = anna;
  own.headers = {{"sec-fetch-site", "same-origin"}, {"origin", "https://panel.example"}};
  EXPECT_EQ(ask(own, "PATCH", "/accounts/158", {{"weight", 3}}).status, 200);
  own.headers = {{"origin", "https://panel.proxy.example"}};
  EXPECT_EQ(ask(own, "PATCH", "/accounts/158", {{"weight", 4}}).status, 200) << "a proxy may change the name";
  own.headers = {{"origin", "null"}};
  EXPECT_EQ(ask(own, "PATCH", "/accounts/158", {{"weight", 4}}).status, 403);
}

TEST_F(GateTest, H03LooksChangeNothing) {
  add_account();
  add_person("anna", Role::admin);
  const Client anna = browser(sign_in_as("anna"));
  const auto entries = audit_.entries().size();
  for (const Route* route : routes()) {
    if (route->method != "GET") continue;
    ask(anna, "GET",
        path_of(route->path, {{"cdn", 158}, {"api_key", "K"}, {"bucket", "b"}, {"id", 7}, {"name", "anna"}}).substr(7));
    EXPECT_FALSE(route->mutating) << route->name;
    steady_ += std::chrono::seconds(1);
  }
  EXPECT_EQ(audit_.entries().size(), entries);
  EXPECT_TRUE(uploads_.all().empty());
  EXPECT_EQ(accounts_.accounts().size(), 1U);
}

TEST_F(GateTest, ATokenNeedsNoCsrfAndEndsAtOnce) {
  add_account();
  add_person("anna", Role::admin);
  const Client program{.token = token_of("anna", Role::operate)};
  EXPECT_EQ(ask(program, "POST", "/uploads/bulk", {{"action", "retry"}, {"all", true}}).status, 200);
  EXPECT_EQ(audit_.entries().back().door, "token");
  EXPECT_EQ(audit_.entries().back().who, "anna");
  EXPECT_EQ(audit_.entries().back().token, "ci");
  EXPECT_EQ(audit_.entries().back().address, "192.0.2.7");
  EXPECT_EQ(ask(program, "POST", "/keys", {{"cdn", 158}}).status, 403) << "the token's role counts, not the owner's";
  EXPECT_EQ(code_of(ask(program, "GET", "/session")), "wrong_state");
  Client basic;
  basic.headers = {{"authorization", "Basic YW5uYTp4"}};
  EXPECT_EQ(ask(basic, "GET", "/uploads").status, 401);

  const Client anna = browser(sign_in_as("anna"));
  const std::int64_t id = boost::json::parse(ask(anna, "GET", "/tokens").body).at("items").at(0).at("id").as_int64();
  EXPECT_EQ(ask(anna, "DELETE", "/tokens/" + std::to_string(id)).status, 200);
  EXPECT_EQ(ask(program, "GET", "/uploads").status, 401);
}

TEST_F(GateTest, ATokenDoesNoMoreThanItsMaker) {
  add_account();
  add_person("anna", Role::customer, 158);
  add_person("bert", Role::operate);
  add_person("carl", Role::admin);
  const Client anna = browser(sign_in_as("anna"));
  const net::Response made = ask(anna, "POST", "/tokens", {{"label", "ci"}});
  ASSERT_EQ(made.status, 201) << made.body;
  const value token = boost::json::parse(made.body);
  EXPECT_EQ(token.at("role"), "customer");
  EXPECT_EQ(token.at("cdn"), 158);
  EXPECT_EQ(token.at("owner"), "anna");
  EXPECT_EQ(ask(anna, "POST", "/tokens", {{"label", "x"}, {"role", "viewer"}}).status, 201);
  EXPECT_EQ(ask(anna, "POST", "/tokens", {{"label", "x"}, {"role", "admin"}}).status, 400);
  EXPECT_EQ(ask(anna, "POST", "/tokens", {{"label", "x"}, {"cdn", 159}}).status, 404);
  EXPECT_EQ(ask(anna, "POST", "/tokens", {{"label", "x"}, {"owner", "carl"}}).status, 403);
  EXPECT_EQ(ask(anna, "POST", "/tokens", {{"label", ""}}).status, 400);
  EXPECT_EQ(ask(anna, "POST", "/tokens", {{"label", "x"}, {"expires", 1}}).status, 400);
  EXPECT_THAT(ask(anna, "GET", "/tokens").body, Not(HasSubstr("vlt_"))) << "shown once";

  const Client bert = browser(sign_in_as("bert"));
  EXPECT_EQ(ask(bert, "POST", "/tokens", {{"label", "x"}, {"role", "admin"}}).status, 403);
  EXPECT_EQ(boost::json::parse(ask(bert, "GET", "/tokens").body).at("items").as_array().size(), 0U);
  const std::string path = "/tokens/" + boost::json::serialize(token.at("id"));
  EXPECT_EQ(ask(bert, "DELETE", path).status, 404) << "of others";

  const Client program{.token = std::string(token.at("token").as_string())};
  EXPECT_EQ(ask(program, "POST", "/tokens", {{"label", "x"}}).status, 201);
  const Client carl = browser(sign_in_as("carl"));
  EXPECT_EQ(ask(carl, "POST", "/tokens", {{"label", "x"}, {"owner", "bert"}}).status, 201);
  EXPECT_EQ(ask(carl, "POST", "/tokens", {{"label", "x"}, {"owner", "bert"}, {"role", "admin"}}).status, 403);
  EXPECT_EQ(ask(carl, "DELETE", path).status, 200);
  EXPECT_EQ(ask(program, "GET", "/uploads").status, 401);
}

TEST_F(GateTest, H07WrongPasswordsGetOneAnswerAndLaterNoneForAWhile) {
  add_person("anna", Role::admin);
  const net::Response wrong = sign_in_as("anna", "not the password");
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(sign_in_as("nobody", "not the password").body, wrong.body);
  for (int i = 1; i < FailureDelay::kFree; ++i) EXPECT_EQ(sign_in_as("anna", "not the password").status, 401);
  const std::size_t entries = audit_.entries().size();
  const net::Response early = sign_in_as("anna");
  EXPECT_EQ(early.status, 429) << "even with the right password";
  EXPECT_EQ(header(early, "Retry-After"), "2");
  EXPECT_EQ(audit_.entries().size(), entries) << "a flood must not fill the audit log";
  Client elsewhere;
  elsewhere.address = "198.51.100.1";
  EXPECT_EQ(sign_in_as("anna", kPassword, elsewhere).status, 200) << "nobody can lock a person out";
  steady_ += std::chrono::seconds(2);
  EXPECT_EQ(sign_in_as("anna").status, 200);
}

TEST_F(GateTest, H18H19SigningInAndOutStandsInTheAuditLogAndNoPasswordDoes) {
  add_person("anna", Role::admin);
  const Client anna = browser(sign_in_as("anna"));
  sign_in_as("anna\r\n\x1b\xe2\x80\xa8", "not the password");
  ask(anna, "POST", "/people", {{"name", "bert"}, {"role", "viewer"}});
  ask(anna, "POST", "/tokens", {{"label", "ci"}});
  ask(anna, "DELETE", "/session");
  std::vector<std::string> commands;
  for (const AuditEntry& entry : audit_.entries()) {
    commands.emplace_back(entry.command);
    EXPECT_EQ(entry.door, "panel");
    EXPECT_EQ(entry.upload, 0) << entry.command << ": no other id is an upload's";
    for (const auto& [name, text] : entry.what) {
      EXPECT_THAT(text, Not(testing::AnyOf(HasSubstr("horse"), HasSubstr("vl")))) << entry.command << " " << name;
    }
  }
  EXPECT_THAT(commands,
              testing::ElementsAre("session.begin", "session.begin", "person.add", "token.add", "session.end"));
  EXPECT_EQ(audit_.entries()[1].failure, Errc::not_authorized);
  EXPECT_EQ(audit_.entries()[4].who, "anna");
}

TEST_F(GateTest, H20TheFirstAdminComesInByALinkThatWorksOnce) {
  const auto link = first_admin_link(people_).value();
  ASSERT_TRUE(link);
  EXPECT_EQ(sign_in_as("admin", "admin").status, 401) << "there is no usual password";
  object fields{{"token", link->reveal()}, {"name", "anna"}, {"password", "short"}};
  EXPECT_EQ(ask({}, "POST", "/setup", fields).status, 400);
  fields["password"] = kPassword;
  EXPECT_EQ(ask({}, "POST", "/setup", {{"token", "vll_guess"}, {"password", kPassword}}).status, 404);
  const Client anna = browser(ask({}, "POST", "/setup", fields));
  EXPECT_EQ(boost::json::parse(ask(anna, "GET", "/session").body).at("role"), "admin");
  fields["name"] = "mallory";
  EXPECT_EQ(ask({}, "POST", "/setup", fields).status, 404) << "used";
  EXPECT_FALSE(first_admin_link(people_).value()) << "there is an admin";

  const net::Response added = ask(anna, "POST", "/people", {{"name", "bert"}, {"role", "operator"}});
  ASSERT_EQ(added.status, 201) << added.body;
  EXPECT_EQ(header(added, "Location"), "/api/v1/people/bert");
  EXPECT_EQ(sign_in_as("bert", "").status, 401) << "has no password yet";
  const value invitation = boost::json::parse(added.body).at("setup_token");
  EXPECT_THAT(ask(anna, "GET", "/people").body, Not(HasSubstr("vll_"))) << "shown once";
  const Client bert = browser(ask({}, "POST", "/setup", {{"token", invitation}, {"password", kPassword}}));
  EXPECT_EQ(ask(bert, "GET", "/people").status, 403);
  EXPECT_EQ(ask(anna, "DELETE", "/people/anna").status, 409) << "the last admin";
  EXPECT_EQ(ask(anna, "POST", "/people", {{"name", "carl"}, {"role", "customer"}, {"cdn", 7}}).status, 404);
  EXPECT_EQ(ask(anna, "POST", "/people", {{"name", "carl"}, {"role", "customer"}}).status, 400);
}

TEST_F(GateTest, H08PasswordsMayBeAnyBytesButNotTooMany) {
  add_person("anna", Role::admin);
  EXPECT_EQ(sign_in_as("anna", std::string(1025, 'x')).status, 400);
  EXPECT_EQ(sign_in_as("anna", std::string("a\0b", 3)).status, 400);
  EXPECT_EQ(sign_in_as("anna", "\xc3\xa4\xcc\x88").status, 401);
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
