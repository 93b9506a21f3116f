// Which checksums a store is offered, what its answers confirm, and what is learned from them.
#include <future>

#include "base/encoding.h"
#include "s3/s3_object_store_test.h"

namespace vodlift::s3 {
namespace {

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
  for (const char* code : {"BadDigest", "InvalidRequest", "MalformedXML", "InvalidChecksum", "ChecksumMismatch"}) {
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

TEST_F(S3ObjectStoreTest, WithoutAnMd5TheBodyIsReadForOne) {
  answer_ = [](const net::Request&) { return refusal("InvalidRequest"); };
  EXPECT_EQ(put("").error().code, Errc::s3_rejected);
  ASSERT_EQ(requests_.size(), 2U);
  EXPECT_EQ(requests_.back().header("content-md5"), to_base64(bytes_of(empty_md5())));
  EXPECT_EQ(mode(), ChecksumMode::unknown) << "that says nothing of checksums";
}

TEST_F(S3ObjectStoreTest, AChecksumOfOneRequestThatWasTakenMayBeRefusedLater) {
  for (const char* code : {"InvalidRequest", "NotImplemented", "InvalidArgument"}) {
    endpoints_.add_facts(target_.access, {.whole = ChecksumMode::crc32c});
    answer_ = [&](const net::Request& request) {
      return has(request, "x-amz-checksum-crc32c") ? refusal(code)
                                                   : stored("\"" + to_hex(bytes_of(empty_md5())) + "\"");
    };
    EXPECT_TRUE(put("")) << code;
    EXPECT_EQ(mode(), ChecksumMode::md5);
  }
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

}  // namespace
}  // namespace vodlift::s3
