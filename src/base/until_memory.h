// Work that must not be lost when memory runs out.
#pragma once

#include <chrono>
#include <new>
#include <thread>

namespace vodlift {

// Calls `work` until it does not throw std::bad_alloc, and returns what it returns. `work` must change nothing when it
// throws. Use it only where giving up would lose something that others wait for. Blocks for as long as there is no
// memory.
template <class Work>
auto until_memory(const Work& work) -> decltype(work()) {
  constexpr std::chrono::milliseconds kBetweenTries{20};
  for (;;) {
    try {
      return work();
    } catch (const std::bad_alloc&) {
      std::this_thread::sleep_for(kBetweenTries);
    }
  }
}

}  // namespace vodlift
