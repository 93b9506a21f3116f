// The header of one request: where it ends, what it says, and whether it can be trusted to say where the body ends.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "net/http_server.h"

namespace vodlift::net {

// Finds the end of a header in bytes that arrive piecemeal, and refuses at once what can never become one: bare CR or
// LF, control characters (so TLS and binary noise too), a folded line. One thread at a time.
class HeadScanner {
 public:
  enum class Verdict { more, complete, bad };

  // Looks at `bytes`, everything received of this request so far; reads only what is new since the last call.
  Verdict scan(std::string_view bytes);

  // Bytes looked at; after `complete` the header's length, its empty last line included.
  [[nodiscard]] std::size_t size() const { return position_; }
  // Bytes of the request line, so far if it has not ended.
  [[nodiscard]] std::size_t request_line_size() const { return (line_end_ > 0 ? line_end_ : position_) - begin_; }
  // Where the request line begins: behind the one empty line that RFC 9112 section 2.2 wants ignored.
  [[nodiscard]] std::size_t begin() const { return begin_; }

  // Ready for the next request.
  void reset() { *this = HeadScanner(); }

 private:
  std::size_t begin_ = 0;
  std::size_t line_end_ = 0;  // of the request line; 0 before it was met
  std::size_t line_start_ = 0;
  std::size_t position_ = 0;
};

// A request without its body yet, and how to read and answer the rest.
struct RequestHead {
  Request request;
  bool chunked = false;
  std::uint64_t content_length = 0;  // bytes to come, where not chunked
  bool expects_continue = false;
  bool keep_alive = false;  // what the client wants
};

// Takes a complete header apart (request line to empty line). Strict wherever two readers could differ about where the
// request ends (RFC 9112 sections 3.2, 6.1, 6.3): whoever is refused must be disconnected.
// Errors: bad_request, unsupported_version (neither 1.0 nor 1.1), headers_too_large, unsupported_media_type,
// expectation_failed, too_large (a Content-Length above `body_limit`).
Result<RequestHead> parse_head(std::string_view head, std::size_t body_limit);

}  // namespace vodlift::net
