// Port of the doors: how the runs of an upload ended. And the rules by which a store keeps that.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/work_queue.h"

namespace vodlift {

// So many entries are kept of one upload.
inline constexpr int kKeptAttempts = 50;

// How a run ended.
enum class AttemptEnd {
  requeued,     // it is tried again later, or waits for its source or its store
  interrupted,  // it gave its place to others, or the server stopped; the next run continues it
  crashed,      // its worker is gone
  paused,
  cancelled,
  failed,
  completed
};
inline constexpr Words<AttemptEnd> kAttemptEnds = {
    {AttemptEnd::requeued, "requeued"},   {AttemptEnd::interrupted, "interrupted"}, {AttemptEnd::crashed, "crashed"},
    {AttemptEnd::paused, "paused"},       {AttemptEnd::cancelled, "cancelled"},     {AttemptEnd::failed, "failed"},
    {AttemptEnd::completed, "completed"},
};

// One run, or several in a row of the same attempt that ended alike.
struct UploadAttempt {
  int number = 0;  // of the attempt, as Upload::attempts counted then
  int times = 1;   // how many runs
  AttemptEnd how = AttemptEnd::requeued;
  std::optional<UploadError> error{};  // of the last of these runs that had one
  WallTime started;                    // the first of them
  WallTime ended;                      // the last one
  std::int64_t first_byte = 0;         // bytes confirmed when the first of them began
  std::int64_t last_byte = 0;          // and when the last one ended
  std::int64_t node = 0;               // that had the last one
};

// Of an upload under way that is given back, as `how` says and with this state to follow.
AttemptEnd end_of_run(const Requeue& how, UploadState next, bool crashed);
// Of an upload that ends: completed, failed or cancelled.
AttemptEnd end_of_run(UploadState end);

// What a store does with a run that has ended, in the transaction that records the end.
enum class KeepAttempt {
  nothing,  // it is not worth an entry
  merged,   // it belongs to the last entry: join() them
  apart     // a new entry; where there are too many, one goes: make_room()
};
// `last`: the upload's last entry. Nothing is kept of an upload that completes at its first run, nor of a run that was
// given back before it sent or learned anything.
KeepAttempt keep_attempt(const std::optional<UploadAttempt>& last, const UploadAttempt& next);

// `last` with a run that belongs to it.
UploadAttempt join(UploadAttempt last, const UploadAttempt& next);

// Removes one entry if there are more than kKeptAttempts: the oldest interruption, or else the oldest entry.
void make_room(std::vector<UploadAttempt>& oldest_first);

// What is confirmed of an open multipart upload.
struct ConfirmedParts {
  std::int64_t part_size = 0;  // bytes, every part but the last; 0: none is open
  std::vector<int> ranges{};   // their numbers: first, last, first, last, …; ascending, none of two that touch
  std::vector<std::optional<WallTime>> times{};  // when each was confirmed, by number; nothing: not known
};

// Adds a part with a number above all that are there.
void add_part(ConfirmedParts& parts, int number, std::optional<WallTime> confirmed);

// Any thread; calls block. Errors of all: store_failed.
class AttemptHistory {
 public:
  AttemptHistory() = default;
  AttemptHistory(const AttemptHistory&) = delete;
  AttemptHistory& operator=(const AttemptHistory&) = delete;
  virtual ~AttemptHistory() = default;

  // Oldest first; kKeptAttempts at most. Where there were more, interruptions went first, and then the oldest. Empty
  // where the upload completed at its first run, where none has ended yet, and where there is no such upload.
  virtual Result<std::vector<UploadAttempt>> attempts_of(UploadId id) = 0;

  virtual Result<ConfirmedParts> parts_of(UploadId id) = 0;
};

}  // namespace vodlift
