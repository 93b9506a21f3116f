#include "postgres/pg_pool.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/random.h"

namespace vodlift::postgres {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

PgPool::Loan::~Loan() {
  if (connection_) pool_->give_back(std::move(connection_));
}

Result<PgPool::Loan> PgPool::borrow() {
  {
    std::unique_lock lock(mutex_);
    const auto is_free = [this] { return !idle_.empty() || lent_ < most_; };
    if (!given_back_.wait_for(lock, kLongestWait, is_free)) {
      return Error{Errc::store_failed, "all connections to the database are in use"};
    }
    ++lent_;
    while (!idle_.empty()) {
      std::unique_ptr<PgConnection> connection = std::move(idle_.back());
      idle_.pop_back();
      if (!connection->is_lost()) return Loan(*this, std::move(connection));
    }
  }
  auto opened = open_paced();
  if (opened) return Loan(*this, std::move(*opened));
  const std::lock_guard lock(mutex_);
  --lent_;
  given_back_.notify_one();
  return opened.error();
}

Result<std::unique_ptr<PgConnection>> PgPool::open_paced() {
  {
    const std::lock_guard lock(mutex_);
    if (pause_.count() > 0 && steady_clock::now() < try_again_) return last_error_;
    // Others fail at once while this one tries.
    if (pause_.count() > 0) try_again_ = steady_clock::now() + kLongestPause;
  }
  auto opened = open_apart();
  if (opened) return opened;
  const std::lock_guard lock(mutex_);
  if (pause_.count() == 0) log::error("the database cannot be used", {{"error", opened.error().for_operator()}});
  pause_ = std::clamp(pause_ * 2, kFirstPause, kLongestPause);
  // Nodes that lost their server at the same moment must not come back at the same moment.
  const auto jittered = std::chrono::duration_cast<milliseconds>(pause_ * (0.5 + random_unit()));
  try_again_ = steady_clock::now() + jittered;
  last_error_ = opened.error();
  return opened;
}

Result<std::unique_ptr<PgConnection>> PgPool::open_apart() {
  auto opened = PgConnection::open(url_, &servers_);
  if (opened) note_reached();
  return opened;
}

void PgPool::note_reached() {
  const std::lock_guard lock(mutex_);
  if (pause_.count() > 0) log::info("the database is reached again");
  pause_ = milliseconds(0);
}

void PgPool::give_back(std::unique_ptr<PgConnection> connection) {
  const std::lock_guard lock(mutex_);
  --lent_;
  if (!connection->is_lost()) {
    idle_.push_back(std::move(connection));
  } else {
    idle_.clear();  // what cut this one has most likely cut the others
  }
  given_back_.notify_one();
}

}  // namespace vodlift::postgres
