// Where a request's body ends, without keeping any of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vodlift::bench {

// Follows one body by its framing. Either `consume` bytes that were read, or drop up to `discardable` bytes unread and
// tell with `discarded`. One thread at a time.
class SinkBody {
 public:
  // A body of exactly `length` bytes, of which the last `tail` or fewer, 4096 at most, are kept.
  static SinkBody fixed(std::int64_t length, std::int64_t tail = 0);
  // A body in chunks (RFC 9112 section 7.1), trailers included.
  static SinkBody chunked();

  // Takes what belongs to the body from the front of `bytes`; answers how many.
  std::size_t consume(std::string_view bytes);
  // Bytes certain to be data, which nobody needs to look at; 0 while framing must be read.
  [[nodiscard]] std::int64_t discardable() const;
  void discarded(std::int64_t bytes);

  [[nodiscard]] bool done() const { return state_ == State::done; }
  // The framing is broken; the rest of this connection cannot be read.
  [[nodiscard]] bool failed() const { return state_ == State::failed; }
  [[nodiscard]] const std::string& tail() const { return tail_; }
  // Data bytes so far, framing excluded.
  [[nodiscard]] std::int64_t size() const { return size_; }

 private:
  enum class State { fixed_data, chunk_line, chunk_data, chunk_end, trailer, done, failed };

  void end_line();
  void end_data();

  State state_ = State::done;
  std::int64_t remaining_ = 0;
  std::int64_t size_ = 0;
  std::string line_;  // of framing, at most kMaxLineBytes
  std::int64_t tail_bytes_ = 0;
  std::string tail_;
};

}  // namespace vodlift::bench
