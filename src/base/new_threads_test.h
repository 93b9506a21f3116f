// The threads of this process that came after a moment, for tests of what makes and ends them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <thread>

namespace vodlift {

// The constructor notes the threads that exist, and count() leaves them out. So a thread of an earlier test, which the
// system has not removed yet, is not counted.
class NewThreads {
 public:
  [[nodiscard]] std::size_t count() const {
    std::size_t number = 0;
    for (const std::string& id : ids()) {
      if (!before_.contains(id)) ++number;
    }
    return number;
  }

  // The system shows a thread for a moment after its end.
  void wait_until_gone() const {
    while (count() != 0) std::this_thread::yield();
  }

 private:
  static std::set<std::string> ids() {
    std::set<std::string> ids;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task"))
      ids.insert(entry.path().filename());
    return ids;
  }

  std::set<std::string> before_ = ids();
};

}  // namespace vodlift
