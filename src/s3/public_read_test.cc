#include "s3/public_read.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>
#include <vector>

namespace vodlift::s3 {
namespace {

using namespace std::chrono_literals;
using Known = std::optional<bool>;

constexpr std::string_view kToEveryone =
    "<A><AccessControlList><Grant><Grantee><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee>"
    "<Permission>READ</Permission></Grant></AccessControlList></A>";
constexpr std::string_view kToNobody =
    "<A><AccessControlList><Grant><Grantee><ID>me</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant>"
    "</AccessControlList></A>";

net::HttpResponse answer(int status, std::string_view body = "", std::string_view etag = "") {
  net::HttpResponse out;
  out.status = status;
  out.body = body;
  if (!etag.empty()) out.headers.emplace_back("etag", etag);
  return out;
}

Known find(const Result<net::HttpResponse>& grants, const Result<net::HttpResponse>& anonymous) {
  return find_public_read({[&] { return grants; }, [&] { return anonymous; }, "e"});
}

TEST(PublicRead, IsProvedByGrantsOrByAnAnonymousRead) {
  const Result<net::HttpResponse> lost = Error{Errc::network, "lost"};
  const auto refused = answer(403);
  for (const auto& unknown : {Result<net::HttpResponse>(refused), lost, Result<net::HttpResponse>(answer(200, "x"))}) {
    EXPECT_EQ(find(unknown, answer(200, "", "\"e\"")), Known(true));
    EXPECT_EQ(find(unknown, answer(200, "", "\"other\"")), std::nullopt) << "another object, or a sign-in page";
    EXPECT_EQ(find(unknown, answer(200)), std::nullopt);
    EXPECT_EQ(find(unknown, answer(401)), Known(false));
    EXPECT_EQ(find(unknown, refused), Known(false));
    for (const int status : {302, 404, 429, 500, 503}) EXPECT_EQ(find(unknown, answer(status)), std::nullopt) << status;
    EXPECT_EQ(find(unknown, lost), std::nullopt);
  }
  EXPECT_EQ(find(answer(200, kToEveryone), refused), Known(true));
  EXPECT_EQ(find(answer(200, kToNobody), refused), Known(false));
  EXPECT_EQ(find(answer(200, kToNobody), lost), Known(false));
  EXPECT_EQ(find(answer(200, kToNobody), answer(200, "", "\"e\"")), Known(true)) << "a bucket policy";
}

class PublicReadFactsTest : public ::testing::Test {
 protected:
  PublicReadFactsTest() { access_.bucket = "b"; }
  Known find(Known found) {
    return facts_.find(access_, [&] {
      ++asked_;
      return found;
    });
  }

  SteadyTime now_{};
  std::atomic<int> asked_ = 0;
  BucketAccess access_;
  PublicReadFacts facts_{[this] { return now_; }};
};

TEST_F(PublicReadFactsTest, ABucketIsAskedOnceAndAgainAfterAWhile) {
  EXPECT_EQ(find(false), Known(false));
  now_ += PublicReadFacts::kKeptFor - 1s;
  EXPECT_EQ(find(true), Known(false));
  EXPECT_EQ(asked_, 1);
  now_ += 1s;
  EXPECT_EQ(find(std::nullopt), std::nullopt);
  now_ += PublicReadFacts::kUnknownFor - 1s;
  EXPECT_EQ(find(true), std::nullopt) << "a store that tells nothing is not asked for each object";
  EXPECT_EQ(asked_, 2);
  now_ += 1s;
  EXPECT_EQ(find(true), Known(true));
  EXPECT_EQ(asked_, 3);
}

TEST_F(PublicReadFactsTest, NewSettingsAndOtherBucketsAreAskedAnew) {
  EXPECT_EQ(find(false), Known(false));
  ++access_.version;
  EXPECT_EQ(find(true), Known(true));
  access_.bucket = "c";
  EXPECT_EQ(find(false), Known(false));
  access_.endpoint = "http://another";
  facts_.note(access_, true);
  EXPECT_EQ(find(false), Known(true)) << "it was found out elsewhere";
  EXPECT_EQ(asked_, 3);
}

TEST_F(PublicReadFactsTest, ThreadsThatWantTheSameWaitForOneAnswer) {
  std::promise<void> begun;
  std::promise<void> may_end;
  std::thread first([&] {
    EXPECT_EQ(facts_.find(access_,
                          [&]() -> Known {
                            begun.set_value();
                            may_end.get_future().wait();
                            return false;
                          }),
              Known(false));
  });
  begun.get_future().wait();
  std::vector<std::thread> others;
  for (int i = 0; i < 4; ++i) others.emplace_back([&] { EXPECT_EQ(find(true), Known(false)); });
  BucketAccess another = access_;
  another.bucket = "another";
  EXPECT_EQ(facts_.find(another, [] { return Known(true); }), Known(true)) << "only those of the same bucket wait";
  may_end.set_value();
  first.join();
  for (std::thread& other : others) other.join();
  EXPECT_EQ(asked_, 0);
}

TEST_F(PublicReadFactsTest, AQuestionThatEndsWithAnExceptionLetsOthersAsk) {
  EXPECT_THROW((void)facts_.find(access_, []() -> Known { throw std::runtime_error("no memory"); }),
               std::runtime_error);
  now_ += PublicReadFacts::kUnknownFor;
  EXPECT_EQ(find(true), Known(true));
}

TEST_F(PublicReadFactsTest, RemembersABoundedNumberOfBuckets) {
  EXPECT_EQ(find(false), Known(false));
  for (std::size_t i = 0; i < PublicReadFacts::kMaxBuckets; ++i) {
    BucketAccess other = access_;
    other.bucket = std::to_string(i);
    facts_.note(other, true);
  }
  EXPECT_EQ(find(true), Known(true)) << "forgotten";
}

}  // namespace
}  // namespace vodlift::s3
