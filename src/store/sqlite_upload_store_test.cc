#include "store/sqlite_upload_store.h"

#include <future>

#include "base/hash.h"
#include "store/store_test_support.h"

namespace vodlift::store {
namespace {

class SqliteUploadStoreTest : public StoreTest {};

// A request's HMAC is its signature: whoever reads a copy of the database must not find it there.
TEST_F(SqliteUploadStoreTest, KeepsNoSignature) {
  const std::string mac = "a mac of thirty-two bytes, a mac";
  {
    auto database = open();
    ASSERT_TRUE(database);
    SqliteUploadStore uploads(**database, clock_, [](const Upload&) { return std::string(); });
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

// What was answered before an upgrade (schema step 0011) is known after it, as long as it may be sent again.
TEST_F(SqliteUploadStoreTest, KnowsSignaturesKeptWithoutTheirTimestamp) {
  const std::string mac(32, 'm');
  constexpr std::int64_t kKeptMs = 1'700'000'000'000;
  const Sha256Digest digest = sha256(bytes_of(mac));
  auto database = open();
  ASSERT_TRUE(database);
  ASSERT_TRUE((*database)->write([&](SqliteConnection& connection) -> Result<> {
    connection.prepare("INSERT INTO signatures (key_id, mac, upload_id, created_ms) VALUES (1, ?1, 42, ?2)")
        .bind(Blob{{reinterpret_cast<const char*>(digest.data()), digest.size()}}, kKeptMs)
        .run();
    return {};
  }));
  SqliteUploadStore uploads(**database, clock_, [](const Upload&) { return std::string(); });
  const RequestSignature signature{kKeptMs / 1000, mac};
  EXPECT_EQ(uploads.find_repeat(1, signature).value(), 42);
  EXPECT_EQ(uploads.find_repeat(2, signature).value(), std::nullopt);
  EXPECT_EQ(uploads.forget_signatures(from_unix_ms(kKeptMs)).value(), 0);
  EXPECT_EQ(uploads.forget_signatures(from_unix_ms(kKeptMs + 1)).value(), 1);
  EXPECT_EQ(uploads.find_repeat(1, signature).value(), std::nullopt);
}

}  // namespace
}  // namespace vodlift::store
