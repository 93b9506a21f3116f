// In place of the generated file, where the program is built without the panel.
#include "panel/asset.h"

namespace vodlift::panel {

std::span<const Asset> assets() { return {}; }

}  // namespace vodlift::panel
