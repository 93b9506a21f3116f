// Content types by file name.
#pragma once

#include <string_view>

namespace vodlift {

// The type for the extension of `name`, case folded ("video/mp4" for "a/B.MP4"); "application/octet-stream" where the
// extension is unknown or missing.
std::string_view content_type_for(std::string_view name);

// Whether files with the extension of `name` contain video: the types video/…, and MXF.
bool is_video(std::string_view name);

}  // namespace vodlift
