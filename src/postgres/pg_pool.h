// The connections of a node to its database.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "postgres/pg_connection.h"

namespace vodlift::postgres {

// Lends connections, each to one caller at a time, and makes them when they are needed. While the server cannot be
// reached, calls fail at once but for one try now and then: after kFirstPause, and longer each time. Internally locked.
class PgPool {
 public:
  static constexpr std::chrono::milliseconds kFirstPause{100};
  static constexpr std::chrono::milliseconds kLongestPause{5000};
  // How long a caller waits for a connection that others have.
  static constexpr std::chrono::milliseconds kLongestWait{10'000};

  PgPool(Secret url, std::size_t most) : url_(std::move(url)), most_(most) {}
  PgPool(const PgPool&) = delete;
  PgPool& operator=(const PgPool&) = delete;
  ~PgPool() = default;

  // A connection on loan; it goes back when this goes. One that is lost is closed then.
  class Loan {
   public:
    Loan(PgPool& pool, std::unique_ptr<PgConnection> connection) : pool_(&pool), connection_(std::move(connection)) {}
    Loan(Loan&& other) noexcept = default;
    Loan& operator=(Loan&&) = delete;
    ~Loan();
    PgConnection& operator*() { return *connection_; }
    PgConnection* operator->() { return connection_.get(); }

   private:
    PgPool* pool_;
    std::unique_ptr<PgConnection> connection_;
  };

  // Errors: store_failed (no connection can be made, or all are in use for too long), config_invalid.
  Result<Loan> borrow();

  // Another one, besides the pool's. It is tried at once; if it succeeds, so does the pool. Errors: as borrow().
  Result<std::unique_ptr<PgConnection>> open_apart();

 private:
  void give_back(std::unique_ptr<PgConnection> connection);
  Result<std::unique_ptr<PgConnection>> open_paced();
  void note_reached();

  const Secret url_;
  const std::size_t most_;
  PgServers servers_;
  std::mutex mutex_;
  std::condition_variable given_back_;
  std::vector<std::unique_ptr<PgConnection>> idle_;
  std::size_t lent_ = 0;
  // Of tries to connect that failed.
  std::chrono::milliseconds pause_{0};
  SteadyTime try_again_;
  Error last_error_;
};

}  // namespace vodlift::postgres
