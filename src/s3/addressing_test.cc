#include "s3/addressing.h"

#include <gtest/gtest.h>

namespace vodlift::s3 {
namespace {

Address address(std::string bucket, std::string endpoint, bool path_style = false) {
  BucketAccess access;
  access.bucket = std::move(bucket);
  access.endpoint = std::move(endpoint);
  access.path_style = path_style;
  return address_of(access);
}

TEST(Addressing, VirtualHostWhereTheNameFits) {
  const Address a = address("films", "https://s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(a.origin, "https://films.s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(a.host, "films.s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(a.prefix, "");
}

TEST(Addressing, PathStyleWhereAHostNameCannotBe) {
  EXPECT_EQ(address("my_bucket", "https://s3.amazonaws.com").prefix, "/my_bucket");
  EXPECT_EQ(address("Films", "https://s3.amazonaws.com").prefix, "/Films");
  EXPECT_EQ(address("a.b", "https://s3.amazonaws.com").prefix, "/a.b") << "a wildcard certificate covers one label";
  EXPECT_EQ(address("a.b", "http://s3.example.org").host, "a.b.s3.example.org");
  EXPECT_EQ(address("films", "http://127.0.0.1:7480").origin, "http://127.0.0.1:7480");
  EXPECT_EQ(address("films", "http://[::1]:7480").prefix, "/films");
  EXPECT_EQ(address("films", "http://localhost:7480").prefix, "/films");
  EXPECT_EQ(address("films", "https://s3.amazonaws.com", true).prefix, "/films");
}

TEST(Addressing, DefaultPortsAreNotInTheHostHeader) {
  EXPECT_EQ(address("films", "https://s3.example.org:443/").host, "films.s3.example.org");
  EXPECT_EQ(address("films", "http://s3.example.org:80").host, "films.s3.example.org");
  EXPECT_EQ(address("films", "http://s3.example.org:443").host, "films.s3.example.org:443");
}

}  // namespace
}  // namespace vodlift::s3
