#include "base/near_miss.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace vodlift {
namespace {

// The next character that counts, folded; 0 at the end.
char next_letter(std::string_view& text) {
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c != '_' && c != '-') return to_lower(c);
  }
  return 0;
}

bool same_letters(std::string_view a, std::string_view b) {
  while (true) {
    const char left = next_letter(a);
    if (left != next_letter(b)) return false;
    if (left == 0) return true;
  }
}

bool one_edit_apart(std::string_view a, std::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > 1) return false;
  const auto at = static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
  const std::string_view left = a.substr(at);
  const std::string_view right = b.substr(at);
  if (a.size() != b.size()) return left == right.substr(1);
  if (left.size() >= 2 && left[0] == right[1] && left[1] == right[0] && left.substr(2) == right.substr(2)) return true;
  return !left.empty() && left.substr(1) == right.substr(1);
}

}  // namespace

bool is_near_miss(std::string_view name, std::string_view known) {
  return name != known && (one_edit_apart(name, known) || same_letters(name, known));
}

std::string_view near_miss_of(std::string_view name, std::span<const std::string_view> known) {
  const auto at = std::ranges::find_if(known, [&](std::string_view one) { return is_near_miss(name, one); });
  return at == known.end() ? std::string_view() : *at;
}

}  // namespace vodlift
