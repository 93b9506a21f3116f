#include "net/byte_budget.h"

namespace vodlift::net {
namespace {

constexpr std::size_t kHolders = 4;  // that can hold all of it together

// Of `whole`, what a piece of this size may come from.
std::size_t open_to(std::size_t bytes, std::size_t whole) {
  return bytes > ByteBudget::kSmallBytes ? whole / 4 * 3 : whole;
}

}  // namespace

void ByteBudget::use(std::size_t total) {
  const std::lock_guard lock(mutex_);
  total_ = total;
}

Result<> ByteBudget::take(const ByteHolders& holders, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  const std::size_t whole = open_to(bytes, total_);
  const std::size_t share = open_to(bytes, total_ / kHolders);
  if (!has_room(holders.address, bytes, share)) {
    return Error{Errc::too_many_connections,
                 "The requests of your address hold as much memory as they may. Try again in a few seconds, with fewer "
                 "at once."};
  }
  if (!has_room(holders.key, bytes, share)) {
    return Error{Errc::too_many_connections,
                 "The requests of your key hold as much memory as they may. Try again in a few seconds, with fewer at "
                 "once."};
  }
  if (held_ + bytes > whole) {
    return Error{Errc::overloaded,
                 "The server holds as many requests as it has memory for. Try again in a few seconds."};
  }
  add(holders, bytes);
  return {};
}

void ByteBudget::take_anyway(const ByteHolders& holders, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  add(holders, bytes);
}

void ByteBudget::give_back(const ByteHolders& holders, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  held_ -= bytes;
  remove(holders.address, bytes);
  remove(holders.key, bytes);
}

std::size_t ByteBudget::held() const {
  const std::lock_guard lock(mutex_);
  return held_;
}

std::size_t ByteBudget::total() const {
  const std::lock_guard lock(mutex_);
  return total_;
}

bool ByteBudget::has_room(const std::string& holder, std::size_t bytes, std::size_t share) const {
  if (holder.empty()) return true;
  const auto found = holders_.find(holder);
  return (found == holders_.end() ? 0 : found->second) + bytes <= share;
}

void ByteBudget::add(const ByteHolders& holders, std::size_t bytes) {
  std::size_t uncounted = 0;
  // Both entries are made first: one may find no memory.
  std::size_t& of_address = holders.address.empty() ? uncounted : holders_[holders.address];
  std::size_t& of_key = holders.key.empty() ? uncounted : holders_[holders.key];
  held_ += bytes;
  of_address += bytes;
  of_key += bytes;
}

void ByteBudget::remove(const std::string& holder, std::size_t bytes) {
  const auto found = holders_.find(holder);
  if (found == holders_.end()) return;
  found->second -= bytes;
  if (found->second == 0) holders_.erase(found);
}

Result<> ByteCharge::hold(const ByteHolders& holders, std::size_t bytes) {
  release();
  holders_ = holders;
  if (auto taken = budget_.take(holders, bytes); !taken) return taken;
  bytes_ = bytes;
  return {};
}

void ByteCharge::hold_anyway(const ByteHolders& holders, std::size_t bytes) {
  release();
  holders_ = holders;
  budget_.take_anyway(holders, bytes);
  bytes_ = bytes;
}

void ByteCharge::release() {
  if (bytes_ == 0) return;
  budget_.give_back(holders_, bytes_);
  bytes_ = 0;
}

}  // namespace vodlift::net
