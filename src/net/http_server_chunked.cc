#include "net/http_server_chunked.h"

#include <fmt/format.h>

#include <algorithm>

namespace vodlift::net {
namespace {

Error bad_chunk(std::string_view what) {
  return {Errc::bad_request, fmt::format("The chunked body is malformed: {}.", what)};
}

bool is_text(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return c == '\t' || (byte >= 0x20 && byte != 0x7F);
}

bool is_token(char c) {
  const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  return alphanumeric || (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

}  // namespace

Result<std::size_t> ChunkedDecoder::feed(std::string_view bytes, std::string& body) {
  std::size_t used = 0;
  while (used < bytes.size() && !done()) {
    if (state_ != State::data) {
      if (auto stepped = step(bytes[used]); !stepped) return stepped.error();
      ++used;
      continue;
    }
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left_, bytes.size() - used));
    body.append(bytes.substr(used, take));
    used += take;
    chunk_left_ -= take;
    if (chunk_left_ == 0) state_ = State::data_cr;
  }
  return used;
}

Result<> ChunkedDecoder::step(char c) {
  switch (state_) {
    case State::size:
      return step_size(c);
    case State::extension:
      if (c == '\r') {
        state_ = State::size_lf;
      } else if (!is_text(c)) {
        return bad_chunk("a control character in a chunk extension");
      }
      return count_overhead();
    case State::size_lf:
      if (c != '\n') return bad_chunk("a chunk size that does not end with CR LF");
      size_digits_ = 0;
      body_size_ += chunk_left_;
      state_ = chunk_left_ == 0 ? State::trailer_start : State::data;
      return {};
    case State::data_cr:
      if (c != '\r') return bad_chunk("a chunk that is longer than its size");
      state_ = State::data_lf;
      return {};
    case State::data_lf:
      if (c != '\n') return bad_chunk("a chunk that does not end with CR LF");
      state_ = State::size;
      return {};
    case State::trailer_start:
    case State::trailer:
    case State::trailer_lf:
    case State::end_lf:
      return step_trailer(c);
    case State::data:
    case State::done:
      break;
  }
  return Error{Errc::internal, "chunked decoder fed in a state that takes no framing"};
}

Result<> ChunkedDecoder::step_size(char c) {
  // Eight digits are 4 GiB: far beyond any limit, far below an overflow.
  constexpr int kMaxDigits = 8;
  const int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
  if (digit >= 0) {
    if (size_digits_ == kMaxDigits) return bad_chunk("a chunk size with more than eight digits");
    chunk_left_ = (size_digits_ == 0 ? 0 : chunk_left_ * 16) + static_cast<std::uint64_t>(digit);
    ++size_digits_;
    return {};
  }
  if (size_digits_ == 0 || (c != '\r' && c != ';')) return bad_chunk("a chunk size that is not a hexadecimal number");
  if (chunk_left_ > body_limit_ - body_size_) {
    return Error{Errc::too_large, fmt::format("The body may have {} bytes at most.", body_limit_)};
  }
  state_ = c == '\r' ? State::size_lf : State::extension;
  return {};
}

Result<> ChunkedDecoder::step_trailer(char c) {
  if (state_ == State::end_lf) {
    if (c != '\n') return bad_chunk("an end that is not CR LF");
    state_ = State::done;
    return {};
  }
  if (state_ == State::trailer_lf) {
    if (c != '\n') return bad_chunk("a trailer that does not end with CR LF");
    state_ = State::trailer_start;
    return {};
  }
  if (state_ == State::trailer_start) {
    trailer_named_ = false;
    trailer_name_length_ = 0;
    if (c == '\r') {
      state_ = State::end_lf;
      return {};
    }
    state_ = State::trailer;
  }
  if (!trailer_named_) {
    trailer_named_ = c == ':' && trailer_name_length_ > 0;
    if (!trailer_named_ && !is_token(c)) return bad_chunk("a trailer without a valid name");
    ++trailer_name_length_;
  } else if (c == '\r') {
    state_ = State::trailer_lf;
  } else if (!is_text(c)) {
    return bad_chunk("a control character in a trailer");
  }
  return count_overhead();
}

Result<> ChunkedDecoder::count_overhead() {
  if (++overhead_ > overhead_limit_) return bad_chunk("too many bytes of extensions and trailers");
  return {};
}

}  // namespace vodlift::net
