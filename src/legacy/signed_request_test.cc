#include "legacy/signed_request.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace vodlift::legacy {
namespace {

constexpr std::string_view kSecret = "8fc8c48da81e6a2a06a9556379bf798af508dc0792497c678b4c3532ba8b637f";
// Signed by PHP 8.2: base64_encode(hash_hmac('sha256', json_encode($request), $secret, true)).
constexpr std::string_view kPhpText =
    R"({"command":"aws.upload","api_key":"APX4GKLM0RKQLSP2FBO1ROPKSSW47DZE","timestamp":1700000000,"cdn":158,)"
    R"("path":"sestore4\/jb\/path\/to\/file.mp4","destination_path":"path\/to\/file.mp4",)"
    R"("metadata":{"param1":"value1","title":"\u00dcn\u00efcode \/ \"q\""},"acl":"private","bucket":"my_bucket",)"
    R"("callback":"www.mycallbackurl.com\/"})";
constexpr std::string_view kPhpSignature = "yFfu0snGFOxeAz6X2Fogknk3B/IlLfwBu+LKDfYrwUw=";
// Signed by Python 3: base64.b64encode(hmac.new(secret, json.dumps(request).encode(), hashlib.sha256).digest()).
constexpr std::string_view kPythonText =
    R"({"command": "aws.status", "api_key": "APX4GKLM0RKQLSP2FBO1ROPKSSW47DZE", "timestamp": 1700000000, )"
    R"("cdn": "158", "id": [1, 2]})";
constexpr std::string_view kPythonSignature = "Vh/rApKjch5OJApk4b04WCTfYxOYJavrI73eWNxl9qQ=";

bool matches(std::string_view text, std::string_view signature, std::string_view secret = kSecret) {
  return verify_signature(text, signature, secret).matches;
}

TEST(Signature, AgreesWithPhpAndPython) {
  EXPECT_TRUE(matches(kPhpText, kPhpSignature));
  EXPECT_TRUE(matches(kPythonText, kPythonSignature));
}

// The vector that docs/api.md gives to developers of clients.
TEST(Signature, AgreesWithTheDocumentedVector) {
  EXPECT_TRUE(matches(
      R"({"command":"files.getstorage","api_key":"APX4GKLM0RKQLSP2FBO1ROPKSSW47DZE","timestamp":1700000000,"cdn":158})",
      "W7CajVZH/emrZVr+dIkHmPRyAf9GKJoXR2E93bmNbkk="));
}

TEST(Signature, GivesTheMacWhetherItMatchesOrNot) {
  const SignatureVerdict right = verify_signature(kPhpText, kPhpSignature, kSecret);
  EXPECT_EQ(to_base64(right.mac), kPhpSignature);
  EXPECT_EQ(verify_signature(kPhpText, "", kSecret).mac, right.mac);
}

TEST(Signature, B06FailsForEveryFlippedBit) {
  for (std::size_t i = 0; i < kPhpSignature.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped(kPhpSignature);
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      EXPECT_FALSE(matches(kPhpText, flipped)) << flipped;
    }
  }
}

TEST(Signature, B07TakesCanonicalBase64Only) {
  const std::string right(kPhpSignature);
  std::string url_safe = right;
  for (char& c : url_safe) c = c == '/' ? '_' : c == '+' ? '-' : c;
  const std::string mac = *from_base64(right);
  for (const std::string& wrong :
       {std::string(), right.substr(0, 43), right + "=", right + "\n", " " + right, url_safe, to_hex(bytes_of(mac)),
        right.substr(0, 42) + "x=", to_base64(bytes_of(mac.substr(0, 31))), to_base64(bytes_of(mac + "x")), mac}) {
    EXPECT_FALSE(matches(kPhpText, wrong)) << wrong;
  }
}

TEST(Signature, B08UsesTheSecretAsItIsWritten) {
  EXPECT_FALSE(matches(kPhpText, kPhpSignature, *from_hex(kSecret)));
  EXPECT_FALSE(matches(kPhpText, kPhpSignature, ""));
}

}  // namespace
}  // namespace vodlift::legacy
