// Options that narrow a list of uploads, for every command that works on many.
#pragma once

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace vodlift::cli {

struct UploadFilterOptions {
  std::optional<std::int64_t> cdn;
  std::vector<std::string> states;
  std::vector<std::string> errors;
  std::string bucket;
  std::string storage;
  std::optional<int> priority;
  std::string since;
  std::string until;
  std::string text;

  // Adds all but --cdn. This must outlive the command.
  void attach(CLI::App& command);
  // Whether none of them is given, --cdn included.
  [[nodiscard]] bool empty() const;
  // The fields of the REST API. Errors: invalid_value (a time).
  [[nodiscard]] Result<boost::json::object> fields() const;
};

// Adds --state to a command.
CLI::Option* add_state_option(CLI::App& command, std::vector<std::string>& states);

}  // namespace vodlift::cli
