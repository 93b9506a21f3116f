// Runs a fuzz target over files instead of a fuzzer: what was once found stays found, with any compiler and sanitizer.
//   replay_json fuzz/corpus/json
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "require.h"

int main(int argc, char** argv) {
  int files = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
      std::printf("%s\n", entry.path().c_str());
      std::fflush(stdout);
      LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
      ++files;
    }
  }
  if (files > 0) return 0;
  std::fprintf(stderr, "no file to replay\n");
  return 1;
}
