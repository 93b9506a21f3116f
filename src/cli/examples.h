// Examples at the end of --help.
#pragma once

#include <CLI/CLI.hpp>
#include <span>
#include <string_view>

namespace vodlift::cli {

// Whole command lines, at most 90 characters each.
std::span<const std::string_view> examples();

// Puts each example into the help of its command. All commands must be there.
void add_examples(CLI::App& app);

}  // namespace vodlift::cli
