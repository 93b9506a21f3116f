#include "worker/source_checksum.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "worker/fake_storages_test.h"

namespace vodlift::worker {
namespace {

TEST(SourceChecksum, IsThatOfAllBytes) {
  const std::string bytes(1'000'000, 'v');
  const MemorySource source(bytes);
  const auto whole = to_hex(sha256(bytes_of(bytes)));
  RunControl control;
  EXPECT_TRUE(check_by_reading(source, {ExpectedChecksum::Algorithm::sha256, whole}, control));
  const auto checked = check_by_reading(source, {ExpectedChecksum::Algorithm::sha256, std::string(64, '0')}, control);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, Errc::source_mismatch);
  EXPECT_NE(checked.error().message.find("sha256:" + whole), std::string::npos) << "both are told";
}

TEST(SourceChecksum, OfAnEmptyFileToo) {
  RunControl control;
  EXPECT_TRUE(check_by_reading(MemorySource(""), {ExpectedChecksum::Algorithm::md5, "d41d8cd98f00b204e9800998ecf8427e"},
                               control));
}

TEST(SourceChecksum, TheReadingEndsWhenTheRunIsToEnd) {
  RunControl control;
  control.end({Errc::interrupted, "shutting down"});
  const auto checked = check_by_reading(MemorySource("hello"), {ExpectedChecksum::Algorithm::md5, ""}, control);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, Errc::interrupted);
}

TEST(SourceChecksum, CrcIsComparedWhereItIsKnownAlready) {
  const ExpectedChecksum expected{ExpectedChecksum::Algorithm::crc32c, crc32c_base64(0x9A71BB4C)};
  EXPECT_TRUE(check_crc32c(expected, 0x9A71BB4C));
  EXPECT_EQ(check_crc32c(expected, 0x9A71BB4D).error().code, Errc::source_mismatch);
  EXPECT_TRUE(check_crc32c({ExpectedChecksum::Algorithm::md5, "x"}, 1)) << "another digest is compared elsewhere";
}

}  // namespace
}  // namespace vodlift::worker
