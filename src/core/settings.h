// Port: the settings of the configuration file, while the server runs.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace vodlift {

// What became of settings that differ from those in use, each as "[section] key".
struct ReloadedSettings {
  std::vector<std::string> applied;
  std::vector<std::string> need_restart;  // these stay as they were

  bool operator==(const ReloadedSettings&) const = default;
};

class Settings {
 public:
  Settings() = default;
  Settings(const Settings&) = delete;
  Settings& operator=(const Settings&) = delete;
  virtual ~Settings() = default;

  // Reads the files again, and applies what may change while the server runs: all of it, or nothing. Any thread, one
  // call at a time; blocks for the disk. Errors: config_invalid (with every fault of the file), not_found, io_error,
  // wrong_state (a storage is gone from the file whose uploads have not ended), overloaded (too many storages that are
  // gone hang), store_failed.
  virtual Result<ReloadedSettings> reload() = 0;
};

}  // namespace vodlift
