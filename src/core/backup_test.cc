#include "core/backup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

namespace vodlift {
namespace {

using testing::HasSubstr;

BackupManifest usual_manifest() {
  BackupManifest manifest;
  manifest.file = "vodlift-2027-01-31.db";
  manifest.bytes = 4096;
  manifest.sha256 = std::string(64, 'a');
  manifest.created = from_unix_ms(1'800'000'000'000);
  manifest.version = "0.1.0";
  manifest.schema = 4;
  manifest.last_id = 330;
  manifest.uploads = {1, 2, 3, 4, 5, 6};
  manifest.accounts = 2;
  manifest.keys = 3;
  manifest.buckets = 4;
  manifest.master_key = "0123456789abcdef";
  return manifest;
}

std::string with_member(const char* name, const boost::json::value& member) {
  auto object = to_json(usual_manifest());
  object[name] = member;
  return boost::json::serialize(object);
}

TEST(BackupManifest, ReadsBackAsItWasWritten) {
  BackupManifest manifest = usual_manifest();
  EXPECT_EQ(parse_manifest(boost::json::serialize(to_json(manifest))).value(), manifest);
  EXPECT_EQ(manifest.all_uploads(), 21);
  manifest.master_key.clear();
  EXPECT_EQ(parse_manifest(boost::json::serialize(to_json(manifest))).value(), manifest);
}

TEST(BackupManifest, SaysWhatIsWrongWithIt) {
  const auto expect_fault = [](const std::string& text, const char* word) {
    const auto refused = parse_manifest(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, Errc::invalid_value);
    EXPECT_THAT(refused.error().message, HasSubstr(word)) << text;
  };
  expect_fault("", "no JSON object");
  expect_fault("[]", "no JSON object");
  expect_fault("{}", "format");
  expect_fault(with_member("format", 2), "later one");
  expect_fault(with_member("bytes", -1), "bytes");
  expect_fault(with_member("sha256", boost::json::value(std::string(64, 'x'))), "sha256");
  expect_fault(with_member("sha256", "aa"), "sha256");
  expect_fault(with_member("created", 1e300), "created");
  expect_fault(with_member("created", std::numeric_limits<std::int64_t>::max()), "created");
  expect_fault(with_member("uploads", boost::json::object{{"queued", 1}}), "paused");
  expect_fault(with_member("master_key", boost::json::object{{"needed", true}, {"fingerprint", ""}}), "fingerprint");
  expect_fault(with_member("master_key", nullptr), "master_key");
}

}  // namespace
}  // namespace vodlift
