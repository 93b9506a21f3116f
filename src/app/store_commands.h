// Commands that work on the database themselves, while no daemon runs.
#pragma once

#include <filesystem>

namespace vodlift::app {

// Makes what a first start makes, database and master key, and notes beside the configuration file that they are there:
// a start without them is refused from then on. Run by root, it makes them for the owner of the database's folder. May
// be run again. Returns the exit code, as serve() does.
int init(const std::filesystem::path& config);

// Lets the daemon start after its database's log was damaged or lost: puts the log aside and keeps what is good of it.
// Ids are not given again. Changes nothing where nothing is lost. Returns the exit code, as serve() does.
int accept_loss(const std::filesystem::path& config);

}  // namespace vodlift::app
