#include "s3/s3_object_store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>
#include <thread>

#include "base/encoding.h"
#include "base/hash.h"
#include "net/http_server.h"
#include "s3/aws_credential_loader.h"

namespace vodlift::s3 {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kCrc = "x-amz-checksum-crc32c";
constexpr std::string_view kOpaqueEtag = "\"not-a-digest\"";

net::Response refusal(std::string_view code) {
  return {400, "application/xml", "<Error><Code>" + std::string(code) + "</Code></Error>", {}};
}
net::Response stored(std::string_view etag) { return {200, "", "", {{"ETag", std::string(etag)}}}; }

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
    server_.stop(0ms);
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

TEST_F(S3ObjectStoreTest, ARefusedChecksumHeaderIsAFactWhenTheTryWithoutItSucceeds) {
  answer_ = [](const net::Request& request) {
    return has(request, kCrc) ? refusal("NotImplemented") : stored(kOpaqueEtag);
  };
  const auto put_result = put(empty_md5());
  ASSERT_TRUE(put_result) << put_result.error().message;
  EXPECT_EQ(mode(), ChecksumMode::md5);
  ASSERT_EQ(requests_.size(), 2U);
  EXPECT_TRUE(has(requests_[1], "content-md5"));
}

TEST_F(S3ObjectStoreTest, ARefusalForAnotherReasonIsNoFact) {
  answer_ = [](const net::Request&) { return refusal("InvalidArgument"); };
  EXPECT_EQ(put(empty_md5()).error().code, Errc::s3_rejected);
  EXPECT_EQ(requests_.size(), 2U);
  EXPECT_EQ(mode(), ChecksumMode::unknown);
  EXPECT_EQ(store_.create_multipart(target_, {}).error().code, Errc::s3_rejected);
  EXPECT_EQ(requests_.size(), 5U);
  EXPECT_EQ(endpoints_.facts(target_.access), EndpointFacts{});
}

net::Response created(std::vector<std::pair<std::string, std::string>> headers = {}) {
  return {200, "application/xml",
          "<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>", std::move(headers)};
}

TEST_F(S3ObjectStoreTest, TheStrongestChecksumThatTheStoreTakesIsFoundOnce) {
  const auto open = [this] {
    requests_.clear();
    const auto multipart = store_.create_multipart(target_, {});
    EXPECT_TRUE(multipart) << multipart.error().message;
    return std::pair(multipart->mode, requests_.size());
  };
  // Knows CRC32C of the parts only, and refuses what it does not know.
  answer_ = [](const net::Request& request) {
    if (has(request, "x-amz-checksum-type")) return refusal("InvalidRequest");
    return created({{"x-amz-checksum-algorithm", std::string(request.header("x-amz-checksum-algorithm"))}});
  };
  EXPECT_EQ(open(), std::pair(ChecksumMode::crc32c_composite, std::size_t{2}));
  EXPECT_EQ(open(), std::pair(ChecksumMode::crc32c_composite, std::size_t{1}));
  // It was replaced by one that knows none.
  answer_ = [](const net::Request& request) {
    return has(request, "x-amz-checksum-algorithm") ? refusal("NotImplemented") : created();
  };
  EXPECT_EQ(open(), std::pair(ChecksumMode::md5, std::size_t{2}));
  EXPECT_EQ(open(), std::pair(ChecksumMode::md5, std::size_t{1}));
  EXPECT_EQ(mode(), ChecksumMode::unknown) << "objects in one request are another matter";
}

TEST_F(S3ObjectStoreTest, AStoreThatDoesNotNameTheChecksumTypeHasTheOlderOne) {
  answer_ = [](const net::Request&) { return created({{"x-amz-checksum-algorithm", "CRC32C"}}); };
  EXPECT_EQ(store_.create_multipart(target_, {})->mode, ChecksumMode::crc32c_composite);
  answer_ = [](const net::Request&) {
    return created({{"x-amz-checksum-algorithm", "CRC32C"}, {"x-amz-checksum-type", "FULL_OBJECT"}});
  };
  EXPECT_EQ(store_.create_multipart(target_, {})->mode, ChecksumMode::crc32c);
  answer_ = [](const net::Request&) { return created(); };
  EXPECT_EQ(store_.create_multipart(target_, {})->mode, ChecksumMode::md5);
}

TEST_F(S3ObjectStoreTest, ACrcThatIsTakenAndThenDroppedLeadsToMd5ForAllParts) {
  answer_ = [](const net::Request&) { return stored(kOpaqueEtag); };
  std::promise<Result<StoredBytes>> done;
  store_.upload_part(target_, {"id", ChecksumMode::crc32c}, 1, {nullptr, 0, 0}, RangeChecksum{0, ""},
                     [&](Result<StoredBytes> result) { done.set_value(std::move(result)); });
  EXPECT_EQ(done.get_future().get().error().code, Errc::s3_parts_refused);
  EXPECT_EQ(endpoints_.facts(target_.access).multipart, ChecksumMode::md5);
}

TEST_F(S3ObjectStoreTest, AnOfferTakenWithoutAWordLeadsToANewMultipartUpload) {
  answer_ = [](const net::Request& request) {
    return has(request, "content-md5") ? refusal("InvalidRequest") : created();
  };
  const auto multipart = store_.create_multipart(target_, {});
  ASSERT_EQ(multipart->mode, ChecksumMode::md5);
  std::promise<Result<StoredBytes>> done;
  store_.upload_part(target_, *multipart, 1, {nullptr, 0, 0}, RangeChecksum{0, empty_md5()},
                     [&](Result<StoredBytes> result) { done.set_value(std::move(result)); });
  EXPECT_EQ(done.get_future().get().error().code, Errc::s3_parts_refused);
  EXPECT_TRUE(store_.create_multipart(target_, {}));
  EXPECT_FALSE(has(requests_.back(), "x-amz-checksum-algorithm"));
}

TEST_F(S3ObjectStoreTest, AChecksumThatIsRefusedWhenThePartsArePutTogetherIsNotOfferedAgain) {
  for (const char* code : {"BadDigest", "InvalidRequest"}) {
    for (const int status : {400, 200}) {
      endpoints_.add_facts(target_.access, {.multipart = ChecksumMode::crc32c});
      answer_ = [&](const net::Request& request) {
        if (request.method == "POST" && has(request, "x-amz-mp-object-size")) {
          net::Response refused = refusal(code);
          refused.status = status;
          return refused;
        }
        return created();
      };
      const auto refused =
          store_.complete_multipart(target_, {"id", ChecksumMode::crc32c}, {}, 0, 0, WriteCondition::none);
      EXPECT_EQ(refused.error().code, Errc::s3_parts_refused) << "so that the upload starts over";
      EXPECT_EQ(endpoints_.facts(target_.access).multipart, ChecksumMode::md5);
      EXPECT_EQ(store_.create_multipart(target_, {})->mode, ChecksumMode::md5);
      EXPECT_FALSE(has(requests_.back(), "x-amz-checksum-algorithm"));
    }
  }
}

TEST_F(S3ObjectStoreTest, AWrongMd5IsRefusedOrNot) {
  answer_ = [](const net::Request&) { return stored(kOpaqueEtag); };
  EXPECT_FALSE(store_.refuses_wrong_md5(target_.access));
  EXPECT_EQ(store_.try_wrong_md5(target_, "id", 4).value(), false);
  EXPECT_EQ(store_.refuses_wrong_md5(target_.access), false);
  answer_ = [](const net::Request& request) {
    return request.header("content-md5") == to_base64(bytes_of(empty_md5())) ? refusal("BadDigest")
                                                                             : stored(kOpaqueEtag);
  };
  EXPECT_EQ(store_.try_wrong_md5(target_, "id", 4).value(), true);
  EXPECT_EQ(store_.refuses_wrong_md5(target_.access), true);
  answer_ = [](const net::Request&) { return refusal("NoSuchUpload"); };
  EXPECT_EQ(store_.try_wrong_md5(target_, "id", 4).error().code, Errc::s3_no_such_upload);
  EXPECT_EQ(store_.refuses_wrong_md5(target_.access), true) << "that says nothing";
}

TEST_F(S3ObjectStoreTest, ReadsARangeOfThatVersionOfTheObject) {
  answer_ = [](const net::Request& request) {
    if (request.header("if-match") != "\"e\"") return net::Response{412, "", "", {}};
    return net::Response{206, "", request.header("range") == "bytes=10-12" ? "abc" : "ab", {}};
  };
  EXPECT_EQ(store_.read(target_, "\"e\"", 10, 3).value(), "abc");
  EXPECT_EQ(store_.read(target_, "\"e\"", 11, 3).error().code, Errc::s3_unverifiable);
  EXPECT_EQ(store_.read(target_, "\"other\"", 10, 3).error().code, Errc::s3_unverifiable);
}

TEST_F(S3ObjectStoreTest, AStoreThatRefusesToBeAskedForTheChecksumIsNotAskedForItAgain) {
  answer_ = [](const net::Request& request) {
    if (has(request, "x-amz-checksum-mode")) return net::Response{400, "", "", {}};
    return net::Response{200, "", "", {{"ETag", "\"e\""}}};
  };
  // One more each time, as the object is empty.
  for (const std::size_t requests : {3U, 5U}) {
    const auto object = store_.head(target_);
    ASSERT_TRUE(object) << object.error().message;
    EXPECT_EQ(object->etag, "\"e\"");
    EXPECT_EQ(requests_.size(), requests);
  }
}

TEST_F(S3ObjectStoreTest, ASizeThatHeadDoesNotTellIsAskedForByARange) {
  struct Case {
    net::Response answer;
    std::int64_t size;
  };
  const std::vector<Case> cases = {
      {{206, "", "x", {{"Content-Range", "bytes 0-0/5000000000"}}}, 5'000'000'000},
      {{416, "", "", {{"Content-Range", "bytes */0"}}}, 0},
      {{416, "", "", {}}, 0},
      {{200, "", "abc", {}}, 3},
      {{206, "", "x", {{"Content-Range", "bytes 0-0/*"}}}, -1},
      {{206, "", "x", {}}, -1},
      {{403, "", "", {}}, -1},
  };
  for (const Case& one : cases) {
    answer_ = [&](const net::Request& request) {
      return request.method == "GET" ? one.answer : stored(kOpaqueEtag);  // HEAD says 0 bytes
    };
    EXPECT_EQ(store_.head(target_)->size, one.size) << one.answer.status;
  }
}

TEST_F(S3ObjectStoreTest, AHeadRefusedForAnotherReasonIsNoFact) {
  answer_ = [](const net::Request&) { return net::Response{400, "", "", {}}; };
  EXPECT_EQ(store_.head(target_).error().code, Errc::s3_unverifiable) << "it says nothing of the object either";
  answer_ = [](const net::Request&) { return stored(kOpaqueEtag); };
  EXPECT_TRUE(store_.head(target_));
  EXPECT_TRUE(has(requests_.at(requests_.size() - 2), "x-amz-checksum-mode")) << "the last one asks for the size";
}

class UnreachableLoader final : public CredentialLoader {
 public:
  Result<Credentials> load(const BucketAccess&) override { return Error{Errc::network, "STS does not answer"}; }
  void interrupt() override {}
};

TEST_F(S3ObjectStoreTest, MissingCredentialsSayNothingOfTheEndpoint) {
  answer_ = [](const net::Request&) { return stored(kOpaqueEtag); };
  UnreachableLoader loader;
  CredentialCache credentials(loader, clock_);
  S3ObjectStore store(client_, credentials, environment_, bandwidth_, clock_, endpoints_);
  ObjectTarget without = target_;
  without.access.bucket = "other";
  without.access.credentials.source = CredentialSource::instance;
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(store.head(without).error().code, Errc::s3_credential);
    std::promise<Errc> sent;
    store.upload_part(without, {"id", ChecksumMode::md5}, 1, {nullptr, 0, 0}, RangeChecksum{0, empty_md5()},
                      [&](const Result<StoredBytes>& part) { sent.set_value(part.error().code); });
    EXPECT_EQ(sent.get_future().get(), Errc::s3_credential);
  }
  EXPECT_TRUE(requests_.empty());
  EXPECT_TRUE(store.head(target_)) << "another bucket of the same endpoint";
}

TEST_F(S3ObjectStoreTest, WithoutAnMd5ThereIsNoSecondTry) {
  answer_ = [](const net::Request&) { return refusal("InvalidRequest"); };
  EXPECT_EQ(put("").error().code, Errc::s3_rejected);
  EXPECT_EQ(requests_.size(), 1U);
  EXPECT_EQ(mode(), ChecksumMode::unknown);
}

TEST_F(S3ObjectStoreTest, OnlyAContentMd5ThatWasSentCountsAsConfirmation) {
  answer_ = [](const net::Request&) { return stored(kOpaqueEtag); };
  EXPECT_EQ(put(empty_md5()).error().code, Errc::s3_integrity) << "CRC32C was sent and dropped";
  EXPECT_TRUE(has(requests_.back(), kCrc));
  EXPECT_TRUE(has(requests_.back(), "content-md5")) << "so that the store refuses other bytes before it keeps them";
  ASSERT_EQ(mode(), ChecksumMode::md5);
  EXPECT_EQ(put("").error().code, Errc::s3_integrity) << "the checksum was made for the mode before";
  EXPECT_TRUE(has(requests_.back(), kCrc));
  EXPECT_FALSE(has(requests_.back(), "content-md5"));
  EXPECT_TRUE(put(empty_md5()));
  EXPECT_TRUE(has(requests_.back(), "content-md5"));
}

TEST_F(S3ObjectStoreTest, AnEtagNeedNotBeAnMd5ThoughItLooksLikeOne) {
  const std::string hex = "\"" + std::string(32, 'a') + "\"";
  answer_ = [&](const net::Request&) { return stored(hex); };
  const Multipart multipart{"id", ChecksumMode::md5};
  const auto part = [&] {
    std::promise<Result<StoredBytes>> done;
    store_.upload_part(target_, multipart, 1, {nullptr, 0, 0}, RangeChecksum{0, empty_md5()},
                       [&](Result<StoredBytes> result) { done.set_value(std::move(result)); });
    return done.get_future().get();
  };
  for (const EncryptionMode mode : {EncryptionMode::bucket_default, EncryptionMode::sse_kms}) {
    target_.access.encryption.mode = mode;
    const auto sent = part();
    ASSERT_TRUE(sent);
    EXPECT_EQ(sent->etag, hex) << "whose value the caller compares";
  }
  EXPECT_FALSE(has(requests_.back(), "x-amz-server-side-encryption")) << "parts follow what their upload began with";
  target_.access.encryption.mode = EncryptionMode::bucket_default;
  answer_ = [&](const net::Request&) {
    return net::Response{200, "", "", {{"ETag", hex}, {"x-amz-server-side-encryption", "aws:kms"}}};
  };
  EXPECT_TRUE(part()) << "the bucket's own setting";
}

TEST_F(S3ObjectStoreTest, TheEncryptionHeadersAreSigned) {
  answer_ = [](const net::Request&) { return refusal("KMS.DisabledException"); };
  target_.access.encryption = {EncryptionMode::sse_kms, "alias/films", false};
  EXPECT_EQ(put(empty_md5()).error().code, Errc::s3_rejected);
  EXPECT_EQ(store_.create_multipart(target_, {}).error().code, Errc::s3_rejected);
  for (const net::Request& request : requests_) {
    EXPECT_EQ(request.header("x-amz-server-side-encryption"), "aws:kms");
    EXPECT_EQ(request.header("x-amz-server-side-encryption-aws-kms-key-id"), "alias/films");
    EXPECT_NE(request.header("authorization")
                  .find(";x-amz-server-side-encryption;x-amz-server-side-encryption-aws-kms-key-id"),
              std::string_view::npos);
  }
}

TEST_F(S3ObjectStoreTest, AStoreWithoutConditionsGetsNoneWhereThatIsAllowed) {
  answer_ = [](const net::Request& request) {
    if (!has(request, "if-none-match")) return stored(kOpaqueEtag);
    net::Response answer = refusal("NotImplemented");
    answer.status = 501;
    return answer;
  };
  // The MD5 alone, so that only the condition is in question.
  static_cast<void>(put(empty_md5()));
  ASSERT_EQ(mode(), ChecksumMode::md5);
  requests_.clear();
  EXPECT_TRUE(put(empty_md5(), WriteCondition::absent_where_it_can_tell));
  ASSERT_EQ(requests_.size(), 2U);
  EXPECT_EQ(requests_[0].header("if-none-match"), "*");
  EXPECT_FALSE(has(requests_[1], "if-none-match"));
  EXPECT_EQ(put(empty_md5(), WriteCondition::absent).error().code, Errc::s3_rejected);
  EXPECT_EQ(requests_.size(), 3U) << "nothing is written without the condition";
}

TEST_F(S3ObjectStoreTest, AConditionThatDoesNotHoldHasItsOwnError) {
  answer_ = [](const net::Request&) { return net::Response{412, "application/xml", "", {}}; };
  EXPECT_EQ(put(empty_md5(), WriteCondition::absent_where_it_can_tell).error().code, Errc::destination_exists);
  EXPECT_EQ(requests_.size(), 1U);
}

TEST_F(S3ObjectStoreTest, RefusedCredentialsAreLookedUpAgainOnceAndTheTokenIsSigned) {
  // Each lookup of the container's endpoint gives another token.
  std::atomic<int> lookups = 0;
  answer_ = [&](const net::Request& request) -> net::Response {
    if (request.target == "/creds") {
      return {200,
              "application/json",
              "{\"AccessKeyId\":\"ASIA\",\"SecretAccessKey\":\"s\",\"Token\":\"token" + std::to_string(++lookups) +
                  "\",\"Expiration\":\"2999-01-01T00:00:00Z\"}",
              {}};
    }
    return request.header("x-amz-security-token") == "token2" ? stored(kOpaqueEtag) : refusal("ExpiredToken");
  };
  environment_ = AwsEnvironment({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", target_.access.endpoint + "/creds"}});
  target_.access.credentials.source = CredentialSource::container;
  const Multipart multipart{"id", ChecksumMode::md5};
  std::promise<Result<StoredBytes>> done;
  store_.upload_part(target_, multipart, 1, {nullptr, 0, 0}, RangeChecksum{0, empty_md5()},
                     [&](Result<StoredBytes> result) { done.set_value(std::move(result)); });
  const auto part = done.get_future().get();
  ASSERT_TRUE(part) << part.error().message;
  EXPECT_EQ(lookups, 2);
  EXPECT_NE(requests_.back().header("authorization").find(";x-amz-security-token,"), std::string_view::npos);
  answer_ = [&](const net::Request& request) -> net::Response {
    if (request.target == "/creds") ++lookups;
    return refusal("InvalidAccessKeyId");
  };
  EXPECT_EQ(store_.head(target_).error().code, Errc::s3_credential);
  EXPECT_EQ(lookups, 3) << "once for each request";
}

// A source of this many zeros, all in memory.
class Zeros final : public SourceFile {
 public:
  [[nodiscard]] const SourceIdentity& identity() const override { return identity_; }
  void read_async(std::int64_t, std::span<std::uint8_t>, std::function<void(Result<>)> done) const override {
    done(Error{Errc::internal, "all is in memory"});
  }
  Result<std::size_t> read_cached(std::int64_t, std::span<std::uint8_t> buffer) const override {
    std::ranges::fill(buffer, std::uint8_t{0});
    return buffer.size();
  }
  Result<bool> settle(std::int64_t, std::int64_t) const override { return true; }
  Result<SourceIdentity> check_unchanged() const override { return identity_; }

 private:
  const SourceIdentity identity_{};
};

class S3RequestRateTest : public S3ObjectStoreTest {
 protected:
  static constexpr auto kDelay = 50ms;  // of each answer

  S3RequestRateTest() {
    answer_ = [this](const net::Request&) {
      std::this_thread::sleep_for(kDelay);
      return answer_of_all_;
    };
  }
  // The store does not look at the bytes: it receives the CRC32C 0, and confirms that.
  Body body(std::int64_t size) const { return {std::make_shared<Zeros>(), 0, size}; }
  Result<StoredBytes> send_part(std::int64_t size) {
    std::promise<Result<StoredBytes>> done;
    store_.upload_part(target_, {"id", ChecksumMode::crc32c}, 1, body(size), RangeChecksum{0, ""},
                       [&](Result<StoredBytes> result) { done.set_value(std::move(result)); });
    return done.get_future().get();
  }
  void expect_measured() const {
    const auto rate = store_.request_rate(target_.access);
    ASSERT_TRUE(rate);
    EXPECT_LE(*rate, kMinMeasuredBytes * 1s / kDelay);
    EXPECT_GE(*rate, kMinMeasuredBytes / 20) << "20 s are too long for it";
  }

  net::Response answer_of_all_{200, "", "", {{"ETag", std::string(kOpaqueEtag)}, {std::string(kCrc), "AAAAAA=="}}};
};

TEST_F(S3RequestRateTest, APartIsMeasuredUpToItsAnswer) {
  EXPECT_FALSE(store_.request_rate(target_.access));
  ASSERT_TRUE(send_part(kMinMeasuredBytes));
  expect_measured();
  target_.access.bucket = "other";
  EXPECT_FALSE(store_.request_rate(target_.access));
}

TEST_F(S3RequestRateTest, SoIsAWholeObject) {
  ASSERT_TRUE(store_.put_object(target_, {}, body(kMinMeasuredBytes), {0, ""}, WriteCondition::none));
  expect_measured();
}

TEST_F(S3RequestRateTest, UnconfirmedBytesAreNotMeasured) {
  const auto expect_nothing = [this](Errc code) {
    EXPECT_EQ(send_part(kMinMeasuredBytes).error().code, code);
    EXPECT_EQ(store_.put_object(target_, {}, body(kMinMeasuredBytes), {0, ""}, WriteCondition::none).error().code,
              code);
    EXPECT_FALSE(store_.request_rate(target_.access));
  };
  answer_of_all_.headers.back().second = "BBBBBB==";
  expect_nothing(Errc::s3_integrity);
  answer_of_all_ = {503, "", "", {}};
  expect_nothing(Errc::s3_transient);
}

}  // namespace
}  // namespace vodlift::s3
