#include "rest/rest_api_test.h"

namespace vodlift::rest {
namespace {

using testing::HasSubstr;

class Reader final : public net::BodyStream {
 public:
  bool write(std::shared_ptr<const std::string> bytes) override {
    got += *bytes;
    return true;
  }
  void close() override {}
  std::string got;
};

class EventRoutesTest : public RestApiTest {
 protected:
  std::shared_ptr<Reader> begin(const std::string& target) {
    last_response_ = send("GET", target);
    EXPECT_EQ(last_response_.status, 200);
    auto reader = std::make_shared<Reader>();
    last_response_.stream(reader);
    events_.tick(SteadyTime(std::chrono::hours(1)));
    return reader;
  }
};

TEST_F(EventRoutesTest, AnswersAStreamThatNobodyKeeps) {
  const auto reader = begin("/api/v1/events");
  EXPECT_THAT(reader->got, HasSubstr("event: counts"));
  EXPECT_EQ(last_response_.content_type, "text/event-stream");
  EXPECT_THAT(last_response_.headers, testing::Contains(testing::Pair("Cache-Control", "no-store")));
  EXPECT_EQ(last_response_.holder, "");
}

TEST_F(EventRoutesTest, APersonsStreamsAreCountedTogether) {
  who_ = {.name = "ann", .role = Role::operate, .via = Principal::Via::session};
  begin("/api/v1/events");
  EXPECT_EQ(last_response_.holder, "ann ");
}

TEST_F(EventRoutesTest, OfOneAccount) {
  add_account();
  const auto reader = begin("/api/v1/events?cdn=158");
  EXPECT_THAT(reader->got, HasSubstr(R"("items":[])"));
  fail("event.stream", {{"cdn", 159}}, "not_found");
}

TEST_F(EventRoutesTest, ACustomersStreamIsThatOfItsAccount) {
  add_account();
  who_ = {.name = "joe", .role = Role::customer, .cdn = 158, .via = Principal::Via::session};
  NewUpload upload;
  upload.account = 159;
  uploads_.insert(std::move(upload), [](const Result<InsertOutcome>&) {});
  EXPECT_THAT(begin("/api/v1/events")->got, HasSubstr(R"("items":[])"));
}

}  // namespace
}  // namespace vodlift::rest
