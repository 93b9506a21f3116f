#include "app/monitoring_door.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <exception>
#include <string_view>
#include <utility>

#include "base/log.h"

namespace vodlift::app {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr std::string_view kMetrics = "/metrics";
constexpr std::string_view kHealth = "/healthz";
constexpr std::string_view kReadiness = "/readyz";
constexpr std::array kPaths = {kMetrics, kHealth, kReadiness};
// A page may wait for storages that do not answer. One more that asks meanwhile waits, others are told to come later.
constexpr std::size_t kThreads = 1;
constexpr std::size_t kQueue = 4;

net::HttpServerLimits limits() {
  net::HttpServerLimits limits;
  limits.connections = 32;
  limits.memory_bytes = std::size_t{16} * 1024 * 1024;
  limits.streams = 0;
  return limits;
}

std::string_view path_of(const net::Request& request) {
  return std::string_view(request.target).substr(0, request.target.find('?'));
}

net::Response plain(int status, std::string text) {
  net::Response response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(text);
  response.headers.emplace_back("Cache-Control", "no-store");
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  return response;
}

}  // namespace

std::vector<std::string> not_ready_for(const StoreHealth& health, bool stopping) {
  std::vector<std::string> reasons;
  if (stopping) reasons.emplace_back("the server is stopping");
  if (health.disk_full) reasons.emplace_back("the database's disk is full");
  if (health.refuses_for) {
    reasons.push_back(fmt::format("the database has refused changes for {} s{}{}", health.refuses_for->count(),
                                  health.why.empty() ? "" : ": ", health.why));
  }
  if (health.busy_for >= kLongestCommit) {
    reasons.push_back(fmt::format("the database's disk has not answered for {} s", health.busy_for.count()));
  }
  return reasons;
}

MonitoringDoor::MonitoringDoor(std::string listen, const MetricsPage& page, const StoreMonitor& monitor)
    : listen_(std::move(listen)), page_(page), monitor_(monitor), pool_("monitoring", kThreads, kQueue) {
  if (listen_.empty()) return;
  server_ = std::make_unique<net::HttpServer>(
      "monitoring-http", limits(), 1,
      [this](const net::Request& request, net::Responder respond) {
        if (!takes(request)) return respond(plain(404, "there are /metrics, /healthz and /readyz here\n"));
        handle(request, std::move(respond));
      },
      [](Errc code, std::string_view message) { return plain(info(code).http_status, fmt::format("{}\n", message)); });
}

bool MonitoringDoor::takes(const net::Request& request) {
  return std::ranges::find(kPaths, path_of(request)) != kPaths.end();
}

void MonitoringDoor::handle(const net::Request& request, net::Responder respond) {
  if (request.method != "GET" && request.method != "HEAD") {
    net::Response response = plain(405, "only GET is allowed here\n");
    response.headers.emplace_back("Allow", "GET, HEAD");
    return respond(std::move(response));
  }
  const std::string_view path = path_of(request);
  if (path == kHealth) return respond(health());
  if (path == kReadiness) return respond(readiness());
  const auto shared = std::make_shared<net::Responder>(std::move(respond));
  const bool posted = pool_.post([this, shared] {
    try {
      net::Response response = plain(200, page_.write());
      response.content_type = "text/plain; version=0.0.4; charset=utf-8";
      (*shared)(std::move(response));
    } catch (const std::exception& failure) {
      log::error("the metrics could not be written", {{"reason", failure.what()}});
    }
  });
  if (posted) return;
  net::Response response = plain(503, "too many ask at once; try again in a few seconds\n");
  response.headers.emplace_back("Retry-After", "5");
  (*shared)(std::move(response));
}

net::Response MonitoringDoor::health() const {
  const auto since = std::chrono::floor<seconds>(steady_clock::now() - ticked_.load());
  if (since < kLongestTick) return plain(200, "alive\n");
  return plain(503, fmt::format("the process hangs: its first thread has done nothing for {} s\n", since.count()));
}

net::Response MonitoringDoor::readiness() const {
  const auto reasons = not_ready_for(monitor_.look(), stopping_);
  net::Response response = plain(reasons.empty() ? 200 : 503, "");
  response.content_type = "application/json";
  response.body = boost::json::serialize(
      boost::json::object{{"ready", reasons.empty()}, {"reasons", boost::json::array(reasons.begin(), reasons.end())}});
  response.body += '\n';
  return response;
}

Result<> MonitoringDoor::listen(UniqueFd socket) {
  if (!server_) return {};
  return socket.valid() ? server_->adopt(std::move(socket)) : server_->listen(listen_);
}

void MonitoringDoor::start() {
  if (server_) server_->start();
}

void MonitoringDoor::stop(std::chrono::milliseconds grace) {
  if (server_) server_->stop(grace);
  pool_.stop();
}

}  // namespace vodlift::app
