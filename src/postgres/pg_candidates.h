// What is ready to run, in PostgreSQL.
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "core/change_feed.h"
#include "core/fair_share.h"
#include "postgres/pg_connection.h"
#include "postgres/pg_result.h"

namespace vodlift::postgres {

// A queue within the queue: an order of its own in the index.
struct ReadyPlace {
  std::string storage;
  int priority = 0;
  bool large = false;
  AccountId account = 0;

  auto operator<=>(const ReadyPlace&) const = default;  // NOLINT(modernize-use-nullptr): false alarm
};

// Where in a place an upload stands.
struct ReadyPosition {
  std::int64_t next_attempt_ms = 0;
  UploadId id = 0;

  auto operator<=>(const ReadyPosition&) const = default;  // NOLINT(modernize-use-nullptr): false alarm
};

using ReadyPlaces = std::map<ReadyPlace, ReadyPosition>;

// Lists what is ready to run that a node may take; see WorkQueue::candidates(). It asks for some accounts at a time, so
// that a list costs what it shows. Internally locked.
//
// While a transaction stays open somewhere, the server keeps every row that was claimed since, and who looks from the
// front of the queue steps over all of them. So when a look takes long, the next ones are short: they begin in each
// place where the last one found something, and look at the uploads that the feed tells of. What nobody told of is
// found by a survey of the whole queue. It goes from place to place, as far as it comes in a moment, and goes on when a
// multiple of that moment is over. A part of it that takes too long is given up: the short looks go on without it.
class CandidateLists {
 public:
  struct Pace {
    std::chrono::milliseconds slow{50};       // a look that takes so long is followed by short ones; 0: all are short
    int rest = 20;                            // from part to part of a survey, as a multiple of the time that one takes
    std::chrono::milliseconds part{25};       // what a part asks for later is left to the next
    std::chrono::milliseconds longest{8000};  // a part is given up then; less than kStatementTimeout
  };
  static constexpr std::size_t kMostPlaces = 10'000;  // that are known
  static constexpr std::size_t kMostTold = 4096;      // uploads; others are left to the next survey

  // `feed` must outlive it.
  CandidateLists(LocalChangeFeed& feed, std::int64_t node, Pace pace);

  Candidates list(PgConnection& connection, const CandidateQuery& query);

  // Whether something is ready that the node may take.
  bool any(PgConnection& connection);

 private:
  [[nodiscard]] bool is_short() const { return subscription_ != nullptr; }
  void begin_short();
  Candidates list_places(PgConnection& connection, const CandidateQuery& query);
  void survey(PgConnection& connection);
  void end_survey();
  std::optional<PgResult> look_for(PgConnection& connection, std::chrono::milliseconds longest, PgCall call);
  std::optional<std::size_t> survey_places(PgConnection& connection, std::size_t most);
  ReadyPlace add_place(const PgResult& row);
  void add_told(PgConnection& connection);

  LocalChangeFeed& feed_;
  const std::int64_t node_;
  const Pace pace_;
  std::mutex told_mutex_;  // guards the next member
  std::set<UploadId> told_;
  mutable std::mutex mutex_;  // guards the next block; taken before told_mutex_
  bool has_survey_ = false;   // one has ended since looks are short
  SteadyTime survey_due_;
  std::chrono::nanoseconds surveyed_for_{};  // the survey that is under way, so far
  ReadyPlace surveyed_;                      // up to this place
  std::size_t places_at_once_ = 1;
  ReadyPlaces places_;
  std::set<ReadyPlace> seen_;              // that were found since the last survey ended
  std::set<UploadId> told_before_;         // of which the last look was told
  ChangeFeed::Subscription subscription_;  // while looks are short; the last member: its calls use the others
};

}  // namespace vodlift::postgres
