// Fixed examples; tests/e2e/test_php_oracle.py compares thousands with PHP itself.
#include "legacy/php_value.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <limits>

namespace vodlift::legacy {
namespace {

std::string json_of(PhpValue value) { return php_json_encode(value).value(); }
PhpValue text(std::string_view bytes) { return {std::string(bytes)}; }

TEST(PhpWriter, WritesFloatsAsPhpDoes) {
  const std::vector<std::pair<double, std::string_view>> floats = {
      {0.0, "0"},
      {-0.0, "-0"},
      {10.0, "10"},
      {-1.5, "-1.5"},
      {0.1, "0.1"},
      {0.0001, "0.0001"},
      {0.00001, "1.0e-5"},
      {1.5e-7, "1.5e-7"},
      {1e15, "1000000000000000"},
      {1e16, "10000000000000000"},
      {1e17, "1.0e+17"},
      {123456789012345678.0, "1.2345678901234568e+17"},
      {1e25, "1.0e+25"},
      {1e100, "1.0e+100"},
      {5e-324, "5.0e-324"},
      {100000.5, "100000.5"},
      {std::numeric_limits<double>::max(), "1.7976931348623157e+308"},
      {1.0 / 3, "0.3333333333333333"}};
  for (const auto& [number, wanted] : floats) EXPECT_EQ(json_of({number}), wanted);
  EXPECT_EQ(php_serialize({1e25}), "d:1.0E+25;");
  EXPECT_EQ(php_serialize({std::numeric_limits<double>::infinity()}), "d:INF;");
  EXPECT_FALSE(php_json_encode({std::numeric_limits<double>::infinity()}));
  EXPECT_FALSE(php_json_encode({std::numeric_limits<double>::quiet_NaN()}));
}

TEST(PhpWriter, EscapesAsPhpDoes) {
  EXPECT_EQ(json_of(text("a/b\"\\\b\f\n\r\t\x01\x1F\x7F'<>&")), R"("a\/b\"\\\b\f\n\r\t\u0001\u001f)"
                                                                "\x7F'<>&\"");
  EXPECT_EQ(json_of(text("é€😀\u2028\uFFFE")), R"("\u00e9\u20ac\ud83d\ude00\u2028\ufffe")");
  EXPECT_EQ(json_of(text(std::string_view("\0", 1))), R"("\u0000")");
  for (const std::string_view broken : {"\xFF", "\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "a\xE2\x82"}) {
    EXPECT_FALSE(php_json_encode(text(broken)));
    EXPECT_FALSE(php_json_encode({PhpArray{{std::string(broken), {}}}}));
  }
}

TEST(PhpWriter, ListsAreListsOnlyInOrder) {
  EXPECT_EQ(json_of({PhpArray{}}), "[]");
  EXPECT_EQ(json_of({PhpArray{{0, {true}}, {1, {false}}, {2, {}}}}), "[true,false,null]");
  EXPECT_EQ(json_of({PhpArray{{1, {true}}, {0, {false}}}}), R"({"1":true,"0":false})");
  EXPECT_EQ(json_of({PhpArray{{0, {true}}, {2, {false}}}}), R"({"0":true,"2":false})");
  EXPECT_EQ(json_of({PhpArray{{std::string("a"), {std::int64_t{1}}}, {0, {PhpArray{}}}}}), R"({"a":1,"0":[]})");
  EXPECT_EQ(json_of({PhpArray{{std::string(), {std::int64_t{-1}}}}}), R"({"":-1})");
}

TEST(PhpWriter, ReadsAsTheJsonItWrites) {
  const PhpValue value{PhpArray{{std::string("a"), {1700000000.0}},
                                {5, {PhpArray{{0, text("é")}, {1, {1.5}}, {2, {-2.5}}}}},
                                {std::string("m"), {PhpArray{{7, {}}}}},
                                {std::string("e"), {PhpArray{}}},
                                {std::string("f"), {true}}}};
  EXPECT_EQ(json_from_php(value, {}), boost::json::parse(json_of(value)));
  EXPECT_EQ(json_from_php(value, {}).at("a"), 1700000000);
}

TEST(PhpWriter, AnswersHavePhpsKeys) {
  EXPECT_EQ(
      php_serialize(
          php_from_json(boost::json::parse(R"({"5":[1,"x",null],"-3":{},"05":1.5,"u":18446744073709551615})"))),
      "a:4:{i:5;a:3:{i:0;i:1;i:1;s:1:\"x\";i:2;N;}i:-3;a:0:{}s:2:\"05\";d:1.5;s:1:\"u\";d:1.8446744073709552E+19;}");
}

}  // namespace
}  // namespace vodlift::legacy
