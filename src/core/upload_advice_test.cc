#include "core/upload_advice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace vodlift {
namespace {

using testing::EndsWith;

// What docs/api.md says an upload's error may be.
constexpr std::array kOfUploads = {
    Errc::source_missing,
    Errc::source_busy,
    Errc::source_changed,
    Errc::source_mismatch,
    Errc::source_unreadable,
    Errc::storage_unavailable,
    Errc::storage_removed,
    Errc::bucket_not_configured,
    Errc::destination_exists,
    Errc::network,
    Errc::timeout,
    Errc::tls,
    Errc::s3_transient,
    Errc::s3_throttled,
    Errc::s3_unavailable,
    Errc::s3_credential,
    Errc::s3_full,
    Errc::s3_too_large,
    Errc::s3_clock_skew,
    Errc::s3_conflict,
    Errc::s3_integrity,
    Errc::s3_unverifiable,
    Errc::s3_no_such_upload,
    Errc::s3_parts_refused,
    Errc::s3_access_denied,
    Errc::s3_acl_refused,
    Errc::s3_region,
    Errc::s3_no_such_bucket,
    Errc::s3_not_found,
    Errc::s3_rejected,
    Errc::crashed_repeatedly,
    Errc::overloaded,
    Errc::internal,
    Errc::store_failed,
    Errc::io_error,
};

TEST(UploadAdvice, KnowsEveryErrorOfAnUpload) {
  for (const Errc code : kOfUploads) {
    const auto advice = upload_advice(code);
    ASSERT_TRUE(advice) << info(code).name;
    EXPECT_THAT(advice->cause, EndsWith(".")) << info(code).name;
    EXPECT_THAT(advice->operator_fix, EndsWith(".")) << info(code).name;
    if (!advice->fix.empty()) {
      EXPECT_THAT(advice->fix, EndsWith(".")) << info(code).name;
    }
  }
}

TEST(UploadAdvice, SaysNothingAboutOthers) {
  for (const Errc code : {Errc::bad_signature, Errc::not_found, Errc::lease_lost}) EXPECT_FALSE(upload_advice(code));
}

}  // namespace
}  // namespace vodlift
