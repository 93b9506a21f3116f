#include "panel/front.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace vodlift::panel {
namespace {

using testing::Contains;
using testing::Pair;

struct Asked {
  std::string_view target = "/panel/";
  std::string_view host = "127.0.0.1:8080";
  std::string_view proxy_header = {};
  std::string_view accept = {};
};

net::Request request_of(const Asked& asked) {
  net::Request request;
  request.method = "GET";
  request.target = asked.target;
  request.headers.emplace_back("host", asked.host);
  if (!asked.proxy_header.empty()) request.headers.emplace_back(asked.proxy_header, "192.0.2.7");
  if (!asked.accept.empty()) request.headers.emplace_back("accept", asked.accept);
  return request;
}

void answer_api(const net::Request& /*request*/, const net::Responder& respond) {
  net::Response response;
  response.body = "api";
  respond(std::move(response));
}

Front front(Showing showing, const std::string& url = {}) { return {showing, Site({}), answer_api, url}; }

net::Response ask(const Front& front, const Asked& asked) {
  std::optional<net::Response> answered;
  front.handle(request_of(asked), [&](net::Response response) { answered = std::move(response); });
  return answered.value();
}

TEST(FrontBesideApi, TakesPanelAndApiOfThisHostsOwnUsers) {
  const Front beside = front(Showing::beside_api);
  for (const std::string_view host : {"127.0.0.1:8080", "127.0.0.1", "localhost:8080", "LOCALHOST", "[::1]:8080"}) {
    for (const std::string_view target : {"/panel", "/panel/", "/panel/uploads/7", "/api/v1/uploads", "/panel?x=1"}) {
      EXPECT_TRUE(beside.takes(request_of({.target = target, .host = host}))) << host << " " << target;
    }
  }
}

TEST(FrontBesideApi, LeavesTheLegacyApiAlone) {
  const Front beside = front(Showing::beside_api);
  for (const std::string_view target : {"/", "/stable/", "/stable/?command=aws.upload", "/panels", "/api", "/apiv1/"}) {
    EXPECT_FALSE(beside.takes(request_of({.target = target}))) << target;
  }
  EXPECT_TRUE(beside.takes(request_of({.target = "/", .accept = "text/html,*/*"}))) << "a browser";
}

TEST(FrontBesideApi, IsNotThereForForeignNamesAndBehindAProxy) {
  const Front beside = front(Showing::beside_api);
  for (const std::string_view host : {"api.example.com", "127.0.0.1.example.com", "127.evil.example:80", "",
                                      "localhost.example.com", "192.0.2.1:8080", "[2001:db8::1]:8080"}) {
    EXPECT_FALSE(beside.takes(request_of({.host = host}))) << host;
  }
  for (const std::string_view header : {"x-forwarded-for", "forwarded", "x-real-ip", "via"}) {
    EXPECT_FALSE(beside.takes(request_of({.proxy_header = header}))) << header;
  }
}

TEST(FrontAlone, TakesAllAndAnswersOnlyWhatIsItsOwn) {
  const Front alone = front(Showing::alone);
  EXPECT_TRUE(alone.takes(request_of({.target = "/stable/", .host = "panel.example.com"})));
  EXPECT_EQ(ask(alone, {.target = "/stable/"}).status, 404);
  EXPECT_EQ(ask(alone, {.target = "/api/v1/uploads"}).body, "api");
  EXPECT_EQ(ask(alone, {.target = "/panel"}).status, 404) << "this site is empty";
}

TEST(FrontAlone, WithAnAddressOfItsOwnRefusesOtherNames) {
  const Front named = front(Showing::alone, "https://Panel.example.com");
  for (const std::string_view host : {"panel.example.com", "PANEL.example.com:443", "127.0.0.1:8090", "localhost"}) {
    EXPECT_EQ(ask(named, {.target = "/api/v1/x", .host = host}).status, 200) << host;
  }
  for (const std::string_view host : {"evil.example", "panel.example.com.evil.example", ""}) {
    EXPECT_EQ(ask(named, {.target = "/api/v1/x", .host = host}).status, 421) << host;
  }
}

TEST(Front, EachAnswerTellsTheBrowserWhatItMayDo) {
  const Front alone = front(Showing::alone, "https://panel.example.com");
  for (const Asked& asked : {Asked{.target = "/api/v1/x"}, Asked{.target = "/panel/"}, Asked{.target = "/x"},
                             Asked{.target = "/panel/", .host = "evil.example"}}) {
    const auto headers = ask(alone, asked).headers;
    EXPECT_THAT(headers, Contains(Pair("X-Content-Type-Options", "nosniff"))) << asked.target;
    EXPECT_THAT(headers, Contains(Pair("Referrer-Policy", "no-referrer"))) << asked.target;
  }
}

TEST(PanelUrl, IsSchemeAndHost) {
  for (const std::string_view url :
       {"https://panel.example.com", "http://127.0.0.1:8090", "https://[2001:db8::1]:8443"}) {
    EXPECT_TRUE(is_panel_url(url)) << url;
  }
  for (const std::string_view url : {"", "panel.example.com", "https://", "https://a/b", "https://a b", "ftp://a",
                                     "https://a@b", "https://a?x", "javascript://a", "https://a#b"}) {
    EXPECT_FALSE(is_panel_url(url)) << url;
  }
}

}  // namespace
}  // namespace vodlift::panel
