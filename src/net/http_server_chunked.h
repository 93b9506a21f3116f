// Decodes a chunked body (RFC 9112 section 7.1), strictly and in pieces.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace vodlift::net {

// Feed it bytes until done(). Chunk extensions and trailers are checked and dropped. One thread at a time.
class ChunkedDecoder {
 public:
  // At most `body_limit` bytes of body; at most `overhead_limit` bytes of extensions and trailers.
  ChunkedDecoder(std::size_t body_limit, std::size_t overhead_limit)
      : body_limit_(body_limit), overhead_limit_(overhead_limit) {}

  // Decodes from the front of `bytes`, appends to `body`; answers how many bytes were used: all of them unless done.
  // Errors: bad_request, too_large; the decoder is useless afterwards.
  Result<std::size_t> feed(std::string_view bytes, std::string& body);

  [[nodiscard]] bool done() const { return state_ == State::done; }

 private:
  enum class State {
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_start,
    trailer,
    trailer_lf,
    end_lf,
    done
  };

  Result<> step(char c);
  Result<> step_size(char c);
  Result<> step_trailer(char c);
  Result<> count_overhead();

  const std::size_t body_limit_;
  const std::size_t overhead_limit_;
  State state_ = State::size;
  std::uint64_t chunk_left_ = 0;  // bytes of the chunk still to come; while in `size`, its value so far
  int size_digits_ = 0;
  bool trailer_named_ = false;  // the trailer's colon was seen
  std::size_t trailer_name_length_ = 0;
  std::size_t overhead_ = 0;
  std::size_t body_size_ = 0;
};

}  // namespace vodlift::net
