// `vodlift upload FOLDER --recursive`: queues every file of a folder and of those below it.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "cli/session.h"

namespace vodlift::cli {

struct FolderOptions {
  bool recursive = false;
  bool dry_run = false;
  bool all_types = false;
  std::string filter;
};

// Has the daemon queue the folder, a thousand files a request. A file that it refuses does not stop the others.
// `fields` go with each upload, except two: `path` is the folder, and `destination_path` is the beginning of each key.
// If `destination_path` is empty, each key is the path below the user's folder. Answers the exit code.
int upload_folder(Session& session, boost::json::object fields, const FolderOptions& options);

}  // namespace vodlift::cli
