// Who may call: key, cdn, timestamp, signature, and the order in which they are judged.
#include "legacy/router_test.h"

namespace vodlift::legacy {
namespace {

class RouterAuth : public RouterTest {
 protected:
  std::string status_text(std::string_view more = "") { return call_text("aws.status", more); }
  static std::string replaced(std::string text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  }
  std::string verdict_signed(const std::string& text) { return verdict(ask_signed(text)); }
  std::string verdict_raw(std::string_view text) { return verdict(ask_json(text)); }
};

TEST_F(RouterAuth, B01TakesWhatPhpSigned) {
  const auto envelope = ask_json(
      R"({"command":"aws.upload","api_key":"APX4GKLM0RKQLSP2FBO1ROPKSSW47DZE","timestamp":1700000000,"cdn":158,)"
      R"("path":"sestore4\/jb\/path\/to\/file.mp4","destination_path":"path\/to\/file.mp4",)"
      R"("metadata":{"param1":"value1","title":"\u00dcn\u00efcode \/ \"q\""},"acl":"private","bucket":"my_bucket",)"
      R"("callback":"www.mycallbackurl.com\/","signature":"yFfu0snGFOxeAz6X2Fogknk3B\/IlLfwBu+LKDfYrwUw="})");
  EXPECT_EQ(verdict(envelope), "success");
  EXPECT_EQ(envelope.at("data"), 1);
  EXPECT_EQ(uploads_.all().at(0).request.metadata.at("title"), "Ünïcode / \"q\"");
}

TEST_F(RouterAuth, B02TakesWhatPerlSplices) {
  std::string text = call_text("aws.upload", R"(,"bucket":"my_bucket","path":"sestore4/jb/path/to/file.mp4",)"
                                             R"("metadata":{"title":"Ünïcode"},"destination_path":"a/b.mp4")");
  const std::string signature = hmac_base64(text, kSecret);
  text.insert(text.rfind('}'), ",\"signature\":\"" + signature + "\"");
  EXPECT_EQ(verdict_raw(text), "success");
}

TEST_F(RouterAuth, B03TakesPythonsSpacesAndTheSignatureAnywhere) {
  constexpr std::string_view kHead = R"("command": "aws.status", "api_key": "APX4GKLM0RKQLSP2FBO1ROPKSSW47DZE")";
  constexpr std::string_view kTail = R"("timestamp": 1700000000, "cdn": "158", "id": [1, 2])";
  constexpr std::string_view kSignature = R"("signature": "Vh/rApKjch5OJApk4b04WCTfYxOYJavrI73eWNxl9qQ=")";
  const auto joined = [](std::string_view a, std::string_view b, std::string_view c) {
    return "{" + std::string(a) + ", " + std::string(b) + ", " + std::string(c) + "}";
  };
  ask_signed(call_text("aws.upload", kUploadFields));
  EXPECT_EQ(verdict_raw(joined(kHead, kTail, kSignature)), "success");
  EXPECT_EQ(verdict_raw(joined(kHead, kSignature, kTail)), "success");
  EXPECT_EQ(verdict_raw(joined(kSignature, kHead, kTail)), "success");
  EXPECT_EQ(verdict_raw(joined(kHead, kTail, replaced(std::string(kSignature), "signature", "\\u0073ignature"))),
            "success");
}

TEST_F(RouterAuth, A40RefusesTwoSignatures) {
  const std::string text = signed_json(status_text());
  const std::string twice = replaced(text, "{", R"({"\u0073ignature":"x",)");
  EXPECT_TRUE(verdict_raw(twice).starts_with("2001: json: the member signature occurs twice")) << verdict_raw(twice);
}

TEST_F(RouterAuth, B05RefusesEveryFlippedBit) {
  const std::string text = signed_json(status_text());
  ASSERT_EQ(verdict_raw(text), "success");
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = text;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      ASSERT_NE(verdict_raw(flipped), "success") << flipped;
    }
  }
}

TEST_F(RouterAuth, B06RefusesOtherSignatures) {
  const std::string text = status_text();
  const auto with = [&](std::string_view value) {
    return replaced(text, "\"cdn\"", "\"signature\":" + std::string(value) + ",\"cdn\"");
  };
  const std::string right = hmac_base64(text, kSecret);
  EXPECT_EQ(verdict_raw(with("\"" + right + "\"")), "success");
  for (const std::string& value :
       {std::string("\"\""), std::string("null"), std::string("5"), std::string("{}"), "[\"" + right + "\"]",
        "\"" + right.substr(1) + "\"", "\"" + right + "\\n\"", "\"" + hmac_base64(text, *from_hex(kSecret)) + "\"",
        "\"" + hmac_base64(text, kOtherSecret) + "\""}) {
    EXPECT_TRUE(verdict_raw(with(value)).starts_with("0003: failed HMAC-SHA256 signature"))
        << value << verdict_raw(with(value));
  }
  EXPECT_EQ(verdict_raw(text), "0003: failed HMAC-SHA256 signature: the member signature is missing");
}

TEST_F(RouterAuth, A31HintsAtThePlusThatBecameASpace) {
  std::string text;
  for (int i = 0; text.find('+') == std::string::npos; ++i)
    text = signed_json(status_text(",\"offset\":" + std::to_string(i)));
  net::Request request = form_request("");
  request.body = "json=" + text;
  const auto envelope = envelope_of(ask(std::move(request)));
  EXPECT_TRUE(verdict(envelope).starts_with("0003")) << verdict(envelope);
  EXPECT_NE(verdict(envelope).find("%2B"), std::string::npos);
}

TEST_F(RouterAuth, B10B11UnknownRevokedAndForeignKeysAnswerAlike) {
  const std::string text = status_text();
  const std::string unknown = verdict_signed(replaced(text, kApiKey, "NOSUCHKEY"));
  EXPECT_EQ(unknown, "0001: CDN authorization failed: no active API key like this for this cdn");
  EXPECT_EQ(verdict_signed(replaced(text, "158", "159")), unknown);
  EXPECT_EQ(verdict_signed(replaced(text, "158", "-1")), unknown);
  EXPECT_EQ(verdict_signed(replaced(text, kApiKey, "")), unknown);
  ASSERT_EQ(verdict_signed(text), "success");
  ASSERT_TRUE(accounts_.revoke_key(kApiKey, clock_.now()));
  EXPECT_EQ(verdict_signed(text), unknown);
}

TEST_F(RouterAuth, B11ExpiredKeysAndOtherAddressesAnswerAsUnknownOnes) {
  const std::string text = status_text();
  const std::string unknown = verdict_signed(replaced(text, kApiKey, "NOSUCHKEY"));
  change_key([&](ApiKey& key) {
    key.expires = clock_.now() + std::chrono::milliseconds(1);
    key.networks = {parse_network("192.0.2.0/24").value()};
  });
  EXPECT_EQ(verdict_signed(text), "success");
  clock_.unix_ms += 1;
  EXPECT_EQ(verdict_signed(text), unknown);
  change_key([](ApiKey& key) {
    key.expires.reset();
    key.networks = {parse_network("198.51.100.0/24").value()};
  });
  EXPECT_EQ(verdict_signed(text), unknown);
}

TEST_F(RouterAuth, B24BothSecretsAreGoodForTheOverlapAndRepeatsAreKnownThroughIt) {
  const auto status = [&](std::string_view secret) { return verdict_raw(signed_json(status_text(), secret)); };
  const std::string upload = signed_json(call_text("aws.upload", kUploadFields));
  EXPECT_EQ(ask_json(upload).at("data"), 1);
  ASSERT_TRUE(accounts_.change_key(kApiKey, [&](ApiKey& key) {
    return rotate(key, Secret("another secret"), clock_.now(), std::chrono::seconds(10));
  }));
  EXPECT_EQ(status(kSecret), "success");
  EXPECT_EQ(status("another secret"), "success");
  EXPECT_TRUE(status(kOtherSecret).starts_with("0003"));
  EXPECT_EQ(ask_json(upload).at("data"), 1) << "the same bytes are the same upload";
  clock_.unix_ms += 9'999;
  EXPECT_EQ(status(kSecret), "success");
  clock_.unix_ms += 1;
  EXPECT_TRUE(status(kSecret).starts_with("0003"));
  EXPECT_EQ(status("another secret"), "success");
  EXPECT_TRUE(verdict_raw(upload).starts_with("0003"));
}

TEST_F(RouterAuth, NotesTheUseOfAKeyOnlyWhenTheSignatureIsRight) {
  verdict_raw(signed_json(status_text(), kOtherSecret));
  verdict_signed(replaced(status_text(), "1700000000", "1"));
  ASSERT_TRUE(usage_.flush());
  EXPECT_FALSE(accounts_.find_key(kApiKey)->last_used);
  verdict_signed(status_text());
  EXPECT_FALSE(accounts_.find_key(kApiKey)->last_used) << "nothing is written while a request is judged";
  ASSERT_TRUE(usage_.flush());
  EXPECT_EQ(accounts_.find_key(kApiKey)->last_used, clock_.now());
  EXPECT_FALSE(accounts_.find_key(kOtherKey)->last_used);
}

TEST_F(RouterAuth, B09RefusesAnotherAccountsSecret) {
  EXPECT_TRUE(verdict_raw(signed_json(status_text(), kOtherSecret)).starts_with("0003"));
}

TEST_F(RouterAuth, TellsAMissingOrMalformedKeyAndCdn) {
  const std::string text = status_text();
  EXPECT_EQ(verdict_signed(replaced(text, "api_key", "apikey")), "0001: CDN authorization failed: api_key is missing");
  EXPECT_EQ(verdict_signed(replaced(text, "cdn", "cnd")), "0001: CDN authorization failed: cdn is missing");
  EXPECT_EQ(verdict_signed(replaced(text, "\"" + std::string(kApiKey) + "\"", "17")),
            "0001: CDN authorization failed: api_key must be a string");
  for (const std::string_view key : {"false", "null", "[]", "\"\""}) {
    EXPECT_TRUE(verdict_signed(replaced(text, "\"" + std::string(kApiKey) + "\"", key)).starts_with("0001: ")) << key;
  }
  for (const std::string_view cdn :
       {"\" 158 \"", "\"1e9\"", "\"0x1\"", "158.5", "null", "[158]", "9223372036854775808", "false", "\"\""}) {
    EXPECT_EQ(verdict_signed(replaced(text, "158", cdn)), "0001: CDN authorization failed: cdn must be a whole number")
        << cdn;
  }
}

TEST_F(RouterAuth, A59TakesCdnOrCdnIdAsNumberOrString) {
  const std::string text = status_text();
  for (const std::string_view cdn : {R"("cdn":"158")", R"("cdn":158.0)", R"("cdn_id":1.58e2)", R"("cdn_id":158)",
                                     R"("cdn_id":"158")", R"("cdn":158,"cdn_id":"158")"}) {
    EXPECT_EQ(verdict_signed(replaced(text, "\"cdn\":158", cdn)), "success") << cdn;
  }
  EXPECT_EQ(verdict_signed(replaced(text, "\"cdn\":158", R"("cdn":158,"cdn_id":159)")),
            "2001: cdn: cdn and cdn_id differ; send one of them");
}

TEST_F(RouterAuth, B13B14KeepsTheTimestampWindow) {
  const std::string text = status_text();
  const auto at = [&](std::string_view timestamp) { return verdict_signed(replaced(text, "1700000000", timestamp)); };
  for (const std::string_view good : {"1699999700", "1700000300", "1700000000.0", "\"1700000000\"", "\"1699999700\""})
    EXPECT_EQ(at(good), "success") << good;
  for (const std::string_view bad :
       {"1699999699", "1700000301", "0", "-1", "2147483648", "9223372036854775807", "-9223372036854775808"}) {
    EXPECT_EQ(at(bad),
              "0002: timestamp is outside the valid range: the server's time is 1700000000, and 300 s before or after "
              "are accepted")
        << bad;
  }
  for (const std::string_view bad :
       {"9223372036854775808", "1700000000.5", "1.7e-9", "null", "[1700000000]", "\"\"", "\"now\""}) {
    EXPECT_TRUE(at(bad).starts_with("0002: timestamp is not a whole number")) << bad << at(bad);
  }
  EXPECT_TRUE(verdict_signed(replaced(text, "timestamp", "time"))
                  .starts_with("0002: timestamp is missing: the server's time is 1700000000"));
}

TEST_F(RouterAuth, TheWindowFollowsTheClock) {
  const std::string text = status_text();
  clock_.unix_ms = (kNow + 300) * 1000 + 999;
  EXPECT_EQ(verdict_signed(text), "success");
  clock_.unix_ms = (kNow + 301) * 1000;
  EXPECT_TRUE(verdict_signed(text).starts_with("0002"));
  clock_.unix_ms = (kNow - 300) * 1000;
  EXPECT_EQ(verdict_signed(text), "success");
  clock_.unix_ms = (kNow - 300) * 1000 - 1;
  EXPECT_TRUE(verdict_signed(text).starts_with("0002"));
}

// Each text has every later fault as well: the first fault in the contract's order must be reported.
TEST_F(RouterAuth, JudgesInTheOrderOfTheContract) {
  std::string text = R"({"command":"nonsense","api_key":"NOSUCHKEY","timestamp":1,"cdn":158,"id":"x","signature":"x"})";
  EXPECT_TRUE(verdict_raw(text + "}").starts_with("2001: json"));
  EXPECT_TRUE(verdict_raw(text).starts_with("0001"));
  text = replaced(text, "NOSUCHKEY", kApiKey);
  EXPECT_TRUE(verdict_raw(text).starts_with("0002"));
  text = replaced(text, ":1,", ":1700000000,");
  EXPECT_TRUE(verdict_raw(text).starts_with("0003"));
  text = replaced(text, R"(,"signature":"x")", "");
  EXPECT_TRUE(verdict_signed(text).starts_with("0000"));
  text = replaced(text, "nonsense", "aws.status");
  EXPECT_TRUE(verdict_signed(text).starts_with("2001: id"));
  EXPECT_EQ(verdict_signed(replaced(text, "\"x\"", "1")), "2005: no such upload for this account");
}

TEST_F(RouterAuth, A41LeavesASignatureInMetadataAlone) {
  const std::string fields = replaced(std::string(kUploadFields), R"("param1":"value1")", R"("signature":"mine")");
  EXPECT_EQ(verdict_signed(call_text("aws.upload", fields)), "success");
  EXPECT_EQ(uploads_.all().at(0).request.metadata.at("signature"), "mine");
}

TEST_F(RouterAuth, A33A48TellsWhatIsNoRequest) {
  for (const std::string_view text : {"null", "[]", "\"x\"", "1", "{", "{}x", "{\"a\":1,\"a\":1}"}) {
    EXPECT_TRUE(verdict_raw(text).starts_with("2001: json: ")) << text;
  }
  EXPECT_TRUE(verdict_raw("{}").starts_with("0001: "));
}

}  // namespace
}  // namespace vodlift::legacy
