// The files of the Control Panel that the program carries.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace vodlift::panel {

// One file as panel/build.mjs wrote it.
struct Asset {
  std::string_view path;  // below /panel/: "assets/app-1a2b3c4d.js"
  std::string_view content_type;
  std::string_view brotli;  // the file, compressed
  std::size_t bytes = 0;    // of the file, uncompressed
  bool for_ever = false;    // another content has another path
};

// Sorted by path. Empty: the program was built without the panel.
std::span<const Asset> assets();

}  // namespace vodlift::panel
