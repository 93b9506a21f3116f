#include "audit/chain.h"

#include <algorithm>
#include <vector>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/text.h"

namespace vodlift::audit {
namespace {

constexpr std::string_view kChain = R"(,"chain":")";
constexpr std::string_view kFollows = R"(,"follows":")";
constexpr std::string_view kEnd = R"("})";
constexpr std::size_t kDigits = 64;

bool is_value(std::string_view text) {
  return text.size() == kDigits &&
         std::ranges::all_of(text, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

// The value of the member that `text` ends with, where its form is that of `name`.
std::optional<std::string_view> follows_in(std::string_view text) {
  if (!text.ends_with('"')) return std::nullopt;
  text.remove_suffix(1);
  if (text.ends_with(kFollows)) return text.substr(text.size());
  if (text.size() < kFollows.size() + kDigits) return std::nullopt;
  const std::string_view digits = text.substr(text.size() - kDigits);
  text.remove_suffix(kDigits);
  return text.ends_with(kFollows) && is_value(digits) ? std::optional(digits) : std::nullopt;
}

}  // namespace

std::optional<ChainedLine> chained_line(std::string_view line) {
  if (!line.ends_with(kEnd) || line.size() < kChain.size() + kDigits + kEnd.size()) return std::nullopt;
  line.remove_suffix(kEnd.size());
  ChainedLine read;
  read.chain = line.substr(line.size() - kDigits);
  line.remove_suffix(kDigits);
  if (!line.ends_with(kChain) || !is_value(read.chain)) return std::nullopt;
  line.remove_suffix(kChain.size());
  read.text = line;
  read.follows = follows_in(line);
  return read;
}

std::string chain_value(std::string_view before, std::string_view text) {
  std::string all;
  all.reserve(before.size() + text.size());
  return to_hex(sha256(bytes_of(all.append(before).append(text))));
}

std::string with_chain(std::string_view line, bool tells_before, std::string& chain) {
  std::string text(line.substr(0, line.size() - std::string_view("}\n").size()));
  if (tells_before) text.append(kFollows).append(chain).append(1, '"');
  chain = chain_value(chain, text);
  return text.append(kChain).append(chain).append(kEnd).append(1, '\n');
}

std::string chain_at_end(std::string_view text) {
  std::vector<std::string_view> after;  // the last line with a chain
  std::string value;
  while (!text.empty() && value.empty()) {
    text.remove_suffix(1);  // the line break
    const std::size_t at = text.rfind('\n');
    const std::string_view line = at == std::string_view::npos ? text : text.substr(at + 1);
    text.remove_suffix(line.size());
    if (const auto chained = chained_line(line)) {
      value = chained->chain;
    } else {
      after.push_back(line);
    }
  }
  if (value.empty()) return value;
  for (auto line = after.rbegin(); line != after.rend(); ++line) value = chain_value(value, *line);
  return value;
}

bool ChainWalk::fits(const ChainedLine& line) const {
  if (!line.follows) return !value_.empty() && line.chain == chain_value(value_, line.text);
  // The oldest file that is left begins where one that was deleted ended.
  const bool oldest = !any_ && value_.empty();
  const bool begins = value_.empty() && line.follows->empty();
  return (oldest || begins || *line.follows == value_) && line.chain == chain_value(*line.follows, line.text);
}

ChainWalk::Step ChainWalk::take(std::string_view line) {
  const auto chained = chained_line(line);
  if (!chained) {
    any_ = true;
    if (value_.empty()) return Step::older;
    value_ = chain_value(value_, line);
    // What is whole was not cut short: an older version wrote it, or somebody who is not vodlift.
    return line.starts_with(R"({"time":")") && line.ends_with('}') ? Step::broken : Step::half;
  }
  if (!fits(*chained)) return Step::broken;
  any_ = true;
  value_ = chained->chain;
  return Step::fits;
}

}  // namespace vodlift::audit
