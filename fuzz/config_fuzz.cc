// A configuration file: either a whole configuration or faults that name the file.
#include "app/config.h"
#include "require.h"

using vodlift::fuzz::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto config = vodlift::app::parse_config(vodlift::fuzz::text_of(data, size), "/etc/vodlift.toml");
  if (!config) {
    require(config.error().code == vodlift::Errc::config_invalid, "a fault of the configuration");
    require(config.error().message.find("vodlift.toml") != std::string::npos, "a fault names the file");
    return 0;
  }
  require(!config->storages.empty(), "a configuration has a storage");
  require(config->store.path.is_absolute() && config->server.admin_socket.is_absolute(), "paths are absolute");
  require(config->worker.uploads >= 1 && config->worker.parts_per_upload >= 1, "somebody works");
  return 0;
}
