// How many bytes of requests and answers a server holds, for all its connections together.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/error.h"

namespace vodlift::net {

// Who holds bytes. An empty name is not counted.
struct ByteHolders {
  std::string address;  // as address_holder() names it
  std::string key;      // who signed the request, as the handler names it
};

// One holder has at most a quarter of the whole. What is larger than kSmallBytes gets at most three quarters of a share
// and of the whole, so that small requests pass while large ones hold all that they may. Internally locked. Has one
// entry for each holder that holds bytes now.
class ByteBudget {
 public:
  static constexpr std::size_t kSmallBytes = std::size_t{16} * 1024;

  explicit ByteBudget(std::size_t total) : total_(total) {}

  // So many from now on. Where more are held, nothing is taken until enough of them are given back.
  void use(std::size_t total);

  // Holds `bytes` for `holders`. Errors, and nothing is held then: overloaded (the whole is used up),
  // too_many_connections (the share of one of the holders is).
  Result<> take(const ByteHolders& holders, std::size_t bytes);
  // The same without a limit.
  void take_anyway(const ByteHolders& holders, std::size_t bytes);
  // Each success of the two needs one give_back() of the same holders and bytes.
  void give_back(const ByteHolders& holders, std::size_t bytes);

  [[nodiscard]] std::size_t held() const;
  [[nodiscard]] std::size_t total() const;

 private:
  [[nodiscard]] bool has_room(const std::string& holder, std::size_t bytes, std::size_t share) const;
  void add(const ByteHolders& holders, std::size_t bytes);
  void remove(const std::string& holder, std::size_t bytes);

  mutable std::mutex mutex_;  // guards the rest
  std::size_t total_;
  std::size_t held_ = 0;
  std::unordered_map<std::string, std::size_t> holders_;
};

// What one connection holds of a budget; the destructor gives it back. One thread at a time.
class ByteCharge {
 public:
  explicit ByteCharge(ByteBudget& budget) : budget_(budget) {}
  ByteCharge(const ByteCharge&) = delete;
  ByteCharge& operator=(const ByteCharge&) = delete;
  ~ByteCharge() { release(); }

  // Holds `bytes` for `holders` instead of what it holds. After an error it holds nothing. Errors: those of
  // ByteBudget::take().
  Result<> hold(const ByteHolders& holders, std::size_t bytes);
  void hold_anyway(const ByteHolders& holders, std::size_t bytes);
  void release();

  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  ByteBudget& budget_;
  ByteHolders holders_;
  std::size_t bytes_ = 0;
};

}  // namespace vodlift::net
