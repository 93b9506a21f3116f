#include "s3/sigv4.h"

#include <gtest/gtest.h>

#include <future>

#include "base/hash.h"

namespace vodlift::s3 {
namespace {

// The worked examples of the S3 API Reference: their published key pair, 2013-05-24T00:00:00Z, us-east-1.
SigningCredentials example_credentials() {
  return {"AKIAIOSFODNN7EXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), Secret(), "us-east-1"};
}
constexpr WallTime kExampleTime = WallTime(std::chrono::seconds(1369353600));

std::string hash_of(std::string_view payload) {
  const auto digest = sha256(bytes_of(payload));
  return to_hex({digest.data(), digest.size()});
}

std::string signature_of(const UnsignedRequest& request) {
  const std::string authorization = sign(request, example_credentials(), kExampleTime).authorization;
  return authorization.substr(authorization.rfind('=') + 1);
}

UnsignedRequest example(std::string method, std::string path) {
  UnsignedRequest request;
  request.method = std::move(method);
  request.host = "examplebucket.s3.amazonaws.com";
  request.path = std::move(path);
  request.payload_hash = hash_of("");
  return request;
}

TEST(SigV4, GetObjectWithRange) {
  UnsignedRequest request = example("GET", "/test.txt");
  request.headers = {{"range", "bytes=0-9"}};
  EXPECT_EQ(signature_of(request), "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(SigV4, PutObject) {
  UnsignedRequest request = example("PUT", "/test$file.text");
  request.headers = {{"date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
  request.payload_hash = hash_of("Welcome to Amazon S3.");
  EXPECT_EQ(signature_of(request), "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST(SigV4, QueryParameterWithoutValue) {
  UnsignedRequest request = example("GET", "/");
  request.query = {{"lifecycle", ""}};
  EXPECT_EQ(signature_of(request), "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

TEST(SigV4, QueryParametersAreSorted) {
  UnsignedRequest request = example("GET", "/");
  request.query = {{"prefix", "J"}, {"max-keys", "2"}};
  EXPECT_EQ(signature_of(request), "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(SigV4, KeysAreEncodedByteForByteAndNeverNormalised) {
  const SignedRequest out = sign(example("GET", "/b/a+b c%2F~\xC3\xA9//../x"), example_credentials(), kExampleTime);
  EXPECT_EQ(out.path_and_query, "/b/a%2Bb%20c%252F~%C3%A9//../x");
}

TEST(SigV4, AKeptSigningKeyIsUsedOnlyForItsDayRegionAndService) {
  std::vector<std::pair<SigningCredentials, WallTime>> uses(5, {example_credentials(), kExampleTime});
  uses[1].first.secret_key = Secret("another");
  uses[2].first.region = "eu-central-1";
  uses[3].first.service = "sts";
  uses[4].second += std::chrono::days(1);
  const auto authorization = [](const auto& use) {
    return sign(example("GET", "/k"), use.first, use.second).authorization;
  };
  for (const auto& use : uses) {
    const std::string fresh = std::async(std::launch::async, authorization, use).get();
    EXPECT_EQ(authorization(use), fresh);
    EXPECT_EQ(authorization(use), fresh);
  }
}

TEST(SigV4, SignsHeadersByNameWithEqualNamesJoinedAndSpacesInOnes) {
  UnsignedRequest sent = example("PUT", "/k");
  sent.headers = {{"x-amz-meta-b", "z"}, {"x-amz-meta-a", "1"}, {"content-type", "t"}, {"x-amz-meta-a", " 2 \t 3 "}};
  UnsignedRequest same = example("PUT", "/k");
  same.headers = {{"content-type", "t"}, {"x-amz-meta-a", "1,2 3"}, {"x-amz-meta-b", "z"}};
  EXPECT_EQ(signature_of(sent), signature_of(same));
  same.headers[1].second = "2 3,1";
  EXPECT_NE(signature_of(sent), signature_of(same));
}

TEST(SigV4, SendsEveryHeaderItSigned) {
  UnsignedRequest request = example("PUT", "/k");
  request.headers = {{"x-amz-meta-a", "two  spaces"}};
  SigningCredentials credentials = example_credentials();
  credentials.session_token = Secret("token");
  const SignedRequest out = sign(request, credentials, kExampleTime);
  EXPECT_NE(out.authorization.find("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-meta-a;"
                                   "x-amz-security-token,"),
            std::string::npos);
  EXPECT_EQ(out.headers.size(), 5U);
  EXPECT_EQ(out.headers[0], "x-amz-meta-a: two  spaces");
}

}  // namespace
}  // namespace vodlift::s3
