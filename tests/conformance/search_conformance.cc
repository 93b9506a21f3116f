// Searches: newest first, from one page to the next, and never further than they may look.
#include <array>
#include <random>
#include <vector>

#include "conformance/store_suite.h"

namespace vodlift::conformance {
namespace {

using namespace std::chrono_literals;

class SearchConformance : public StoreSuite {
 protected:
  UploadPage search(const UploadSearch& wanted) {
    auto page = uploads().search(wanted);
    EXPECT_TRUE(page) << page.error().message;
    return page ? std::move(*page) : UploadPage();
  }

  static std::vector<UploadId> ids_of(const UploadPage& page) {
    std::vector<UploadId> ids;
    for (const Upload& upload : page.uploads) ids.push_back(upload.id);
    return ids;
  }

  // Of all pages.
  std::vector<UploadId> all_of(UploadSearch wanted) {
    std::vector<UploadId> ids;
    for (;;) {
      const UploadPage page = search(wanted);
      EXPECT_LE(std::ssize(page.uploads), wanted.limit);
      for (const UploadId id : ids_of(page)) ids.push_back(id);
      if (page.next == 0) return ids;
      if (wanted.before != 0) {
        EXPECT_LT(page.next, wanted.before);
      }
      wanted.before = page.next;
    }
  }

  UploadId insert_for(AccountId account, const std::string& destination) {
    NewUpload upload = new_upload(destination);
    upload.account = account;
    return insert(upload).id;
  }
};

TEST_P(SearchConformance, PageByPageWhateverComesMeanwhile) {
  std::vector<UploadId> newest_first;
  for (int i = 0; i < 7; ++i) newest_first.insert(newest_first.begin(), insert(std::to_string(i)));
  UploadSearch wanted;
  wanted.limit = 3;
  UploadPage page = search(wanted);
  EXPECT_EQ(ids_of(page), std::vector<UploadId>(newest_first.begin(), newest_first.begin() + 3));
  EXPECT_FALSE(page.searched_to);
  insert("later");
  wanted.before = page.next;
  page = search(wanted);
  EXPECT_EQ(ids_of(page), std::vector<UploadId>(newest_first.begin() + 3, newest_first.begin() + 6));
  wanted.before = page.next;
  page = search(wanted);
  EXPECT_EQ(ids_of(page), std::vector<UploadId>(newest_first.begin() + 6, newest_first.end()));
  EXPECT_EQ(page.next, 0);
  EXPECT_FALSE(page.searched_to);
}

TEST_P(SearchConformance, NothingComesAfterTheLastPageThoughItIsFull) {
  for (int i = 0; i < 6; ++i) insert(std::to_string(i));
  UploadSearch wanted;
  wanted.limit = 3;
  wanted.before = search(wanted).next;
  const UploadPage last = search(wanted);
  EXPECT_EQ(last.uploads.size(), 3U);
  EXPECT_EQ(last.next, 0);
}

TEST_P(SearchConformance, OneToAHundredAtOnce) {
  for (int i = 0; i < 105; ++i) insert(std::to_string(i));
  UploadSearch wanted;
  wanted.limit = 1000;
  EXPECT_EQ(search(wanted).uploads.size(), 100U);
  wanted.limit = 0;
  EXPECT_EQ(search(wanted).uploads.size(), 1U);
}

TEST_P(SearchConformance, OfOneAccountOrOfAll) {
  const UploadId first = insert_for(158, "a");
  const UploadId second = insert_for(7, "a");
  const UploadId third = insert_for(158, "b");
  UploadSearch wanted;
  EXPECT_EQ(all_of(wanted), (std::vector<UploadId>{third, second, first}));
  wanted.filter.account = 158;
  EXPECT_EQ(all_of(wanted), (std::vector<UploadId>{third, first}));
  wanted.filter.account = 159;
  EXPECT_TRUE(all_of(wanted).empty());
}

TEST_P(SearchConformance, StopsWhereItHasLookedEnoughAndGoesOnFromThere) {
  const UploadId wanted_one = insert("wanted");
  std::vector<WallTime> created;
  for (int i = 0; i < 5; ++i) {
    clock_.pass(1s);
    created.push_back(clock_.now());
    insert(std::to_string(i));
  }
  UploadSearch wanted;
  wanted.filter.text = "wanted";
  wanted.look_at = 3;
  const UploadPage page = search(wanted);
  EXPECT_TRUE(page.uploads.empty());
  EXPECT_EQ(page.searched_to, created[2]) << "the third that it looked at";
  wanted.before = page.next;
  const UploadPage rest = search(wanted);
  EXPECT_EQ(ids_of(rest), std::vector<UploadId>{wanted_one});
  EXPECT_EQ(rest.next, 0);
  EXPECT_FALSE(rest.searched_to);
}

TEST_P(SearchConformance, LooksAtNoUploadsOfOtherAccountsAndStates) {
  const UploadId failed_one = insert("a");
  ASSERT_TRUE(finish(claim_one().lease, failed(Errc::s3_credential)));
  const UploadId foreign = insert_for(7, "a");
  ASSERT_TRUE(finish(claim_one().lease, failed(Errc::network)));
  for (int i = 0; i < 5; ++i) {
    insert(std::to_string(i));
    ASSERT_TRUE(finish(claim_one().lease, completed()));
  }
  UploadSearch wanted;
  wanted.look_at = 2;
  wanted.filter.states = {UploadState::failed};
  EXPECT_EQ(ids_of(search(wanted)), (std::vector<UploadId>{foreign, failed_one}));
  wanted.filter.states = {};
  wanted.filter.errors = {Errc::s3_credential, Errc::timeout};
  EXPECT_EQ(ids_of(search(wanted)), std::vector<UploadId>{failed_one}) << "what is completed has no error";
  wanted.look_at = 1;
  wanted.filter.account = 158;
  EXPECT_EQ(ids_of(search(wanted)), std::vector<UploadId>{failed_one});
  EXPECT_EQ(search(wanted).next, 0);
}

TEST_P(SearchConformance, FindsAnUploadInTheStateThatItHasNow) {
  const UploadId id = insert("a");
  UploadSearch wanted;
  wanted.filter.states = {UploadState::uploading};
  EXPECT_TRUE(all_of(wanted).empty());
  const Lease lease = claim_one().lease;
  EXPECT_EQ(all_of(wanted), std::vector<UploadId>{id});
  ASSERT_TRUE(finish(lease, completed()));
  EXPECT_TRUE(all_of(wanted).empty());
}

// Hours apart, so that the time that a search allows for a clock that was set back is no matter.
class SearchByTimeConformance : public SearchConformance {
 protected:
  void SetUp() override {
    SearchConformance::SetUp();
    for (int i = 0; i < 8; ++i) {
      clock_.pass(1h);
      times_.push_back(clock_.now());
      ids_.push_back(insert(std::to_string(i)));
    }
  }
  std::vector<WallTime> times_;
  std::vector<UploadId> ids_;
};

TEST_P(SearchByTimeConformance, FromATimeUpToAnother) {
  UploadSearch wanted;
  wanted.filter.created_since = times_[2];
  wanted.filter.created_until = times_[5];
  EXPECT_EQ(all_of(wanted), (std::vector<UploadId>{ids_[4], ids_[3], ids_[2]}));
  wanted.filter.account = kAccount;
  wanted.limit = 1;
  EXPECT_EQ(all_of(wanted), (std::vector<UploadId>{ids_[4], ids_[3], ids_[2]}));
  wanted.filter.created_until = times_[0] - 1h;
  EXPECT_TRUE(all_of(wanted).empty());
  wanted.filter = {};
  wanted.filter.created_until = times_[7] + 1h;
  EXPECT_EQ(all_of(wanted).size(), ids_.size());
}

TEST_P(SearchByTimeConformance, LooksAtNothingThatIsNewerAndStopsAtWhatIsOlder) {
  UploadSearch wanted;
  wanted.look_at = 2;  // at one in between and at one that is older
  wanted.filter.text = "none";
  wanted.filter.created_since = times_[2];
  wanted.filter.created_until = times_[2] + 1s;
  const UploadPage page = search(wanted);
  EXPECT_TRUE(page.uploads.empty());
  EXPECT_EQ(page.next, 0);
  EXPECT_FALSE(page.searched_to);
}

TEST_P(SearchByTimeConformance, AClockThatWasSetBackALittleHidesNothing) {
  const WallTime before = clock_.now();
  clock_.advance(-kClockSetBack / 2);
  const UploadId back = insert("back");
  UploadSearch wanted;
  wanted.filter.created_until = before;
  wanted.limit = 1;
  EXPECT_EQ(ids_of(search(wanted)), std::vector<UploadId>{back});
  wanted.filter = {};
  wanted.filter.created_since = before;
  EXPECT_EQ(all_of(wanted), std::vector<UploadId>{ids_.back()});
}

// Any filter finds what a look at each upload finds, in pages of any size.
class RandomSearches : public SearchConformance {
 protected:
  static constexpr std::array<AccountId, 3> kAccounts = {7, kAccount, 159};
  static constexpr std::array kCodes = {Errc::network, Errc::s3_credential, Errc::s3_throttled};

  int chance(int below) { return std::uniform_int_distribution(0, below - 1)(random_); }
  template <class Values>
  auto any_of(const Values& values) {
    return values[static_cast<std::size_t>(chance(static_cast<int>(values.size())))];
  }

  void insert_any(int number) {
    NewUpload upload = new_upload("film-" + std::to_string(number));
    upload.account = any_of(kAccounts);
    upload.request.bucket = any_of(std::vector<std::string>{"one", "two"});
    upload.request.path = any_of(std::vector<std::string>{"sestore4/jb/a/", "sestore4/jb/b/"}) + std::to_string(number);
    upload.request.priority = chance(3);
    const UploadId id = insert(upload).id;
    clock_.pass(std::chrono::minutes(chance(20)));
    const int kind = chance(6);
    if (kind == 0) return;
    if (kind == 1) {
      ASSERT_TRUE(
          uploads().change({.account = upload.account, .id = id, .change = UploadChange::pause, .signature = {}}));
      return;
    }
    const auto claimed = queue().claim({id}, kLease).value();
    ASSERT_EQ(claimed.size(), 1U);
    if (kind == 2) {
      ASSERT_TRUE(requeue(claimed[0].lease, {.delay = 24h, .error = UploadError{any_of(kCodes), "", true}}));
    } else if (kind == 3) {
      ASSERT_TRUE(finish(claimed[0].lease, failed(any_of(kCodes))));
    } else if (kind == 4) {
      ASSERT_TRUE(finish(claimed[0].lease, completed()));
    }
  }

  UploadFilter any_filter(const std::vector<Upload>& all) {
    UploadFilter filter;
    const auto perhaps = [this] { return chance(4) == 0; };
    if (chance(2) == 0) filter.account = any_of(kAccounts);
    while (perhaps()) filter.states.push_back(static_cast<UploadState>(chance(6)));
    while (perhaps()) filter.errors.push_back(any_of(kCodes));
    if (perhaps()) filter.bucket = "one";
    if (perhaps()) filter.priority = chance(3);
    if (perhaps()) filter.created_since = any_of(all).created;
    if (perhaps()) filter.created_until = any_of(all).created;
    if (perhaps()) filter.text = any_of(std::vector<std::string>{"1", "/a/", "film-2", "jb/a/4"});
    if (perhaps()) filter.scope.path_prefix = "sestore4/jb/a";
    if (perhaps()) filter.scope.buckets = {"two"};
    return filter;
  }

  std::mt19937 random_{16};
};

TEST_P(RandomSearches, FindWhatALookAtEachFinds) {
  for (int i = 0; i < 120; ++i) insert_any(i);
  UploadSearch everything;
  everything.limit = 100;
  std::vector<Upload> all = search(everything).uploads;
  everything.before = all.back().id;
  for (const Upload& upload : search(everything).uploads) all.push_back(upload);
  ASSERT_EQ(all.size(), 120U);
  int not_empty = 0;
  for (int round = 0; round < 400; ++round) {
    UploadSearch wanted;
    wanted.filter = any_filter(all);
    wanted.limit = 1 + chance(20);
    wanted.look_at = 1 + chance(30);
    std::vector<UploadId> expected;
    for (const Upload& upload : all) {
      if (wanted.filter.holds(upload)) expected.push_back(upload.id);
    }
    EXPECT_EQ(all_of(wanted), expected) << round;
    not_empty += expected.empty() ? 0 : 1;
  }
  EXPECT_GT(not_empty, 100) << "the filters are too narrow to show anything";
}

VODLIFT_INSTANTIATE_CONFORMANCE(SearchConformance);
VODLIFT_INSTANTIATE_CONFORMANCE(SearchByTimeConformance);
VODLIFT_INSTANTIATE_CONFORMANCE(RandomSearches);

}  // namespace
}  // namespace vodlift::conformance
