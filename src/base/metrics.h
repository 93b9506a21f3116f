// Numbers that a part of the server keeps of what it does, and the text in which a monitoring system reads them.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace vodlift {

// Only grows, from the start of the process on. Any thread.
class Counter {
 public:
  void add(std::int64_t count = 1) noexcept { value_.fetch_add(count, std::memory_order_relaxed); }
  [[nodiscard]] std::int64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

// Goes up and down. Any thread.
class Gauge {
 public:
  void add(std::int64_t count) noexcept { value_.fetch_add(count, std::memory_order_relaxed); }
  void set(std::int64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] std::int64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

// From a millisecond to five minutes.
inline constexpr std::array kSecondsBounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                              0.5,   1.0,    2.5,   5.0,  10.0,  30.0, 60., 300.};

// How many values were at most as large as each of its bounds, and their sum. Any thread.
class Histogram {
 public:
  static constexpr std::size_t kMostBounds = 16;

  // `bounds`: ascending, kMostBounds at most; they must outlive it.
  explicit Histogram(std::span<const double> bounds = kSecondsBounds) : bounds_(bounds) {}

  void observe(double value) noexcept;

  [[nodiscard]] std::span<const double> bounds() const { return bounds_; }
  // Of those above bound `at - 1` and not above bound `at`; `at` is bounds().size() for what is above all of them.
  [[nodiscard]] std::int64_t count(std::size_t at) const noexcept { return counts_[at].value(); }
  [[nodiscard]] double sum() const noexcept { return sum_.load(std::memory_order_relaxed); }

 private:
  std::span<const double> bounds_;
  std::array<Counter, kMostBounds + 1> counts_;
  std::atomic<double> sum_{0};
};

// Writes Prometheus' text format, version 0.0.4. One thread.
class MetricsText {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  // Begins a family. Its samples follow, each with other labels. The names end as Prometheus wants it: `_total` for a
  // counter, the base unit for anything that has one. `help`: one sentence without line breaks.
  void counter(std::string_view name, std::string_view help) { family(name, "counter", help); }
  void gauge(std::string_view name, std::string_view help) { family(name, "gauge", help); }
  void histogram(std::string_view name, std::string_view help) { family(name, "histogram", help); }

  // A value of any text is written such that it stays within its quotes.
  void sample(std::int64_t value, Labels labels = {});
  void sample(double value, Labels labels = {});
  // Of a family that is a histogram.
  void sample(const Histogram& histogram, Labels labels = {});

  // A family with one sample.
  void counter(std::string_view name, std::string_view help, std::int64_t value) {
    counter(name, help);
    sample(value);
  }
  void gauge(std::string_view name, std::string_view help, std::int64_t value) {
    gauge(name, help);
    sample(value);
  }

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void family(std::string_view name, std::string_view kind, std::string_view help);
  void line(std::string_view suffix, Labels labels, std::string_view bound, std::string_view value);

  std::string text_;
  std::string name_;
};

}  // namespace vodlift
