// Load on the queue in PostgreSQL, for its two benchmarks.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "core/change_feed.h"
#include "core/work_queue.h"
#include "postgres/pg_nodes.h"
#include "postgres/pg_upload_store.h"
#include "postgres/pg_work_queue.h"

namespace vodlift::bench {

using Steady = std::chrono::steady_clock;

inline double seconds_since(Steady::time_point begin) {
  return std::chrono::duration<double>(Steady::now() - begin).count();
}

// The value, or an exception with the error's text.
template <class T>
T expect(Result<T> outcome) {
  if (!outcome) throw std::runtime_error(outcome.error().for_operator());
  return std::move(*outcome);
}
inline void expect(Result<> outcome) {
  if (!outcome) throw std::runtime_error(outcome.error().for_operator());
}

// The middle one.
double median_of(std::vector<double> values);

// Upload `number` of one of 20 accounts, with a signature of its own.
NewUpload upload_of(int number);

// One node, with the stores of a node that runs.
class Node {
 public:
  // `url` must name a database that may be used up.
  Node(const Secret& url, const std::string& name);

  // Accepts uploads `from` to `from + count - 1`, `clients` at a time.
  void accept(int from, int count, int clients);
  // Claims uploads and ends them, until none is ready or `most` have ended. One claim takes `at_once`, 200 at most.
  // Answers how many ended. `claims` gets the time of each claim in milliseconds.
  int end(int most, int at_once = 200, std::vector<double>* claims = nullptr);

 private:
  LocalChangeFeed feed_;
  std::unique_ptr<postgres::PgDatabase> database_;
  postgres::PgNodes nodes_;
  postgres::PgQueue shared_;
  postgres::PgUploadStore uploads_;
  postgres::PgWorkQueue queue_;
  FairShare share_;
};

}  // namespace vodlift::bench
