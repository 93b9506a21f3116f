#include "rest/event_hub.h"

#include <gmock/gmock.h>

#include <mutex>

#include "rest/rest_api_test.h"

namespace vodlift::rest {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// What one client reads.
class Reader final : public net::BodyStream {
 public:
  bool write(std::shared_ptr<const std::string> bytes) override {
    if (gone) return false;
    ++writes;
    got += *bytes;
    return true;
  }
  void close() override { gone = true; }

  std::string take() { return std::exchange(got, {}); }

  bool gone = false;
  int writes = 0;
  std::string got;
};

class EventHubTest : public RestApiTest {
 protected:
  std::shared_ptr<Reader> open(EventView view = {std::nullopt, Role::operate}, const std::string& last_id = {},
                               std::function<bool()> still_valid = {}) {
    auto reader = std::make_shared<Reader>();
    events_.listen();
    events_.add({view, last_id, std::move(still_valid), reader});
    return reader;
  }

  UploadId queue(AccountId account = 158) {
    NewUpload upload;
    upload.account = account;
    upload.request.bucket = "b";
    upload.request.path = "sestore4/jb/a";
    upload.request.destination_path = name_ + std::to_string(++made_);
    upload.size = 1000;
    UploadId id = 0;
    uploads_.insert(std::move(upload), [&](const Result<InsertOutcome>& outcome) { id = outcome->id; });
    return id;
  }

  // As the store tells it.
  void changed(UploadId id) {
    uploads_.database().feed().publish({.kind = Change::Kind::upload_changed, .upload = id});
  }

  void pause(UploadId id, AccountId account = 158) {
    ChangeRequest request;
    request.account = account;
    request.id = id;
    request.change = UploadChange::pause;
    ASSERT_TRUE(uploads_.change(request));
  }

  void tick(std::chrono::milliseconds later = EventHub::kTick) { events_.tick(now_ += later); }

  static int count(const std::string& text, std::string_view what) {
    int found = 0;
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; ++at) ++found;
    return found;
  }

  // The id of the last event that a reader got.
  static std::string last_id(const std::string& text) {
    const std::size_t at = text.rfind("id: ") + 4;
    return text.substr(at, text.find('\n', at) - at);
  }

  SteadyTime now_{std::chrono::hours(1)};
  int made_ = 0;
  std::string name_ = "a";
  std::string last_told_;
};

TEST_F(EventHubTest, ANewStreamIsToldItsPlaceAndTheCounts) {
  const UploadId id = queue();
  const auto reader = open();
  tick();
  EXPECT_THAT(reader->got, AllOf(StartsWith("retry: 2000\n\nid: "), HasSubstr("event: counts\n"),
                                 HasSubstr(R"({"cdn":null,"state":"queued","uploads":1,"bytes":1000})"),
                                 Not(HasSubstr("event: upload"))))
      << id;
}

TEST_F(EventHubTest, SeveralChangesWithinATickAreOneEventWithTheNewestState) {
  const auto reader = open();
  tick();
  reader->take();
  const UploadId id = queue();
  pause(id);
  tick();
  const std::string text = reader->take();
  EXPECT_EQ(count(text, "event: upload\n"), 1);
  EXPECT_THAT(text, AllOf(HasSubstr(R"("state":"paused")"), HasSubstr(R"("actions":["cancel","resume")")));
  tick();
  EXPECT_EQ(count(reader->take(), "event: upload\n"), 0);
}

TEST_F(EventHubTest, AViewerIsToldOfNothingThatItMayDo) {
  const auto operators = open();
  const auto customer = open({158, Role::customer});
  const auto viewer = open({158, Role::viewer});
  queue();
  tick();
  EXPECT_THAT(operators->take(), HasSubstr(R"("actions":["cancel",)"));
  EXPECT_THAT(customer->take(), HasSubstr(R"("actions":["cancel",)"));
  EXPECT_THAT(viewer->take(), AllOf(HasSubstr("event: upload\n"), HasSubstr(R"("actions":[])")));
}

TEST_F(EventHubTest, AStreamShowsItsOwnAccountOnly) {
  const auto all = open();
  const auto own = open({158, Role::customer});
  const auto other = open({159, Role::customer});
  tick();
  own->take();
  other->take();
  all->take();
  queue(158);
  queue(159);
  tick(std::chrono::seconds(1));
  EXPECT_EQ(count(all->got, "event: upload\n"), 2);
  EXPECT_EQ(count(own->got, "event: upload\n"), 1);
  EXPECT_THAT(own->got, AllOf(HasSubstr(R"("cdn":158)"), Not(HasSubstr(R"("cdn":159)"))));
  EXPECT_EQ(count(other->got, "event: upload\n"), 1);
  EXPECT_THAT(other->got, Not(HasSubstr(R"("cdn":158)")));
}

TEST_F(EventHubTest, StreamsWithTheSameViewGetTheSameBytes) {
  struct Keeper final : net::BodyStream {
    bool write(std::shared_ptr<const std::string> bytes) override {
      last = std::move(bytes);
      return true;
    }
    void close() override {}
    std::shared_ptr<const std::string> last;
  };
  const auto one = std::make_shared<Keeper>();
  const auto two = std::make_shared<Keeper>();
  events_.listen();
  events_.add({{std::nullopt, Role::operate}, {}, {}, one});
  events_.add({{std::nullopt, Role::operate}, {}, {}, two});
  tick();
  queue();
  tick();
  EXPECT_THAT(*one->last, HasSubstr("event: upload"));
  EXPECT_EQ(one->last, two->last);
}

TEST_F(EventHubTest, ACutStreamGoesOnWhereItWas) {
  auto reader = open();
  tick();
  const UploadId first = queue();
  tick();
  const std::string last = last_id(reader->take());
  reader->gone = true;
  const UploadId second = queue();
  tick();
  pause(first);
  tick();
  reader = open({std::nullopt, Role::operate}, last);
  tick();
  const std::string text = reader->take();
  EXPECT_EQ(count(text, "event: upload\n"), 2);
  EXPECT_LT(text.find("\"id\":" + std::to_string(second)), text.find("\"id\":" + std::to_string(first)));
  EXPECT_THAT(text, Not(HasSubstr("event: reset")));
}

TEST_F(EventHubTest, AnUnknownIdGetsAReset) {
  const auto reader = open({std::nullopt, Role::operate}, "before-17");
  tick();
  EXPECT_EQ(count(reader->got, "event: reset\ndata: {}\n\n"), 1);
  reader->take();
  tick(std::chrono::seconds(20));
  EXPECT_EQ(count(reader->got, "event: reset"), 0);
}

TEST_F(EventHubTest, WhoMissedTooMuchGetsAReset) {
  auto reader = open();
  tick();
  const std::string last = last_id(reader->take());
  for (int i = 0; i < 1000; ++i) queue();
  for (int i = 0; i < 10; ++i) tick();
  reader = open({std::nullopt, Role::operate}, last);
  tick();
  EXPECT_EQ(count(reader->got, "event: upload\n"), 0);
  EXPECT_EQ(count(reader->got, "event: reset\n"), 1);
}

TEST_F(EventHubTest, WhatDoesNotFitIntoATickComesWithTheNext) {
  std::vector<std::shared_ptr<Reader>> readers;
  for (int i = 0; i < 100; ++i) readers.push_back(open());
  tick();
  for (const auto& reader : readers) reader->take();
  for (int i = 0; i < 50; ++i) queue();
  std::string text;
  int ticks = 0;
  for (; count(text, "event: upload\n") < 50; ++ticks) {
    tick();
    EXPECT_LT(readers[0]->got.size(), EventHub::kBytesOfAll / 50);
    text += readers[0]->take();
  }
  EXPECT_GT(ticks, 1);
  EXPECT_LT(ticks, 10);
}

TEST_F(EventHubTest, LongUploadsFillATickSooner) {
  const auto reader = open();
  tick();
  reader->take();
  name_ = std::string(5000, 'x');
  for (int i = 0; i < 100; ++i) queue();
  tick();
  EXPECT_LT(reader->got.size(), EventHub::kBytesOfOne + 16384);
  tick();
  tick();
  tick();
  EXPECT_EQ(count(reader->got, "event: upload\n"), 100);
}

TEST_F(EventHubTest, FarTooManyChangesAreOneResetInAWhile) {
  const auto reader = open();
  tick();
  reader->take();
  const auto flood = [&] {
    for (std::size_t i = 0; i <= EventHub::kMostUploads * EventHub::kMostTicks; ++i)
      changed(static_cast<UploadId>(i) + 1);
  };
  flood();
  tick();
  EXPECT_EQ(count(reader->take(), "event: reset\n"), 1);
  flood();
  tick();
  EXPECT_EQ(count(reader->take(), "event: reset\n"), 0);
  tick(EventHub::kBetweenResets);
  EXPECT_EQ(count(reader->take(), "event: reset\n"), 1);
}

TEST_F(EventHubTest, WhileAResetIsDueNoUploadIsTold) {
  const auto reader = open();
  changed(0);
  tick();
  reader->take();
  changed(0);
  queue();
  tick();
  EXPECT_EQ(count(reader->take(), "event: upload\n"), 0);
  tick(EventHub::kBetweenResets);
  EXPECT_EQ(count(reader->take(), "event: reset\n"), 1);
  queue();
  tick();
  EXPECT_EQ(count(reader->take(), "event: upload\n"), 1);
}

TEST_F(EventHubTest, AnyUploadMayHaveChanged) {
  const auto reader = open();
  tick();
  changed(0);
  tick();
  EXPECT_EQ(count(reader->got, "event: reset\n"), 1);
}

TEST_F(EventHubTest, ASilentStreamGetsASignOfLife) {
  const auto reader = open();
  tick();
  tick(std::chrono::seconds(2));
  reader->take();
  tick();
  EXPECT_EQ(reader->take(), "");
  tick(EventHub::kHeartbeat);
  EXPECT_THAT(reader->take(), StartsWith(": \nid: "));
}

TEST_F(EventHubTest, AStreamEndsWhenItsCallerMayNotReadAnyMore) {
  bool valid = true;
  auto reader = open({std::nullopt, Role::operate}, {}, [&] { return valid; });
  const std::weak_ptr<Reader> held = reader;
  tick();
  tick(EventHub::kLookAgain);
  valid = false;
  reader.reset();
  EXPECT_FALSE(held.expired());
  tick(EventHub::kLookAgain);
  EXPECT_TRUE(held.expired());
}

TEST_F(EventHubTest, AStreamThatIsOverIsForgotten) {
  auto reader = open();
  const std::weak_ptr<Reader> held = reader;
  tick();
  reader->gone = true;
  reader.reset();
  queue();
  tick();
  EXPECT_TRUE(held.expired());
}

TEST_F(EventHubTest, NothingIsCollectedWhileNobodyListens) {
  auto& feed = uploads_.database().feed();
  EXPECT_FALSE(feed.is_followed(Change::Kind::upload_changed));
  auto reader = open();
  EXPECT_TRUE(feed.is_followed(Change::Kind::upload_changed));
  tick();
  const std::string last = last_id(reader->take());
  reader->gone = true;
  queue();
  tick();
  EXPECT_TRUE(feed.is_followed(Change::Kind::upload_changed));  // it may come back
  tick(EventHub::kLinger);
  EXPECT_FALSE(feed.is_followed(Change::Kind::upload_changed));
  reader = open({std::nullopt, Role::operate}, last);
  tick();
  EXPECT_EQ(count(reader->got, "event: reset\n"), 1);
}

TEST_F(EventHubTest, UploadsAreReadAgainAfterAFailureOfTheStore) {
  const auto reader = open();
  tick();
  queue();
  uploads_.failure = Error{Errc::store_failed, "the disk"};
  tick();
  EXPECT_EQ(count(reader->got, "event: upload\n"), 0);
  uploads_.failure.reset();
  tick();
  EXPECT_EQ(count(reader->got, "event: upload\n"), 1);
}

TEST_F(EventHubTest, TellsTheRateWhileBytesAreSent) {
  const auto all = open();
  const auto other = open({159, Role::customer});
  tick();
  all->take();
  traffic_.sent(158, "videos", 3000);
  tick(std::chrono::seconds(1));
  EXPECT_THAT(all->take(), HasSubstr(R"("bytes_per_s":3000,"running":0})"));
  EXPECT_THAT(other->take(), HasSubstr(R"("bytes_per_s":0,"running":0})"));
  tick(std::chrono::seconds(1));
  EXPECT_THAT(all->take(), HasSubstr(R"("bytes_per_s":0,)"));
  tick(std::chrono::seconds(1));
  EXPECT_THAT(all->take(), Not(HasSubstr("event: rate")));
}

TEST_F(EventHubTest, TellsWhatNeedsAPersonWhenThatChangesAndToStreamsThatBegin) {
  add_account();
  succeed("bucket.add", bucket_fields());
  const auto all = open();
  const auto own = open({158, Role::customer});
  const auto other = open({159, Role::customer});
  const auto look = [&] {
    for (const auto& reader : {all, own, other}) reader->take();
    attention_watch_.look();
    tick();
  };
  tick();
  look();
  EXPECT_THAT(all->got, HasSubstr("event: attention\ndata: {\"at\":1700000000,\"items\":[]}\n"));
  doctor_.troubles_of_all.buckets = {{158, "my_bucket", "https://s3.example.com", Errc::s3_access_denied, "no"}};
  look();
  for (const auto& reader : {all, own}) EXPECT_THAT(reader->got, HasSubstr(R"("code":"bucket_denied")"));
  EXPECT_THAT(other->got, Not(HasSubstr("event: attention")));
  look();
  EXPECT_THAT(all->got, Not(HasSubstr("event: attention")));
  const auto late = open({158, Role::customer});
  tick();
  EXPECT_THAT(late->got, HasSubstr(R"("code":"bucket_denied")"));
  doctor_.troubles_of_all.buckets.clear();
  look();
  EXPECT_THAT(all->got, HasSubstr("\"items\":[]}\n"));
}

TEST_F(EventHubTest, TellsWhoseSettingsWereChangedToThoseWhoMayReadThem) {
  const auto admin = open({std::nullopt, Role::admin});
  const auto an_operator = open({std::nullopt, Role::operate});
  const auto own = open({158, Role::customer});
  const auto other = open({159, Role::customer});
  const auto told = [&] {
    tick();
    std::vector<int> counts;
    for (const auto& reader : {admin, an_operator, own, other}) {
      last_told_ = reader == admin ? reader->got : last_told_;
      counts.push_back(count(reader->take(), "event: settings\n"));
    }
    return counts;
  };
  tick();
  add_account();
  EXPECT_THAT(told(), ElementsAre(1, 1, 1, 0));
  EXPECT_THAT(last_told_, HasSubstr(R"(data: {"noun":"account","cdn":158})"));
  succeed("bucket.add", bucket_fields());
  succeed("bucket.set", {{"cdn", 158}, {"bucket", "my_bucket"}, {"region", "eu-west-2"}});
  EXPECT_THAT(told(), ElementsAre(1, 1, 1, 0)) << "two changes within a tick are one event";
  succeed("bucket.check", {{"cdn", 158}, {"bucket", "my_bucket"}});
  fail("bucket.add", bucket_fields(), "already_exists");
  EXPECT_THAT(told(), ElementsAre(0, 0, 0, 0));
  const value key = succeed("key.add", {{"cdn", 158}});
  told();
  succeed("key.revoke", {{"api_key", key.at("api_key")}});
  EXPECT_THAT(told(), ElementsAre(1, 1, 1, 0));
  EXPECT_THAT(last_told_, HasSubstr(R"(data: {"noun":"key","cdn":158})"));
  succeed("limit.set", {{"rate", "1MB"}});
  EXPECT_THAT(told(), ElementsAre(1, 1, 0, 0));
  EXPECT_THAT(last_told_, HasSubstr(R"(data: {"noun":"limit","cdn":null})"));
  succeed("person.add", {{"name", "vera"}, {"role", "viewer"}, {"cdn", 158}});
  EXPECT_THAT(told(), ElementsAre(1, 0, 0, 0));
}

TEST_F(EventHubTest, StartedItSendsByItselfAndAStopEndsTheStreams) {
  events_.start();
  auto reader = open();
  const std::weak_ptr<Reader> held = reader;
  reader.reset();
  events_.stop();
  EXPECT_TRUE(held.expired());
  EXPECT_FALSE(uploads_.database().feed().is_followed(Change::Kind::upload_changed));
}

}  // namespace
}  // namespace vodlift::rest
