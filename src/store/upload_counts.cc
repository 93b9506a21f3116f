#include "store/upload_counts.h"

#include <algorithm>
#include <bit>

#include "store/sqlite_statements.h"

namespace vodlift::store {

void UploadCounts::Count::apply(const Step& step, int sign) {
  uploads += std::int64_t{sign} * step.uploads;
  bytes += static_cast<std::uint64_t>(sign * step.bytes);
}

void UploadCounts::load(SqliteConnection& connection) {
  counts_.clear();
  auto row = connection.prepare(sql::kCounts);
  while (row.step()) {
    const auto state = upload_state_from(row.text("state"));
    if (!state) continue;
    at({row.integer("account"), *state}) = {row.integer("uploads"), std::bit_cast<std::uint64_t>(row.integer("bytes"))};
  }
}

bool UploadCounts::is_full(AccountId account) const {
  const auto states = counts_.find(account);
  if (states == counts_.end()) return false;
  std::int64_t open = 0;
  for (const UploadState state : sql::kStates) {
    if (!is_end(state)) open += states->second[static_cast<std::size_t>(state)].uploads;
  }
  return open >= most_open();
}

void UploadCounts::begin() {
  for (const Step& step : uncommitted_) at(step.place).apply(step, -1);
  uncommitted_.clear();
}

void UploadCounts::committed(EnteredUploads& entered) {
  for (const Step& step : uncommitted_) {
    if (step.uploads > 0) entered[static_cast<std::size_t>(step.place.second)].add(step.uploads);
  }
  uncommitted_.clear();
}

// What can run out of memory comes first: the number and its line change together.
void UploadCounts::change(const Step& step) {
  Count& count = at(step.place);
  uncommitted_.push_back(step);
  count.apply(step, 1);
}

bool UploadCounts::save(SqliteConnection& connection) {
  std::vector<Place> places;
  places.reserve(uncommitted_.size());
  for (const Step& step : uncommitted_) places.push_back(step.place);
  std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
  for (const Place& place : places) {
    const Count& count = at(place);
    connection.prepare(sql::kPutCount)
        .bind(place.first, to_string(place.second), count.uploads, std::bit_cast<std::int64_t>(count.bytes))
        .run();
  }
  return !connection.failed();
}

void UploadCounts::count_again(SqliteConnection& connection) {
  connection.prepare(sql::kForgetCounts).run();
  connection.prepare(sql::kCountAgain).run();
  load(connection);
}

}  // namespace vodlift::store
