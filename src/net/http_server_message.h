// HTTP/1.1 messages as bytes: the header and the chunked body of a request, the header of an answer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/http_server.h"

namespace vodlift::net {

// Finds the end of a request's header in bytes that arrive piecemeal, and refuses at once what can never become one:
// bare CR or LF, control characters (so TLS and binary noise too), a folded line. One thread at a time.
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
  bool keep_alive = false;    // what the client wants
  bool takes_chunks = false;  // the client knows chunked bodies (HTTP/1.1)
};

// Takes a complete header apart (request line to empty line). Strict wherever two readers could differ about where the
// request ends (RFC 9112 sections 3.2, 6.1, 6.3): after an error the client must be disconnected.
// Errors: bad_request, unsupported_version (neither 1.0 nor 1.1), headers_too_large, unsupported_media_type,
// expectation_failed, too_large (a Content-Length above `body_limit`).
Result<RequestHead> parse_head(std::string_view head, std::size_t body_limit);

// Checks the extensions of one chunk, from behind the first semicolon: names with or without values, which are tokens
// or quoted strings, with semicolons between them (RFC 9112 section 7.1.1). White space may stand around `;` and `=`,
// but not at the end.
class ChunkExtensions {
 public:
  // Takes the next character, CR as the end; false: this is no extension.
  bool step(char c);

 private:
  enum class At { before_name, name, behind_name, before_value, value, quoted, escaped, behind_quote, behind_value };
  bool go(At at) {
    at_ = at;
    return true;
  }

  At at_ = At::before_name;
};

// Decodes a chunked body (RFC 9112 section 7.1), strictly and in pieces: feed it bytes until done(). Chunk extensions
// and trailers are checked and dropped. One thread at a time.
class ChunkedDecoder {
 public:
  // At most `body_limit` bytes of body; at most `overhead_limit` bytes of extensions and trailers.
  ChunkedDecoder(std::size_t body_limit, std::size_t overhead_limit)
      : body_limit_(body_limit), overhead_limit_(overhead_limit) {}

  // Decodes from the front of `bytes` and appends to `body`. Returns how many bytes were used: all of them unless done.
  // Errors: bad_request, too_large; after an error the decoder must not be used.
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
  ChunkExtensions extension_;
  std::uint64_t chunk_left_ = 0;  // bytes of the chunk still to come; while in `size`, its value so far
  int size_digits_ = 0;
  bool trailer_named_ = false;  // the trailer's colon was seen
  std::size_t trailer_name_length_ = 0;
  std::size_t overhead_ = 0;
  std::size_t body_size_ = 0;
};

// How the client finds the end of an answer's body.
enum class Framing { length, chunked, until_close };

// Appends the answer's status line and headers, empty line included, to `out`. The body follows as it is, where
// may_have_body() says so. A header of the handler that would break the framing (CR, LF, Content-Length …) is left out
// and logged. `date` as http_date() gives it; `close` adds Connection: close.
void append_head(std::string& out, const Response& response, std::string_view date, bool close,
                 Framing framing = Framing::length);

// Whether HTTP lets an answer of this status carry a body (all but 204 and 304).
bool may_have_body(const Response& response);

}  // namespace vodlift::net
