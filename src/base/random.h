// Unpredictable bytes and numbers.
#pragma once

#include <cstdint>
#include <string>

namespace vodlift {

// `bytes` bytes from the kernel's generator, as lower-case hex. Any thread.
std::string random_hex(std::size_t bytes);

// `bytes` raw bytes from the kernel's generator. Any thread.
std::string random_bytes(std::size_t bytes);

// A uniform number in [0, 1): for jitter. Any thread.
double random_unit();

}  // namespace vodlift
