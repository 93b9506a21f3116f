// A filter of files.list: where it and the C library's fnmatch() mean the same (names of ASCII, no slash), they say the
// same. Input: the pattern, a line end, the name.
#include <fnmatch.h>

#include <algorithm>
#include <string>

#include "core/wildcard.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = vodlift::fuzz::text_of(data, size);
  const std::size_t line = input.find('\n');
  if (line == std::string_view::npos) return 0;
  const std::string pattern(input.substr(0, line));
  const std::string name(input.substr(line + 1));
  const auto wildcard = vodlift::Wildcard::parse(pattern);
  if (!wildcard) {
    vodlift::fuzz::require(wildcard.error().message.starts_with("filter: "), "a refusal names the field");
    return 0;
  }
  const bool matches = wildcard->matches(name);
  // fnmatch() backtracks, and knows [.a.] and [=a=] too.
  const auto plain = [](char c) { return c > 0x20 && c < 0x7F && c != '/'; };
  const bool comparable = std::ranges::all_of(pattern, plain) && std::ranges::all_of(name, plain) &&
                          name.size() <= 32 && std::ranges::count(pattern, '*') <= 4 &&
                          pattern.find("[.") == std::string::npos && pattern.find("[=") == std::string::npos;
  if (comparable) {
    vodlift::fuzz::require(matches == (::fnmatch(pattern.c_str(), name.c_str(), 0) == 0), "as fnmatch() says");
  }
  return 0;
}
