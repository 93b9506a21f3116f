#include "core/upload_search.h"

#include <gtest/gtest.h>

#include <functional>

namespace vodlift {
namespace {

using std::chrono::seconds;

Upload failed_upload() {
  Upload upload;
  upload.account = 158;
  upload.state = UploadState::failed;
  upload.error = UploadError{Errc::s3_credential, "no", false};
  upload.request.path = "sestore4/jb/films/A%_film.mp4";
  upload.request.destination_path = "to/Here\xff";
  upload.request.bucket = "one";
  upload.request.priority = 0;
  upload.created = from_unix_ms(1'000'000);
  return upload;
}

bool holds(const std::function<void(UploadFilter&)>& narrow) {
  UploadFilter filter;
  narrow(filter);
  return filter.holds(failed_upload());
}

TEST(UploadFilter, WhatIsEmptyNarrowsNothing) {
  EXPECT_TRUE(UploadFilter().holds(failed_upload()));
  EXPECT_TRUE(UploadFilter().holds(Upload()));
}

TEST(UploadFilter, EachFieldNarrowsByItself) {
  EXPECT_TRUE(holds([](auto& f) { f.account = 158; }));
  EXPECT_FALSE(holds([](auto& f) { f.account = 159; }));
  EXPECT_TRUE(holds([](auto& f) { f.states = {UploadState::queued, UploadState::failed}; }));
  EXPECT_FALSE(holds([](auto& f) { f.states = {UploadState::queued}; }));
  EXPECT_TRUE(holds([](auto& f) { f.errors = {Errc::network, Errc::s3_credential}; }));
  EXPECT_FALSE(holds([](auto& f) { f.errors = {Errc::network}; }));
  EXPECT_TRUE(holds([](auto& f) { f.bucket = "one"; }));
  EXPECT_FALSE(holds([](auto& f) { f.bucket = "on"; }));
  EXPECT_TRUE(holds([](auto& f) { f.priority = 0; }));
  EXPECT_FALSE(holds([](auto& f) { f.priority = 1; }));
  EXPECT_TRUE(holds([](auto& f) { f.scope.path_prefix = "sestore4/jb/films"; }));
  EXPECT_FALSE(holds([](auto& f) { f.scope.path_prefix = "sestore4/jb/film"; }));
  EXPECT_FALSE(holds([](auto& f) { f.scope.buckets = {"two"}; }));
}

TEST(UploadFilter, NoErrorIsOfNoCode) {
  UploadFilter filter;
  filter.errors = {Errc::network};
  EXPECT_FALSE(filter.holds(Upload()));
}

TEST(UploadFilter, TimesReachFromTheFirstUpToTheLast) {
  const auto at = [](std::int64_t ms) { return from_unix_ms(ms); };
  EXPECT_TRUE(holds([&](auto& f) { f.created_since = at(1'000'000); }));
  EXPECT_FALSE(holds([&](auto& f) { f.created_since = at(1'000'001); }));
  EXPECT_TRUE(holds([&](auto& f) { f.created_until = at(1'000'001); }));
  EXPECT_FALSE(holds([&](auto& f) { f.created_until = at(1'000'000); }));
}

TEST(UploadFilter, TextIsAPartOfEitherPathByteByByte) {
  for (const std::string part : {"films/A", "%_film", "to/Here", "re\xff", ".mp4"}) {
    EXPECT_TRUE(holds([&](auto& f) { f.text = part; })) << part;
  }
  for (const std::string other : {"films/a", "%film", "a_film", "mp4to", "one", "\xfe"}) {
    EXPECT_FALSE(holds([&](auto& f) { f.text = other; })) << other;
  }
}

TEST(UploadFilter, AllMustHold) {
  EXPECT_FALSE(holds([](auto& f) { f.account = 158, f.text = "films", f.priority = 9; }));
  EXPECT_TRUE(holds([](auto& f) { f.account = 158, f.text = "films", f.priority = 0; }));
}

TEST(UploadFilter, PossibleStates) {
  UploadFilter filter;
  EXPECT_EQ(filter.possible_states().size(), Words<UploadState>::kCount);
  filter.errors = {Errc::network};
  EXPECT_EQ(filter.possible_states(),
            (std::vector<UploadState>{UploadState::queued, UploadState::paused, UploadState::uploading,
                                      UploadState::failed, UploadState::cancelled}));
  filter.states = {UploadState::failed, UploadState::completed};
  EXPECT_EQ(filter.possible_states(), std::vector<UploadState>{UploadState::failed});
  filter.states = {UploadState::completed};
  EXPECT_TRUE(filter.possible_states().empty());
}

}  // namespace
}  // namespace vodlift
