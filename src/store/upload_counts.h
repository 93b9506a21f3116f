// How many uploads each account has in each state, and how many bytes.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/store_metrics.h"
#include "core/upload.h"
#include "store/sqlite_connection.h"

namespace vodlift::store {

// The counts are rows of the database, and are never counted: every transaction that adds or moves uploads writes those
// that it changed, once for all its uploads and before its COMMIT. So they are right in every committed state. They are
// read once, when the database is opened, and kept in memory from then on: an insert costs no query, however many
// uploads wait. What a transaction counted that was not committed is taken back when the next one begins.
//
// For the writer's thread, but for limit(). Has six numbers for each account that had an upload, and two lines for each
// upload that the transaction adds or moves.
class UploadCounts {
 public:
  // An account may have `most_open` uploads that have not ended.
  explicit UploadCounts(std::int64_t most_open) : most_open_(std::make_unique<std::atomic<std::int64_t>>(most_open)) {}

  // So many from now on; those that an account has stay. Any thread.
  void limit(std::int64_t most_open) { *most_open_ = most_open; }

  // Reads the rows. A failure is kept by the connection.
  void load(SqliteConnection& connection);

  [[nodiscard]] std::int64_t most_open() const { return *most_open_; }
  // Whether the account has as many that have not ended as it may have.
  [[nodiscard]] bool is_full(AccountId account) const;

  // For a change that has been made. `size`: of the upload, bytes.
  void add(AccountId account, UploadState state, std::int64_t size) { change({{account, state}, 1, size}); }
  void remove(AccountId account, UploadState state, std::int64_t size) { change({{account, state}, -1, -size}); }
  void move(AccountId account, UploadState from, UploadState to, std::int64_t size) {
    remove(account, from, size);
    add(account, to, size);
  }

  // A transaction begins; the last one is over, and was not committed unless committed() was called.
  void begin();
  // Writes the rows that changed, inside the transaction. False: it failed, and the connection keeps why.
  bool save(SqliteConnection& connection);
  // The transaction is committed. Each upload that was made or moved is counted in `entered`, by the state's number.
  void committed(EnteredUploads& entered);

  // For a change that runs: counts all uploads, one by one, and begins anew with that.
  void count_again(SqliteConnection& connection);

 private:
  using Place = std::pair<AccountId, UploadState>;
  struct Step {
    Place place;
    int uploads = 0;
    std::int64_t bytes = 0;
  };
  struct Count {
    std::int64_t uploads = 0;
    std::uint64_t bytes = 0;  // wraps: files may be sparse, and a sum that is too large must not end anything

    void apply(const Step& step, int sign);
  };
  using States = std::array<Count, Words<UploadState>::kCount>;  // by the state's number

  void change(const Step& step);
  Count& at(const Place& place) { return counts_[place.first][static_cast<std::size_t>(place.second)]; }

  std::unique_ptr<std::atomic<std::int64_t>> most_open_;  // apart, as this is moved
  std::unordered_map<AccountId, States> counts_;
  std::vector<Step> uncommitted_;
};

}  // namespace vodlift::store
