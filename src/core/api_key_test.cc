#include "core/api_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vodlift {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr WallTime kNow = from_unix_ms(1'700'000'000'000);

TEST(KeyScope, HoldsWholeSegments) {
  KeyScope scope;
  EXPECT_TRUE(scope.holds_path("anything"));
  scope.path_prefix = "sestore4/jb/films";
  EXPECT_TRUE(scope.holds_path("sestore4/jb/films"));
  EXPECT_TRUE(scope.holds_path("sestore4/jb/films/a.mp4"));
  EXPECT_FALSE(scope.holds_path("sestore4/jb/films2/a.mp4"));
  EXPECT_FALSE(scope.holds_path("sestore4/jb/film"));
  EXPECT_FALSE(scope.holds_path("sestore5/jb/films/a.mp4"));
  EXPECT_FALSE(scope.holds_path("Sestore4/jb/films/a.mp4"));
  EXPECT_FALSE(scope.holds_path(""));
  EXPECT_TRUE(scope.check_path("sestore4/jb/films/a.mp4"));
  const auto refused = scope.check_path("sestore4/jb/other.mp4");
  EXPECT_EQ(refused.error().code, Errc::permission_denied);
  EXPECT_THAT(refused.error().message, HasSubstr("path: this key reaches sestore4/jb/films and"));
}

TEST(KeyScope, HoldsNamedBuckets) {
  KeyScope scope;
  EXPECT_TRUE(scope.holds_bucket("any"));
  scope.buckets = {"one", "two"};
  EXPECT_TRUE(scope.holds_bucket("two"));
  EXPECT_FALSE(scope.holds_bucket("on"));
  const auto refused = scope.check_bucket("three");
  EXPECT_EQ(refused.error().code, Errc::permission_denied);
  EXPECT_THAT(refused.error().message, HasSubstr("one, two only"));
  UploadRequest upload;
  upload.path = "sestore4/jb/a";
  upload.bucket = "one";
  EXPECT_TRUE(scope.holds(upload));
  scope.path_prefix = "sestore4/jb/b";
  EXPECT_FALSE(scope.holds(upload));
}

TEST(KeyRefusal, TellsTheFirstReason) {
  ApiKey key;
  EXPECT_FALSE(refusal(key, kNow, "unix"));
  key.expires = kNow + milliseconds(1);
  EXPECT_FALSE(refusal(key, kNow, "192.0.2.7"));
  EXPECT_EQ(refusal(key, kNow + milliseconds(1), "192.0.2.7"), "expired");
  key.networks = {parse_network("192.0.2.0/24").value(), parse_network("2001:db8::/32").value()};
  EXPECT_FALSE(refusal(key, kNow, "192.0.2.255"));
  EXPECT_FALSE(refusal(key, kNow, "2001:db8::1"));
  EXPECT_FALSE(refusal(key, kNow, "::ffff:192.0.2.7")) << "a dual-stack listener's spelling";
  for (const char* peer : {"192.0.3.0", "2001:db9::1", "unix", ""}) EXPECT_EQ(refusal(key, kNow, peer), "address");
  key.revoked = kNow;
  EXPECT_EQ(refusal(key, kNow + hours(1), "unix"), "revoked");
}

TEST(KeyRotation, KeepsTheReplacedSecretForTheOverlap) {
  ApiKey key;
  key.secret = Secret("first");
  EXPECT_EQ(previous_secret(key.previous, kNow), nullptr);
  ASSERT_TRUE(rotate(key, Secret("second"), kNow, seconds(60)));
  EXPECT_EQ(key.secret.reveal(), "second");
  ASSERT_NE(previous_secret(key.previous, kNow + milliseconds(59'999)), nullptr);
  EXPECT_EQ(previous_secret(key.previous, kNow)->reveal(), "first");
  EXPECT_EQ(previous_secret(key.previous, kNow + seconds(60)), nullptr);

  const auto early = rotate(key, Secret("third"), kNow + seconds(1), seconds(60));
  EXPECT_EQ(early.error().code, Errc::invalid_value);
  EXPECT_THAT(early.error().message, HasSubstr("lasts 59 s more"));
  EXPECT_EQ(key.secret.reveal(), "second") << "nothing was changed";

  ASSERT_TRUE(rotate(key, Secret("third"), kNow + seconds(60), seconds(60)));
  EXPECT_EQ(previous_secret(key.previous, kNow + seconds(60))->reveal(), "second");
  ASSERT_TRUE(rotate(key, Secret("fourth"), kNow + seconds(61), seconds(0)));
  EXPECT_EQ(key.secret.reveal(), "fourth");
  EXPECT_FALSE(key.previous) << "no older secret is kept";
}

TEST(KeyRotation, RefusesBadOverlapsAndRevokedKeys) {
  ApiKey key;
  key.secret = Secret("first");
  for (const seconds overlap : {seconds(-1), kMaxSecretOverlap + seconds(1)}) {
    EXPECT_EQ(rotate(key, Secret("x"), kNow, overlap).error().code, Errc::invalid_value);
  }
  key.revoked = kNow;
  EXPECT_EQ(rotate(key, Secret("x"), kNow, seconds(0)).error().code, Errc::invalid_value);
  EXPECT_EQ(key.secret.reveal(), "first");
}

TEST(PathPrefix, HasOneForm) {
  EXPECT_EQ(normalized_path_prefix("sestore4", "jb").value(), "sestore4");
  EXPECT_EQ(normalized_path_prefix("sestore4/jb/", "jb").value(), "sestore4/jb");
  EXPECT_EQ(normalized_path_prefix("sestore4/jb/films/Über uns", "jb").value(), "sestore4/jb/films/Über uns");
  for (const std::string& text :
       {std::string(), std::string("/"), std::string("/sestore4"), std::string("sestore4//jb"),
        std::string("sestore4/jb//"), std::string("sestore4/./x"), std::string("sestore4/jb/../x"),
        std::string("sestore4/eve/x"), std::string("a\nb"), std::string("a\xff"), std::string(4096, 'a')}) {
    EXPECT_EQ(normalized_path_prefix(text, "jb").error().code, Errc::invalid_value) << text;
  }
}

TEST(Permission, IsReadAsItIsWritten) {
  for (const std::string_view word : {"upload", "status", "files", "manage"}) {
    ASSERT_TRUE(permission_from(word)) << word;
    EXPECT_EQ(to_string(*permission_from(word)), word);
  }
  for (const std::string_view word : {"", "Upload", "upload ", "all", "unknown"}) {
    EXPECT_FALSE(permission_from(word)) << word;
  }
}

TEST(Permissions, ContainWhatWasAdded) {
  const Permissions none;
  const Permissions some = none.with(Permission::manage).with(Permission::upload).with(Permission::upload);
  EXPECT_TRUE(some.has(Permission::upload));
  EXPECT_TRUE(some.has(Permission::manage));
  EXPECT_FALSE(some.has(Permission::status));
  EXPECT_FALSE(some.has(Permission::files));
  EXPECT_FALSE(none.has(Permission::upload));
  EXPECT_EQ(to_string(some), "upload,manage");
  EXPECT_EQ(to_string(none), "");
  EXPECT_EQ(to_string(Permissions::all()), "upload,status,files,manage");
}

TEST(Permissions, AreReadFromAList) {
  EXPECT_EQ(*permissions_from("upload,status,files,manage"), Permissions::all());
  EXPECT_EQ(*permissions_from(" manage , upload,upload"),
            Permissions().with(Permission::upload).with(Permission::manage));
  for (const std::string_view bad : {"", ",", "upload,", "upload status", "all", "upload,\x1b[2J"}) {
    const auto read = permissions_from(bad);
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().code, Errc::invalid_value);
    EXPECT_EQ(read.error().message.find('\x1b'), std::string::npos);
  }
}

}  // namespace
}  // namespace vodlift
