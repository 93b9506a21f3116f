#include "core/wildcard.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"

namespace vodlift {
namespace {

constexpr unsigned kContinuation = 0x80;  // the first of the bytes 10xxxxxx, which go on a character of UTF-8
constexpr unsigned kLead = 0xC0;          // the first of those that begin a longer one

bool is_continuation(unsigned char byte) { return byte >= kContinuation && byte < kLead; }

Error refused(std::string_view why) { return {Errc::invalid_value, "filter: " + std::string(why)}; }

template <class Bits>
void set_bit(Bits& bits, std::size_t at) {
  bits[at / 64] |= std::uint64_t{1} << (at % 64);
}

}  // namespace

class Wildcard::Parser {
 public:
  explicit Parser(std::string_view pattern) : rest_(pattern) {
    out_.text_ = pattern;
    out_.for_paths_ = pattern.find('/') != std::string_view::npos;
  }

  Result<Wildcard> run() {
    while (!rest_.empty()) {
      const char c = take();
      if (c == '*') {
        set_bit(out_.stars_, out_.length_);
      } else if (c == '?') {
        add_others({});
      } else if (c == '[') {
        if (auto brackets = add_brackets(); !brackets) return brackets.error();
      } else {
        auto literal = c == '\\' ? escaped() : Result<char>(c);
        if (!literal) return literal.error();
        set_bit(out_.accepts_[static_cast<unsigned char>(*literal)], out_.length_++);
      }
    }
    return std::move(out_);
  }

 private:
  using Members = std::array<bool, kContinuation>;

  char take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  Result<char> escaped() {
    if (rest_.empty()) return refused("ends with a backslash, which has nothing to escape");
    return take();
  }

  // One character that is none of `members`.
  void add_others(const Members& members) {
    for (unsigned byte = 0; byte < out_.accepts_.size(); ++byte) {
      const bool possible = byte < kContinuation ? !members[byte] : byte >= kLead;
      if (possible && byte != '/') set_bit(out_.accepts_[byte], out_.length_);
    }
    set_bit(out_.characters_, ++out_.length_);
  }

  void add_one_of(const Members& members) {
    for (unsigned byte = 0; byte < members.size(); ++byte) {
      if (members[byte] && byte != '/') set_bit(out_.accepts_[byte], out_.length_);
    }
    ++out_.length_;
  }

  Result<char> member() {
    auto c = take();
    if (c == '[' && rest_.starts_with(':')) return refused("classes such as [:digit:] are not supported; write [0-9]");
    if (c == '\\') {
      auto literal = escaped();
      if (!literal) return literal;
      c = *literal;
    }
    if (static_cast<unsigned char>(c) >= kContinuation) {
      return refused("brackets may hold ASCII characters only; ? matches any one character");
    }
    return c;
  }

  Result<> add_brackets() {
    const bool others = rest_.starts_with('!') || rest_.starts_with('^');
    if (others) take();
    Members members{};
    bool first = true;
    for (; !rest_.empty(); first = false) {
      if (rest_.front() == ']' && !first) {
        take();
        others ? add_others(members) : add_one_of(members);
        return {};
      }
      const auto low = member();
      if (!low) return low.error();
      auto high = *low;
      if (rest_.size() >= 2 && rest_.front() == '-' && rest_[1] != ']') {
        take();
        const auto end = member();
        if (!end) return end.error();
        if (*end < *low) return refused("a range in brackets runs backwards");
        high = *end;
      }
      const auto last = static_cast<unsigned char>(high);
      for (auto c = static_cast<unsigned char>(*low); c <= last; ++c) members.at(c) = true;
    }
    return refused("a [ without its ]; write \\[ for the character itself");
  }

  std::string_view rest_;
  Wildcard out_;
};

Result<Wildcard> Wildcard::parse(std::string_view pattern) {
  if (pattern.empty()) return refused("is empty; leave it out, or give a pattern such as *.mp4");
  if (pattern.size() > kMaxBytes) {
    return refused(std::to_string(pattern.size()) + " bytes; at most " + std::to_string(kMaxBytes) + " are allowed");
  }
  if (!is_valid_utf8(pattern)) return refused("is not valid UTF-8");
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  if (std::ranges::any_of(pattern, is_control)) return refused("control characters are not allowed; ? matches them");
  return Parser(pattern).run();
}

// A nondeterministic automaton, all of its states in one pass: nothing is ever tried again, as with backtracking.
bool Wildcard::matches(std::string_view name) const {
  const std::size_t words = length_ / 64 + 1;
  States now{1};
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const States& accepts = accepts_[byte];
    const std::uint64_t inside = is_continuation(byte) ? ~std::uint64_t{0} : 0;
    const std::uint64_t starred = for_paths_ && byte == '/' ? 0 : ~std::uint64_t{0};
    std::uint64_t carry = 0;
    std::uint64_t alive = 0;
    for (std::size_t i = 0; i < words; ++i) {
      const std::uint64_t moved = now[i] & accepts[i];
      const std::uint64_t stays = now[i] & ((stars_[i] & starred) | (characters_[i] & inside));
      now[i] = (moved << 1) | carry | stays;
      carry = moved >> 63;
      alive |= now[i];
    }
    if (alive == 0) return false;
  }
  return (now[length_ / 64] >> (length_ % 64) & 1) != 0;
}

}  // namespace vodlift
