#include "legacy/json_request.h"

#include <boost/json/object.hpp>
#include <utility>

#include "base/encoding.h"
#include "base/text.h"
#include "door/json_text.h"

namespace vodlift::legacy {
namespace {

Error refused(std::string_view why) { return {Errc::invalid_value, "json: " + std::string(why)}; }

constexpr std::string_view kSignature = "signature";
constexpr auto kNowhere = std::string_view::npos;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool ends_primitive(char c) { return is_space(c) || std::string_view(",:]}[{\"").find(c) != kNowhere; }

// Whether the inside of a JSON string spells "signature". The only escape of its letters is \u00XX.
bool reads_signature(std::string_view raw) {
  for (const char wanted : kSignature) {
    if (raw.starts_with(wanted)) {
      raw.remove_prefix(1);
    } else if (raw.size() >= 6 && raw.starts_with("\\u00") && hex_digit(raw[4]) * 16 + hex_digit(raw[5]) == wanted) {
      raw.remove_prefix(6);
    } else {
      return false;
    }
  }
  return raw.empty();
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  Result<JsonScan> scan() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    if (at_ == text_.size() || text_[at_] != '{') return refused("must be an object: {\"command\":…}");
    while (at_ < text_.size()) {
      if (auto step = take_one(); !step) return step.error();
    }
    return scan_;
  }

 private:
  Result<> take_one() {
    const char c = text_[at_];
    switch (c) {
      case '{':
      case '[':
        if (++depth_ > door::kMaxJsonDepth) return refused("nested deeper than 16 levels");
        name_is_next_ = depth_ == 1;
        return end_token(at_ + 1);
      case '}':
      case ']':
        if (depth_-- == 0) return refused("brackets do not match");
        if (depth_ == 0) close_signature(kNowhere);
        value_end_ = ++at_;
        return {};
      case ',':
        if (depth_ == 1) {
          close_signature(at_);
          comma_ = at_;
          name_is_next_ = true;
        }
        ++at_;
        return {};
      case ':':
        ++scan_.members;
        --nodes_;  // the name before it is not a value
        ++at_;
        return {};
      case '"':
        return take_string();
      default:
        if (is_space(c)) {
          ++at_;
          return {};
        }
        return take_primitive();
    }
  }

  Result<> take_string() {
    const std::size_t begin = at_;
    std::size_t end = begin + 1;
    while (end < text_.size() && text_[end] != '"') end += text_[end] == '\\' ? 2U : 1U;
    if (end >= text_.size()) return refused("a string does not end");
    if (depth_ == 1 && name_is_next_) {
      name_is_next_ = false;
      if (auto name = take_name(begin, text_.substr(begin + 1, end - begin - 1)); !name) return name;
    }
    return end_token(end + 1);
  }

  // A top-level name stands at `begin`.
  Result<> take_name(std::size_t begin, std::string_view raw) {
    if (cut_to_next_name_) {
      scan_.cut_end = begin;
      cut_to_next_name_ = false;
    }
    if (!reads_signature(raw)) return {};
    if (found_) return refused("the member signature occurs twice");
    found_ = true;
    open_ = true;
    scan_.cut_begin = scan_.cut_end = comma_ == kNowhere ? begin : comma_;
    return {};
  }

  // The signature's value ended before the comma at `comma` or before the object's end.
  void close_signature(std::size_t comma) {
    if (!open_) return;
    open_ = false;
    scan_.cut_end = value_end_;
    cut_to_next_name_ = comma_ == kNowhere && comma != kNowhere;
  }

  Result<> take_primitive() {
    std::size_t end = at_;
    while (end < text_.size() && !ends_primitive(text_[end])) ++end;
    return end_token(end);
  }

  Result<> end_token(std::size_t end) {
    at_ = value_end_ = end;
    // A name counts until its colon is seen, so one name may exceed the limit.
    if (++nodes_ > kMaxJsonNodes + 1) return refused("more than 1000 values");
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::size_t nodes_ = 0;
  std::size_t value_end_ = 0;
  std::size_t comma_ = kNowhere;  // the last one between top-level members
  bool name_is_next_ = false;
  bool found_ = false;
  bool open_ = false;  // inside the signature member
  bool cut_to_next_name_ = false;
  JsonScan scan_;
};

}  // namespace

Result<JsonScan> scan_json(std::string_view text) {
  if (text.size() > kMaxJsonBytes) {
    return refused(std::to_string(text.size()) + " bytes; at most 65536 are allowed");
  }
  return Scanner(text).scan();
}

std::string signed_text(std::string_view text, const JsonScan& scan) {
  std::string out;
  out.reserve(text.size());
  out.append(text.substr(0, scan.cut_begin));
  out.append(text.substr(scan.cut_end));
  return out;
}

Result<SignedRequest> parse_json_request(std::string_view text, boost::json::storage_ptr memory) {
  const auto scan = scan_json(text);
  if (!scan) return scan.error();
  auto root = door::parse_json(text, std::move(memory), scan->members);
  if (!root) return refused(root.error().message);
  if (!root->is_object()) return refused("must be an object: {\"command\":…}");
  return SignedRequest{.root = std::move(*root), .signed_text = signed_text(text, *scan), .signed_serialized = {}};
}

}  // namespace vodlift::legacy
