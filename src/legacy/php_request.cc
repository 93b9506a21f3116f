#include "legacy/php_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/encoding.h"
#include "base/text.h"
#include "legacy/json_request.h"

namespace vodlift::legacy {
namespace {

namespace json = boost::json;

constexpr std::size_t kMinPairBytes = 6;  // i:0;N;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<PhpDocument> parse() {
    if (!text_.starts_with("a:")) return refused("must be an array: a:…");
    auto root = take_value();
    if (!root) return root.error();
    if (at_ != text_.size()) return refused("there are bytes after the array");
    return PhpDocument{std::move(*root), std::move(root_pairs_)};
  }

 private:
  [[nodiscard]] std::size_t left() const { return text_.size() - at_; }
  [[nodiscard]] bool next_is(std::string_view wanted) const { return text_.substr(at_).starts_with(wanted); }

  [[nodiscard]] Error refused(std::string_view why) const {
    return {Errc::invalid_value, fmt::format("php: {}, at byte {}", why, at_)};
  }

  bool skip(std::string_view wanted) {
    if (!next_is(wanted)) return false;
    at_ += wanted.size();
    return true;
  }

  // The text up to the next `end`; moves after it.
  std::optional<std::string_view> take_until(char end) {
    const std::size_t stop = text_.find(end, at_);
    if (stop == std::string_view::npos) return std::nullopt;
    const std::string_view taken = text_.substr(at_, stop - at_);
    at_ = stop + 1;
    return taken;
  }

  // A whole number in the only spelling that PHP writes, up to `end`.
  template <class Number>
  std::optional<Number> take_number(char end) {
    const std::size_t begin = at_;
    if (const auto text = take_until(end)) {
      const bool minus = text->starts_with('-');
      const std::string_view digits = text->substr(minus ? 1 : 0);
      const bool one_spelling = !digits.empty() && (digits.front() != '0' || text->size() == 1);
      Number number = 0;
      const auto [stop, problem] = std::from_chars(text->data(), text->data() + text->size(), number);
      if (one_spelling && problem == std::errc{} && stop == text->data() + text->size()) return number;
    }
    at_ = begin;
    return std::nullopt;
  }

  // NOLINTNEXTLINE(misc-no-recursion): bounded by kMaxPhpDepth
  Result<PhpValue> take_value() {
    if (++nodes_ > kMaxPhpNodes) return refused("more than 1000 values");
    if (skip("N;")) return PhpValue{};
    if (skip("b:0;")) return PhpValue{false};
    if (skip("b:1;")) return PhpValue{true};
    if (next_is("a:")) return take_array();
    if (next_is("d:")) return take_float();
    if (next_is("i:")) {
      const auto number = take_integer();
      if (!number) return number.error();
      return PhpValue{*number};
    }
    if (next_is("s:")) {
      const auto text = take_string();
      if (!text) return text.error();
      return PhpValue{std::string(*text)};
    }
    return refused("must be a value: an array, string, integer, float, boolean or null, as serialize() writes them");
  }

  Result<std::int64_t> take_integer() {
    at_ += 2;
    if (const auto number = take_number<std::int64_t>(';')) return *number;
    return refused("an integer is malformed or too large");
  }

  Result<PhpValue> take_float() {
    at_ += 2;
    const std::size_t begin = at_;
    static_cast<void>(skip("-"));
    const auto skip_digits = [this] {
      const std::size_t first = at_;
      while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
      return at_ > first;
    };
    bool well = skip_digits();
    if (well && skip(".")) well = skip_digits();
    if (well && (skip("E") || skip("e"))) {
      if (!skip("+")) static_cast<void>(skip("-"));
      well = skip_digits();
    }
    const std::string_view text = text_.substr(begin, at_ - begin);
    if (!well || !skip(";")) return refused("a float is malformed");
    // from_chars() refuses a plus, and so does this parser.
    double number = 0;
    const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc{} || stop != text.data() + text.size()) return refused("a float is beyond a double");
    return PhpValue{number};
  }

  // Its length counts bytes.
  Result<std::string_view> take_string() {
    at_ += 2;
    const auto size = take_number<std::size_t>(':');
    if (!size) return refused("a string's length is malformed");
    if (*size > left() || left() - *size < 3) return refused("a string is longer than the rest of the text");
    if (!skip("\"")) return refused("a string does not begin with a quote");
    const std::string_view text = text_.substr(at_, *size);
    at_ += *size;
    if (!skip("\";")) return refused("a string does not end where its length says");
    return text;
  }

  Result<PhpKey> take_key() {
    if (next_is("i:")) {
      const auto number = take_integer();
      if (!number) return number.error();
      return PhpKey(*number);
    }
    if (!next_is("s:")) return refused("a key is neither an integer nor a string");
    const auto text = take_string();
    if (!text) return text.error();
    PhpKey key = php_key(*text);
    if (std::holds_alternative<std::int64_t>(key)) return refused("a string key is a number; PHP writes an integer");
    return key;
  }

  // NOLINTNEXTLINE(misc-no-recursion): bounded by kMaxPhpDepth
  Result<PhpValue> take_array() {
    if (depth_ == kMaxPhpDepth) return refused("nested deeper than 16 levels");
    const bool is_root = depth_ == 0;
    at_ += 2;
    const auto count = take_number<std::size_t>(':');
    if (!count) return refused("an array's count is malformed");
    if (*count > kMaxPhpNodes - nodes_) return refused("more than 1000 values");
    if (*count > left() / kMinPairBytes) return refused("an array's count is larger than the rest of the text");
    if (!skip("{")) return refused("an array does not begin with a brace");
    ++depth_;
    PhpArray pairs;
    pairs.reserve(*count);
    for (std::size_t i = 0; i < *count; ++i) {
      if (is_root) root_pairs_.push_back(at_);
      auto key = take_key();
      if (!key) return key.error();
      auto value = take_value();
      if (!value) return value.error();
      pairs.push_back({std::move(*key), std::move(*value)});
    }
    if (is_root) root_pairs_.push_back(at_);
    if (!skip("}")) return refused("an array does not end where its count says");
    if (has_a_key_twice(pairs)) return refused("a key occurs twice in one array");
    --depth_;
    return PhpValue{std::move(pairs)};
  }

  // Sorted, so that no choice of keys is slow.
  static bool has_a_key_twice(const PhpArray& pairs) {
    std::vector<const PhpKey*> keys;
    keys.reserve(pairs.size());
    for (const PhpPair& pair : pairs) keys.push_back(&pair.key);
    std::ranges::sort(keys, [](const PhpKey* left, const PhpKey* right) { return *left < *right; });
    const auto equal = [](const PhpKey* left, const PhpKey* right) { return *left == *right; };
    return std::ranges::adjacent_find(keys, equal) != keys.end();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::size_t nodes_ = 0;
  std::vector<std::size_t> root_pairs_;
};

Error refused(std::string_view why) { return {Errc::invalid_value, "php: " + std::string(why)}; }

// The root's bytes without the pair at `index`.
std::string without_pair(std::string_view text, const PhpDocument& document, std::size_t index) {
  std::string out = fmt::format("a:{}:{{", document.pairs.size() - 2);
  const std::size_t begin = document.pairs.front();
  out += text.substr(begin, document.pairs[index] - begin);
  out += text.substr(document.pairs[index + 1]);
  return out;
}

Result<SignedRequest> from_serialized(std::string_view text, const json::storage_ptr& memory) {
  auto document = parse_php(text);
  if (!document) return document.error();
  if (!is_valid_utf8(text)) return refused("not valid UTF-8");
  if (text.find('\0') != std::string_view::npos) return refused("a NUL character is not allowed");
  auto& pairs = std::get<PhpArray>(document->root.is);
  SignedRequest request{
      .root = pairs.empty() ? json::value(json::object(memory)) : json_from_php(document->root, memory),
      .signed_text = {},
      .signed_serialized = {}};
  if (!request.root.is_object()) return refused("must be an array with names: array('command' => …)");

  const PhpKey name = std::string("signature");
  const auto signature = std::ranges::find(pairs, name, &PhpPair::key);
  if (signature == pairs.end()) {
    request.signed_serialized = text;
  } else {
    const auto index = static_cast<std::size_t>(signature - pairs.begin());
    request.signed_serialized = without_pair(text, *document, index);
    pairs.erase(signature);
  }
  auto encoded = php_json_encode(document->root);
  if (!encoded) return encoded.error();
  request.signed_text = std::move(*encoded);
  return request;
}

}  // namespace

Result<PhpDocument> parse_php(std::string_view text) {
  if (text.size() > kMaxPhpBytes) {
    return Error{Errc::invalid_value, fmt::format("php: {} bytes; at most 65536 are allowed", text.size())};
  }
  return Parser(text).parse();
}

Result<SignedRequest> parse_php_request(std::string_view text, json::storage_ptr memory) {
  if (text.starts_with('{')) return parse_json_request(text, std::move(memory));
  if (text.starts_with("a:")) return from_serialized(text, memory);
  return refused("the field holds neither a serialized array (a:…) nor JSON text ({…)");
}

}  // namespace vodlift::legacy
