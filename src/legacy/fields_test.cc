#include "legacy/fields.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace vodlift::legacy {
namespace {

namespace json = boost::json;

std::optional<std::int64_t> number(std::string_view text) { return whole_number(json::parse(text)); }

TEST(WholeNumber, A60TakesIntegersAndDigitStrings) {
  EXPECT_EQ(number("158"), 158);
  EXPECT_EQ(number("-1"), -1);
  EXPECT_EQ(number("\"158\""), 158);
  EXPECT_EQ(number("\"9223372036854775807\""), 9223372036854775807);
  for (const std::string_view text :
       {"\" 1 \"", "\"1e9\"", "\"0x1\"", "\"\"", "\"-1\"", "\"+1\"", "\"1.0\"", "1.5", "1e3", "9223372036854775808",
        "\"9223372036854775808\"", "\"00000000000000000001\"", "true", "null", "[1]", "{}", "\"\xD9\xA1\""}) {
    EXPECT_EQ(number(text), std::nullopt) << text;
  }
}

struct Read {
  explicit Read(std::string_view text) : value(json::parse(text)), fields(value.get_object()) {}
  std::string fault() { return fields.fault() ? fields.fault()->message : ""; }
  json::value value;
  Fields fields;
};

TEST(Fields, NamesEverythingThatIsMissingBeforeWhatIsWrong) {
  Read read(R"({"b":1})");
  read.fields.text("a");
  read.fields.text("b");
  read.fields.text("c");
  EXPECT_EQ(read.fault(), "missing required fields: a, c");
  EXPECT_EQ(read.fields.fault()->code, Errc::missing_field);
}

TEST(Fields, NamesTheFirstThatIsWrong) {
  Read read(R"({"a":"x","b":1,"c":null})");
  EXPECT_EQ(read.fields.text("a"), "x");
  EXPECT_EQ(read.fields.text("b"), "");
  EXPECT_EQ(read.fields.text_or("c", "d"), "d");
  EXPECT_EQ(read.fault(), "b: must be a string");
  EXPECT_EQ(read.fields.fault()->code, Errc::invalid_value);
}

TEST(Fields, ReadsNumbersWithinTheirRange) {
  Read read(R"({"a":3,"b":"7","c":10})");
  EXPECT_EQ(read.fields.number_or("a", 5, 0, 9), 3);
  EXPECT_EQ(read.fields.number_or("b", 5, 0, 9), 7);
  EXPECT_EQ(read.fields.number_or("z", 5, 0, 9), 5);
  EXPECT_EQ(read.fault(), "");
  read.fields.number_or("c", 5, 0, 9);
  EXPECT_EQ(read.fault(), "c: must be a whole number, 0 to 9");
}

TEST(Fields, ReadsOneIdOrAList) {
  Read read(R"({"a":7,"b":"8","c":[3,"1",3,2]})");
  EXPECT_EQ(read.fields.ids("a", 100), (std::vector<std::int64_t>{7}));
  EXPECT_EQ(read.fields.ids("b", 100), (std::vector<std::int64_t>{8}));
  EXPECT_EQ(read.fields.ids("c", 100), (std::vector<std::int64_t>{1, 2, 3}));
  EXPECT_TRUE(read.fields.ids("z", 100).empty());
  EXPECT_EQ(read.fault(), "");
  for (const std::string_view bad :
       {"[]", "0", "-1", "[1,0]", "[[1]]", "{}", "\"x\"", "null", "1.5", "[1,2,3,4]", "9223372036854775808"}) {
    Read other("{\"id\":" + std::string(bad) + "}");
    EXPECT_TRUE(other.fields.ids("id", 3).empty());
    EXPECT_TRUE(other.fault().starts_with("id: ")) << bad << other.fault();
  }
}

TEST(Fields, A50A51ReadsMetadata) {
  for (const std::string_view empty : {"{}", R"({"metadata":[]})", R"({"metadata":{}})"}) {
    Read read(empty);
    EXPECT_TRUE(read.fields.metadata("metadata").empty());
    EXPECT_EQ(read.fault(), "");
  }
  Read read(R"({"metadata":{"a":"x","n":-12,"5":"five"}})");
  EXPECT_EQ(read.fields.metadata("metadata"), (Metadata{{"a", "x"}, {"n", "-12"}, {"5", "five"}}));
  EXPECT_EQ(read.fault(), "");
  for (const std::string_view bad : {"[\"a\",\"b\"]", "\"a\"", "1", "null", "true"}) {
    Read other("{\"metadata\":" + std::string(bad) + "}");
    other.fields.metadata("metadata");
    EXPECT_EQ(other.fault(), "metadata: must be an object of names and values") << bad;
  }
  for (const std::string_view bad : {"{}", "[]", "null", "true", "1.5", "18446744073709551615"}) {
    Read other("{\"metadata\":{\"k\\n\":" + std::string(bad) + "}}");
    other.fields.metadata("metadata");
    EXPECT_EQ(other.fault(), "metadata.k\\x0a: must be a string or a whole number") << bad;
  }
}

}  // namespace
}  // namespace vodlift::legacy
