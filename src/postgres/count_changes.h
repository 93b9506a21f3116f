// How a transaction changes the numbers of uploads.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "core/store_metrics.h"
#include "core/upload.h"
#include "postgres/pg_connection.h"

namespace vodlift::postgres {

// Collects what a transaction adds to and takes from the number of uploads and of their bytes, by account and state,
// and writes it as rows of their own before the commit: transactions of several nodes do not wait for one another. One
// thread.
class CountChanges {
 public:
  void add(AccountId account, UploadState state, std::int64_t size) { change(account, state, 1, size); }
  void remove(AccountId account, UploadState state, std::int64_t size) { change(account, state, -1, -size); }
  void move(AccountId account, UploadState from, UploadState to, std::int64_t size) {
    remove(account, from, size);
    add(account, to, size);
  }

  // Adds the statement that writes the rows, and forgets them here.
  void save(std::vector<PgCall>& last);
  // The transaction is committed: each upload that was made or moved is counted by its new state.
  void committed(EnteredUploads& entered) const;

 private:
  struct Sums {
    std::int64_t uploads = 0;
    std::int64_t bytes = 0;
  };
  using Place = std::pair<AccountId, UploadState>;

  void change(AccountId account, UploadState state, std::int64_t uploads, std::int64_t bytes);

  std::map<Place, Sums> sums_;
  std::array<std::int64_t, Words<UploadState>::kCount> entered_{};
  std::vector<std::pair<Place, Sums>> full_;  // files may be sparse: sums that would not fit are rows of their own
};

// How many uploads of an account that had not ended there were a moment ago. Who accepts a group of uploads would ask
// the database each time, though the answer matters only near the limit. Internally locked.
class RecentCounts {
 public:
  static constexpr std::chrono::seconds kLast{5};
  static constexpr std::size_t kMostAccounts = 10'000;  // more than these: all are forgotten

  void note(AccountId account, std::int64_t uploads, SteadyTime now);
  // Nothing: not known, or older than kLast.
  [[nodiscard]] std::optional<std::int64_t> find(AccountId account, SteadyTime now) const;

 private:
  struct Count {
    std::int64_t uploads = 0;
    SteadyTime noted;
  };

  mutable std::mutex mutex_;
  std::unordered_map<AccountId, Count> counts_;
};

// What add_up_counts() did.
struct AddedUp {
  bool more = false;      // there are more rows
  std::int64_t last = 0;  // ids up to this are added up, but for rows that were not committed yet; 0: not known
};

// Adds up rows of transactions with an id above `after`, some thousands at most. One node does it at a time.
AddedUp add_up_counts(PgConnection& connection, std::int64_t after);

}  // namespace vodlift::postgres
