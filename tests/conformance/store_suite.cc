#include "conformance/store_suite.h"

#include <fmt/format.h>

#include <future>

namespace vodlift::conformance {

std::string test_callback_body(const Upload& ended) {
  return fmt::format("{} {} {}", ended.id, to_string(ended.state), to_string(ended.callback_state));
}

NewUpload StoreSuite::new_upload(const std::string& destination, int priority) {
  NewUpload upload;
  upload.account = kAccount;
  upload.request.path = "sestore4/jb/" + destination;
  upload.request.destination_path = destination;
  upload.request.bucket = "my_bucket";
  upload.request.priority = priority;
  upload.size = 1000;
  upload.token = "0123456789abcdef0123456789abcdef";
  return upload;
}

InsertOutcome StoreSuite::insert_into(UploadStore& uploads, NewUpload upload) {
  std::promise<Result<InsertOutcome>> answer;
  uploads.insert(std::move(upload), [&](Result<InsertOutcome> outcome) { answer.set_value(std::move(outcome)); });
  auto outcome = answer.get_future().get();
  EXPECT_TRUE(outcome) << outcome.error().message;
  return outcome ? *outcome : InsertOutcome{};
}

std::vector<ClaimedUpload> StoreSuite::claim(const Places& places) {
  auto claimed = claim_next(queue(), share_, places, kLease);
  EXPECT_TRUE(claimed) << claimed.error().message;
  return claimed ? std::move(*claimed) : std::vector<ClaimedUpload>{};
}

std::vector<UploadId> StoreSuite::claim_ids(int limit) {
  std::vector<UploadId> ids;
  for (const auto& claimed : claim(limit)) ids.push_back(claimed.upload.id);
  return ids;
}

ClaimedUpload StoreSuite::claim_one() {
  auto claimed = claim(1);
  EXPECT_EQ(claimed.size(), 1U);
  return claimed.empty() ? ClaimedUpload{} : std::move(claimed.front());
}

std::vector<ClaimedCallback> StoreSuite::claim_callbacks(int limit) { return claim_callbacks_at(callbacks(), limit); }

std::vector<ClaimedCallback> StoreSuite::claim_callbacks_at(CallbackQueue& queue, int limit) {
  std::vector<std::int64_t> ids;
  for (const AccountId account : queue.due_accounts(1, 1000).value()) {
    for (const DueReceiver& one : queue.due_receivers(account, "", 1000, limit).value()) {
      ids.insert(ids.end(), one.ids.begin(), one.ids.end());
    }
  }
  ids.resize(std::min(ids.size(), static_cast<std::size_t>(limit)));
  return queue.claim(ids, kLease).value();
}

Upload StoreSuite::look(UploadId id, AccountId account) {
  auto found = uploads().find(account, {.ids = {id}, .limit = 25, .offset = 0});
  EXPECT_TRUE(found) << found.error().message;
  if (!found || found->size() != 1) {
    ADD_FAILURE() << "upload " << id << " is not there";
    return {};
  }
  return std::move(found->front());
}

UploadEnding StoreSuite::completed(std::int64_t size) {
  UploadEnding ending;
  ending.state = UploadState::completed;
  ending.size = size;
  ending.acl_applied = Acl::private_acl;
  ending.verification = {"etag", "crc32c:AAAAAA==", "v1"};
  return ending;
}

UploadEnding StoreSuite::failed(Errc code) {
  UploadEnding ending;
  ending.state = UploadState::failed;
  ending.error = UploadError{code, "it did not work", false};
  return ending;
}

OpenMultipart StoreSuite::open_multipart(std::int64_t size) {
  OpenMultipart journal;
  journal.multipart_id = "2~upload/id+with=signs";
  journal.part_size = 100;
  // The largest values show whether unsigned numbers survive.
  journal.source = {~std::uint64_t{0}, ~std::uint64_t{0} - 1, size, 1'690'000'000'123'456'789,
                    1'690'000'000'000'000'001};
  journal.checksum_mode = ChecksumMode::crc32c;
  journal.acl = Acl::public_read;
  return journal;
}

Part StoreSuite::part(int number, std::int64_t size) {
  return {number, size, fmt::format("\"etag-{}\"", number), 0xFFFFFFFFU,
          std::string("\0\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f", 16)};
}

}  // namespace vodlift::conformance
