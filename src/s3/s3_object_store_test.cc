#include "s3/s3_object_store_test.h"

#include <atomic>
#include <future>
#include <thread>

#include "base/encoding.h"

namespace vodlift::s3 {
namespace {

using namespace std::chrono_literals;

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
