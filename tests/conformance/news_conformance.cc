// Whoever follows the feed hears of each upload and callback that changed, after the commit.
#include <gmock/gmock.h>

#include <mutex>
#include <set>

#include "conformance/store_suite.h"

namespace vodlift::conformance {
namespace {

using std::chrono::milliseconds;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class NewsConformance : public StoreSuite {
 protected:
  using Ids = std::set<std::int64_t>;

  void SetUp() override {
    StoreSuite::SetUp();
    follow();
  }
  void TearDown() override { following_.clear(); }

  void follow() {
    const auto note = [this](Ids& ids) {
      return [this, &ids](const Change& change) {
        const std::lock_guard lock(mutex_);
        ids.insert(change.kind == Change::Kind::upload_changed ? change.upload : change.callback);
      };
    };
    following_ = {feed().subscribe(Change::Kind::upload_changed, note(uploads_)),
                  feed().subscribe(Change::Kind::callback_changed, note(callbacks_))};
  }
  // What was told since the last call.
  Ids uploads_told() { return take(uploads_); }
  Ids callbacks_told() { return take(callbacks_); }

  void change(UploadId id, UploadChange wanted) {
    ChangeRequest request;
    request.account = kAccount;
    request.id = id;
    request.change = wanted;
    ASSERT_TRUE(uploads().change(request));
  }

 private:
  Ids take(Ids& ids) {
    const std::lock_guard lock(mutex_);
    return std::exchange(ids, {});
  }

  std::mutex mutex_;
  Ids uploads_;
  Ids callbacks_;
  std::vector<ChangeFeed::Subscription> following_;
};

TEST_P(NewsConformance, WhatBecomesOfAnUploadIsTold) {
  const UploadId other = insert("other");
  change(other, UploadChange::pause);
  uploads_told();
  const UploadId id = insert("a");
  EXPECT_THAT(uploads_told(), ElementsAre(id));
  const Lease lease = claim_one().lease;
  EXPECT_THAT(uploads_told(), ElementsAre(id));
  ASSERT_TRUE(journal().record_multipart(lease, open_multipart(250)));
  EXPECT_THAT(uploads_told(), ElementsAre(id));
  ASSERT_TRUE(journal().record_part(lease, part(1, 100)));
  EXPECT_THAT(uploads_told(), ElementsAre(id));
  ASSERT_TRUE(requeue(lease, {.delay = milliseconds(60'000)}));
  EXPECT_THAT(uploads_told(), ElementsAre(id));
  ASSERT_EQ(uploads().wake(kAccount, new_upload("a").request.bucket).value(), 1);
  EXPECT_THAT(uploads_told(), ElementsAre(id));
  for (const auto wanted : {UploadChange::pause, UploadChange::resume, UploadChange::cancel}) {
    change(id, wanted);
    EXPECT_THAT(uploads_told(), ElementsAre(id));
  }
  EXPECT_THAT(callbacks_told(), IsEmpty());
}

TEST_P(NewsConformance, ARetryChangesTheUploadThatItRepeats) {
  const UploadId first = insert("a");
  change(first, UploadChange::cancel);
  uploads_told();
  NewUpload again = new_upload("a");
  again.retry_of = first;
  const UploadId second = insert(again).id;
  EXPECT_THAT(uploads_told(), UnorderedElementsAre(first, second));
}

TEST_P(NewsConformance, WhatACrashLeftIsToldWhenItIsTakenBack) {
  const UploadId id = insert("a");
  claim_one();
  reopen();
  follow();
  uploads_told();
  ASSERT_EQ(queue().reclaim(kMaxCrashes).value(), 1);
  EXPECT_THAT(uploads_told(), ElementsAre(id));
}

TEST_P(NewsConformance, WhatBecomesOfACallbackIsTold) {
  NewUpload upload = new_upload("a");
  upload.request.callback = "http://www.example.com/done";
  const UploadId id = insert(upload).id;
  ASSERT_TRUE(finish(claim_one().lease, completed()));
  EXPECT_THAT(uploads_told(), Contains(id));
  const Ids born = callbacks_told();
  ASSERT_EQ(born.size(), 1U);
  const auto claimed = claim_callbacks();
  ASSERT_EQ(claimed.size(), 1U);
  EXPECT_EQ(callbacks_told(), born);
  ASSERT_TRUE(callbacks().record({{claimed[0], {milliseconds(1), 200, "", CallbackState::delivered, {}}}}));
  EXPECT_EQ(callbacks_told(), born);
  ASSERT_TRUE(callback_history().send_again(*born.begin()));
  EXPECT_EQ(callbacks_told(), born);
  EXPECT_THAT(uploads_told(), IsEmpty()) << "the news of the callback are enough";
}

TEST_P(NewsConformance, ReadingTellsNothing) {
  const UploadId id = insert("a");
  uploads_told();
  look(id);
  ASSERT_TRUE(uploads().search({}));
  ASSERT_TRUE(attempt_history().parts_of(id));
  ASSERT_TRUE(queue().next_due());
  EXPECT_THAT(uploads_told(), IsEmpty());
}

VODLIFT_INSTANTIATE_CONFORMANCE(NewsConformance);

}  // namespace
}  // namespace vodlift::conformance
