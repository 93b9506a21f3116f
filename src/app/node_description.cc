#include "app/node_description.h"

namespace vodlift::app {

Result<> NodeDescription::tell(std::vector<std::string> storages) {
  const std::lock_guard lock(mutex_);
  if (told_ && storages == about_.storages) return {};
  NodeAbout about = about_;
  about.storages = std::move(storages);
  return describe(std::move(about));
}

void NodeDescription::tell_draining() {
  const std::lock_guard lock(mutex_);
  if (!told_ || about_.draining) return;
  NodeAbout about = about_;
  about.draining = true;
  (void)describe(std::move(about));
}

std::vector<std::string> NodeDescription::storages() const {
  const std::lock_guard lock(mutex_);
  return about_.storages;
}

Result<> NodeDescription::describe(NodeAbout about) {
  if (auto told = nodes_.describe(self_, about); !told) return told;
  about_ = std::move(about);
  told_ = true;
  return {};
}

}  // namespace vodlift::app
