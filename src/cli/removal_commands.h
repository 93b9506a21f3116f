// `remove` of accounts, keys and buckets: at once, or when what uses them has ended.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>

#include "cli/session.h"
#include "core/removal.h"

namespace vodlift::cli {

// Adds `remove` to a noun. `options` adds the options that name the object, and answers where their values will be.
void add_remove_command(CLI::App& noun, Session& session, const char* about,
                        const std::function<std::shared_ptr<Removable>(CLI::App& command)>& options);

}  // namespace vodlift::cli
