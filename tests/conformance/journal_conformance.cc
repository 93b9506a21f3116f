// The journal of a multipart upload: what is confirmed is never sent again.
#include "conformance/store_suite.h"

namespace vodlift::conformance {
namespace {

class JournalConformance : public StoreSuite {
 protected:
  static void expect_equal(const OpenMultipart& left, const OpenMultipart& right) {
    EXPECT_EQ(left.multipart_id, right.multipart_id);
    EXPECT_EQ(left.part_size, right.part_size);
    EXPECT_EQ(left.source, right.source);
    EXPECT_EQ(left.checksum_mode, right.checksum_mode);
    EXPECT_EQ(left.acl, right.acl);
    EXPECT_EQ(left.parts, right.parts);
  }
};

TEST_P(JournalConformance, ComesBackWithTheNextClaimAfterAReopen) {
  const UploadId id = insert("a");
  const Lease lease = claim_one().lease;
  OpenMultipart written = open_multipart(250);
  ASSERT_TRUE(journal().record_multipart(lease, written));
  Part without_md5 = part(1, 100);
  without_md5.md5.clear();
  written.parts = {without_md5, part(2, 100), part(3, 50)};
  // Parts are confirmed in any order.
  for (const int index : {2, 0, 1}) {
    ASSERT_TRUE(journal().record_part(lease, written.parts[static_cast<std::size_t>(index)]));
  }
  EXPECT_EQ(look(id).bytes_sent, 250);

  reopen();
  ASSERT_EQ(reclaim(kMaxCrashes), 1);
  const auto claimed = claim_one();
  expect_equal(claimed.journal, written);
  EXPECT_EQ(claimed.upload.bytes_sent, 250);
}

TEST_P(JournalConformance, KeepsEveryChecksumMode) {
  insert("a");
  for (const ChecksumMode mode : {ChecksumMode::crc32c, ChecksumMode::crc32c_composite, ChecksumMode::md5}) {
    const Lease lease = claim_one().lease;
    OpenMultipart written = open_multipart(250);
    written.checksum_mode = mode;
    ASSERT_TRUE(journal().record_multipart(lease, written));
    ASSERT_TRUE(requeue(lease, {}));
    const auto again = claim_one();
    EXPECT_EQ(again.journal.checksum_mode, mode);
    ASSERT_TRUE(requeue(again.lease, {}));
  }
}

TEST_P(JournalConformance, StaysOverARetry) {
  insert("a");
  const Lease lease = claim_one().lease;
  ASSERT_TRUE(journal().record_multipart(lease, open_multipart(250)));
  ASSERT_TRUE(journal().record_part(lease, part(1, 100)));
  ASSERT_TRUE(requeue(lease, {.error = UploadError{Errc::network, "reset", true}, .failed_attempt = true}));
  const auto again = claim_one();
  EXPECT_EQ(again.journal.multipart_id, open_multipart(250).multipart_id);
  ASSERT_EQ(again.journal.parts.size(), 1U);
  EXPECT_EQ(again.journal.parts[0], part(1, 100));
}

TEST_P(JournalConformance, TheSameNumberTwiceCountsOnce) {
  const UploadId id = insert("a");
  const Lease lease = claim_one().lease;
  ASSERT_TRUE(journal().record_multipart(lease, open_multipart(250)));
  ASSERT_TRUE(journal().record_part(lease, part(1, 100)));
  ASSERT_TRUE(journal().record_part(lease, part(1, 80)));
  EXPECT_EQ(look(id).bytes_sent, 80);
  ASSERT_TRUE(requeue(lease, {}));
  EXPECT_EQ(claim_one().journal.parts, (std::vector<Part>{part(1, 80)}));
}

TEST_P(JournalConformance, ANewMultipartUploadForgetsTheOldParts) {
  const UploadId id = insert("a");
  const Lease lease = claim_one().lease;
  ASSERT_TRUE(journal().record_multipart(lease, open_multipart(250)));
  ASSERT_TRUE(journal().record_part(lease, part(1, 100)));
  OpenMultipart second = open_multipart(400);
  second.multipart_id = "second";
  ASSERT_TRUE(journal().record_multipart(lease, second));
  EXPECT_EQ(look(id).bytes_sent, 0);
  EXPECT_EQ(look(id).size, 400) << "the size of the version that is being sent";
  ASSERT_TRUE(requeue(lease, {}));
  expect_equal(claim_one().journal, second);
}

TEST_P(JournalConformance, TakesPartsThatComeWithTheJournal) {
  const UploadId id = insert("a");
  const Lease lease = claim_one().lease;
  OpenMultipart written = open_multipart(250);
  written.parts = {part(1, 100), part(2, 100)};
  ASSERT_TRUE(journal().record_multipart(lease, written));
  EXPECT_EQ(look(id).bytes_sent, 200);
  ASSERT_TRUE(requeue(lease, {}));
  expect_equal(claim_one().journal, written);
}

TEST_P(JournalConformance, AnEmptyIdLeavesNoneOpen) {
  const UploadId id = insert("a");
  const Lease lease = claim_one().lease;
  ASSERT_TRUE(journal().record_multipart(lease, open_multipart(250)));
  ASSERT_TRUE(journal().record_part(lease, part(1, 100)));
  ASSERT_TRUE(journal().record_multipart(lease, {}));
  EXPECT_EQ(look(id).bytes_sent, 0);
  EXPECT_EQ(look(id).size, 250) << "no source was looked at";
  ASSERT_TRUE(requeue(lease, {}));
  const auto again = claim_one();
  EXPECT_TRUE(again.journal.multipart_id.empty());
  EXPECT_TRUE(again.journal.parts.empty());
}

TEST_P(JournalConformance, APartNeedsAnOpenMultipartUpload) {
  const UploadId id = insert("a");
  const Lease lease = claim_one().lease;
  const auto outcome = journal().record_part(lease, part(1, 100));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::internal);
  EXPECT_EQ(look(id).bytes_sent, 0) << "nothing of it remains";
}

TEST_P(JournalConformance, ThousandsOfParts) {
  const UploadId id = insert("a");
  const Lease lease = claim_one().lease;
  OpenMultipart written = open_multipart(1'000'000);
  for (int number = 1; number <= 10'000; ++number) written.parts.push_back(part(number, 100));
  ASSERT_TRUE(journal().record_multipart(lease, written));
  EXPECT_EQ(look(id).bytes_sent, 1'000'000);
  EXPECT_EQ(look(id).percent(), 99);
  ASSERT_TRUE(requeue(lease, {}));
  expect_equal(claim_one().journal, written);
}

VODLIFT_INSTANTIATE_CONFORMANCE(JournalConformance);

}  // namespace
}  // namespace vodlift::conformance
