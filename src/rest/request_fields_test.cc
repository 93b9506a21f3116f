#include "rest/request_fields.h"

#include <gtest/gtest.h>

#include <array>
#include <boost/json/serialize.hpp>
#include <string>

namespace vodlift::rest {
namespace {

constexpr std::array kFields = {
    FieldSpec{.name = "id", .type = FieldType::number, .required = true, .low = 1, .high = 9},
    FieldSpec{.name = "path", .high = 100},
    FieldSpec{.name = "flag", .type = FieldType::flag},
    FieldSpec{.name = "ids", .type = FieldType::ids, .high = 3},
    FieldSpec{.name = "names", .type = FieldType::texts, .high = 3},
};
constexpr Route kRoute = {.name = "t", .method = "POST", .path = "/t/{id}", .fields = kFields};

// What was gathered as JSON, or the name of the error's code.
std::string gathered(std::string_view target, std::string_view body = {}, std::string_view type = "application/json",
                     std::string_view id = "7") {
  net::Request request;
  request.method = body.empty() ? "GET" : "POST";
  request.target = target;
  request.body = body;
  request.headers.emplace_back("content-type", type);
  const auto object = gather_fields({&kRoute, {{"id", id}}, {}}, request);
  return object ? boost::json::serialize(*object) : std::string(info(object.error().code).name);
}

TEST(RequestFields, HaveTheTypeOfTheirSpec) {
  EXPECT_EQ(gathered("/t/7"), R"({"id":7})");
  EXPECT_EQ(gathered("/t/7?"), R"({"id":7})");
  EXPECT_EQ(gathered("/t/7?path=12&flag=true&ids=3,4&names=a,b"),
            R"({"id":7,"path":"12","flag":true,"ids":[3,4],"names":["a","b"]})");
  EXPECT_EQ(gathered("/t/7?flag=yes&ids=x,&names="), R"({"id":7,"flag":"yes","ids":["x",""],"names":[""]})")
      << "what does not fit is refused by its spec";
  EXPECT_EQ(gathered("/t/7?other=1&&=&b"), R"({"id":7,"other":"1","":"","b":""})");
}

TEST(RequestFields, AreDecodedOnce) {
  EXPECT_EQ(gathered("/t/7?path=a%2Bb+c%20d%2526%3D%26"), R"({"id":7,"path":"a+b c d%26=&"})");
  EXPECT_EQ(gathered("/t/7?p%61th=1"), R"({"id":7,"path":"1"})");
  EXPECT_EQ(gathered("/t", {}, {}, "a+b"), R"({"id":"a+b"})") << "a plus of the path is a plus";
  EXPECT_EQ(gathered("/t/7?path=%C3%A9"), "{\"id\":7,\"path\":\"\xC3\xA9\"}");
}

TEST(RequestFields, AnEncodingThatIsNoneIsRefused) {
  for (const char* query : {"path=%", "path=%2", "path=%2x", "path=%ff", "path=%C3", "%zz=1", "path=%ED%A0%80"}) {
    EXPECT_EQ(gathered(std::string("/t/7?") + query), "bad_request") << query;
  }
}

TEST(RequestFields, ANameThatIsGivenTwiceIsRefused) {
  EXPECT_EQ(gathered("/t/7?path=1&path=1"), "invalid_value");
  EXPECT_EQ(gathered("/t/7?id=7"), "invalid_value");
  EXPECT_EQ(gathered("/t/7", R"({"id":7})"), "invalid_value");
  EXPECT_EQ(gathered("/t/7?path=1", R"({"path":"1"})"), "invalid_value");
}

TEST(RequestFields, TheBodyIsJson) {
  EXPECT_EQ(gathered("/t/7", R"({"path":"x"})", "application/json; charset=utf-8"), R"({"path":"x","id":7})");
  EXPECT_EQ(gathered("/t/7", R"({"path":"x"})", "APPLICATION/JSON"), R"({"path":"x","id":7})");
  for (const char* type : {"", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"}) {
    EXPECT_EQ(gathered("/t/7", R"({"path":"x"})", type), "unsupported_media_type") << type;
  }
  for (const char* body : {"x", "[]", "1", "null", "{", "{}{}"}) EXPECT_EQ(gathered("/t/7", body), "bad_request");
}

}  // namespace
}  // namespace vodlift::rest
