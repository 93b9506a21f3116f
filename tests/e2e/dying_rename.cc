// A process that dies while it gives files their names. The file named by DYING_AT holds a number: the process is
// killed before that change of a name (rename, unlink) in the folder DYING_FOLDER. Loaded before the C library
// (LD_PRELOAD).
#include <dlfcn.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string>

namespace {

void count(const char* path) {
  static std::atomic<int> seen{0};
  const char* file = std::getenv("DYING_AT");
  const char* folder = std::getenv("DYING_FOLDER");
  if (file == nullptr || folder == nullptr || !std::string(path).starts_with(folder)) return;
  int number = 0;
  std::ifstream(file) >> number;
  if (number > 0 && ++seen == number) std::raise(SIGKILL);
}

template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" int rename(const char* from, const char* to) noexcept {
  count(to);
  return real<int (*)(const char*, const char*)>("rename")(from, to);
}

extern "C" int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  count(to);
  return real<int (*)(int, const char*, int, const char*, unsigned)>("renameat2")(from_folder, from, to_folder, to,
                                                                                  flags);
}

extern "C" int unlink(const char* path) noexcept {
  count(path);
  return real<int (*)(const char*)>("unlink")(path);
}
