// The audit log's entry of one call that changes something.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/audit_log.h"
#include "core/field_spec.h"

namespace vodlift::door {

// Keeps the audited fields of a request until the outcome is known, then writes one entry. The fields' values need not
// have been checked. A value that the request lacks is taken from the answer, so that the log shows what the server
// chose. One thread at a time.
class AuditedCall {
 public:
  // `entry`: everything but `what`, `failure` and `upload`. `log` and `fields` must outlive this. `answered`: a member
  // of the answer to show as well; empty: none. `upload`: the member of the answer that is an upload's id.
  AuditedCall(AuditLog& log, AuditEntry entry, std::span<const FieldSpec> fields, const boost::json::object& request,
              std::string_view answered = {}, std::string_view upload = "id");

  // Which state the changed object is in; empty: there is none. `answer`: empty before the change.
  using State = std::function<std::string(const boost::json::object& answer)>;

  // Writes an entry of its own before the change, so that a crash within it leaves a trace; the entry of the outcome
  // has the same `call`. `state` is asked now, and when the change has succeeded.
  void begin(State state);

  // The person who asks is not known before the answer, of which this member names them.
  void take_who_from(std::string_view member) { who_ = member; }

  // Call one of them, once. `data` is the answer: an upload's id, or an object.
  void succeeded(const boost::json::value& data);
  void failed(Errc code);

 private:
  void take_what(const boost::json::object* answer);  // out of values_
  void record(const boost::json::object* answer);

  AuditLog& log_;
  AuditEntry entry_;
  const std::string_view upload_;
  std::string_view who_{};
  State state_;
  std::vector<std::pair<std::string_view, std::optional<std::string>>> values_;  // nothing: not in the request
};

}  // namespace vodlift::door
