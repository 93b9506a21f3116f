#include "worker/object_check.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "worker/fake_objects_test.h"

namespace vodlift::worker {
namespace {

std::string raw_md5(std::string_view text) {
  const Md5Digest digest = md5(bytes_of(text));
  return {digest.begin(), digest.end()};
}

class ObjectCheckTest : public ::testing::Test {
 protected:
  ObjectCheckTest() {
    parts_ = {{1, 3, "\"a\"", crc32c(0, bytes_of("abc")), raw_md5("abc")},
              {2, 2, "\"b\"", crc32c(0, bytes_of("de")), raw_md5("de")}};
    whole_ = crc32c(0, bytes_of("abcde"));
    object_.size = 5;
    object_.etag = "\"x-2\"";
  }
  Result<Verification> check() { return check_object({object_, parts_, whole_, 5, parts_verified_}); }

  std::vector<Part> parts_;
  std::uint32_t whole_ = 0;
  bool parts_verified_ = true;
  ObjectInfo object_;
};

TEST_F(ObjectCheckTest, TakesTheCrcOfTheWhole) {
  object_.checksum = crc32c_base64(whole_);
  EXPECT_EQ(check()->checksum, "crc32c:" + crc32c_base64(whole_));
}

TEST_F(ObjectCheckTest, TakesTheCompositeCrc) {
  // CRC32C over the two big-endian part CRCs, computed apart.
  std::string crcs;
  for (const Part& part : parts_) {
    for (int shift = 24; shift >= 0; shift -= 8) crcs += static_cast<char>(part.crc32c >> shift);
  }
  object_.checksum = crc32c_base64(crc32c(0, bytes_of(crcs))) + "-2";
  EXPECT_EQ(check()->checksum, "crc32c-composite:" + object_.checksum);
}

TEST_F(ObjectCheckTest, RefusesAnyOtherCrc) {
  object_.checksum = crc32c_base64(whole_ ^ 1);
  EXPECT_EQ(check().error().code, Errc::s3_integrity);
}

TEST_F(ObjectCheckTest, TakesTheMd5OfTheMd5s) {
  const Md5Digest digest = md5(bytes_of(raw_md5("abc") + raw_md5("de")));
  object_.etag = "\"" + to_hex(digest) + "-2\"";
  EXPECT_EQ(check()->checksum, "etag-md5:" + to_hex(digest) + "-2");
  object_.etag = "\"" + to_hex(md5(bytes_of("other"))) + "-2\"";
  EXPECT_EQ(check()->checksum, "") << "whatever it is";
}

TEST_F(ObjectCheckTest, AnEtagUnderKmsIsNoMd5ThoughItLooksLikeOne) {
  object_.etag = "\"" + to_hex(md5(bytes_of("other"))) + "-2\"";
  object_.encryption = "aws:kms";
  EXPECT_EQ(check()->checksum, "part-md5:" + to_hex(md5(bytes_of(raw_md5("abc") + raw_md5("de")))) + "-2");
  object_.checksum = crc32c_base64(whole_ ^ 1);
  EXPECT_EQ(check().error().code, Errc::s3_integrity) << "a checksum counts all the same";
}

TEST_F(ObjectCheckTest, EtagsThatOnlyLookLikeMd5sAreKnownByThoseOfTheParts) {
  const std::string by_parts = "part-md5:" + to_hex(md5(bytes_of(raw_md5("abc") + raw_md5("de")))) + "-2";
  object_.etag = "\"" + to_hex(md5(bytes_of("other"))) + "-2\"";
  parts_[0].etag = "\"" + to_hex(md5(bytes_of("x"))) + "\"";
  EXPECT_EQ(check()->checksum, "") << "the ETag of the other part says nothing";
  parts_[1].etag = "\"" + to_hex(md5(bytes_of("y"))) + "\"";
  EXPECT_EQ(check()->checksum, by_parts);
  parts_verified_ = false;
  EXPECT_EQ(check()->checksum, "") << "the parts may hold other bytes";
  parts_verified_ = true;
  parts_[1].etag = "\"" + to_hex(md5(bytes_of("de"))) + "\"";
  EXPECT_EQ(check()->checksum, "") << "this store's ETags are MD5s, so the object is made of other parts";
}

TEST(Encrypted, AsAskedForOrNot) {
  EXPECT_TRUE(check_encrypted({}, ""));
  EXPECT_TRUE(check_encrypted({}, "aws:kms"));
  EXPECT_TRUE(check_encrypted({EncryptionMode::sse_s3, "", false}, "AES256"));
  EXPECT_TRUE(check_encrypted({EncryptionMode::sse_s3, "", false}, "aws:kms"));
  EXPECT_EQ(check_encrypted({EncryptionMode::sse_s3, "", false}, "").error().code, Errc::s3_rejected);
  EXPECT_TRUE(check_encrypted({EncryptionMode::sse_kms, "", false}, "aws:kms:dsse"));
  EXPECT_EQ(check_encrypted({EncryptionMode::sse_kms, "", false}, "AES256").error().code, Errc::s3_rejected);
}

TEST_F(ObjectCheckTest, AnotherSizeIsAnotherObject) {
  object_.size = 6;
  object_.checksum = crc32c_base64(whole_);
  EXPECT_EQ(check().error().code, Errc::s3_integrity);
}

TEST_F(ObjectCheckTest, WithoutAnythingToCompareItIsNotVerified) {
  parts_[0].md5.clear();
  EXPECT_EQ(check()->checksum, "");
}

TEST_F(ObjectCheckTest, PartsThatDoNotCountProveNothing) {
  EXPECT_EQ(check()->checksum, "part-md5:" + to_hex(md5(bytes_of(raw_md5("abc") + raw_md5("de")))) + "-2");
  parts_verified_ = false;
  EXPECT_EQ(check()->checksum, "");
}

TEST(Digest, IsACrcOrAnEtagThatIsTheMd5) {
  const std::string md5 = raw_md5("abc");
  EXPECT_TRUE(reported_digest("\"x\"", "AAAAAA==", ""));
  EXPECT_TRUE(reported_digest("\"" + to_hex(bytes_of(md5)) + "\"", "", md5));
  EXPECT_FALSE(reported_digest("\"x\"", "", md5));
  EXPECT_FALSE(reported_digest("\"\"", "", ""));
}

TEST(ReadBack, GoesOnWhereItWasInterruptedIfTheObjectIsTheSame) {
  MemoryObjects objects;
  objects.object_bytes = std::string(2 * kReadBackBytes, 'x') + "end";
  objects.size = std::ssize(objects.object_bytes);
  objects.object_token = "ours";
  objects.object_crc = "unused";
  const std::uint32_t whole = crc32c(0, bytes_of(objects.object_bytes));
  const std::uint32_t first = crc32c(0, bytes_of(objects.object_bytes.substr(0, kReadBackBytes)));
  const std::string token = "ours";
  const ObjectTarget target;
  for (const auto& [etag, reads] : {std::pair("\"e-2\"", 2), std::pair("\"other\"", 3)}) {
    RunControl control;
    control.reading().object = {etag, kReadBackBytes, first};
    objects.calls.clear();
    EXPECT_TRUE(read_back(objects, {target, token, whole, objects.size}, control));
    EXPECT_EQ(objects.count("read "), reads) << etag;
    EXPECT_FALSE(control.reading().any());
    EXPECT_TRUE(control.reading().advanced);
  }
}

}  // namespace
}  // namespace vodlift::worker
