#include "net/own_address.h"

#include <gtest/gtest.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <cstring>

namespace vodlift::net {
namespace {

TEST(OwnAddress, LoopbackIsOwn) {
  for (const char* text : {"127.0.0.1", "127.9.9.9", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(is_own_address(parse_address(text).value())) << text;
  }
}

TEST(OwnAddress, ThatOfEachInterfaceIsOwn) {
  ifaddrs* all = nullptr;
  ASSERT_EQ(::getifaddrs(&all), 0);
  for (const ifaddrs* each = all; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET) continue;
    Address address;
    std::memcpy(address.bytes.data(), &reinterpret_cast<const sockaddr_in*>(each->ifa_addr)->sin_addr, 4);
    EXPECT_TRUE(is_own_address(address)) << to_string(address);
  }
  ::freeifaddrs(all);
}

TEST(OwnAddress, ThoseOfOthersAreNot) {
  for (const char* text : {"192.0.2.1", "203.0.113.9", "2001:db8::7"}) {
    EXPECT_FALSE(is_own_address(parse_address(text).value())) << text;
  }
}

}  // namespace
}  // namespace vodlift::net
