// Shell completion and the manual page, both made of the command line itself.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace vodlift::cli {

// A script for bash, or for zsh with its emulation of bash's completion: words and options of every command.
std::string bash_completion(const CLI::App& app);
std::string zsh_completion(const CLI::App& app);
std::string fish_completion(const CLI::App& app);

// vodlift(1), in the man macros of roff.
std::string manual_page(const CLI::App& app);

// Adds `vodlift completion` and `vodlift man`. `app` is the whole command line, and must outlive them.
void add_manual_commands(CLI::App& app);

}  // namespace vodlift::cli
