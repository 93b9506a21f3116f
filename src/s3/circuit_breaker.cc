#include "s3/circuit_breaker.h"

#include "base/random.h"

namespace vodlift::s3 {
namespace {

using std::chrono::milliseconds;

// Between the times that two refused requests are given, and the longest such time after the next try.
constexpr milliseconds kBetweenRefused{10};
constexpr milliseconds kLongestSpread{15 * 60 * 1000};

}  // namespace

bool CircuitBreaker::admits(std::size_t who, SteadyTime now) {
  if (!is_open()) return true;
  // Those who have tried let the others try first. If none of them comes within a pause, they are not waited for.
  const bool lets_others = has_tried(who) && others_wait_ && now < next_try_ + pause_;
  if (!prober_ && now >= next_try_ && !lets_others) return true;
  if (!has_tried(who)) others_wait_ = true;
  if (refused_ < kLongestSpread / kBetweenRefused) ++refused_;
  return false;
}

void CircuitBreaker::begin(std::size_t who) {
  if (!is_open()) return;
  prober_ = who;
  if (has_tried(who)) tried_.clear();  // all who wait have tried: the next round
  if (tried_.size() == kMaxTried) tried_.erase(tried_.begin());
  tried_.push_back(who);
  others_wait_ = false;
  refused_ = 0;
}

bool CircuitBreaker::succeeded() {
  const bool was_open = is_open();
  if (failures_ > 0 || was_open) *this = {};
  return was_open;
}

bool CircuitBreaker::failed(std::size_t what, std::size_t who, Evidence evidence, const Limits& limits,
                            SteadyTime now) {
  ++failures_;
  of_all_ = evidence == Evidence::of_one ? 0 : of_all_ + 1;
  if (!first_) first_ = what;
  if (*first_ == what) ++of_first_;
  const bool was_open = is_open();
  if (was_open && prober_ != who) return false;  // the request began before the breaker opened
  const int of_others = failures_ - of_first_;
  const bool enough = evidence == Evidence::proof || of_all_ >= limits.failures ||
                      (failures_ >= limits.failures && of_others >= std::max(1, limits.failures / 4));
  if (!was_open && !enough) return false;
  if (!was_open) opened_ = now;
  pause_ = was_open ? std::min(limits.longest_pause, pause_ * 2) : limits.first_pause;
  prober_.reset();
  refused_ = 0;
  // Many nodes that lost the same store should not all come back at the same moment.
  const auto jitter =
      std::chrono::round<milliseconds>(std::chrono::duration<double, std::milli>(pause_) * random_unit() / 4);
  next_try_ = now + pause_ - jitter;
  return !was_open;
}

void CircuitBreaker::said_nothing(std::size_t who) {
  if (prober_ != who) return;
  prober_.reset();  // the next request may try instead
  std::erase(tried_, who);
}

bool CircuitBreaker::looked(std::size_t who) {
  if (failures_ == 0 || of_all_ > 0) return succeeded();
  said_nothing(who);
  return false;
}

milliseconds CircuitBreaker::again_in(SteadyTime now) const {
  const SteadyTime next = prober_ ? now + pause_ : next_try_;
  const auto left = std::max(milliseconds(1), std::chrono::ceil<milliseconds>(next - now));
  return left + kBetweenRefused * refused_;
}

}  // namespace vodlift::s3
