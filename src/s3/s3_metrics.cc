#include "s3/s3_metrics.h"

#include <algorithm>

namespace vodlift::s3 {

S3Metrics::Operation& S3Metrics::at(std::string_view operation) {
  const std::string_view name = operation.substr(0, operation.find(' '));  // "UploadPart 17"
  const auto found = std::ranges::find(kOperations, name);
  return operations_[std::min(static_cast<std::size_t>(found - kOperations.begin()), kOperations.size() - 1)];
}

void S3Metrics::ended(std::string_view operation, RequestResult result, std::chrono::nanoseconds took) {
  Operation& one = at(operation);
  one.in_flight.add(-1);
  one.results[static_cast<std::size_t>(result)].add();
  if (result != RequestResult::not_sent) one.seconds.observe(std::chrono::duration<double>(took).count());
}

void S3Metrics::write(MetricsText& text) const {
  text.counter("vodlift_s3_requests_total", "Requests to S3 that ended, by operation and result.");
  for (std::size_t at = 0; at < kOperations.size(); ++at) {
    const auto words = kRequestResults.all();
    for (std::size_t result = 0; result != words.size(); ++result) {
      text.sample(operations_[at].results[result].value(), {{"operation", kOperations[at]}, {"result", words[result]}});
    }
  }
  text.histogram("vodlift_s3_request_duration_seconds", "Time of a request to S3, its body and its answer included.");
  for (std::size_t at = 0; at < kOperations.size(); ++at) {
    text.sample(operations_[at].seconds, {{"operation", kOperations[at]}});
  }
  text.gauge("vodlift_s3_requests_in_flight", "Requests to S3 that are under way; those of UploadPart are parts.");
  for (std::size_t at = 0; at < kOperations.size(); ++at) {
    text.sample(operations_[at].in_flight.value(), {{"operation", kOperations[at]}});
  }
}

RequestResult result_of(Outcome outcome, bool refused) {
  switch (outcome) {
    case Outcome::answered:
    case Outcome::looked:
    case Outcome::denied:
      return refused ? RequestResult::refused : RequestResult::ok;
    case Outcome::throttled:
      return RequestResult::throttled;
    case Outcome::failed:
      return RequestResult::failed;
    case Outcome::no_answer:
      return RequestResult::no_answer;
    case Outcome::key_refused:
    case Outcome::signature_refused:
    case Outcome::no_credentials:
      return RequestResult::credentials;
    case Outcome::not_sent:
      break;
  }
  return RequestResult::not_sent;
}

}  // namespace vodlift::s3
