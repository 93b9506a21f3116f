// A machine that runs out of memory now and then, while the file named by FAILING_SWITCH exists: one allocation of
// FAILING_ONE_IN fails, in every thread but the first, as FAILING_SEED chooses. An allocation of C++ throws at once, as
// one does that has waited for memory in vain. Loaded before the C library (LD_PRELOAD).
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

extern "C" void* __libc_malloc(size_t size);

namespace {

constexpr std::uint64_t kBetweenLooks = 256;  // allocations, while none fails

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

bool fails() {
  static std::atomic<std::uint64_t> count{0};
  static std::atomic<bool> failing{false};
  const std::uint64_t number = count.fetch_add(1, std::memory_order_relaxed);
  if (failing || number % kBetweenLooks == 0) {
    const char* switch_file = std::getenv("FAILING_SWITCH");
    failing = switch_file != nullptr && ::access(switch_file, F_OK) == 0;
  }
  if (!failing || ::syscall(SYS_gettid) == ::getpid()) return false;
  static const std::uint64_t one_in = number_from("FAILING_ONE_IN", 1000);
  static const std::uint64_t seed = number_from("FAILING_SEED", 0);
  std::uint64_t mixed = (number + seed + 1) * 0x9E3779B97F4A7C15U;
  mixed = (mixed ^ (mixed >> 31U)) * 0xBF58476D1CE4E5B9U;
  return (mixed >> 20U) % one_in == 0;
}

}  // namespace

extern "C" void* malloc(size_t size) {
  if (!fails()) return __libc_malloc(size);
  errno = ENOMEM;
  return nullptr;
}

void* operator new(size_t size) {
  void* memory = malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new[](size_t size) { return operator new(size); }
