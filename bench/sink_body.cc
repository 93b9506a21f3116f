#include "sink_body.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace vodlift::bench {
namespace {

constexpr std::size_t kMaxLineBytes = 4096;
constexpr std::int64_t kMaxTailBytes = 4096;
constexpr std::int64_t kMaxChunkBytes = std::numeric_limits<std::int64_t>::max() / 2;

}  // namespace

SinkBody SinkBody::fixed(std::int64_t length, std::int64_t tail) {
  SinkBody body;
  body.tail_bytes_ = std::min({tail, length, kMaxTailBytes});
  body.state_ = length > 0 ? State::fixed_data : State::done;
  body.remaining_ = length;
  return body;
}

SinkBody SinkBody::chunked() {
  SinkBody body;
  body.state_ = State::chunk_line;
  return body;
}

std::int64_t SinkBody::discardable() const {
  if (state_ == State::fixed_data) return remaining_ - tail_bytes_;
  return state_ == State::chunk_data ? remaining_ : 0;
}

void SinkBody::discarded(std::int64_t bytes) {
  remaining_ -= bytes;
  size_ += bytes;
  if (remaining_ == 0) end_data();
}

std::size_t SinkBody::consume(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && !done() && !failed()) {
    if (const std::int64_t data = discardable(); data > 0) {
      const std::int64_t take = std::min(data, static_cast<std::int64_t>(bytes.size() - used));
      used += static_cast<std::size_t>(take);
      discarded(take);
      continue;
    }
    if (state_ == State::fixed_data) {
      const auto take = std::min(static_cast<std::size_t>(tail_bytes_), bytes.size() - used);
      tail_ += bytes.substr(used, take);
      used += take;
      tail_bytes_ -= static_cast<std::int64_t>(take);
      discarded(static_cast<std::int64_t>(take));
      continue;
    }
    const char c = bytes[used++];
    if (c == '\n') {
      end_line();
    } else if (line_.size() == kMaxLineBytes) {
      state_ = State::failed;
    } else {
      line_ += c;
    }
  }
  return used;
}

void SinkBody::end_data() { state_ = state_ == State::chunk_data ? State::chunk_end : State::done; }

void SinkBody::end_line() {
  if (line_.empty() || line_.back() != '\r') {
    state_ = State::failed;
    return;
  }
  line_.pop_back();
  if (state_ == State::chunk_line) {
    const std::string_view digits = std::string_view(line_).substr(0, line_.find_first_of("; \t"));
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), remaining_, 16);
    const bool valid = error == std::errc{} && end == digits.data() + digits.size() && remaining_ >= 0 &&
                       remaining_ <= kMaxChunkBytes - size_;
    state_ = !valid ? State::failed : remaining_ == 0 ? State::trailer : State::chunk_data;
  } else if (state_ == State::chunk_end) {
    state_ = line_.empty() ? State::chunk_line : State::failed;
  } else if (line_.empty()) {
    state_ = State::done;
  }
  line_.clear();
}

}  // namespace vodlift::bench
