#include "load_request.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/encoding.h"
#include "base/hash.h"

namespace vodlift::bench {
namespace {

LoadSettings settings(Form form) {
  return {.host = "127.0.0.1:1",
          .api_key = "KEY",
          .secret = "secret",
          .cdn = 158,
          .bucket = "bench",
          .path = "sestore1/jb/{n}.bin",
          .destination = "d/{n}",
          .form = form};
}

TEST(LoadRequest, TheSignatureCoversTheTextWithoutIt) {
  const std::string text = LoadRequests(settings(Form::multipart)).signed_json(7, 1700000000);
  const std::size_t cut = text.find(",\"signature\":");
  ASSERT_NE(cut, std::string::npos);
  const auto value = boost::json::parse(text);
  EXPECT_EQ(value.at("signature").as_string(),
            to_base64(hmac_sha256(bytes_of("secret"), bytes_of(text.substr(0, cut) + "}"))));
  EXPECT_EQ(value.at("path").as_string(), "sestore1/jb/000007.bin");
  EXPECT_EQ(value.at("destination_path").as_string(), "d/000007");
  EXPECT_EQ(value.at("cdn").as_int64(), 158);
  EXPECT_EQ(value.at("timestamp").as_int64(), 1700000000);
}

TEST(LoadRequest, NumbersMakeCallsDistinct) {
  const LoadRequests requests(settings(Form::urlencoded));
  EXPECT_NE(requests.signed_json(1, 1700000000), requests.signed_json(2, 1700000000));
}

TEST(LoadRequest, TheLengthIsTheBodys) {
  for (const Form form : {Form::multipart, Form::urlencoded}) {
    const std::string request = LoadRequests(settings(form)).http_request(1, 1700000000);
    const std::size_t end = request.find("\r\n\r\n");
    const std::string length = "Content-Length: " + std::to_string(request.size() - end - 4) + "\r\n";
    EXPECT_NE(request.find(length), std::string::npos);
  }
}

TEST(LoadRequest, UrlencodedCarriesNoRawJson) {
  const std::string request = LoadRequests(settings(Form::urlencoded)).http_request(1, 1700000000);
  const std::string body = request.substr(request.find("\r\n\r\n") + 4);
  EXPECT_TRUE(body.starts_with("json=%7B%22command%22%3A%22aws.upload%22"));
}

}  // namespace
}  // namespace vodlift::bench
