#include "legacy/json_request.h"

#include <gtest/gtest.h>

#include <boost/json/monotonic_resource.hpp>
#include <random>

#include "door/json_text.h"

namespace vodlift::legacy {
namespace {

bool accepts(std::string_view text) {
  const auto request = parse_json_request(text, {});
  if (request) return true;
  EXPECT_EQ(request.error().code, Errc::invalid_value) << text;
  EXPECT_TRUE(request.error().message.starts_with("json: ")) << request.error().message;
  return false;
}

std::string refusal(std::string_view text) {
  const auto request = parse_json_request(text, {});
  return request ? "" : request.error().message;
}

TEST(JsonRequest, GivesFieldsAndTheSignedText) {
  std::array<unsigned char, 4096> memory;
  boost::json::monotonic_resource resource(memory.data(), memory.size());
  const auto request = parse_json_request(R"({"a": "\u00fc\/", "signature": "s"})", &resource);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->fields().at("a"), "ü/");
  EXPECT_EQ(request->fields().at("signature"), "s");
  EXPECT_EQ(request->signed_text, R"({"a": "\u00fc\/"})");
}

TEST(JsonRequest, A35AcceptsWhatTheStandardAllows) {
  for (const std::string_view text :
       {"{}", " {} ", "\t\r\n{\"\":0}\n", R"({"a":"\"\\\/\b\f\n\r\t"})",
        R"({"a":[[],{},null,true,false,-0,1.5e3,1E-2]})", R"({"a":"\ud834\udd1e"})", R"({"a":"€𝄞"})",
        R"({"a":"\uFFFE"})", "{\"a\":\"\x7F\"}", "{\"a\":\"\xE2\x80\xAE\"}", R"({"a":9223372036854775807})",
        R"({"asd":"sdf","dfg":"fgh"})"}) {
    EXPECT_TRUE(accepts(text)) << text << refusal(text);
  }
}

TEST(JsonRequest, A34A48RefusesWhatTheStandardForbids) {
  for (const std::string_view text : {"{\"a\":1,}",
                                      "{,}",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\" 1}",
                                      "{a:1}",
                                      "{'a':1}",
                                      "{\"a\":1 \"b\":2}",
                                      "{\"a\":1}{}",
                                      "{}x",
                                      "{} //c",
                                      "{/**/}",
                                      "{\"a\":NaN}",
                                      "{\"a\":Infinity}",
                                      "{\"a\":+1}",
                                      "{\"a\":01}",
                                      "{\"a\":1.}",
                                      "{\"a\":.5}",
                                      "{\"a\":1e}",
                                      "{\"a\":0x1}",
                                      "{\"a\":--1}",
                                      "{\"a\":tru}",
                                      "{\"a\":TRUE}",
                                      "{\"a\":[1,]}",
                                      "{\"a\":[1 2]}",
                                      "{\"a\":[}",
                                      "{\"a\":\"\x01\"}",
                                      "{\"a\":\"\n\"}",
                                      R"({"a":"\x41"})",
                                      R"({"a":"\u12"})",
                                      R"({"a":"\"})",
                                      "{",
                                      "}",
                                      "{\"a",
                                      "{\"a\":\"b",
                                      "\xEF\xBB\xBF{}",
                                      "{\"a\":1}\xEF\xBB\xBF",
                                      "{}\x01"}) {
    EXPECT_FALSE(accepts(text)) << text;
  }
  EXPECT_FALSE(accepts(std::string_view("{}\0", 3)));
  EXPECT_NE(refusal("{\"a\":tru}").find("near byte"), std::string::npos);
}

TEST(JsonRequest, A37A38A39RefusesANameTwiceAtAnyDepth) {
  for (const std::string_view text :
       {R"({"path":"a","path":"a"})", R"({"p\u0061th":"a","path":"b"})", R"({"m":{"k":1,"k":2}})",
        R"({"l":[{"x":{"k":1,"\u006b":2}}]})", R"({"":1,"":2})"}) {
    EXPECT_FALSE(accepts(text)) << text;
    EXPECT_NE(refusal(text).find("twice"), std::string::npos) << refusal(text);
  }
  EXPECT_TRUE(accepts(R"({"k":{"k":{"k":1}},"K":2})"));
  // Beyond the size up to which objects are searched one by one.
  std::string many = "{";
  for (int i = 0; i < 60; ++i) many += "\"k" + std::to_string(i) + "\":0,";
  EXPECT_TRUE(accepts(many + "\"k60\":0}"));
  EXPECT_FALSE(accepts(many + "\"k7\":0}"));
}

TEST(JsonRequest, A46RefusesNul) {
  for (const std::string_view text : {R"({"a":"x\u0000y"})", R"({"a\u0000":1})", R"({"m":{"k":["\u0000"]}})"}) {
    EXPECT_FALSE(accepts(text)) << text;
  }
  EXPECT_TRUE(accepts(R"({"a":"\\u0000"})"));
}

TEST(JsonRequest, A36A47RefusesBrokenText) {
  for (const std::string_view text :
       {R"({"a":"\ud800"})", R"({"a":"\udc00"})", R"({"a":"\udd1e\ud834"})", R"({"a":"\ud800\ud800"})",
        R"({"a":"\ud800x"})", R"({"a":"\ud800\n"})", "{\"a\":\"\xFF\"}", "{\"a\":\"\xC0\xAE\"}",
        "{\"a\":\"\xED\xA0\x80\"}", "{\"a\":\"\xED\xA0\xB4\xED\xB4\x9E\"}", "{\"a\":\"\xF4\x90\x80\x80\"}",
        "{\"a\":\"\xE2\x82\"}", "{\"\xFF\":1}"}) {
    EXPECT_FALSE(accepts(text)) << text;
  }
}

TEST(JsonRequest, A45RefusesNumbersNobodyCanHold) {
  for (const std::string_view text :
       {R"({"a":1e400})", R"({"a":-1e400})", R"({"a":1e999999999999})", R"({"a":[1e99999]})"}) {
    EXPECT_FALSE(accepts(text)) << text;
  }
}

TEST(JsonRequest, A42RefusesDeepNestingWithoutRecursion) {
  for (const std::size_t depth : {17U, 500U, 30000U}) {
    EXPECT_FALSE(accepts("{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}"));
  }
  EXPECT_TRUE(accepts("{\"a\":" + std::string(15, '[') + std::string(15, ']') + "}"));
}

std::string cut(std::string_view text) {
  const auto scan = scan_json(text);
  if (!scan) return "refused: " + scan.error().message;
  return signed_text(text, *scan);
}

TEST(JsonScanner, CutsTheSignatureWithOneComma) {
  EXPECT_EQ(cut(R"({"a":1,"signature":"s"})"), R"({"a":1})");
  EXPECT_EQ(cut(R"({"signature":"s","a":1})"), R"({"a":1})");
  EXPECT_EQ(cut(R"({"a":1,"signature":"s","b":2})"), R"({"a":1,"b":2})");
  EXPECT_EQ(cut(R"({"signature":"s"})"), "{}");
  EXPECT_EQ(cut(R"({"a":1})"), R"({"a":1})");
  EXPECT_EQ(cut("{}"), "{}");
}

TEST(JsonScanner, LeavesTheWhiteSpaceThatWasSigned) {
  EXPECT_EQ(cut(R"({"a": 1, "signature": "s"})"), R"({"a": 1})");
  EXPECT_EQ(cut(R"({"signature": "s", "a": 1})"), R"({"a": 1})");
  EXPECT_EQ(cut(R"({"a": 1, "signature": "s", "b": 2})"), R"({"a": 1, "b": 2})");
  EXPECT_EQ(cut("{\n  \"a\": 1,\n  \"signature\": \"s\"\n}"), "{\n  \"a\": 1\n}");
  EXPECT_EQ(cut("{\n  \"signature\": \"s\",\n  \"a\": 1\n}"), "{\n  \"a\": 1\n}");
  EXPECT_EQ(cut("{\n  \"a\": 1,\n  \"signature\": \"s\",\n  \"b\": 2\n}"), "{\n  \"a\": 1,\n  \"b\": 2\n}");
  EXPECT_EQ(cut(" \t\r\n{ \"a\" : 1 ,\"signature\" : \"s\" } "), " \t\r\n{ \"a\" : 1  } ");
}

TEST(JsonScanner, FindsTheNameHoweverItIsSpelled) {
  EXPECT_EQ(cut(R"({"a":1,"\u0073ignature":"s"})"), R"({"a":1})");
  EXPECT_EQ(cut(R"({"a":1,"\u0073\u0069\u0067\u006e\u0061\u0074\u0075\u0072\u0065":"s"})"), R"({"a":1})");
  EXPECT_EQ(cut(R"({"a":1,"signatur\u0065":"s"})"), R"({"a":1})");
  EXPECT_EQ(cut(R"({"a":1,"signatur\u006E":"s"})"), R"({"a":1,"signatur\u006E":"s"})");
  for (const std::string_view other :
       {"signatures", "signatur", "Signature", " signature", "signature\\n", "\\signature"}) {
    const std::string text = R"({"a":1,")" + std::string(other) + R"(":"s"})";
    EXPECT_EQ(cut(text), text);
  }
}

TEST(JsonScanner, A41CutsTheTopLevelOneOnly) {
  EXPECT_EQ(cut(R"({"m":{"signature":"x"},"l":[{"signature":1}],"v":"signature","signature":"s"})"),
            R"({"m":{"signature":"x"},"l":[{"signature":1}],"v":"signature"})");
  EXPECT_EQ(cut(R"({"a":"\",\"signature\":\"x","signature":"s"})"), R"({"a":"\",\"signature\":\"x"})");
  EXPECT_EQ(cut(R"({"a":"\\","signature":"s"})"), R"({"a":"\\"})");
}

TEST(JsonScanner, CutsASignatureThatIsNoString) {
  EXPECT_EQ(cut(R"({"signature":{"a":[1,2],"b":{}},"z":1})"), R"({"z":1})");
  EXPECT_EQ(cut(R"({"z":1,"signature":[1,{"c":2}]})"), R"({"z":1})");
  EXPECT_EQ(cut(R"({"z":1,"signature":null})"), R"({"z":1})");
}

TEST(JsonScanner, A40RefusesTwoSignatures) {
  EXPECT_TRUE(cut(R"({"signature":"a","signature":"b"})").starts_with("refused"));
  EXPECT_TRUE(cut(R"({"signature":"a","x":1,"\u0073ignature":"b"})").starts_with("refused"));
}

TEST(JsonScanner, CountsTheMembersOfAllObjects) {
  EXPECT_EQ(scan_json(R"({"a":{"b":[{"c":":"},{"d":1}]},"e":{}})")->members, 5U);
  EXPECT_EQ(scan_json("{}")->members, 0U);
}

TEST(JsonScanner, A33WantsAnObject) {
  for (const std::string_view text : {"", " ", "null", "[]", "\"x\"", "1", "\xEF\xBB\xBF{}", "signature"}) {
    EXPECT_FALSE(scan_json(text)) << text;
  }
}

TEST(JsonScanner, A42A43BoundsDepthCountAndSize) {
  const auto nested = [](std::size_t depth) {
    return "{\"a\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
  };
  EXPECT_TRUE(scan_json(nested(door::kMaxJsonDepth)));
  EXPECT_FALSE(scan_json(nested(door::kMaxJsonDepth + 1)));
  EXPECT_FALSE(scan_json("{\"a\":" + std::string(60000, '[')));

  // The object, the list and its elements.
  const auto list = [](std::size_t elements) {
    std::string text = "{\"a\":[1";
    for (std::size_t i = 1; i < elements; ++i) text += ",1";
    return text + "]}";
  };
  EXPECT_TRUE(scan_json(list(kMaxJsonNodes - 2)));
  EXPECT_FALSE(scan_json(list(kMaxJsonNodes)));

  const std::string frame = R"({"a":""})";
  const auto sized = [&](std::size_t bytes) { return R"({"a":")" + std::string(bytes - frame.size(), 'x') + "\"}"; };
  EXPECT_TRUE(scan_json(sized(kMaxJsonBytes)));
  EXPECT_FALSE(scan_json(sized(kMaxJsonBytes + 1)));
}

TEST(JsonScanner, NeverReadsPastBrokenText) {
  for (const std::string_view text : {"{",
                                      "{\"",
                                      "{\"\\",
                                      "{\"a",
                                      "{\"a\"",
                                      "{\"a\":",
                                      "{\"a\":\"",
                                      "{\"a\":1,",
                                      "{,",
                                      "{:",
                                      "{::::",
                                      "{}}}}",
                                      "{]",
                                      "{\"signature\"",
                                      "{\"signature\":",
                                      "{\"signature\":1,",
                                      "{\"signature\":1",
                                      "{\"\\u00",
                                      "{\"\\u0073",
                                      "}",
                                      "{}{\"signature\":1}",
                                      "{\"signature\"}",
                                      "{\"signature\",\"a\"}"}) {
    const auto scan = scan_json(text);
    if (!scan) continue;
    EXPECT_LE(scan->cut_begin, scan->cut_end) << text;
    EXPECT_LE(scan->cut_end, text.size()) << text;
  }
}

// Splices a signature into random documents at a random place and expects the document back.
TEST(JsonScanner, GivesBackWhatWasSigned) {
  std::mt19937 random(1);
  const auto pick = [&](std::initializer_list<std::string_view> words) {
    return std::string(words.begin()[random() % words.size()]);
  };
  for (int round = 0; round < 2000; ++round) {
    const std::string space = pick({"", " ", "\n  ", "\t"});
    std::vector<std::string> members;
    for (std::size_t i = 0; i < random() % 6; ++i) {
      members.push_back(
          "\"k" + std::to_string(i) + "\":" + space +
          pick({"1", "\"a,b\"", "\"}\\\"\"", "[1,{\"signature\":2}]", "{}", "{\"x\":[]}", "null", "\"\\\\\""}));
    }
    const auto joined = [&](const std::vector<std::string>& all) {
      std::string text = "{";
      for (std::size_t i = 0; i < all.size(); ++i) text += (i == 0 ? "" : "," + space) + all[i];
      return text + "}";
    };
    std::vector<std::string> with = members;
    with.insert(
        with.begin() + static_cast<std::ptrdiff_t>(random() % (members.size() + 1)),
        pick({"\"signature\"", "\"signatur\\u0065\""}) + pick({"", " "}) + ":" + space + pick({"\"s\"", "\"\"", "[]"}));
    EXPECT_EQ(cut(joined(with)), joined(members));
  }
}

}  // namespace
}  // namespace vodlift::legacy
