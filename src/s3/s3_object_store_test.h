// An S3ObjectStore against a server on loopback, for its unit tests.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "net/http_server.h"
#include "s3/aws_credential_loader.h"
#include "s3/s3_object_store.h"

namespace vodlift::s3 {

inline constexpr std::string_view kCrc = "x-amz-checksum-crc32c";
inline constexpr std::string_view kOpaqueEtag = "\"not-a-digest\"";

inline net::Response refusal(std::string_view code) {
  return {400, "application/xml", "<Error><Code>" + std::string(code) + "</Code></Error>", {}};
}
inline net::Response stored(std::string_view etag) { return {200, "", "", {{"ETag", std::string(etag)}}}; }
inline net::Response created(std::vector<std::pair<std::string, std::string>> headers = {}) {
  return {200, "application/xml",
          "<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>", std::move(headers)};
}

// A store on loopback that answers as `answer_` says; the object is empty.
class S3ObjectStoreTest : public ::testing::Test {
 protected:
  S3ObjectStoreTest()
      : server_(
            "http", {.body_bytes = 2 * static_cast<std::size_t>(kMinMeasuredBytes)}, 1,
            [this](const net::Request& request, const net::Responder& respond) {
              const std::lock_guard lock(mutex_);
              requests_.push_back(request);
              respond(answer_(request));
            },
            [](Errc, std::string_view message) {
              return net::Response{400, "text/plain", std::string(message), {}};
            }),
        client_("test-s3", 2),
        store_(client_, credentials_, environment_, bandwidth_, clock_, endpoints_) {}
  void SetUp() override {
    ASSERT_TRUE(server_.listen("127.0.0.1:0"));
    server_.start();
    target_.access.bucket = "bucket";
    target_.access.endpoint = "http://" + server_.address();
    target_.access.region = "us-east-1";
    target_.access.access_key = "AK";
    target_.access.secret_key = Secret("SK");
    target_.access.path_style = true;
    target_.key = "k";
  }
  void TearDown() override {
    client_.stop();
    server_.stop(std::chrono::milliseconds(0));
  }

  Result<StoredBytes> put(const std::string& md5_bytes, WriteCondition condition = WriteCondition::none) {
    return store_.put_object(target_, {}, {nullptr, 0, 0}, {0, md5_bytes}, condition);
  }
  ChecksumMode mode() const { return store_.checksum_mode(target_.access); }
  static std::string empty_md5() {
    const Md5Digest digest = md5({});
    return {digest.begin(), digest.end()};
  }
  static bool has(const net::Request& request, std::string_view name) { return !request.header(name).empty(); }

  std::mutex mutex_;
  std::function<net::Response(const net::Request&)> answer_;
  std::vector<net::Request> requests_;
  net::HttpServer server_;
  SystemClock clock_;
  Bandwidth bandwidth_{clock_};
  net::HttpClient client_;
  AwsEnvironment environment_;
  AwsCredentialLoader loader_{client_, environment_, clock_};
  CredentialCache credentials_{loader_, clock_};
  EndpointStates endpoints_;
  S3ObjectStore store_;
  ObjectTarget target_;
};

}  // namespace vodlift::s3
