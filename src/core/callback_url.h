// What a callback URL may look like.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace vodlift {

struct CallbackUrl {
  std::string url;   // absolute: "http://" put in front where the client gave no scheme
  std::string host;  // without brackets
  int port = 0;      // 80 or 443 where the URL has none
};

// Checks `text` strictly: http or https, no user name or password, a host, a port of 1..65535, printable
// ASCII only, 2048 bytes at most. Errors: invalid_value, naming what is wrong. Resolves nothing.
Result<CallbackUrl> parse_callback_url(std::string_view text);

// The server that a URL of parse_callback_url() leads to: "host:port", in lower case. Pure.
std::string callback_receiver(std::string_view url);

}  // namespace vodlift
