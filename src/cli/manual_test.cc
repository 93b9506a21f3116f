#include "cli/manual.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <fstream>

#include "base/temporary_folder_test.h"
#include "cli/session.h"

namespace vodlift::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

class CliManual : public testing::Test {
 protected:
  void SetUp() override { add_all_commands(app_, session_, services_); }

  // What a real bash offers to complete. The user types the last word of `words`.
  std::string offered(const std::string& words, int count) {
    const auto script = temporary_.path() / "completion";
    std::ofstream(script) << bash_completion(app_) << "COMP_WORDS=(vodlift " << words << ")\nCOMP_CWORD=" << count
                          << "\n_vodlift\nprintf '%s ' \"${COMPREPLY[@]}\"\n";
    std::string out;
    FILE* pipe = ::popen(("bash " + script.string() + " 2>&1").c_str(), "r");
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) out += static_cast<char>(c);
    EXPECT_EQ(::pclose(pipe), 0) << out;
    return out;
  }

  const TemporaryFolder temporary_;
  const Services services_{};
  Session session_{services_};
  CLI::App app_;
};

TEST_F(CliManual, BashOffersTheWordsThatMayComeNext) {
  EXPECT_EQ(offered("buc", 1), "bucket ");
  EXPECT_EQ(offered("bucket l", 2), "list litter ");
  EXPECT_EQ(offered("bucket add --sse", 3), "--sse ");
  EXPECT_EQ(offered("upload retry --state failed --dry", 5), "--dry-run ");
  EXPECT_EQ(offered("bucket nonsense", 2), " ");
  EXPECT_THAT(offered("''", 1), HasSubstr("serve account key bucket"));
}

TEST_F(CliManual, FishHasALineForEachCommandAndOption) {
  const std::string script = fish_completion(app_);
  EXPECT_THAT(script, HasSubstr("-a litter -d 'List abandoned multipart uploads that wait to be aborted'\n"));
  EXPECT_THAT(script, HasSubstr("-l dry-run -d "));
  EXPECT_THAT(script, HasSubstr("^upload retry( .*)?$"));
}

TEST_F(CliManual, TheManualExplainsEveryCommand) {
  const std::string page = manual_page(app_);
  EXPECT_THAT(page, testing::StartsWith(".TH VODLIFT 1\n"));
  EXPECT_THAT(page, HasSubstr(".SS vodlift upload retry\n"));
  EXPECT_THAT(page, HasSubstr(".TP\n\\fB\\-\\-dry\\-run\\fR\n"));
  EXPECT_THAT(page, HasSubstr(".TP\n\\fB\\-\\-cdn\\fR \\fIINT\\fR\n"));
  EXPECT_THAT(page, Not(HasSubstr("\\-\\-help\\fR"))) << "every command has it";
  EXPECT_THAT(page, Not(HasSubstr("..\n"))) << "each explanation is one sentence";
}

}  // namespace
}  // namespace vodlift::cli
