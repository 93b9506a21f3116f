// How `vodlift doctor` asks a running daemon, and what the sections of its report share.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cli/doctor.h"
#include "cli/metrics_reader.h"
#include "cli/session.h"

namespace vodlift::cli {

// One look at a daemon. Its metrics and overview are read once. One thread.
class ServerExam {
 public:
  explicit ServerExam(Session& session);

  // Of the REST API, and a page beside it. Errors: those of the session. One that says that nobody answers (network,
  // timeout) is the answer to all further questions: a server that hangs costs one time limit.
  Result<boost::json::value> ask(const Call& call);
  Result<net::HttpResponse> page(const std::string& path);
  // The items of a collection. Nothing: they could not be read, which `section` says.
  std::optional<boost::json::array> items(const Call& call, DoctorSection& section);

  // Whether there are metrics, or an overview; if not, `section` says so.
  bool has_metrics(DoctorSection& section) const;
  bool has_overview(DoctorSection& section) const;
  [[nodiscard]] const MetricsReader& metrics() const { return metrics_; }
  [[nodiscard]] const boost::json::value& overview() const { return overview_; }
  // The server's clock when it wrote the overview, else this machine's, in Unix seconds.
  [[nodiscard]] std::int64_t now() const { return now_; }

  // The first sample of that name and with these labels: as a fact, null where there is none; as a number, 0.
  [[nodiscard]] boost::json::value metric(std::string_view name, const MetricsReader::Labels& labels = {}) const;
  [[nodiscard]] double number(std::string_view name, const MetricsReader::Labels& labels = {}) const;

  // Moves what the overview says needs a person, and is of these kinds, into the section that it concerns; without
  // kinds: all that is left.
  void take_needs(DoctorSection& section, std::initializer_list<std::string_view> kinds);

 private:
  template <class Answer>
  Result<Answer> kept(Result<Answer> answer);

  Session& session_;
  std::optional<Error> lost_;
  MetricsReader metrics_{""};
  Error metrics_error_;
  boost::json::value overview_;
  std::optional<Error> overview_error_;
  boost::json::array needs_;
  std::int64_t now_;
};

// Whole numbers as such; nothing as null.
boost::json::value number_value(const std::optional<double>& number);

// A member of an answer that is taken, and its name in the report. Only these are taken, so that a secret which an
// answer might hold is never passed on.
struct Column {
  std::string_view from;
  std::string_view name;
};
boost::json::object picked(const boost::json::value& item, std::initializer_list<Column> columns);
boost::json::array picked_of_all(const boost::json::array& items, std::initializer_list<Column> columns);

// A list in an answer; empty where there is none.
boost::json::array array_in(const boost::json::value& answer, std::string_view name);

// The sections on what the server works with: storages, buckets, callbacks, multipart uploads, limits, audit log.
std::vector<DoctorSection> examine_surroundings(ServerExam& exam);

}  // namespace vodlift::cli
