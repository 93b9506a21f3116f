#include "store/sqlite_upload_store.h"

#include <future>

#include "store/store_test_support.h"

namespace vodlift::store {
namespace {

class SqliteUploadStoreTest : public StoreTest {};

// A request's HMAC is its signature: a copy of the database must not reveal it.
TEST_F(SqliteUploadStoreTest, KeepsNoSignature) {
  const std::string mac = "a mac of thirty-two bytes, a mac";
  {
    auto database = open();
    ASSERT_TRUE(database);
    SqliteUploadStore uploads(queue_over(**database));
    NewUpload upload = new_upload("f.mp4");
    upload.key_id = 1;
    upload.signature.mac = mac;
    std::promise<UploadId> inserted;
    uploads.insert(std::move(upload), [&](const Result<InsertOutcome>& outcome) { inserted.set_value(outcome->id); });
    const UploadId id = inserted.get_future().get();
    EXPECT_EQ(uploads.find_repeat(1, {0, mac}).value(), id);
  }
  const std::string kept = bytes_in(path_);
  EXPECT_NE(kept.find("f.mp4"), std::string::npos);
  EXPECT_EQ(kept.find(mac), std::string::npos);
}

}  // namespace
}  // namespace vodlift::store
