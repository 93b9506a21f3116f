// A machine that runs out of memory now and then, while the file named by FAILING_MALLOC exists: one allocation of
// FAILING_ONE_IN fails, at random, in every thread but the first. Loaded before the C library (LD_PRELOAD).
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" void* __libc_malloc(size_t size);

namespace {

constexpr std::uint64_t kBetweenLooks = 256;  // allocations

std::atomic<std::uint64_t> count{0};
std::atomic<bool> failing{false};

bool fails() {
  const std::uint64_t number = count.fetch_add(1, std::memory_order_relaxed);
  if (number % kBetweenLooks == 0) {
    const char* switch_file = std::getenv("FAILING_MALLOC");
    failing = switch_file != nullptr && ::access(switch_file, F_OK) == 0;
  }
  if (!failing || ::syscall(SYS_gettid) == ::getpid()) return false;
  static const std::uint64_t one_in = [] {
    const char* text = std::getenv("FAILING_ONE_IN");
    return text == nullptr ? std::uint64_t{1000} : std::strtoull(text, nullptr, 10);
  }();
  std::uint64_t mixed = (number + 1) * 0x9E3779B97F4A7C15U;  // a hash of the number, so each run fails alike
  mixed = (mixed ^ (mixed >> 31U)) * 0xBF58476D1CE4E5B9U;
  return (mixed >> 20U) % one_in == 0;
}

}  // namespace

extern "C" void* malloc(size_t size) {
  if (!fails()) return __libc_malloc(size);
  errno = ENOMEM;
  return nullptr;
}
