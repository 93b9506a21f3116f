#include "app/capacity.h"

#include <fmt/format.h>

#include <algorithm>

#include "worker/part_sender.h"
#include "worker/turns.h"

namespace vodlift::app {
namespace {

constexpr std::size_t kMaxS3Connections = 10000;
constexpr std::size_t kFewestConnections = 16;

// Database, logs, listeners, event loops, certificates, 192 connections of the administration, 128 of callbacks, 32 of
// monitoring, 8 for credentials, and 256 clients that are told that there is no room for them.
constexpr std::size_t kForTheRest = 768;
// A source file, and what its checks open meanwhile.
constexpr std::size_t kForEachUpload = 2;
// The root, two files that are being opened, and a listing.
constexpr std::size_t kForEachStorage = 8;

int most_running(const Config::Worker& worker) { return worker.uploads + worker::spare_places(worker.uploads); }

}  // namespace

std::size_t s3_connections(const Config::Worker& worker) {
  // One more for each upload: its own calls beside those of its parts.
  const int wanted = most_running(worker) * (worker::kInFlightForEachSending * worker.parts_per_upload + 1);
  return std::min(static_cast<std::size_t>(wanted), kMaxS3Connections);
}

std::size_t panel_connections(const Config& config) {
  constexpr std::size_t kOwnListener = 256;  // each browser has six at most
  return config.panel.enabled && !config.panel.listen.empty() ? kOwnListener : 0;
}

std::size_t reserved_descriptors(const Config& config) {
  const std::size_t database = config.store.url.empty() ? 0 : static_cast<std::size_t>(config.store.connections);
  return kForTheRest + database + panel_connections(config) + s3_connections(config.worker) +
         kForEachUpload * static_cast<std::size_t>(most_running(config.worker)) +
         kForEachStorage * config.storages.size();
}

Result<std::size_t> client_connections(const Config& config, std::size_t limit) {
  const std::size_t reserved = reserved_descriptors(config);
  const auto given = config.server.connections;
  const std::size_t wanted = given ? static_cast<std::size_t>(*given) : kFewestConnections;
  const std::size_t room = limit > reserved ? limit - reserved : 0;
  if (wanted <= room) return given ? wanted : std::min(kUsualConnections, room);
  return Error{
      Errc::config_invalid,
      fmt::format("[server] connections: {} connections of clients and {} descriptors for S3, files and the "
                  "administration are more than the limit of open files, {}; raise the limit (LimitNOFILE= of the "
                  "unit, ulimit -n) to {}{}",
                  wanted, reserved, limit, wanted + reserved,
                  room >= kFewestConnections ? fmt::format(", or set connections to {} at most", room)
                                             : std::string(", or set [worker] uploads and parts_per_upload lower"))};
}

}  // namespace vodlift::app
