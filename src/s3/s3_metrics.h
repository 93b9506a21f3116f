// What is counted of the requests to S3.
#pragma once

#include <array>
#include <chrono>
#include <string_view>

#include "base/metrics.h"
#include "base/words.h"
#include "s3/request_outcome.h"

namespace vodlift::s3 {

// How a request ended, for those who watch.
enum class RequestResult { ok, refused, throttled, failed, no_answer, credentials, not_sent };
inline constexpr Words<RequestResult> kRequestResults = {
    {RequestResult::ok, "ok"},
    {RequestResult::refused, "refused"},
    {RequestResult::throttled, "throttled"},
    {RequestResult::failed, "failed"},
    {RequestResult::no_answer, "no_answer"},
    {RequestResult::credentials, "credentials"},
    {RequestResult::not_sent, "not_sent"},
};

// By operation ("UploadPart"), of all buckets together. Any thread.
class S3Metrics {
 public:
  void began(std::string_view operation) { at(operation).in_flight.add(1); }
  // After began(). `took`: from then to the end, repeats after a correction included.
  void ended(std::string_view operation, RequestResult result, std::chrono::nanoseconds took);

  void write(MetricsText& text) const;

 private:
  // What is not among them is counted together.
  static constexpr std::array<std::string_view, 10> kOperations = {"PutObject",
                                                                   "CreateMultipartUpload",
                                                                   "UploadPart",
                                                                   "CompleteMultipartUpload",
                                                                   "AbortMultipartUpload",
                                                                   "ListParts",
                                                                   "ListMultipartUploads",
                                                                   "HeadObject",
                                                                   "GetObject",
                                                                   "other"};
  struct Operation {
    std::array<Counter, Words<RequestResult>::kCount> results;
    Histogram seconds;
    Gauge in_flight;
  };

  Operation& at(std::string_view operation);

  std::array<Operation, kOperations.size()> operations_;
};

// `refused`: the answer is not 2xx, or cannot be used.
RequestResult result_of(Outcome outcome, bool refused);

}  // namespace vodlift::s3
