#include "core/source_verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vodlift {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

Upload completed() {
  Upload upload;
  upload.state = UploadState::completed;
  upload.size = 1000;
  upload.acl_applied = Acl::private_acl;
  upload.verification.checksum = "crc32c:AAAAAA==";
  return upload;
}

TEST(SourceVerdict, IsYesOnlyWhereTheStoreConfirmedTheBytes) {
  const SourceVerdict verdict = source_verdict(completed());
  EXPECT_TRUE(verdict.may_delete);
  EXPECT_THAT(verdict.reason, HasSubstr("confirmed all 1000 bytes (crc32c:AAAAAA==)"));
  Upload unconfirmed = completed();
  unconfirmed.verification.checksum.clear();
  EXPECT_FALSE(source_verdict(unconfirmed).may_delete);
}

TEST(SourceVerdict, IsNoWhereAnotherObjectWasKept) {
  Upload kept = completed();
  kept.acl_applied.reset();
  EXPECT_FALSE(source_verdict(kept).may_delete);
  EXPECT_THAT(source_verdict(kept).reason, HasSubstr("nothing was sent"));
}

TEST(SourceVerdict, IsNoInEveryOtherState) {
  for (std::size_t at = 0; at < Words<UploadState>::kCount; ++at) {
    Upload upload = completed();
    upload.state = static_cast<UploadState>(at);
    if (upload.state == UploadState::completed) continue;
    EXPECT_FALSE(source_verdict(upload).may_delete) << to_string(upload.state);
    EXPECT_THAT(source_verdict(upload).reason, StartsWith("No: "));
  }
}

}  // namespace
}  // namespace vodlift
