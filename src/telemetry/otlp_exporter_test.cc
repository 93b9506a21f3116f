#include "telemetry/otlp_exporter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <condition_variable>
#include <mutex>

#include "net/http_server.h"

namespace vodlift::telemetry {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

Span span_named(const std::string& name) {
  Span span{.trace = {"4bf92f3577b34da6a3ce929d0e0e4736"}, .id = "b7ad6b7169203331", .name = name};
  span.begin = span.end = from_unix_ms(1'795'000'000'000);
  return span;
}

// A collector that answers with `status_`, and keeps the names of the spans that it has taken.
class OtlpExporterTest : public testing::Test {
 protected:
  OtlpExporterTest()
      : server_(
            "collector", {}, 1,
            [this](const net::Request& request, const net::Responder& respond) {
              respond({take(request), "application/json", "{}", {}});
            },
            [](Errc, std::string_view) {
              return net::Response{400, "text/plain", "", {}};
            }) {}
  void SetUp() override {
    ASSERT_TRUE(server_.listen("127.0.0.1:0"));
    server_.start();
    Collector collector{.url = "http://" + server_.address() + "/v1/traces", .host = "host-1"};
    collector.headers.emplace_back("X-Key: very-secret");
    exporter_ = std::make_unique<OtlpExporter>(std::move(collector), std::chrono::milliseconds(20));
  }
  void TearDown() override {
    exporter_->stop();
    server_.stop(std::chrono::milliseconds(0));
  }

  int take(const net::Request& request) {
    const std::lock_guard lock(mutex_);
    ++requests_;
    key_ = request.header("x-key");
    if (status_ / 100 == 2) {
      const auto json = boost::json::parse(request.body);
      const auto& spans = json.at("resourceSpans").at(0).at("scopeSpans").at(0).at("spans").as_array();
      largest_ = std::max(largest_, spans.size());
      for (const auto& span : spans) names_.emplace_back(span.at("name").as_string());
    }
    changed_.notify_all();
    return status_;
  }

  template <typename Condition>
  bool wait_for(const Condition& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, seconds(20), condition);
  }
  void set_status(int status) {
    const std::lock_guard lock(mutex_);
    status_ = status;
  }
  std::string metrics() {
    MetricsText text;
    exporter_->write_metrics(text);
    return text.take();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int status_ = 200;
  int requests_ = 0;
  std::string key_;
  std::size_t largest_ = 0;
  std::vector<std::string> names_;
  net::HttpServer server_;
  std::unique_ptr<OtlpExporter> exporter_;
};

TEST_F(OtlpExporterTest, SendsWhatItIsGivenInItsOrderAndWithTheHeaders) {
  exporter_->start();
  exporter_->add(span_named("part"));
  exporter_->add(span_named("attempt"));
  ASSERT_TRUE(wait_for([this] { return names_.size() == 2; }));
  EXPECT_EQ(names_, (std::vector<std::string>{"part", "attempt"}));
  EXPECT_EQ(key_, "very-secret");
  exporter_->stop();
  EXPECT_THAT(metrics(), HasSubstr("vodlift_spans_total{result=\"sent\"} 2"));
}

TEST_F(OtlpExporterTest, ManySpansGoInRequestsOfABoundedSize) {
  for (std::size_t i = 0; i < OtlpExporter::kMostInRequest * 3 + 1; ++i) exporter_->add(span_named("part"));
  exporter_->start();
  ASSERT_TRUE(wait_for([this] { return names_.size() == OtlpExporter::kMostInRequest * 3 + 1; }));
  EXPECT_EQ(largest_, OtlpExporter::kMostInRequest);
}

TEST_F(OtlpExporterTest, WhatIsRefusedForTheTimeBeingIsSentAgain) {
  set_status(503);
  exporter_->start();
  exporter_->add(span_named("first"));
  ASSERT_TRUE(wait_for([this] { return requests_ >= 1; }));
  set_status(200);
  exporter_->add(span_named("second"));
  ASSERT_TRUE(wait_for([this] { return names_.size() == 2; }));
  EXPECT_EQ(names_, (std::vector<std::string>{"first", "second"}));
}

TEST_F(OtlpExporterTest, WhatIsRefusedForGoodIsDropped) {
  set_status(400);
  exporter_->start();
  exporter_->add(span_named("first"));
  ASSERT_TRUE(wait_for([this] { return requests_ >= 1; }));
  exporter_->stop();
  EXPECT_THAT(metrics(), HasSubstr("vodlift_spans_total{result=\"dropped\"} 1"));
}

TEST_F(OtlpExporterTest, OfTooManyTheOldestAreDropped) {
  for (std::size_t i = 0; i < OtlpExporter::kMostWaiting + 7; ++i) exporter_->add(span_named(std::to_string(i)));
  EXPECT_THAT(metrics(), HasSubstr("vodlift_spans_total{result=\"dropped\"} 7"));
  exporter_->start();
  ASSERT_TRUE(wait_for([this] { return names_.size() == OtlpExporter::kMostWaiting; }));
  EXPECT_EQ(names_.front(), "7");
}

TEST_F(OtlpExporterTest, TheEndSendsWhatWaits) {
  exporter_->start();
  exporter_->add(span_named("last"));
  exporter_->stop();
  const std::lock_guard lock(mutex_);
  EXPECT_EQ(names_, std::vector<std::string>{"last"});
}

TEST_F(OtlpExporterTest, AnotherCollectorGetsWhatWaits) {
  OtlpExporter exporter(Collector(), std::chrono::milliseconds(20));
  exporter.start();
  EXPECT_FALSE(exporter.wanted());
  exporter.add(span_named("unwanted"));
  exporter.use({.url = "http://127.0.0.1:1/v1/traces"});
  EXPECT_TRUE(exporter.wanted());
  exporter.add(span_named("waits"));
  exporter.use({.url = "http://" + server_.address() + "/v1/traces"});
  ASSERT_TRUE(wait_for([this] { return names_.size() == 1; }));
  EXPECT_EQ(names_, std::vector<std::string>{"waits"});
  exporter.use({});
  exporter.add(span_named("unwanted"));
  exporter.stop();
  EXPECT_EQ(names_, std::vector<std::string>{"waits"});
}

TEST_F(OtlpExporterTest, ACollectorThatIsGoneHoldsUpNothing) {
  server_.stop(std::chrono::milliseconds(0));
  exporter_->start();
  exporter_->add(span_named("first"));
  exporter_->stop();
  EXPECT_THAT(metrics(), HasSubstr("vodlift_spans_total{result=\"sent\"} 0"));
}

}  // namespace
}  // namespace vodlift::telemetry
