// How a transaction changes the numbers of uploads.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

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

  // Writes the rows, and forgets them here.
  void save(PgConnection& connection);
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

// Adds up rows of transactions, some thousands at most; answers whether there are more. One node does it at a time.
bool add_up_counts(PgConnection& connection);

}  // namespace vodlift::postgres
