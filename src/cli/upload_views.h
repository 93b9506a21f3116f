// The commands that list and show uploads, and those that change them.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/session.h"

namespace vodlift::cli {

// Each adds its verbs to `vodlift upload`. `session` must outlive the command.
void add_upload_lists(CLI::App& upload, Session& session);
void add_upload_changes(CLI::App& upload, Session& session);

// Adds `vodlift status`.
void add_status_command(CLI::App& app, Session& session);

}  // namespace vodlift::cli
