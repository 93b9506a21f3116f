// Allocations that fail, for tests of what is left behind then. Replaces operator new: one source of a test includes
// it.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

// ThreadSanitizer brings operators of its own, which cannot be replaced: there, no allocation fails.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define VODLIFT_FOREIGN_OPERATORS
#endif
#endif

namespace vodlift {

#ifdef VODLIFT_FOREIGN_OPERATORS
inline constexpr bool kAllocationsFail = false;
#else
inline constexpr bool kAllocationsFail = true;
#endif

inline thread_local int allocations_left = -1;  // until one fails; -1: none does

// While it lives, the allocation after `good` others of this thread fails, and no other.
class NoMemoryAfter {
 public:
  explicit NoMemoryAfter(int good) { allocations_left = good; }
  NoMemoryAfter(const NoMemoryAfter&) = delete;
  NoMemoryAfter& operator=(const NoMemoryAfter&) = delete;
  ~NoMemoryAfter() { allocations_left = -1; }

  // Whether an allocation has failed.
  [[nodiscard]] static bool was_met() { return allocations_left == -1; }
};

// Calls `attempt`, which may throw std::bad_alloc, and then `check`: first so that its first allocation fails, then the
// second and so on, until none does.
template <class Attempt, class Check>
void where_memory_ends(const Attempt& attempt, const Check& check) {
  for (int good = 0, fails = 1; fails == 1; ++good) {
    {
      const NoMemoryAfter end(good);
      try {
        attempt();
      } catch (const std::bad_alloc&) {
      }
      fails = NoMemoryAfter::was_met() ? 1 : 0;
    }
    check();
  }
}

}  // namespace vodlift

#ifndef VODLIFT_FOREIGN_OPERATORS
// Not inlined: the compiler would see malloc() and free() where it wants to see pairs of operators.
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  const bool fails = vodlift::allocations_left == 0;
  if (vodlift::allocations_left >= 0) --vodlift::allocations_left;
  return fails ? nullptr : std::malloc(size);
}
[[gnu::noinline]] void* operator new(std::size_t size) {
  void* memory = operator new(size, std::nothrow);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void* operator new[](std::size_t size) { return operator new(size); }
[[gnu::noinline]] void* operator new[](std::size_t size, const std::nothrow_t& none) noexcept {
  return operator new(size, none);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
#endif
