// How the legacy API answers: an envelope as JSON, or as PHP's serialize() writes it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "door/reply.h"
#include "legacy/call_metrics.h"

namespace vodlift::legacy {

enum class Encoding { json, php };

// Writes {"message":…,"status":"success","data":…,"handle_time":seconds}, with more members after `data` where a
// command has them, or {"message":…,"status":"failure","code":"0000","data":0,"handle_time":seconds}. Faults of the
// transport go out with their own HTTP status, every other answer with 200.
class Reply final : public door::Reply {
 public:
  // `metrics` must outlive it.
  Reply(net::Responder respond, std::chrono::steady_clock::time_point received, CallMetrics& metrics)
      : door::Reply(std::move(respond)), received_(received), metrics_(metrics) {}

  // The encoding of the answer: JSON until the form's field is known. Before the answer only.
  void use(Encoding encoding) { encoding_ = encoding; }

  // Which command the request is counted as; its text must last. Before the answer only.
  void count_as(std::string_view command) { command_ = command; }

  // Whose share of the memory an answer takes. `may_refuse`: nothing is changed by the request, so that it may be
  // answered `overloaded` where there is no memory for the answer. Before the answer only.
  void charge_to(std::int64_t key_id, bool may_refuse) {
    holder_ = "key " + std::to_string(key_id);
    may_refuse_ = may_refuse;
  }

  // A failure that will pass: with this HTTP status, and in Retry-After how long to wait, in whole seconds, at least 1.
  void throttled(int http_status, const Error& error, std::chrono::nanoseconds wait);

 private:
  [[nodiscard]] net::Response success_response(std::string_view message, const boost::json::value& data,
                                               const boost::json::object& members) const override;
  [[nodiscard]] net::Response failure_response(const Error& error) const override;
  [[nodiscard]] bool is_internal(Errc code) const override;
  void answered(std::optional<Errc> failure) override { metrics_.answered(command_, failure, took()); }
  [[nodiscard]] std::chrono::steady_clock::duration took() const;

  Encoding encoding_ = Encoding::json;
  std::string holder_;
  bool may_refuse_ = false;
  std::chrono::steady_clock::time_point received_;
  CallMetrics& metrics_;
  std::string_view command_;
};

// The answer to a fault of the transport that was met before a Reply existed, in JSON. Any thread.
net::Response fault(Errc code, std::string_view message);

}  // namespace vodlift::legacy
