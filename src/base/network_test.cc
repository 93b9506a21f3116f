#include "base/network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vodlift {
namespace {

using testing::HasSubstr;

TEST(ParseNetwork, TakesCidrAndSingleAddresses) {
  const Network ten = parse_network("10.0.0.0/8").value();
  EXPECT_FALSE(ten.v6);
  EXPECT_EQ(ten.prefix, 8);
  EXPECT_EQ(ten.bytes[0], 10);
  EXPECT_EQ(parse_network("192.0.2.1").value().prefix, 32);
  EXPECT_TRUE(parse_network("fd00::/8").value().v6);
  EXPECT_EQ(parse_network("::1").value().prefix, 128);
  EXPECT_EQ(parse_network("0.0.0.0/0").value().prefix, 0);
  const Network mapped = parse_network("::ffff:10.0.0.0/104").value();
  EXPECT_FALSE(mapped.v6);
  EXPECT_EQ(mapped.prefix, 8);
}

TEST(ParseNetwork, RefusesWhatIsNotExactlyANetwork) {
  for (const char* text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8 ",
                           " 10.0.0.0/8", "10.0.0.0/8/8", "10.0.0.1/8", "10.0.0", "010.0.0.0/8", "::/129", "fd00::1/8",
                           "fe80::1%eth0", "[::1]", "localhost", "10.0.0.0/0x8"}) {
    const auto parsed = parse_network(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, Errc::invalid_value) << text;
  }
}

TEST(ParseAddress, ReadsBareAddressesOnly) {
  EXPECT_EQ(to_string(parse_address("192.0.2.7").value()), "192.0.2.7");
  EXPECT_EQ(to_string(parse_address("2001:DB8:0::7").value()), "2001:db8::7");
  EXPECT_EQ(to_string(parse_address("::ffff:192.0.2.7").value()), "192.0.2.7");
  for (const std::string_view text :
       {"", "unix", "192.0.2", "[::1]", "::1%lo", "127.0.0.1:80", "192.0.2.7 ", "localhost"}) {
    EXPECT_FALSE(parse_address(text)) << text;
  }
  EXPECT_FALSE(parse_address(std::string_view("192.0.2.7\0", 10)));
}

TEST(Network, HoldsTheAddressesOfItsPrefix) {
  const auto holds = [](std::string_view network, std::string_view address) {
    return parse_network(network).value().contains(parse_address(address).value());
  };
  EXPECT_TRUE(holds("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(holds("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(holds("192.0.2.128/25", "192.0.2.128"));
  EXPECT_FALSE(holds("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(holds("192.0.2.7", "192.0.2.7"));
  EXPECT_FALSE(holds("192.0.2.7", "192.0.2.6"));
  EXPECT_TRUE(holds("192.0.2.7", "::ffff:192.0.2.7")) << "a mapped address is the IPv4 address it is";
  EXPECT_TRUE(holds("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(holds("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_TRUE(holds("0.0.0.0/0", "255.255.255.255"));
  EXPECT_FALSE(holds("0.0.0.0/0", "::1")) << "the other kind";
  EXPECT_FALSE(holds("::/0", "127.0.0.1"));
}

TEST(Network, IsWrittenAsItIsRead) {
  for (const std::string_view text : {"10.0.0.0/8", "0.0.0.0/0", "192.0.2.7/32", "fd00::/8", "::1/128", "::/0"}) {
    EXPECT_EQ(to_string(parse_network(text).value()), text);
    EXPECT_EQ(parse_network(to_string(parse_network(text).value())).value(), parse_network(text).value());
  }
  EXPECT_EQ(to_string(parse_network("::ffff:10.0.0.0/104").value()), "10.0.0.0/8");
}

}  // namespace
}  // namespace vodlift
