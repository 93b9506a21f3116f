#include "core/callback_url.h"

#include <gtest/gtest.h>

namespace vodlift {
namespace {

void expect_url(std::string_view text, std::string_view url, std::string_view host) {
  const auto parsed = parse_callback_url(text);
  ASSERT_TRUE(parsed) << text << ": " << parsed.error().message;
  EXPECT_EQ(parsed->url, url);
  EXPECT_EQ(parsed->host, host);
}

TEST(CallbackUrl, AcceptsWhatClientsSend) {
  expect_url("https://example.com/done?id=1&x=%20", "https://example.com/done?id=1&x=%20", "example.com");
  expect_url("http://example.com", "http://example.com", "example.com");
  expect_url("HTTP://Example.com/A", "http://Example.com/A", "Example.com");
  expect_url("https://example.com:8443/x", "https://example.com:8443/x", "example.com");
  expect_url("https://example.com:443", "https://example.com:443", "example.com");
  expect_url("http://[2001:db8::1]:8080/x", "http://[2001:db8::1]:8080/x", "2001:db8::1");
  expect_url("http://a_b.example/x", "http://a_b.example/x", "a_b.example");
  expect_url("http://example.com/?to=http://other.example/", "http://example.com/?to=http://other.example/",
             "example.com");
}

TEST(CallbackUrl, E02MeansHttpWhereTheSchemeIsMissing) {
  expect_url("www.mycallbackurl.com/", "http://www.mycallbackurl.com/", "www.mycallbackurl.com");
  expect_url("example.com:8080/x", "http://example.com:8080/x", "example.com");
  expect_url("example.com/?u=https://other.example", "http://example.com/?u=https://other.example", "example.com");
}

// Their addresses are judged by the guard, who needs the host as it was spelled.
TEST(CallbackUrl, KeepsOddSpellingsOfAddressesForTheGuard) {
  for (const std::string_view host : {"127.0.0.1", "127.1", "2130706433", "0x7f000001", "0"}) {
    expect_url("http://" + std::string(host) + "/", "http://" + std::string(host) + "/", host);
  }
}

TEST(CallbackUrl, TellsThePort) {
  EXPECT_EQ(parse_callback_url("http://host/").value().port, 80);
  EXPECT_EQ(parse_callback_url("https://host?x=:1").value().port, 443);
  EXPECT_EQ(parse_callback_url("https://host:80").value().port, 80);
  EXPECT_EQ(parse_callback_url("http://[::1]:65535/").value().port, 65535);
  EXPECT_EQ(parse_callback_url("http://host:22/").value().port, 22) << "the guard judges it";
}

TEST(CallbackUrl, RefusesEverythingElseAndSaysWhy) {
  const std::string long_label(64, 'a');
  std::string long_name;
  while (long_name.size() <= 253) long_name += "abcdefg.";
  long_name += "com";
  const std::vector<std::string> bad = {
      "",
      // E30: who is the host?
      "http://user:pw@host/", "http://user@host/", "http://a@b@c/", "http://a#@b/", "http://a\\@b/", "http:///x",
      "http://", "//host/x", "/x", "?x", "http://?x", "http:/host/", "http:host",
      // E31: other schemes
      "file:///etc/passwd", "gopher://host/", "ftp://host/", "dict://host/", "unix:/run/x", "javascript:alert(1)",
      "javascript://host/", "httpx://host/", "mailto:a@b.example",
      // E32: ports
      "http://host:6379999/", "http://host:0/", "http://host:65536/", "http://host:80:80/", "http://host:/",
      "http://host:080/", "http://host:8x/", "http://[::1]x/",
      // E33: names
      "http://%31%32%37.0.0.1/", "http://host./", "http://.host/", "http://a..b/", "http://-a.example/",
      "http://a-.example/", "http://a,b/", "http://" + long_label + ".example/", "http://" + long_name + "/",
      "http://\xE2\x91\xA0.example/", "http://[::1/", "http://[::g]/", "http://[fe80::1%25eth0]/", "http://[]/",
      // E34: characters and length
      "http://host/a b", "http://host/\r\nX: y", "http://host/\t", std::string("http://host/\0x", 14),
      "http://host/\x7F", "http://host/\xC3\xA9", "http://host/<script>", "http://host/\"", "http://host/#top",
      "http://host/" + std::string(2048, 'a')};
  for (const std::string& text : bad) {
    const auto parsed = parse_callback_url(text);
    ASSERT_FALSE(parsed) << text << " became " << parsed->url;
    EXPECT_EQ(parsed.error().code, Errc::invalid_value);
    EXPECT_TRUE(parsed.error().message.starts_with("callback: ")) << parsed.error().message;
  }
}

TEST(CallbackUrl, NamesTheReason) {
  EXPECT_NE(parse_callback_url("ftp://host/").error().message.find("scheme"), std::string::npos);
  EXPECT_NE(parse_callback_url("javascript:alert(1)").error().message.find("scheme"), std::string::npos);
  EXPECT_NE(parse_callback_url("http://host:0/").error().message.find("port"), std::string::npos);
  EXPECT_NE(parse_callback_url("http://u:p@host/").error().message.find("password"), std::string::npos);
}

TEST(CallbackUrl, TakesTheLongestUrl) {
  const std::string longest = "http://h/" + std::string(2048 - 9, 'a');
  EXPECT_TRUE(parse_callback_url(longest));
  EXPECT_FALSE(parse_callback_url(longest + "a"));
  EXPECT_TRUE(parse_callback_url(longest.substr(7)));
  EXPECT_FALSE(parse_callback_url(longest.substr(7) + "a")) << "the completed URL counts";
}

TEST(CallbackReceiver, IsHostAndPort) {
  EXPECT_EQ(callback_receiver("http://www.example.com"), "www.example.com:80");
  EXPECT_EQ(callback_receiver("https://WWW.Example.com/done?to=http://x:1/"), "www.example.com:443");
  EXPECT_EQ(callback_receiver("http://www.example.com:8080?x=1"), "www.example.com:8080");
  EXPECT_EQ(callback_receiver("http://www.example.com./"), "www.example.com:80");
  EXPECT_EQ(callback_receiver("http://[2001:DB8::1]/"), "[2001:db8::1]:80");
  EXPECT_EQ(callback_receiver("https://[2001:db8::1]:8443/a"), "[2001:db8::1]:8443");
}

}  // namespace
}  // namespace vodlift
