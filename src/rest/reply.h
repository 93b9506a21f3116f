// The one answer to one request of the REST API.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "door/reply.h"

namespace vodlift::rest {

struct Route;

// JSON, or a problem (rest/problem.h).
class Reply final : public door::Reply {
 public:
  // `route` must outlive it. `for_operator`: a failure has the texts that are meant for operators alone.
  Reply(net::Responder respond, const Route& route, bool for_operator)
      : door::Reply(std::move(respond)), route_(route), for_operator_(for_operator) {}

  // A header of the answer, if that is a success. Before the answer, from one thread.
  void add_header(std::string name, std::string value) { headers_.emplace_back(std::move(name), std::move(value)); }

  // 429, with Retry-After. The audit log does not have it: nothing was looked at, and a flood must not fill the log.
  void throttled(const Error& error, std::chrono::seconds wait);

 private:
  [[nodiscard]] net::Response success_response(std::string_view message, const boost::json::value& data,
                                               const boost::json::object& members) const override;
  [[nodiscard]] net::Response failure_response(const Error& error) const override;
  [[nodiscard]] bool is_internal(Errc code) const override;

  const Route& route_;
  const bool for_operator_;
  std::vector<std::pair<std::string, std::string>> headers_;
};

}  // namespace vodlift::rest
