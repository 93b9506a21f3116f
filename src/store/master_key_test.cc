#include "store/master_key.h"

#include "base/file.h"
#include "base/seal.h"
#include "store/store_test_support.h"

namespace vodlift::store {
namespace {

namespace fs = std::filesystem;

class MasterKey : public StoreTest {
 protected:
  const fs::path file_ = directory_ / "master.key";
};

TEST_F(MasterKey, IsMadeOnceAndForItsOwnerOnly) {
  const auto made = load_or_create_master_key(file_, true);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->reveal().size(), Seal::kKeyBytes);
  EXPECT_EQ(fs::status(file_).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  for (const bool may_create : {true, false}) {
    EXPECT_EQ(load_or_create_master_key(file_, may_create).value().reveal(), made->reveal());
  }
  EXPECT_NE(load_or_create_master_key(directory_ / "other.key", true).value().reveal(), made->reveal());
}

TEST_F(MasterKey, HasAFingerprint) {
  const std::string print = fingerprint_of(Secret(std::string(32, 'k')));
  EXPECT_EQ(print.size(), 16U);
  EXPECT_EQ(print, fingerprint_of(Secret(std::string(32, 'k'))));
  EXPECT_NE(print, fingerprint_of(Secret(std::string(31, 'k') + "l")));
}

TEST_F(MasterKey, IsNotMadeAnewWhereSecretsAreSealed) {
  const auto missing = load_or_create_master_key(file_, false);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::config_invalid);
  EXPECT_NE(missing.error().message.find(file_.string()), std::string::npos);
  EXPECT_FALSE(fs::exists(file_));
}

TEST_F(MasterKey, MustNotBeOpenToOthers) {
  ASSERT_TRUE(load_or_create_master_key(file_, true));
  for (const auto open_to : {fs::perms::group_read, fs::perms::others_read, fs::perms::group_write}) {
    fs::permissions(file_, fs::perms::owner_read | open_to);
    const auto refused = load_or_create_master_key(file_, true);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::config_invalid);
    EXPECT_NE(refused.error().message.find("chmod 600"), std::string::npos);
  }
  fs::permissions(file_, fs::perms::owner_read);
  EXPECT_TRUE(load_or_create_master_key(file_, true)) << "read-only is fine";
}

TEST_F(MasterKey, MustHaveTheRightSize) {
  for (const std::size_t size : {std::size_t{1}, Seal::kKeyBytes - 1, Seal::kKeyBytes + 1}) {
    const fs::path file = directory_ / std::to_string(size);
    ASSERT_TRUE(create_private_file(file, std::string(size, 'k')));
    const auto refused = load_or_create_master_key(file, true);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::config_invalid);
  }
}

TEST_F(MasterKey, AnEmptyFileIsReplacedWhereNothingIsSealed) {
  ASSERT_TRUE(create_private_file(file_, ""));
  EXPECT_EQ(load_or_create_master_key(file_, false).error().code, Errc::config_invalid);
  EXPECT_EQ(fs::file_size(file_), 0U) << "untouched where secrets are sealed";
  const auto made = load_or_create_master_key(file_, true);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(load_or_create_master_key(file_, false).value().reveal(), made->reveal());
}

TEST_F(MasterKey, IsAFileInADirectoryThatExists) {
  EXPECT_EQ(load_or_create_master_key(directory_, true).error().code, Errc::config_invalid);
  EXPECT_EQ(load_or_create_master_key(directory_ / "absent" / "key", true).error().code, Errc::io_error);
}

}  // namespace
}  // namespace vodlift::store
