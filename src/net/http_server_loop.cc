#include <algorithm>
#include <vector>

#include "base/log.h"
#include "net/http_server_answer.h"
#include "net/http_server_session.h"

namespace vodlift::net {
namespace {

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
  sessions_.insert(std::move(session));
  arm_sweep();
}

void Loop::remove(const std::shared_ptr<Session>& session) {
  sessions_.erase(session);
  if (sessions_.empty()) sweep_timer_.cancel();
}

void Loop::release() {
  const std::vector<std::shared_ptr<Session>> all(sessions_.begin(), sessions_.end());
  for (const auto& session : all) session->drain();
  work_.reset();
}

void Loop::close_all() {
  const std::vector<std::shared_ptr<Session>> all(sessions_.begin(), sessions_.end());
  for (const auto& session : all) session->close();
}

std::string_view Loop::date() {
  const std::time_t now = std::time(nullptr);
  if (now != date_second_) {
    date_second_ = now;
    date_ = http_date(now);
  }
  return date_;
}

void Loop::arm_sweep() {
  if (sweep_armed_) return;
  sweep_armed_ = true;
  sweep_timer_.expires_after(sweep_period_);
  sweep_timer_.async_wait([this](const boost::system::error_code&) {
    sweep_armed_ = false;
    sweep();
  });
}

void Loop::sweep() {
  const auto now = std::chrono::steady_clock::now();
  // A session that expires may leave the set.
  for (auto next = sessions_.begin(); next != sessions_.end();) {
    const std::shared_ptr<Session> session = *next++;
    session->expire(now);
  }
  if (!sessions_.empty()) arm_sweep();
}

}  // namespace vodlift::net
