// Text forms of bytes: hex, base64, percent-encoding, UTF-8 checks, and making foreign text safe to print.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace vodlift {

using ByteView = std::span<const std::uint8_t>;

inline ByteView bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// Lower-case hexadecimal, two characters a byte.
std::string to_hex(ByteView bytes);
// The bytes of `hex` (either case); nothing for odd length or a foreign character.
std::optional<std::string> from_hex(std::string_view hex);

// RFC 4648 section 4, padded.
std::string to_base64(ByteView bytes);
// Strict inverse of to_base64: padded, standard alphabet, zero pad bits, no white space; anything else is nothing.
std::optional<std::string> from_base64(std::string_view text);

// RFC 3986 percent-encoding as SigV4 wants it: all but A-Z a-z 0-9 - . _ ~ becomes %XX (upper case);
// `keep_slash` leaves '/' as it is (object keys in a URL path).
std::string uri_encode(std::string_view text, bool keep_slash = false);

// `text`, valid UTF-8, as a JSON string with its quotes.
std::string json_string(std::string_view text);
// Appends the same to `out`.
void append_json_string(std::string& out, std::string_view text);

// True when `text` is well-formed UTF-8 (no overlong forms, no surrogates, nothing above U+10FFFF).
bool is_valid_utf8(std::string_view text);

// `text` fit for one line of a log or a terminal: control characters, DEL, bidirectional overrides and invalid UTF-8
// shown as \xNN, cut to `max_bytes` with an ellipsis.
std::string printable(std::string_view text, std::size_t max_bytes = 256);
// How many bytes at the front are printable ASCII, space included: in most text it is all of them.
std::size_t plain_ascii_length(std::string_view text);
// Whether printable() would change nothing, for all that need not be looked at closely: ASCII alone.
bool is_plain(std::string_view text, std::size_t max_bytes = 256);

}  // namespace vodlift
