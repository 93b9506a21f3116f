// Tells the operator of refused requests, but not of each.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string_view>

namespace vodlift::legacy {

// Internally locked. Writes a line for the first refusal of a reason, and then at most one each kEvery for it, with how
// many there were since the line before.
class RefusalLog {
 public:
  static constexpr std::chrono::seconds kEvery{10};

  // `reason` is a word that lives forever ("signature"); `key_id` is 0 where no key is known. What a client sent as a
  // key is never written: it may be a secret that slipped into the wrong field.
  void note(std::string_view reason, std::string_view peer, std::int64_t key_id,
            std::chrono::steady_clock::time_point now);

 private:
  struct Entry {
    std::string_view reason;
    std::int64_t untold = 0;
    std::chrono::steady_clock::time_point next{};
  };
  static constexpr std::size_t kReasons = 16;  // more share the last entry

  std::mutex mutex_;
  std::array<Entry, kReasons> entries_;
};

}  // namespace vodlift::legacy
