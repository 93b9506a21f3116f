#include "base/error.h"

#include <gtest/gtest.h>

#include <set>
#include <stdexcept>

namespace vodlift {
namespace {

TEST(ErrcTable, HasARowForEachCodeWithANameOfItsOwn) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Errc::interrupted); ++i) {
    const auto code = static_cast<Errc>(i);
    const ErrcInfo& row = info(code);
    EXPECT_EQ(row.code, code);
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(errc_from_name(row.name), code) << row.name;
    EXPECT_EQ(row.api_code.size(), 4u) << row.name;
    EXPECT_TRUE(row.http_status == 200 || (row.http_status >= 400 && row.http_status <= 599)) << row.name;
  }
}

TEST(ErrcTable, KeepsTheProtocolsNumbers) {
  EXPECT_EQ(info(Errc::unknown_command).api_code, "0000");
  EXPECT_EQ(info(Errc::not_authorized).api_code, "0001");
  EXPECT_EQ(info(Errc::timestamp_out_of_range).api_code, "0002");
  EXPECT_EQ(info(Errc::bad_signature).api_code, "0003");
  EXPECT_EQ(info(Errc::internal).api_code, "0004");
  EXPECT_EQ(info(Errc::permission_denied).api_code, "0005");
  EXPECT_EQ(info(Errc::missing_field).api_code, "0006");
  EXPECT_EQ(info(Errc::overloaded).api_code, "1000");
  EXPECT_EQ(info(Errc::invalid_value).api_code, "2001");
  EXPECT_EQ(info(Errc::source_not_found).api_code, "2002");
  EXPECT_EQ(info(Errc::storage_unavailable).api_code, "2003");
  EXPECT_EQ(info(Errc::bucket_not_configured).api_code, "2004");
  EXPECT_EQ(info(Errc::upload_not_found).api_code, "2005");
  for (const Errc code : {Errc::not_authorized, Errc::internal, Errc::overloaded, Errc::upload_not_found}) {
    EXPECT_EQ(info(code).http_status, 200) << info(code).name;
  }
}

TEST(ErrcTable, KeepsTheTransportsStatuses) {
  EXPECT_EQ(info(Errc::bad_request).http_status, 400);
  EXPECT_EQ(info(Errc::path_not_found).http_status, 404);
  EXPECT_EQ(info(Errc::method_not_allowed).http_status, 405);
  EXPECT_EQ(info(Errc::request_timeout).http_status, 408);
  EXPECT_EQ(info(Errc::too_large).http_status, 413);
  EXPECT_EQ(info(Errc::unsupported_media_type).http_status, 415);
  EXPECT_EQ(info(Errc::expectation_failed).http_status, 417);
  EXPECT_EQ(info(Errc::headers_too_large).http_status, 431);
  EXPECT_EQ(info(Errc::shutting_down).http_status, 503);
}

TEST(ErrcFromName, AnUnknownWordIsInternal) {
  EXPECT_EQ(errc_from_name("from_a_newer_build"), Errc::internal);
  EXPECT_EQ(errc_from_name(""), Errc::internal);
}

TEST(Error, KnowsWhetherToRetry) {
  EXPECT_TRUE((Error{Errc::network, ""}.retryable()));
  EXPECT_FALSE((Error{Errc::s3_access_denied, ""}.retryable()));
}

TEST(Error, TakesContextAndKeepsItsCode) {
  const Error error = with_context("part 17 of s3://b/k", {Errc::s3_throttled, "503 SlowDown"});
  EXPECT_EQ(error.code, Errc::s3_throttled);
  EXPECT_EQ(error.message, "part 17 of s3://b/k: 503 SlowDown");
}

TEST(Result, HoldsAValueOrAnError) {
  const Result<int> good = 7;
  ASSERT_TRUE(good);
  EXPECT_EQ(*good, 7);
  const Result<int> bad = Error{Errc::not_found, "gone"};
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, Errc::not_found);
  EXPECT_TRUE(Result<>());
}

TEST(Result, ThrowsWhereAnErrorWasNotExpected) {
  const Result<int> bad = Error{Errc::not_found, "gone"};
  try {
    static_cast<void>(bad.value());
    FAIL() << "no exception";
  } catch (const std::runtime_error& exception) {
    EXPECT_STREQ(exception.what(), "not_found: gone");
  }
}

}  // namespace
}  // namespace vodlift
