// The field `php`: both encodings under it, both signing rules, answers that PHP's unserialize() reads.
#include <boost/json/object.hpp>

#include "legacy/php_request.h"
#include "legacy/php_value.h"
#include "legacy/router_test.h"

namespace vodlift::legacy {
namespace {

enum class Rule { json, serialized };

class RouterPhp : public RouterTest {
 protected:
  static net::Request php_form(std::string_view value) {
    net::Request request = form_request("");
    request.body = "php=" + uri_encode(value);
    return request;
  }

  // The envelope of an answer that is serialized.
  static boost::json::value serialized_envelope(const net::Response& response) {
    EXPECT_EQ(response.content_type, "application/vnd.php.serialized");
    const auto document = parse_php(response.body);
    if (!document) throw std::runtime_error(response.body + ": " + document.error().message);
    return json_from_php(document->root, {});
  }
  boost::json::value ask_php(std::string_view value) {
    const net::Response response = ask(php_form(value));
    EXPECT_EQ(response.status, 200);
    return serialized_envelope(response);
  }

  // The array of this JSON text, serialized and signed; the signature is the last pair.
  static std::string signed_php(std::string_view json, Rule rule, std::string_view secret = kSecret) {
    PhpValue array = php_from_json(boost::json::parse(json));
    const std::string text = rule == Rule::json ? php_json_encode(array).value() : php_serialize(array);
    std::get<PhpArray>(array.is).push_back({std::string("signature"), {hmac_base64(text, secret)}});
    return php_serialize(array);
  }
  static std::string upload_text(std::string_view more = "") {
    return call_text("aws.upload", std::string(kUploadFields) + std::string(more));
  }
};

TEST_F(RouterPhp, B04TakesBothSigningRules) {
  for (const Rule rule : {Rule::json, Rule::serialized}) {
    const auto envelope = ask_php(signed_php(call_text("aws.status"), rule));
    EXPECT_EQ(verdict(envelope), "success");
    EXPECT_TRUE(envelope.at("data").is_array());
  }
}

TEST_F(RouterPhp, TakesWhatPhpSignedAndSerialized) {
  // Written by php-cli: json_encode() was signed, and the serialized array without the signature.
  const std::string head =
      "s:7:\"command\";s:16:\"files.getstorage\";s:7:\"api_key\";s:32:\"APX4GKLM0RKQLSP2FBO1ROPKSSW47DZE\";s:9:"
      "\"timestamp\";"
      "i:1700000000;s:3:\"cdn\";i:158;";
  const auto with = [&](std::string_view signature) {
    return "a:5:{" + head + "s:9:\"signature\";s:44:\"" + std::string(signature) + "\";}";
  };
  EXPECT_EQ(verdict(ask_php(with("W7CajVZH/emrZVr+dIkHmPRyAf9GKJoXR2E93bmNbkk="))), "success");
  EXPECT_EQ(verdict(ask_php(with("QCB61ZU/YT17M82+RmC27zaeAv2KHN2BqRor9sBjs+U="))), "success");
}

TEST_F(RouterPhp, AnswersJsonTextInPhpToo) {
  const auto envelope = ask_php(signed_json(call_text("files.getstorage")));
  EXPECT_EQ(verdict(envelope), "success");
  EXPECT_EQ(envelope.at("data").at(0).at("storage"), "sestore4");
}

TEST_F(RouterPhp, B16B21OneRequestHasOneIdentity) {
  const std::string text = upload_text();
  const auto by_json = ask_php(signed_php(text, Rule::json));
  EXPECT_EQ(verdict(by_json), "success");
  EXPECT_EQ(by_json.at("data"), 1);
  // Captured: the same array by the other rule, as JSON in either field, with the signature elsewhere.
  EXPECT_EQ(ask_php(signed_php(text, Rule::serialized)).at("data"), 1);
  const std::string json = php_json_encode(php_from_json(boost::json::parse(text))).value();
  EXPECT_EQ(ask_json(signed_json(json)).at("data"), 1);
  EXPECT_EQ(ask_php(signed_json(json)).at("data"), 1);
  for (const Rule rule : {Rule::json, Rule::serialized}) {
    PhpValue moved = parse_php(signed_php(text, rule)).value().root;
    auto& pairs = std::get<PhpArray>(moved.is);
    std::rotate(pairs.begin(), pairs.end() - 1, pairs.end());
    EXPECT_EQ(ask_php(php_serialize(moved)).at("data"), 1);
  }
  EXPECT_EQ(uploads_.all().size(), 1U);
  EXPECT_EQ(ask_php(signed_php(upload_text(R"(,"priority":3)"), Rule::json)).at("data"), 2);
}

TEST_F(RouterPhp, FloatsOfOtherSpellingAreTheSameRequest) {
  const auto with_note = [](std::string_view spelling) {
    std::string text = signed_php(upload_text(R"(,"note":1.5)"), Rule::json);
    const std::size_t at = text.find("d:1.5;");
    return text.replace(at, 6, spelling);
  };
  EXPECT_EQ(ask_php(with_note("d:1.5;")).at("data"), 1);
  EXPECT_EQ(ask_php(with_note("d:1.50E+0;")).at("data"), 1);
  EXPECT_EQ(uploads_.all().size(), 1U);
}

TEST_F(RouterPhp, B05RefusesEveryFlippedBit) {
  for (const Rule rule : {Rule::json, Rule::serialized}) {
    const std::string text = signed_php(call_text("aws.status"), rule);
    ASSERT_EQ(verdict(ask_php(text)), "success");
    for (std::size_t i = 0; i < text.size(); ++i) {
      for (int bit = 0; bit < 8; ++bit) {
        std::string flipped = text;
        flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
        ASSERT_NE(verdict(ask_php(flipped)), "success") << flipped;
      }
    }
  }
}

TEST_F(RouterPhp, RefusesOtherSignatures) {
  const std::string text = call_text("aws.status");
  for (const Rule rule : {Rule::json, Rule::serialized}) {
    EXPECT_TRUE(verdict(ask_php(signed_php(text, rule, kOtherSecret))).starts_with("0003"));
    EXPECT_TRUE(verdict(ask_php(signed_php(text, rule, *from_hex(kSecret)))).starts_with("0003"));
  }
  EXPECT_TRUE(verdict(ask_php(php_serialize(php_from_json(boost::json::parse(text))))).starts_with("0003"));
  // The text that was sent as JSON is not the one that PHP makes of the array: there is no third rule.
  PhpValue array = php_from_json(boost::json::parse(text));
  std::get<PhpArray>(array.is).push_back({std::string("signature"), {hmac_base64(text + " ", kSecret)}});
  EXPECT_TRUE(verdict(ask_php(php_serialize(array))).starts_with("0003"));
}

TEST_F(RouterPhp, TypesOfPhpMeetTheRulesOfJson) {
  const auto verdict_with = [&](std::string_view from, std::string_view to) {
    std::string text = upload_text(R"(,"priority":5)");
    const std::size_t at = text.find(from);
    return verdict(ask_php(signed_php(text.replace(at, from.size(), to), Rule::serialized)));
  };
  EXPECT_EQ(verdict_with("\"cdn\":158", R"("cdn":"158")"), "success");
  EXPECT_EQ(verdict_with("\"priority\":5", R"("priority":"5")"), "success");
  EXPECT_EQ(verdict_with("\"priority\":5", R"("priority":5.0)"), "success");
  EXPECT_EQ(verdict_with(R"({"param1":"value1"})", "[]"), "success");
  EXPECT_EQ(verdict_with("\"priority\":5", R"("priority":5.5)"), "2001: priority: must be a whole number, 0 to 9");
  EXPECT_EQ(verdict_with("\"priority\":5", R"("priority":true)"), "2001: priority: must be a whole number, 0 to 9");
  EXPECT_EQ(verdict_with(R"({"param1":"value1"})", "[1]"), "2001: metadata: must be an object of names and values");
}

TEST_F(RouterPhp, A70FailuresAreSerialized) {
  EXPECT_TRUE(verdict(ask_php("")).starts_with("2001: php: "));
  EXPECT_TRUE(verdict(ask_php("O:8:\"stdClass\":0:{}")).starts_with("2001: php: "));
  EXPECT_TRUE(verdict(ask_php("{")).starts_with("2001: json: "));
  EXPECT_EQ(verdict(ask_php(signed_php(call_text("\\\"<&'\\u0001é"), Rule::json))),
            "0000: unrecognized API command: \"<&'\\x01é");
  const auto envelope = ask_php("a:0:{}");
  EXPECT_EQ(verdict(envelope).substr(0, 4), "0001");
  EXPECT_EQ(envelope.at("status"), "failure");
  EXPECT_EQ(envelope.at("data"), 0);
}

TEST_F(RouterPhp, FaultsOfTheFormToo) {
  net::Request request = form_request("");
  const auto answer_to = [&](std::string_view body) {
    request.body = body;
    return ask(request);
  };
  EXPECT_EQ(verdict(serialized_envelope(answer_to("php=1&php=2"))), "2001: form: the field php occurs twice");
  const net::Response broken = answer_to("php=1&x=%zz");
  EXPECT_EQ(broken.status, 400);
  EXPECT_TRUE(verdict(serialized_envelope(broken)).starts_with("2001: form: a %"));
  std::string many = "php=1";
  for (int i = 0; i < 20; ++i) many += "&a=b";
  EXPECT_EQ(answer_to(many).content_type, "application/vnd.php.serialized");
  // Both fields, or none that was seen: JSON.
  for (const std::string_view body : {"php=1&json=1", "json=1&php=1", "json=1&x=%zz", "x=%zz&php=1", "x=1"}) {
    EXPECT_TRUE(verdict(envelope_of(answer_to(body))).starts_with(body == "x=1" ? "0006" : "2001")) << body;
  }
}

TEST_F(RouterPhp, BrokenServersAnswerInPhp) {
  uploads_.broken = true;
  EXPECT_TRUE(verdict(ask_php(signed_php(call_text("aws.status"), Rule::json))).starts_with("0004: unexpected error"));
}

}  // namespace
}  // namespace vodlift::legacy
