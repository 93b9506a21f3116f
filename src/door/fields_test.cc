#include "door/fields.h"

#include <gtest/gtest.h>

#include <array>
#include <boost/json/parse.hpp>
#include <limits>
#include <stdexcept>

#include "core/upload_fields.h"

namespace vodlift::door {
namespace {

namespace json = boost::json;

std::optional<std::int64_t> number(std::string_view text) { return whole_number(json::parse(text)); }

TEST(WholeNumber, A60TakesIntegersDigitStringsAndFloatsWithoutAFraction) {
  EXPECT_EQ(number("158"), 158);
  EXPECT_EQ(number("-1"), -1);
  EXPECT_EQ(number("\"158\""), 158);
  EXPECT_EQ(number("\"9223372036854775807\""), 9223372036854775807);
  EXPECT_EQ(number("158.0"), 158);
  EXPECT_EQ(number("1.58e2"), 158);
  EXPECT_EQ(number("-1.0"), -1);
  EXPECT_EQ(number("0.0"), 0);
  EXPECT_EQ(number("9007199254740992.0"), 9007199254740992);
  for (const std::string_view text : {"\" 1 \"",
                                      "\"1e9\"",
                                      "\"0x1\"",
                                      "\"\"",
                                      "\"-1\"",
                                      "\"+1\"",
                                      "\"1.0\"",
                                      "1.5",
                                      "158.00000001",
                                      "9007199254740994.0",
                                      "1e17",
                                      "9.3e18",
                                      "1e300",
                                      "-0.0",
                                      "9223372036854775808",
                                      "\"9223372036854775808\"",
                                      "\"00000000000000000001\"",
                                      "true",
                                      "null",
                                      "[1]",
                                      "{}",
                                      "\"\xD9\xA1\""}) {
    EXPECT_EQ(number(text), std::nullopt) << text;
  }
}

constexpr std::array<std::string_view, 3> kWords = {"red", "green", "blue"};
constexpr std::array kSpecs = {
    FieldSpec{.name = "path", .required = true, .high = 10},
    FieldSpec{.name = "bucket", .required = true, .high = 10},
    FieldSpec{.name = "callback", .high = 10, .otherwise = "none"},
    FieldSpec{.name = "limit", .type = FieldType::number, .low = 0, .high = 9, .otherwise = "5"},
    FieldSpec{.name = "count", .type = FieldType::number, .low = 1, .high = std::numeric_limits<std::int64_t>::max()},
    FieldSpec{.name = "ids", .type = FieldType::ids, .high = 3},
    FieldSpec{.name = "colour", .type = FieldType::word, .words = kWords, .otherwise = "green"},
    FieldSpec{.name = "palette", .type = FieldType::words, .words = kWords},
    FieldSpec{.name = "metadata", .type = FieldType::pairs},
    FieldSpec{.name = "open", .type = FieldType::flag},
    FieldSpec{.name = "names", .type = FieldType::texts, .high = 2},
};

// Fields of {"path":"p","bucket":"b"} and `more` behind them.
struct Read {
  explicit Read(std::string_view more)
      : value(json::parse(R"({"path":"p","bucket":"b")" + std::string(more) + "}")),
        fields(Fields::read(kSpecs, value.get_object(), Dialect::lenient)) {}
  [[nodiscard]] std::string fault() const { return fields ? "" : fields.error().message; }
  json::value value;
  Result<Fields> fields;
};

TEST(Fields, NamesEverythingThatIsMissingBeforeWhatIsWrong) {
  const json::value value = json::parse(R"({"callback":1,"limit":"x","pth":"p"})");
  const auto fields = Fields::read(kSpecs, value.get_object(), Dialect::lenient);
  ASSERT_FALSE(fields);
  EXPECT_EQ(fields.error().code, Errc::missing_field);
  EXPECT_EQ(fields.error().message, "missing required fields: path, bucket");
}

TEST(Fields, NamesEverythingThatIsWrong) {
  const Read read(R"(,"limit":10,"callback":null,"pathh":1)");
  EXPECT_EQ(read.fault(),
            "callback: must be a string; limit: must be a whole number, 0 to 9; pathh: there is no such field; did you "
            "mean path?");
  EXPECT_EQ(read.fields.error().code, Errc::invalid_value);
}

TEST(Fields, AbsentOnesReadAsTheirSpecSays) {
  const Read read("");
  ASSERT_TRUE(read.fields);
  EXPECT_EQ(read.fields->text("path"), "p");
  EXPECT_EQ(read.fields->text("callback"), "none");
  EXPECT_EQ(read.fields->text("colour"), "green");
  EXPECT_EQ(read.fields->number("limit"), 5);
  EXPECT_EQ(read.fields->number("count"), 0);
  EXPECT_TRUE(read.fields->ids("ids").empty());
  EXPECT_TRUE(read.fields->pairs("metadata").empty());
  EXPECT_TRUE(read.fields->has("path"));
  EXPECT_FALSE(read.fields->has("limit"));
}

TEST(Fields, BoundsTexts) {
  EXPECT_EQ(Read(R"(,"callback":"0123456789")").fields->text("callback"), "0123456789");
  EXPECT_EQ(Read(R"(,"callback":"0123456789a")").fault(), "callback: 11 bytes; at most 10 are allowed");
  EXPECT_EQ(Read(R"(,"callback":"")").fields->text("callback"), "");
  for (const std::string_view bad : {"1", "null", "true", "[]", "{}", "[\"a\"]"}) {
    EXPECT_EQ(Read(",\"callback\":" + std::string(bad)).fault(), "callback: must be a string") << bad;
  }
}

TEST(Fields, ReadsNumbersWithinTheirRange) {
  EXPECT_EQ(Read(R"(,"limit":0)").fields->number("limit"), 0);
  EXPECT_EQ(Read(R"(,"limit":"9")").fields->number("limit"), 9);
  EXPECT_EQ(Read(R"(,"count":9223372036854775807)").fields->number("count"), 9223372036854775807);
  for (const std::string_view bad : {"-1", "10", "\"10\"", "\" 1\"", "1.5", "null", "[1]", "9223372036854775808"}) {
    EXPECT_EQ(Read(",\"limit\":" + std::string(bad)).fault(), "limit: must be a whole number, 0 to 9") << bad;
  }
  EXPECT_EQ(Read(R"(,"count":0)").fault(), "count: must be a whole number, 1 or more");
}

TEST(Fields, ReadsOneIdOrAList) {
  EXPECT_EQ(Read(R"(,"ids":7)").fields->ids("ids"), (std::vector<std::int64_t>{7}));
  EXPECT_EQ(Read(R"(,"ids":"8")").fields->ids("ids"), (std::vector<std::int64_t>{8}));
  EXPECT_EQ(Read(R"(,"ids":[3,"1",3])").fields->ids("ids"), (std::vector<std::int64_t>{1, 3}));
  for (const std::string_view bad :
       {"[]", "0", "-1", "[1,0]", "[[1]]", "{}", "\"x\"", "null", "1.5", "[1,2,3,4]", "9223372036854775808"}) {
    EXPECT_TRUE(Read(",\"ids\":" + std::string(bad)).fault().starts_with("ids: ")) << bad;
  }
}

TEST(Fields, KnowsTheWordsOfAList) {
  EXPECT_EQ(Read(R"(,"colour":"blue")").fields->text("colour"), "blue");
  for (const std::string_view bad : {"\"Blue\"", "\"\"", "\"blu\"", "\"blue \"", "1", "null", "[\"blue\"]"}) {
    EXPECT_EQ(Read(",\"colour\":" + std::string(bad)).fault(), "colour: must be red, green or blue") << bad;
  }
}

TEST(Fields, ReadsOneWordOrAList) {
  using Words = std::vector<std::string_view>;
  EXPECT_EQ(Read("").fields->words("palette"), Words{});
  EXPECT_EQ(Read(R"(,"palette":"green")").fields->words("palette"), Words{"green"});
  EXPECT_EQ(Read(R"(,"palette":["blue"])").fields->words("palette"), Words{"blue"});
  EXPECT_EQ(Read(R"(,"palette":["blue","red"])").fields->words("palette"), (Words{"red", "blue"}));
  EXPECT_EQ(Read(R"(,"palette":["blue","red","blue"])").fields->words("palette"), (Words{"red", "blue"}));
  for (const std::string_view bad : {"\"\"", "\"Red\"", "\"red,blue\"", "1", "null", "true", "{}", R"({"red":1})"}) {
    EXPECT_EQ(Read(",\"palette\":" + std::string(bad)).fault(), "palette: must be red, green or blue") << bad;
  }
  for (const std::string_view bad : {"[1]", "[null]", R"(["red","x"])", R"([["red"]])", R"(["red",""])"}) {
    EXPECT_EQ(Read(",\"palette\":" + std::string(bad)).fault(),
              "palette: each word of the list must be red, green or blue")
        << bad;
  }
  for (const std::string_view bad : {"[]", R"(["red","green","blue","red"])"}) {
    EXPECT_EQ(Read(",\"palette\":" + std::string(bad)).fault(), "palette: a list must hold 1 to 3 words") << bad;
  }
}

TEST(Fields, A50A51ReadsMetadata) {
  for (const std::string_view empty : {"", R"(,"metadata":[])", R"(,"metadata":{})", R"(,"metadata":"")"}) {
    EXPECT_TRUE(Read(empty).fields->pairs("metadata").empty());
  }
  const Read read(R"(,"metadata":{"a":"x","n":-12,"5":"five","yes":true,"no":false,"nothing":null})");
  EXPECT_EQ(read.fields->pairs("metadata"),
            (Metadata{{"a", "x"}, {"n", "-12"}, {"5", "five"}, {"yes", "1"}, {"no", ""}, {"nothing", ""}}));
  for (const std::string_view bad : {"[\"a\",\"b\"]", "\"a\"", "\" \"", "1", "null", "true"}) {
    EXPECT_EQ(Read(",\"metadata\":" + std::string(bad)).fault(), "metadata: must be an object of names and values");
  }
  for (const std::string_view bad : {"{}", "[]", "[1]", R"({"a":"b"})"}) {
    EXPECT_EQ(Read(",\"metadata\":{\"k\\n\":" + std::string(bad) + "}").fault(),
              "metadata.k\\x0a: must be a string, a number, true, false or null")
        << bad;
  }
}

// tests/e2e/test_php_oracle.py asks PHP for many more.
TEST(Fields, FloatsOfMetadataAreTheTextThatPhpPrints) {
  const auto printed = [](std::string_view number) {
    return Read(",\"metadata\":{\"n\":" + std::string(number) + "}").fields->pairs("metadata").at("n");
  };
  EXPECT_EQ(printed("29.97"), "29.97");
  EXPECT_EQ(printed("158.0"), "158");
  EXPECT_EQ(printed("-0.5"), "-0.5");
  EXPECT_EQ(printed("0.30000000000000004"), "0.3");
  EXPECT_EQ(printed("0.0001"), "0.0001");
  EXPECT_EQ(printed("0.00001"), "1.0E-5");
  EXPECT_EQ(printed("1.25e-7"), "1.25E-7");
  EXPECT_EQ(printed("10000000000000.0"), "10000000000000");
  EXPECT_EQ(printed("100000000000000.0"), "1.0E+14");
  EXPECT_EQ(printed("1e25"), "1.0E+25");
  EXPECT_EQ(printed("-1.5e300"), "-1.5E+300");
  EXPECT_EQ(printed("18446744073709551615"), "1.844674407371E+19");
  EXPECT_EQ(printed("-0.0"), "-0");
}

TEST(Fields, IgnoresUnknownNamesUnlessTheyAreMisspelt) {
  EXPECT_EQ(Read(R"(,"x":1,"user":"a","":null,"command":"c","api_key":"k","cdn":1,"cdn_id":1,"timestamp":1,)"
                 R"("signature":"s","colours_of_all":1)")
                .fault(),
            "");
  EXPECT_EQ(Read(R"(,"x":1,"calback":"")").fault(), "calback: there is no such field; did you mean callback?");
  EXPECT_EQ(Read(R"(,"Limit":1)").fault(), "Limit: there is no such field; did you mean limit?");
  EXPECT_EQ(Read(R"(,"meta_data":{})").fault(), "meta_data: there is no such field; did you mean metadata?");
  EXPECT_EQ(Read(R"(,"path\u001b":1)").fault(), "path\\x1b: there is no such field; did you mean path?");
  EXPECT_EQ(Read(R"(,"paths":1)").fields.error().code, Errc::invalid_value);
}

// A request in the strict dialect; the same fields as of Read.
struct ReadStrictly {
  explicit ReadStrictly(std::string_view more)
      : value(json::parse(R"({"path":"p","bucket":"b")" + std::string(more) + "}")),
        fields(Fields::read(kSpecs, value.get_object(), Dialect::strict, kCommon)) {}
  [[nodiscard]] std::string fault() const { return fields ? "" : fields.error().message; }
  static constexpr std::array kCommon = {FieldSpec{.name = "command"}};
  json::value value;
  Result<Fields> fields;
};

TEST(Fields, StrictlyEveryValueHasTheTypeOfItsSpec) {
  const ReadStrictly read(
      R"(,"limit":9,"ids":[3,1],"colour":"blue","palette":["red"],"metadata":{"a":"x"},"open":true,"names":["b","a"])");
  ASSERT_TRUE(read.fields) << read.fault();
  EXPECT_EQ(read.fields->number("limit"), 9);
  EXPECT_EQ(read.fields->ids("ids"), (std::vector<std::int64_t>{1, 3}));
  EXPECT_TRUE(read.fields->flag("open"));
  EXPECT_EQ(read.fields->texts("names"), (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(ReadStrictly(R"(,"limit":"9")").fault(), "limit: must be a whole number, 0 to 9");
  EXPECT_EQ(ReadStrictly(R"(,"ids":7)").fault(), "ids: a list must hold 1 to 3 ids");
  EXPECT_EQ(ReadStrictly(R"(,"ids":["7"])").fault(), "ids: must be a list of whole numbers from 1");
  EXPECT_EQ(ReadStrictly(R"(,"palette":"red")").fault(), "palette: a list must hold 1 to 3 words");
  EXPECT_EQ(ReadStrictly(R"(,"metadata":[])").fault(), "metadata: must be an object of names and values");
  EXPECT_EQ(ReadStrictly(R"(,"metadata":{"n":1})").fault(), "metadata.n: must be a string");
}

TEST(Fields, ReadsFlagsAndListsOfTexts) {
  EXPECT_FALSE(Read("").fields->flag("open"));
  EXPECT_TRUE(Read("").fields->texts("names").empty());
  EXPECT_TRUE(Read(R"(,"names":[])").fields->texts("names").empty());
  for (const std::string_view bad : {"1", "\"true\"", "null"}) {
    EXPECT_EQ(Read(",\"open\":" + std::string(bad)).fault(), "open: must be true or false") << bad;
  }
  for (const std::string_view bad : {"\"a\"", "[1]", R"(["a","b","c"])", "null"}) {
    EXPECT_EQ(Read(",\"names\":" + std::string(bad)).fault(), "names: must be a list of at most 2 strings") << bad;
  }
}

TEST(Fields, StrictlyAnUnknownNameIsAnError) {
  EXPECT_EQ(ReadStrictly(R"(,"command":"c","x":1,"Limit":1)").fault(),
            "x: there is no such field; Limit: there is no such field; did you mean limit?");
  std::string many;
  for (int i = 0; i < 100; ++i) many += ",\"x" + std::to_string(i) + "\":1";
  EXPECT_LT(ReadStrictly(many).fault().size(), 1000U) << "only the first faults are shown";
}

TEST(Fields, NumberIfGivenKnowsNoDefault) {
  EXPECT_EQ(Read("").fields->number_if_given("limit"), std::nullopt);
  EXPECT_EQ(Read(R"(,"limit":3)").fields->number_if_given("limit"), 3);
}

// Each field of an upload reaches its own member, in both dialects.
TEST(Fields, EveryFieldOfAnUploadIsRead) {
  json::object object;
  for (const UploadField& field : upload_fields()) {
    const FieldSpec& spec = field.spec;
    json::value& value = object[spec.name];
    if (spec.type == FieldType::text) value = "value of " + std::string(spec.name);
    if (spec.type == FieldType::number) value = spec.high;
    if (spec.type == FieldType::word) value = json::string(spec.words.back());
    if (spec.type == FieldType::pairs) value = json::object{{"name", spec.name}};
  }
  for (const Dialect dialect : {Dialect::strict, Dialect::lenient}) {
    json::object given = object;
    given["bucket"] = "b";
    const auto fields = Fields::read(upload_field_specs(), given, dialect);
    ASSERT_TRUE(fields) << fields.error().message;
    const UploadRequest request = read_upload_request(*fields);
    EXPECT_EQ(request.path, "value of path");
    EXPECT_EQ(request.destination_path, "value of destination_path");
    EXPECT_EQ(request.bucket, "b");
    EXPECT_EQ(request.acl, Acl::public_read);
    EXPECT_EQ(request.metadata, (Metadata{{"name", "metadata"}}));
    EXPECT_EQ(request.callback, "value of callback");
    EXPECT_EQ(request.priority, 9);
    const json::object options = options_json(request.options);
    EXPECT_EQ(options.size(), upload_fields().size() - 7) << "the fields above are no options";
    for (const auto& option : options) EXPECT_EQ(option.value(), object.at(option.key()));
  }
}

TEST(Fields, ReadingWhatNoSpecHasIsABug) {
  const Read read("");
  EXPECT_THROW(static_cast<void>(read.fields->text("nothing")), std::logic_error);
  EXPECT_THROW(static_cast<void>(read.fields->number("path")), std::logic_error);
  EXPECT_THROW(static_cast<void>(read.fields->text("limit")), std::logic_error);
  EXPECT_THROW(static_cast<void>(read.fields->text("palette")), std::logic_error);
  EXPECT_THROW(static_cast<void>(read.fields->words("colour")), std::logic_error);
}

}  // namespace
}  // namespace vodlift::door
