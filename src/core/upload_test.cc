#include "core/upload.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <set>

namespace vodlift {
namespace {

constexpr std::array kStates = {UploadState::queued,    UploadState::paused, UploadState::uploading,
                                UploadState::completed, UploadState::failed, UploadState::cancelled};

using Move = std::pair<UploadState, UploadState>;

TEST(UploadMoves, AreTheseAndNoOthers) {
  // Written out once more on purpose: the table of docs/upload-states.md.
  const std::set<Move> legal = {
      {UploadState::queued, UploadState::uploading},    {UploadState::queued, UploadState::paused},
      {UploadState::queued, UploadState::cancelled},    {UploadState::paused, UploadState::queued},
      {UploadState::paused, UploadState::cancelled},    {UploadState::uploading, UploadState::queued},
      {UploadState::uploading, UploadState::completed}, {UploadState::uploading, UploadState::failed},
      {UploadState::uploading, UploadState::cancelled},
  };
  for (const UploadState from : kStates) {
    for (const UploadState to : kStates) {
      EXPECT_EQ(may_move(from, to), legal.contains({from, to})) << to_string(from) << " to " << to_string(to);
    }
  }
}

TEST(UploadMoves, NothingLeavesAnEnd) {
  for (const UploadState state : kStates) {
    const bool end = state == UploadState::completed || state == UploadState::failed || state == UploadState::cancelled;
    EXPECT_EQ(is_end(state), end) << to_string(state);
  }
}

TEST(UploadMoves, EveryStateReachesAnEnd) {
  for (const UploadState from : kStates) {
    bool one_step = is_end(from);
    for (const UploadState to : kStates) one_step = one_step || (may_move(from, to) && is_end(to));
    EXPECT_TRUE(one_step) << to_string(from);
  }
}

TEST(UploadWords, GoThereAndBack) {
  for (const UploadState state : kStates) EXPECT_EQ(upload_state_from(to_string(state)), state);
  for (const Acl acl : {Acl::private_acl, Acl::public_read}) EXPECT_EQ(acl_from(to_string(acl)), acl);
  for (const CallbackState state : {CallbackState::none, CallbackState::waiting, CallbackState::pending,
                                    CallbackState::delivered, CallbackState::failed, CallbackState::stopped}) {
    EXPECT_EQ(callback_state_from(to_string(state)), state);
  }
  for (const ChecksumMode mode :
       {ChecksumMode::unknown, ChecksumMode::crc32c, ChecksumMode::crc32c_composite, ChecksumMode::md5}) {
    EXPECT_EQ(checksum_mode_from(to_string(mode)), mode);
  }
}

TEST(UploadWords, AreThePublicOnes) {
  EXPECT_EQ(to_string(UploadState::uploading), "uploading");
  EXPECT_EQ(to_string(Acl::private_acl), "private");
  EXPECT_EQ(to_string(Acl::public_read), "public-read");
  EXPECT_EQ(to_string(CallbackState::stopped), "stopped");
}

TEST(UploadWords, OthersAreNotUnderstood) {
  for (const auto* word : {"", "Queued", "queued ", "done", "public_read", "PRIVATE"}) {
    EXPECT_FALSE(upload_state_from(word)) << word;
    EXPECT_FALSE(acl_from(word)) << word;
    EXPECT_FALSE(callback_state_from(word)) << word;
  }
}

Upload sent(std::int64_t bytes, std::int64_t size, UploadState state = UploadState::uploading) {
  Upload upload;
  upload.state = state;
  upload.size = size;
  upload.bytes_sent = bytes;
  return upload;
}

TEST(UploadPercent, IsWholeAndRoundedDown) {
  EXPECT_EQ(sent(0, 1000).percent(), 0);
  EXPECT_EQ(sent(9, 1000).percent(), 0);
  EXPECT_EQ(sent(10, 1000).percent(), 1);
  EXPECT_EQ(sent(559, 1000).percent(), 55);
}

TEST(UploadPercent, IsAHundredOnlyWhenCompleted) {
  EXPECT_EQ(sent(1000, 1000).percent(), 99);
  EXPECT_EQ(sent(2000, 1000).percent(), 99);
  EXPECT_EQ(sent(1000, 1000, UploadState::failed).percent(), 99);
  EXPECT_EQ(sent(1000, 1000, UploadState::completed).percent(), 100);
}

TEST(UploadPercent, OfNothingIsNothingUntilCompleted) {
  EXPECT_EQ(sent(0, 0).percent(), 0);
  EXPECT_EQ(sent(0, 0, UploadState::completed).percent(), 100);
}

TEST(UploadPercent, HoldsForTheLargestFiles) {
  const auto most = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(sent(most / 2, most).percent(), 50);
}

}  // namespace
}  // namespace vodlift
