// A string that must never be seen: no stream or format operator, wiped when it goes.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace vodlift {

// Holds a secret in memory. Copyable (each copy is wiped on its own); call reveal() only at the place of use.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { other.wipe(); }
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { wipe(); }

  [[nodiscard]] std::string_view reveal() const { return value_; }
  [[nodiscard]] bool empty() const { return value_.empty(); }

 private:
  void wipe() noexcept;

  std::string value_;
};

}  // namespace vodlift
