#include "core/upload_intake.h"

#include <gtest/gtest.h>

#include <set>

#include "core/file_of_size_test.h"
#include "memory/memory_accounts.h"

namespace vodlift {
namespace {

class OneFile final : public Storages {
 public:
  Result<std::unique_ptr<SourceFile>> open(const SourcePath& path) override {
    ++opens;
    if (path.storage != "sestore4") return Error{Errc::storage_unavailable, "storage is unknown"};
    if (path.file != "f.mp4") return Error{Errc::source_not_found, "file does not exist"};
    return std::unique_ptr<SourceFile>(std::make_unique<FileOfSize>(size));
  }
  std::optional<Result<std::unique_ptr<SourceFile>>> open_cached(const SourcePath& path) override {
    if (!cached) return std::nullopt;
    return open(path);
  }
  std::vector<StorageInfo> list() override { return {}; }
  void list_files(FileQuery, std::function<void(Result<FileList>)> done) override {
    done(Error{Errc::internal, "not for this test"});
  }

  std::int64_t size = 1234;
  bool cached = true;
  int opens = 0;
};

class UploadIntakeTest : public testing::Test {
 protected:
  UploadIntakeTest() {
    accounts_.add_account(account()).value();
    BucketAccess bucket;
    bucket.cdn = 158;
    bucket.bucket = "my_bucket";
    accounts_.put_bucket(bucket).value();
  }

  static Account account() { return {.cdn = 158, .user = "jb", .webhook_secret = {}, .created = {}}; }
  static UploadRequest request() {
    UploadRequest out;
    out.path = "sestore4/jb/f.mp4";
    out.destination_path = "f.mp4";
    out.bucket = "my_bucket";
    return out;
  }
  Result<NewUpload> check(UploadRequest request) { return intake_.check(account(), std::move(request)); }

  memory::MemoryAccounts account_rows_;
  AccountDirectory accounts_{account_rows_};
  OneFile storages_;
  std::vector<std::string> hosts_;
  UploadIntake intake_{accounts_, storages_, [this](const std::string& host, int) -> std::optional<std::string> {
                         hosts_.push_back(host);
                         if (host == "127.1") return "127.1 is a loopback address";
                         return std::nullopt;
                       }};
};

TEST_F(UploadIntakeTest, MakesAnUploadThatMayBeQueued) {
  const auto upload = check(request());
  ASSERT_TRUE(upload) << upload.error().message;
  EXPECT_EQ(upload->account, 158);
  EXPECT_EQ(upload->size, 1234);
  EXPECT_EQ(upload->key_id, 0);
  EXPECT_EQ(upload->signature.mac, "");
  EXPECT_EQ(upload->request.destination_path, "f.mp4");
  EXPECT_EQ(upload->token.size(), 32U);
  EXPECT_EQ(upload->token.find_first_not_of("0123456789abcdef"), std::string::npos);
}

TEST_F(UploadIntakeTest, MarksEachUploadWithItsOwnToken) {
  std::set<std::string> tokens;
  for (int i = 0; i < 50; ++i) tokens.insert(check(request())->token);
  EXPECT_EQ(tokens.size(), 50U);
}

TEST_F(UploadIntakeTest, AsksTheGuardForTheHostOfTheCallback) {
  UploadRequest with = request();
  with.callback = "[2001:db8::1]:8080/x";
  EXPECT_TRUE(check(with));
  with.callback = "http://127.1/";
  const auto refused = check(with);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::invalid_value);
  EXPECT_NE(refused.error().message.find("127.1 is a loopback address"), std::string::npos);
  EXPECT_EQ(hosts_, (std::vector<std::string>{"2001:db8::1", "127.1"}));
  EXPECT_TRUE(check(request()));
  EXPECT_EQ(hosts_.size(), 2U) << "no callback, no question";
}

TEST_F(UploadIntakeTest, NeedsAConfiguredBucketAndASource) {
  UploadRequest bad = request();
  bad.bucket = "other-bucket";
  EXPECT_EQ(check(bad).error().code, Errc::bucket_not_configured);
  EXPECT_EQ(storages_.opens, 0) << "the disk is asked last";
  bad = request();
  bad.path = "sestore4/jb/absent.mp4";
  EXPECT_EQ(check(bad).error().code, Errc::source_not_found);
  bad = request();
  bad.path = "sestore9/jb/f.mp4";
  EXPECT_EQ(check(bad).error().code, Errc::storage_unavailable);
  bad = request();
  bad.path = "sestore4/other/f.mp4";
  EXPECT_EQ(check(bad).error().code, Errc::source_not_found);
  bad = request();
  bad.destination_path = "";
  EXPECT_EQ(check(bad).error().code, Errc::invalid_value);
}

TEST_F(UploadIntakeTest, TakesEmptyFilesAndTheLargestObject) {
  storages_.size = 0;
  EXPECT_EQ(check(request())->size, 0);
  storages_.size = kMaxObjectBytes;
  EXPECT_TRUE(check(request()));
  storages_.size = kMaxObjectBytes + 1;
  const auto refused = check(request());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::invalid_value);
  EXPECT_NE(refused.error().message.find("48.8 TiB"), std::string::npos);
}

TEST_F(UploadIntakeTest, ASourceThatIsInMemoryNeedsNoDisk) {
  auto checked = intake_.check_request(account(), request());
  ASSERT_TRUE(checked);
  EXPECT_EQ(storages_.opens, 0);
  storages_.cached = false;
  EXPECT_FALSE(intake_.check_cached_source(*checked)) << "the disk would have to be asked";
  storages_.cached = true;
  storages_.size = kMaxObjectBytes + 1;
  EXPECT_FALSE(intake_.check_cached_source(*checked)) << "a refusal is for check_source()";
  storages_.size = 1234;
  const auto upload = intake_.check_cached_source(*checked);
  ASSERT_TRUE(upload);
  EXPECT_EQ(upload->account, 158);
  EXPECT_EQ(upload->size, 1234);
  EXPECT_EQ(upload->request.destination_path, "f.mp4") << "what was not taken is left as it was";
  EXPECT_EQ(upload->token.size(), 32U);
}

}  // namespace
}  // namespace vodlift
