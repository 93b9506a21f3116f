#include "net/connection_caps.h"

#include <gtest/gtest.h>

namespace vodlift::net {
namespace {

Address address(std::string_view text) { return parse_address(text).value(); }

std::string client(const std::vector<std::string>& forwarded, std::string_view socket = "10.0.0.1") {
  Request request;
  request.headers.emplace_back("host", "a");
  for (const std::string& value : forwarded) request.headers.emplace_back("x-forwarded-for", value);
  const std::vector<Network> proxies = {parse_network("10.0.0.0/8").value(), parse_network("fd00::/8").value()};
  return to_string(client_address(request, address(socket), proxies));
}

TEST(ConnectionCaps, CountsEachAddressForItself) {
  ConnectionCaps caps(2);
  EXPECT_TRUE(caps.take(address("192.0.2.1")));
  EXPECT_TRUE(caps.take(address("192.0.2.1")));
  EXPECT_FALSE(caps.take(address("192.0.2.1")));
  EXPECT_TRUE(caps.take(address("192.0.2.2")));
  caps.release(address("192.0.2.1"));
  EXPECT_TRUE(caps.take(address("192.0.2.1")));
  EXPECT_FALSE(caps.take(address("192.0.2.1")));
}

TEST(ConnectionCaps, CountsAnIpv6NetworkOf64BitsAsOne) {
  ConnectionCaps caps(1);
  EXPECT_TRUE(caps.take(address("2001:db8::1")));
  EXPECT_FALSE(caps.take(address("2001:db8::ffff:1")));
  EXPECT_TRUE(caps.take(address("2001:db8:0:1::1")));
  caps.release(address("2001:db8::2"));
  EXPECT_TRUE(caps.take(address("2001:db8::3")));
}

TEST(ConnectionCaps, KeepsTheKindsOfAddressesApart) {
  ConnectionCaps caps(1);
  EXPECT_TRUE(caps.take(address("32.1.13.184")));
  EXPECT_TRUE(caps.take(address("2001:db8::")));
}

TEST(ConnectionCaps, NoneIsNoCap) {
  ConnectionCaps caps(0);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(caps.take(address("192.0.2.1")));
}

TEST(ClientAddress, IsTheSocketsUnlessAProxyIsTrusted) {
  EXPECT_EQ(client({"198.51.100.7"}, "192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(client({}), "10.0.0.1");
}

TEST(ClientAddress, IsTheLastThatIsNoProxy) {
  EXPECT_EQ(client({"198.51.100.7"}), "198.51.100.7");
  EXPECT_EQ(client({"192.0.2.66, 198.51.100.7"}), "198.51.100.7");
  EXPECT_EQ(client({"192.0.2.66 ,\t198.51.100.7,10.9.9.9"}), "198.51.100.7");
  EXPECT_EQ(client({"192.0.2.66", "198.51.100.7", "10.9.9.9"}), "198.51.100.7");
  EXPECT_EQ(client({"2001:db8::7, fd00::1"}), "2001:db8::7");
  EXPECT_EQ(client({"::ffff:198.51.100.7"}), "198.51.100.7");
  EXPECT_EQ(client({"10.1.1.1, 10.2.2.2"}), "10.1.1.1");
}

TEST(ClientAddress, IsTheSocketsWhereAValueCannotBeRead) {
  for (const char* value : {"", "unknown", "198.51.100.7,", "198.51.100.7, x", "198.51.100.7:80", "[2001:db8::7]",
                            "198.51.100", "198.51.100.7 10.1.1.1", "198.51.100.7, bad, 10.1.1.1"}) {
    EXPECT_EQ(client({value}), "10.0.0.1") << value;
  }
  EXPECT_EQ(client({"bad, 198.51.100.7"}), "198.51.100.7") << "what a client writes in front has no effect";
}

}  // namespace
}  // namespace vodlift::net
