// `remove` of accounts, keys and buckets.
#include "cli/cli_test.h"

namespace vodlift::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

object removal(bool removed, std::int64_t queued, std::int64_t cancelled = 0) {
  return {{"removed", removed},
          {"cancelled", cancelled},
          {"uses",
           {{"queued", queued},
            {"paused", 0},
            {"uploading", 0},
            {"callbacks", 0},
            {"multiparts", 0},
            {"keys", 0},
            {"buckets", 0},
            {"tokens", 0}}}};
}

TEST_F(CliTest, RemovesABucketAtOnceOrLater) {
  answer(removal(true, 0));
  EXPECT_EQ(run_with_socket({"bucket", "remove", "--cdn", "158", "--bucket", "my videos"}), kDone);
  EXPECT_EQ(out_, "bucket my videos of account 158 is removed\n");
  answer(removal(false, 3));
  EXPECT_EQ(run_with_socket({"bucket", "remove", "--cdn", "158", "--bucket", "b", "--drain"}), kDone);
  EXPECT_THAT(out_, HasSubstr("bucket b of account 158 takes nothing new."));
  EXPECT_THAT(out_, HasSubstr("now it has 3 uploads (3 queued)."));
  EXPECT_THAT(asked(), ElementsAre("DELETE /api/v1/buckets/158/my%20videos?mode=unused",
                                   "DELETE /api/v1/buckets/158/b?mode=drain"));
}

TEST_F(CliTest, CancelsUntilNothingIsLeftAndWaits) {
  answer(removal(false, 700, 500));
  answer(removal(false, 200, 200));
  answer_list(
      {object{{"kind", "account"}, {"cdn", 158}, {"name", ""}, {"since", 1}, {"uses", removal(false, 1)["uses"]}}});
  answer_list({});
  refuse("not_found", "there is no account 158");
  EXPECT_EQ(run_with_socket({"account", "remove", "--cdn", "158", "--cancel", "--wait"}), kDone);
  EXPECT_EQ(out_, "waits for 1 upload (1 queued)\n700 uploads cancelled\naccount 158 is removed\n");
}

TEST_F(CliTest, SaysWhereAnotherKeepsWhatItWaitsFor) {
  answer(removal(false, 1));
  answer_list({});
  answer({{"api_key", "K"}});
  EXPECT_EQ(run_with_socket({"key", "remove", "--api-key", "K", "--drain", "--wait"}), kFailed);
  EXPECT_THAT(err_, HasSubstr("API key K is not being removed any more"));
  EXPECT_EQ(run_with_socket({"key", "remove", "--api-key", "K", "--drain", "--keep"}), kUsage);
}

}  // namespace
}  // namespace vodlift::cli
