#include "core/permission.h"

#include <gtest/gtest.h>

namespace vodlift {
namespace {

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
