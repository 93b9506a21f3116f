#include <algorithm>

#include "base/log.h"
#include "net/http_server_answer.h"
#include "net/http_server_session.h"

namespace vodlift::net {
namespace {

// One step of a sweep takes some ten microseconds of the thread: a session looked at costs a cache miss or two, one
// that expires is answered or closed.
constexpr int kSweepStep = 128;
constexpr int kCostOfLook = 1;
constexpr int kCostOfExpiry = 32;
constexpr std::chrono::milliseconds kBetweenSteps{1};

std::chrono::milliseconds sweep_period(const HttpServerLimits& limits) {
  const auto shortest =
      std::min({limits.header_timeout, limits.body_timeout, limits.idle_timeout, limits.write_timeout});
  return std::clamp(shortest / 40, std::chrono::milliseconds(5), std::chrono::milliseconds(250));
}

}  // namespace

Loop::Loop(const HttpServerLimits& limits)
    : io_(1), work_(io_.get_executor()), sweep_timer_(io_), sweep_period_(sweep_period(limits)) {}

void Loop::run() {
  for (;;) {
    try {
      io_.run();
      return;
    } catch (const std::exception& exception) {
      // Only memory can run out here; the session it happened to ends by its deadline.
      log::error("network thread met an exception", {{"exception", exception.what()}});
    }
  }
}

void Loop::add(std::shared_ptr<Session> session) {
  sessions_.add(std::move(session));
  if (!sweep_armed_) arm_sweep(sweep_period_);
}

void Loop::remove(const Session& session) {
  sessions_.remove(session);
  if (sessions_.empty()) sweep_timer_.cancel();
}

void Loop::release() {
  for (const auto& session : sessions_.snapshot()) session->drain();
  work_.reset();
}

void Loop::close_all() {
  for (const auto& session : sessions_.snapshot()) session->close();
}

std::string_view Loop::date() {
  const std::time_t now = std::time(nullptr);
  if (now != date_second_) {
    date_second_ = now;
    date_ = http_date(now);
  }
  return date_;
}

void Loop::arm_sweep(std::chrono::milliseconds from_now) {
  sweep_armed_ = true;
  sweep_timer_.expires_after(from_now);
  sweep_timer_.async_wait([this](const boost::system::error_code&) {
    sweep_armed_ = false;
    sweep();
  });
}

void Loop::sweep() {
  const auto now = std::chrono::steady_clock::now();
  const bool round_over =
      sessions_.step(kSweepStep, [now](Session& session) { return session.expire(now) ? kCostOfExpiry : kCostOfLook; });
  if (sessions_.empty()) return;
  arm_sweep(round_over ? sweep_period_ : std::min(sweep_period_, kBetweenSteps));
}

}  // namespace vodlift::net
