#include "app/reload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "app/config_check.h"
#include "base/temporary_folder_test.h"

namespace vodlift::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kFile = R"([store]
path = "vodlift.db"
[server]
listen = "127.0.0.1:0"
[[storage]]
name = "sestore4"
root = "/srv/sestore4"
)";

const std::string kMore = "[[storage]]\nname = \"more\"\nroot = \"/srv/more\"\n";

Config parsed(const std::string& text) { return parse_config(text, "/etc/vodlift/vodlift.toml").value(); }

TEST(DifferenceOf, TellsWhatIsAppliedAndWhatNeedsARestart) {
  const Config used = parsed(std::string(kFile));
  EXPECT_EQ(difference_of(used, used), ReloadedSettings());
  const Config fresh = parsed(R"([store]
path = "vodlift.db"
[server]
listen = "127.0.0.1:1"
timestamp_window_s = 60
[[storage]]
name = "sestore5"
root = "/srv/sestore5"
[worker]
uploads = 9
[log]
level = "debug"
format = "json"
)");
  const ReloadedSettings difference = difference_of(used, fresh);
  EXPECT_THAT(difference.applied, ElementsAre("[server] timestamp_window_s", "[worker] uploads", "[log] level",
                                              "[[storage]] sestore5", "[[storage]] sestore4"));
  EXPECT_THAT(difference.need_restart, ElementsAre("[server] listen", "[log] format"));
}

class ReloadTest : public testing::Test {
 protected:
  void write(std::string_view text) { std::ofstream(path_, std::ios::binary) << text; }
  Result<ReloadedSettings> reload() { return reload_.reload(); }

  const TemporaryFolder folder_;
  const std::filesystem::path path_ = folder_.path() / "vodlift.toml";
  const Config config_ = [this] {
    write(kFile);
    return load_config(path_).value();
  }();
  Result<> room_;
  Result<> certificates_;
  int unfinished_ = 0;               // uploads of files on the storage "more"
  std::vector<std::size_t> used_;    // how many storages, each time
  std::vector<std::size_t> told_;    // how many webhooks
  std::vector<std::string> traced_;  // to which collectors
  Config last_;
  Reload reload_{config_,
                 {[this](const Config&) { return room_; }, [this] { return certificates_; },
                  [this](const std::string& storage) -> Result<int> { return storage == "more" ? unfinished_ : 0; },
                  [this](const Config& next) -> Result<> {
                    used_.push_back(next.storages.size());
                    last_ = next;
                    return {};
                  },
                  [this](const alert::Options& fresh) { told_.push_back(fresh.webhooks.size()); },
                  [this](const telemetry::Collector& fresh) { traced_.push_back(fresh.url); }}};
};

TEST_F(ReloadTest, WhatWasAppliedIsNoDifferenceAnyMore) {
  write(std::string(kFile) + kMore + "[audit]\nkeep = 3\n");
  EXPECT_EQ(reload().value(), (ReloadedSettings{{"[[storage]] more"}, {"[audit] keep"}}));
  EXPECT_EQ(reload().value(), (ReloadedSettings{{}, {"[audit] keep"}})) << "it stays as it was until a restart";
  EXPECT_THAT(used_, ElementsAre(2, 2));
}

TEST_F(ReloadTest, AFaultyFileChangesNothingAndHasEveryFaultTold) {
  write(std::string(kFile) + "[[storage]]\nname = \"more\"\nroot = 7\n[worker]\nuploads = 0\n");
  const auto refused = reload();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::config_invalid);
  EXPECT_THAT(refused.error().for_operator(), HasSubstr(":10: [[storage]] root"));
  EXPECT_THAT(refused.error().for_operator(), HasSubstr(":12: [worker] uploads"));
  EXPECT_THAT(used_, IsEmpty());
  std::filesystem::remove(path_);
  EXPECT_FALSE(reload());
  EXPECT_THAT(used_, IsEmpty());
}

TEST_F(ReloadTest, WhatNeedsARestartStaysAsItWasForWhatDoesNot) {
  write(std::string(kFile) + "[worker]\nuploads = 3\ntransfer_threads = 5\n[retention]\nfailed_days = 9\n");
  EXPECT_EQ(reload().value(),
            (ReloadedSettings{{"[worker] uploads", "[retention] failed_days"}, {"[worker] transfer_threads"}}));
  EXPECT_EQ(last_.worker.uploads, 3);
  EXPECT_EQ(last_.worker.transfer_threads, 0);
  EXPECT_EQ(last_.retention.failed, std::chrono::days(9));
}

TEST_F(ReloadTest, OnlyTheDaysThatTheFileSaysAreNamed) {
  write(std::string(kFile) + "[retention]\nended_days = 30\n");
  EXPECT_EQ(reload().value(), (ReloadedSettings{{"[retention] ended_days"}, {}}));
  EXPECT_EQ(last_.retention.failed, std::chrono::days(30));
  write(std::string(kFile) + "[retention]\nended_days = 30\nfailed_days = 90\n");
  EXPECT_EQ(reload().value(), (ReloadedSettings{{"[retention] failed_days"}, {}}));
  EXPECT_EQ(last_.retention.failed, std::chrono::days(90));
}

TEST_F(ReloadTest, WhatThereIsNoRoomForChangesNothing) {
  write(std::string(kFile) + kMore + "[worker]\nuploads = 256\n");
  room_ = Error{Errc::config_invalid, "too many descriptors"};
  EXPECT_EQ(reload().error().message, "too many descriptors");
  EXPECT_THAT(used_, IsEmpty());
}

TEST_F(ReloadTest, AlertsAreTakenUnlessTheirSecretIsNotThere) {
  write(std::string(kFile) + "[alerts]\nwebhook = \"http://10.0.0.1/a\"\n");
  EXPECT_EQ(reload().value(), (ReloadedSettings{{"[alerts]"}, {}}));
  EXPECT_THAT(told_, ElementsAre(1));
  write(std::string(kFile) + "[alerts]\nwebhook_secret_file = \"none\"\n");
  EXPECT_THAT(reload().error().for_operator(), HasSubstr("[alerts] webhook_secret_file"));
  EXPECT_THAT(told_, ElementsAre(1));
}

TEST_F(ReloadTest, ACollectorOfTracesIsTakenUnlessItsHeadersAreFaulty) {
  const std::string traces = std::string(kFile) + "[traces]\nurl = \"http://10.0.0.1/traces\"\n";
  write(traces);
  EXPECT_EQ(reload().value(), (ReloadedSettings{{"[traces] url"}, {}}));
  EXPECT_THAT(traced_, ElementsAre("http://10.0.0.1/traces"));
  write(traces + "headers_file = \"none\"\n");
  EXPECT_THAT(reload().error().for_operator(), HasSubstr("[traces] headers_file"));
  EXPECT_THAT(traced_, ElementsAre("http://10.0.0.1/traces"));
  write(kFile);
  EXPECT_TRUE(reload());
  EXPECT_THAT(traced_, ElementsAre("http://10.0.0.1/traces", ""));
}

TEST_F(ReloadTest, AStorageWithUploadsThatHaveNotEndedStays) {
  write(std::string(kFile) + kMore);
  ASSERT_TRUE(reload());
  write(kFile);
  unfinished_ = 2;
  const auto refused = reload();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::wrong_state);
  EXPECT_THAT(refused.error().message, HasSubstr("2 uploads of files on it have not ended"));
  EXPECT_THAT(refused.error().message, HasSubstr("upload cancel --storage more"));
  EXPECT_THAT(used_, ElementsAre(2));
  unfinished_ = 0;
  EXPECT_EQ(reload().value().applied, std::vector<std::string>{"[[storage]] more"});
  EXPECT_THAT(used_, ElementsAre(2, 1));
}

TEST_F(ReloadTest, AFaultyCertificateChangesNothing) {
  write(std::string(kFile) + kMore);
  certificates_ = Error{Errc::config_invalid, "the key does not fit"};
  EXPECT_EQ(reload().error().message, "the key does not fit");
  EXPECT_THAT(used_, IsEmpty());
}

TEST_F(ReloadTest, ACheckNotesWhatIsNotThere) {
  EXPECT_THAT(missing_of(config_), ElementsAre(HasSubstr("[[storage]] sestore4: /srv/sestore4: ")));
  write("[store]\npath = \"v.db\"\n[[storage]]\nname = \"here\"\nroot = \".\"\n");
  EXPECT_THAT(missing_of(load_config(path_).value()), IsEmpty());
  EXPECT_EQ(check_config(path_), 0);
  write("[store]\npath = \"v.db\"\n[[storage]]\nname = \"here\"\nroute = \".\"\n");
  EXPECT_EQ(check_config(path_), 2);
}

}  // namespace
}  // namespace vodlift::app
