#include "panel/site.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace vodlift::panel {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

// "hello\n", as brotli writes it.
constexpr std::string_view kHello("\x8b\x02\x80\x68\x65\x6c\x6c\x6f\x0a\x03", 10);

constexpr std::array kFiles = {
    Asset{"assets/app-1a2b.js", "text/javascript; charset=utf-8", kHello, 6, true},
    Asset{"assets/broken-1.js", "text/javascript; charset=utf-8", "no brotli", 6, true},
    Asset{"favicon.svg", "image/svg+xml", kHello, 6, false},
    Asset{"index.html", "text/html; charset=utf-8", kHello, 6, false},
};

net::Response ask(std::string_view target, std::string_view encoding = {}, std::string_view method = "GET") {
  net::Request request;
  request.method = method;
  request.target = target;
  if (!encoding.empty()) request.headers.emplace_back("accept-encoding", encoding);
  return Site(kFiles).answer(request);
}

TEST(Site, AnswersAFileCompressedToWhoTakesIt) {
  for (const std::string_view encoding : {"br", "gzip, deflate, br", "gzip,br;q=0.5", "br;q=1.0"}) {
    const net::Response response = ask("/panel/assets/app-1a2b.js", encoding);
    EXPECT_EQ(response.status, 200) << encoding;
    EXPECT_EQ(response.body, kHello) << encoding;
    EXPECT_THAT(response.headers, Contains(Pair("Content-Encoding", "br"))) << encoding;
  }
}

TEST(Site, AnswersAFileAsItIsToWhoDoesNot) {
  for (const std::string_view encoding : {"", "gzip, deflate", "br;q=0", "br; q=0.0", "brotli", "xbr"}) {
    const net::Response response = ask("/panel/assets/app-1a2b.js", encoding);
    EXPECT_EQ(response.body, "hello\n") << encoding;
    EXPECT_THAT(response.headers, Not(Contains(Pair("Content-Encoding", testing::_)))) << encoding;
    EXPECT_THAT(response.headers, Contains(Pair("Vary", "Accept-Encoding")));
  }
}

TEST(Site, OnlyWhatHasAHashInItsNameIsKeptForEver) {
  EXPECT_THAT(ask("/panel/assets/app-1a2b.js").headers, Contains(Pair("Cache-Control", HasSubstr("immutable"))));
  EXPECT_THAT(ask("/panel/").headers, Contains(Pair("Cache-Control", "no-cache")));
  EXPECT_THAT(ask("/panel/favicon.svg").headers, Contains(Pair("Cache-Control", "no-cache")));
}

TEST(Site, EachPageIsTheOneThatFindsItsWayInTheBrowser) {
  for (const std::string_view target : {"/panel/", "/panel/?wall=1", "/panel/uploads/7", "/panel/setup", "/panel/x/y/",
                                        "/panel/buckets/158/films.example"}) {
    EXPECT_EQ(ask(target).status, 200) << target;
    EXPECT_EQ(ask(target).content_type, "text/html; charset=utf-8") << target;
  }
}

TEST(Site, AFileThatIsNotThereIs404AndNoPathLeavesTheSite) {
  for (const std::string_view target : {"/panel/assets/", "/panel/assets/app.js", "/panel/assets/app-1a2b.js.map",
                                        "/panel/.git/config", "/panel/../etc/passwd", "/panel/x/../../etc/passwd",
                                        "/panel/app.js.map", "/panel/assets/../index.html", "/panel/robots.txt"}) {
    EXPECT_EQ(ask(target).status, 404) << target;
  }
}

TEST(Site, LeadsToItsSlash) {
  const net::Response response = ask("/panel");
  EXPECT_EQ(response.status, 308);
  EXPECT_THAT(response.headers, Contains(Pair("Location", "/panel/")));
}

TEST(Site, OnlyReads) {
  const net::Response response = ask("/panel/", {}, "POST");
  EXPECT_EQ(response.status, 405);
  EXPECT_THAT(response.headers, Contains(Pair("Allow", "GET, HEAD")));
  EXPECT_EQ(ask("/panel/", {}, "HEAD").status, 200);
}

TEST(Site, SaysThatAFileIsDamaged) { EXPECT_EQ(ask("/panel/assets/broken-1.js").status, 500); }

TEST(Site, SaysThatTheProgramHasNoPanel) {
  net::Request request;
  request.method = "GET";
  request.target = "/panel/";
  const net::Response response = Site({}).answer(request);
  EXPECT_EQ(response.status, 404);
  EXPECT_THAT(response.body, HasSubstr("built without its Control Panel"));
}

TEST(Protect, AddsTheHeadersAndKeepsWhatIsSaidAboutCaches) {
  net::Response bare;
  protect(bare);
  EXPECT_THAT(bare.headers, Contains(Pair("Cache-Control", "no-store")));
  EXPECT_THAT(bare.headers, Contains(Pair("Content-Security-Policy", HasSubstr("frame-ancestors 'none'"))));
  EXPECT_THAT(bare.headers, Not(Contains(Pair(testing::_, HasSubstr("unsafe-")))));
  EXPECT_THAT(bare.headers, Contains(Pair("X-Content-Type-Options", "nosniff")));
  net::Response kept;
  kept.headers.emplace_back("Cache-Control", "no-cache");
  protect(kept);
  EXPECT_THAT(kept.headers, Not(Contains(Pair("Cache-Control", "no-store"))));
}

}  // namespace
}  // namespace vodlift::panel
