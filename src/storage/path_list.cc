#include "storage/path_list.h"

#include <algorithm>

namespace vodlift::storage {
namespace {

constexpr std::size_t kBlock = 64;

void append_number(std::string& out, std::size_t number) {
  out += static_cast<char>(number & 0xFF);
  out += static_cast<char>(number >> 8);
}

std::size_t number_at(const std::string& text, std::size_t at) {
  return static_cast<unsigned char>(text[at]) | std::size_t{static_cast<unsigned char>(text[at + 1])} << 8;
}

}  // namespace

void PathList::add(std::string_view path) {
  if (size_ % kBlock == 0) {
    blocks_.push_back(text_.size());
    last_.clear();
  }
  const auto differ = std::ranges::mismatch(path, last_);
  const auto shared = static_cast<std::size_t>(differ.in1 - path.begin());
  append_number(text_, shared);
  append_number(text_, path.size() - shared);
  text_ += path.substr(shared);
  last_ = path;
  ++size_;
}

void PathList::close() {
  text_.shrink_to_fit();
  blocks_.shrink_to_fit();
}

std::vector<std::string> PathList::slice(std::size_t first, std::size_t count) const {
  std::vector<std::string> out;
  if (first >= size_) return out;
  const std::size_t end = first + std::min(count, size_ - first);
  std::size_t at = blocks_[first / kBlock];
  std::string path;
  for (std::size_t i = first / kBlock * kBlock; i < end; ++i) {
    const std::size_t own = number_at(text_, at + 2);
    path.resize(number_at(text_, at));
    path.append(text_, at + 4, own);
    at += 4 + own;
    if (i >= first) out.push_back(path);
  }
  return out;
}

}  // namespace vodlift::storage
