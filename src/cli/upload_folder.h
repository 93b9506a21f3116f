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

// `fields` are those of each upload: `path` names the folder, `destination_path` what each key begins with; empty: the
// keys are the paths below the user's folder. First the whole folder is listed, then each file is queued; a file that
// is refused holds up no other. Answers the exit code.
int upload_folder(Session& session, const boost::json::object& fields, const FolderOptions& options);

}  // namespace vodlift::cli
