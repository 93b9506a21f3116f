#include "net/address_guard.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>

namespace vodlift::net {
namespace {

using testing::HasSubstr;

sockaddr_storage address(const std::string& text) {
  sockaddr_storage out{};
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (::inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    std::memcpy(&out, &v4, sizeof v4);
  } else {
    EXPECT_EQ(::inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr), 1) << text;
    v6.sin6_family = AF_INET6;
    std::memcpy(&out, &v6, sizeof v6);
  }
  return out;
}

std::optional<std::string> judge(const AddressGuard& guard, const std::string& text) {
  const sockaddr_storage storage = address(text);
  return guard.refusal(reinterpret_cast<const sockaddr*>(&storage));
}

AddressGuard allowing(std::initializer_list<std::string_view> networks) {
  std::vector<Network> allowed;
  for (const std::string_view network : networks) allowed.push_back(parse_network(network).value());
  return AddressGuard(std::move(allowed));
}

TEST(AddressGuard, RefusesEverySpecialIpv4Network) {
  const AddressGuard guard({});
  for (const char* text :
       {"0.0.0.0",    "0.255.255.255",   "10.0.0.0",       "10.255.255.255",  "100.64.0.0",  "100.127.255.255",
        "127.0.0.1",  "127.255.255.255", "169.254.0.0",    "169.254.169.254", "172.16.0.0",  "172.31.255.255",
        "192.0.0.0",  "192.0.0.9",       "192.0.2.1",      "192.88.99.1",     "192.168.0.0", "192.168.255.255",
        "198.18.0.0", "198.19.255.255",  "198.51.100.7",   "203.0.113.255",   "224.0.0.1",   "239.255.255.255",
        "240.0.0.1",  "255.255.255.254", "255.255.255.255"}) {
    EXPECT_TRUE(judge(guard, text)) << text;
  }
}

TEST(AddressGuard, AllowsTheNeighboursOfSpecialIpv4Networks) {
  const AddressGuard guard({});
  for (const char* text :
       {"1.0.0.0",         "9.255.255.255",   "11.0.0.0",        "100.63.255.254",  "100.63.255.255", "100.128.0.0",
        "100.128.0.1",     "126.255.255.255", "128.0.0.0",       "169.253.255.255", "169.255.0.0",    "172.15.255.255",
        "172.32.0.0",      "191.255.255.255", "192.0.1.0",       "192.0.3.0",       "192.88.98.255",  "192.88.100.0",
        "192.167.255.255", "192.169.0.0",     "198.17.255.255",  "198.20.0.0",      "198.51.99.255",  "198.51.101.0",
        "203.0.112.255",   "203.0.114.0",     "223.255.255.255", "8.8.8.8"}) {
    EXPECT_EQ(judge(guard, text), std::nullopt) << text;
  }
}

TEST(AddressGuard, RefusesEverySpecialIpv6Network) {
  const AddressGuard guard({});
  for (const char* text : {"::",
                           "::1",
                           "::127.0.0.1",
                           "::8.8.8.8",
                           "64:ff9b::a00:1",
                           "64:ff9b::808:808",
                           "64:ff9b:1::",
                           "64:ff9b:1::1",
                           "100::1",
                           "2001:0:808:808::1",
                           "2001::1",
                           "2001:1ff:ffff::1",
                           "2001:db8::1",
                           "2002:a00:1::1",
                           "2002:808:808::1",
                           "3fff::",
                           "3fff:fff:ffff::1",
                           "5f00::",
                           "fc00::1",
                           "fd00:ec2::254",
                           "fdff:ffff::1",
                           "fe80::1",
                           "febf::1",
                           "fec0::1",
                           "feff::1",
                           "ff02::2",
                           "ffff::1",
                           "::ffff:0:127.0.0.1",
                           "4000::1",
                           "1fff::1",
                           "e000::1",
                           "200::1"}) {
    EXPECT_TRUE(judge(guard, text)) << text;
  }
}

TEST(AddressGuard, AllowsPublicIpv6) {
  const AddressGuard guard({});
  for (const char* text : {"2000::1", "2001:200::1", "2001:db7:ffff::1", "2001:db9::1", "2001:4860:4860::8888",
                           "2003::1", "2606:4700::1111", "3ffe:ffff::1", "3fff:1000::1"}) {
    EXPECT_EQ(judge(guard, text), std::nullopt) << text;
  }
}

TEST(AddressGuard, JudgesMappedAddressesAsTheIpv4TheyAre) {
  const AddressGuard guard({});
  EXPECT_THAT(judge(guard, "::ffff:127.0.0.1").value_or(""), HasSubstr("127.0.0.1 is a loopback address"));
  EXPECT_TRUE(judge(guard, "::ffff:7f00:1"));
  EXPECT_TRUE(judge(guard, "::ffff:10.1.2.3"));
  EXPECT_EQ(judge(guard, "::ffff:8.8.8.8"), std::nullopt);
}

TEST(AddressGuard, NamesAddressReasonAndSetting) {
  const std::string text = judge(AddressGuard({}), "169.254.169.254").value_or("");
  EXPECT_THAT(text, HasSubstr("169.254.169.254 is a link-local address"));
  EXPECT_THAT(text, HasSubstr("[callback] allow_networks"));
  EXPECT_THAT(judge(AddressGuard({}), "255.255.255.255").value_or(""), HasSubstr("broadcast"));
  EXPECT_THAT(judge(AddressGuard({}), "2001:0:1::").value_or(""), HasSubstr("Teredo"));
}

TEST(AddressGuard, AllowedNetworksOverride) {
  const AddressGuard guard = allowing({"127.0.0.0/8", "10.1.2.3", "fd00::/8", "::1"});
  EXPECT_EQ(judge(guard, "127.0.0.1"), std::nullopt);
  EXPECT_EQ(judge(guard, "::ffff:127.0.0.1"), std::nullopt);
  EXPECT_EQ(judge(guard, "10.1.2.3"), std::nullopt);
  EXPECT_EQ(judge(guard, "fd12::1"), std::nullopt);
  EXPECT_EQ(judge(guard, "::1"), std::nullopt);
  EXPECT_TRUE(judge(guard, "10.1.2.4"));
  EXPECT_TRUE(judge(guard, "fc00::1"));
  // Only the mapped form is IPv4 in other clothes; a translator decides for itself where these lead.
  EXPECT_TRUE(judge(guard, "64:ff9b::7f00:1"));
  EXPECT_TRUE(judge(guard, "::127.0.0.1"));
}

TEST(AddressGuard, AllowingEveryIpv6AddressAllowsNoIpv4) {
  const AddressGuard guard = allowing({"::/0"});
  EXPECT_EQ(judge(guard, "fe80::1"), std::nullopt);
  EXPECT_TRUE(judge(guard, "127.0.0.1"));
  EXPECT_TRUE(judge(guard, "::ffff:127.0.0.1"));
}

TEST(AddressGuard, RefusesOtherFamilies) {
  sockaddr_storage storage{};
  storage.ss_family = AF_UNIX;
  EXPECT_TRUE(AddressGuard({}).refusal(reinterpret_cast<const sockaddr*>(&storage)));
}

TEST(LiteralRefusal, KnowsEverySpellingTheResolverKnows) {
  const AddressGuard guard({});
  for (const char* host : {"127.0.0.1",
                           "127.1",
                           "2130706433",
                           "0x7f000001",
                           "017700000001",
                           "0x7f.1",
                           "0177.0.0.1",
                           "0",
                           "0.0.0.0",
                           "127.0.0.1.",
                           "localhost",
                           "LOCALHOST",
                           "localhost.",
                           "a.b.localhost",
                           "169.254.169.254",
                           "169.254.43518",
                           "::1",
                           "[::1]",
                           "[::]",
                           "[::ffff:127.0.0.1]",
                           "[::ffff:7f00:1]",
                           "[::127.0.0.1]",
                           "fe80::1%eth0",
                           "[fe80::1%25eth0]",
                           "[fe80::1%1]",
                           "[fd00:ec2::254]",
                           "10.0.0.1",
                           "[64:ff9b::a00:1]"}) {
    EXPECT_TRUE(guard.literal_refusal(host)) << host;
  }
}

TEST(LiteralRefusal, SaysNothingOfNamesAndPublicAddresses) {
  const AddressGuard guard({});
  for (const char* host : {"example.com", "localhost.example.com", "notlocalhost", "8.8.8.8", "134744072",
                           "[2606:4700::1111]", "10.0.0.1.example.com", "", "[]", "."}) {
    EXPECT_EQ(guard.literal_refusal(host), std::nullopt) << host;
  }
}

TEST(LiteralRefusal, FollowsAllowedNetworks) {
  const AddressGuard guard = allowing({"127.0.0.0/8"});
  EXPECT_EQ(guard.literal_refusal("127.1"), std::nullopt);
  EXPECT_EQ(guard.literal_refusal("localhost"), std::nullopt);
  EXPECT_TRUE(guard.literal_refusal("10.1"));
}

TEST(AddressGuard, RefusesAddressesOfThisHost) {
  const auto is_own = [](const Address& address) {
    return address == parse_address("93.184.216.34") || address == parse_address("2606:2800:220::34");
  };
  const AddressGuard guard({}, {}, is_own);
  for (const char* text : {"93.184.216.34", "::ffff:93.184.216.34", "2606:2800:220::34"}) {
    EXPECT_THAT(judge(guard, text).value_or("allowed"), HasSubstr("this host itself")) << text;
  }
  EXPECT_EQ(judge(guard, "93.184.216.35"), std::nullopt);
  EXPECT_TRUE(guard.literal_refusal("0x5db8d822"));
  const AddressGuard more({parse_network("93.184.216.34").value()}, {}, is_own);
  EXPECT_EQ(judge(more, "93.184.216.34"), std::nullopt) << "the operator allows it";
}

TEST(AddressGuard, PortsAreThoseOfHttpAndThoseAllowed) {
  const AddressGuard guard({});
  for (const int port : {80, 443}) EXPECT_EQ(guard.port_refusal(port), std::nullopt) << port;
  for (const int port : {0, 1, 22, 79, 81, 442, 444, 1024, 2375, 8080, 65535})
    EXPECT_TRUE(guard.port_refusal(port)) << port;
  const AddressGuard more({}, {{8443, 8443}, {9000, 9009}});
  for (const int port : {80, 443, 8443, 9000, 9009}) EXPECT_EQ(more.port_refusal(port), std::nullopt) << port;
  for (const int port : {8442, 8444, 8999, 9010}) EXPECT_TRUE(more.port_refusal(port)) << port;
}

TEST(AddressGuard, TakesOtherNetworksAndPortsWhileItIsUsed) {
  AddressGuard guard({}, {});
  EXPECT_TRUE(judge(guard, "10.0.0.1"));
  guard.use({parse_network("10.0.0.0/8").value()}, {{8000, 8001}});
  EXPECT_FALSE(judge(guard, "10.0.0.1"));
  EXPECT_FALSE(guard.port_refusal(8001));
  guard.use({}, {});
  EXPECT_TRUE(judge(guard, "10.0.0.1"));
  EXPECT_TRUE(guard.port_refusal(8001));
}

}  // namespace
}  // namespace vodlift::net
