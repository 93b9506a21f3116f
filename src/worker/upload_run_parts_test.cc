// The part size of an upload: chosen by the rate of its bucket when it begins, and then kept.
#include "core/part_plan.h"
#include "worker/upload_run_test.h"

namespace vodlift::worker {
namespace {

TEST_F(UploadRunTest, PartsThatAreTooLargeForAProxyBecomeSmaller) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.allowed = 6'000'000;
  run();
  expect_completed();
  EXPECT_EQ(objects_.parts.size(), 7U) << "16, 8, then 5 MiB";
  EXPECT_LE(objects_.parts[1].size, 6'000'000);
  EXPECT_EQ(objects_.created, 3);
  EXPECT_EQ(stores_.look(id_).attempts, 1);
  request_.destination_path = "next.mp4";
  run();
  expect_completed();
  EXPECT_EQ(objects_.created, 4) << "what was learned of the bucket stays";
}

TEST_F(UploadRunTest, AnObjectThatIsTooLargeForAProxyIsSentInParts) {
  storages_.bytes = std::string(12'000'000, 'v');
  objects_.allowed = 6'000'000;
  run();
  expect_completed();
  EXPECT_EQ(objects_.count("put"), 1);
  EXPECT_EQ(objects_.parts.size(), 2U);
}

TEST_F(UploadRunTest, WhatNoPartIsSmallEnoughForFails) {
  storages_.bytes = std::string(kThreeParts, 'v');
  objects_.allowed = 1'000'000;
  run();
  expect_failed(Errc::s3_too_large);
  EXPECT_LE(objects_.created, 3);
}

constexpr std::int64_t kMiB = std::int64_t{1024} * 1024;

class UploadRunParts : public UploadRunTest {
 protected:
  void put_film(std::int64_t size) {
    storages_.bytes = "film";
    storages_.zeros = size - std::ssize(storages_.bytes);
  }
  // Of the first part that a run sends; it goes no further.
  std::int64_t first_part() {
    std::optional<std::int64_t> size;
    objects_.hold_part = [&size](int, const Body& body, ObjectStore::PartDone done) {
      if (!size) size = body.size;
      done(Error{Errc::s3_access_denied, "scripted"});
    };
    run();
    return size.value_or(0);
  }
};

TEST_F(UploadRunParts, WithoutARateTheyAreWhatIsPreferred) {
  put_film(4096 * kMiB);
  EXPECT_EQ(first_part(), kPreferredPartBytes);
}

TEST_F(UploadRunParts, AtAHighRateThoseOfALargeFileAreLarge) {
  put_film(4096 * kMiB);
  objects_.rate = 1024 * kMiB;
  EXPECT_EQ(first_part(), kLargestRatedPartBytes);
}

TEST_F(UploadRunParts, AtALowRateTheyAreSmall) {
  put_film(2 * kPreferredPartBytes + 1000);
  objects_.rate = kMiB;
  run();
  expect_completed();
  EXPECT_EQ(objects_.parts.at(1).size, kSmallestRatedPartBytes);
  EXPECT_EQ(objects_.count("part"), 5);
}

TEST_F(UploadRunParts, AnotherRateChangesNothingInAnUploadThatWasBegun) {
  put_film(2 * kPreferredPartBytes + 1000);
  objects_.script["complete"] = {Errc::s3_clock_skew};
  run();
  for (const std::int64_t rate : {std::int64_t{1}, 1024 * kMiB}) {
    objects_.parts.erase(2);
    objects_.calls.clear();
    objects_.script["complete"] = {Errc::s3_clock_skew};
    objects_.rate = rate;
    run();
    EXPECT_EQ(objects_.calls, (std::vector<std::string>{"list", "part 2", "complete"}));
    EXPECT_EQ(objects_.parts.at(2).size, kPreferredPartBytes);
  }
  run();
  expect_completed();
  EXPECT_EQ(objects_.created, 1);
}

TEST_F(UploadRunParts, WhatIsBegunAnewGoesByTheRateOfThen) {
  put_film(2 * kPreferredPartBytes + 1000);
  objects_.script["complete"] = {Errc::s3_clock_skew};
  run();
  objects_.open.clear();
  objects_.calls.clear();
  objects_.rate = 1;
  run();
  expect_completed();
  EXPECT_EQ(objects_.count("part"), 5);
}

}  // namespace
}  // namespace vodlift::worker
