// A Response as the bytes of an HTTP/1.1 answer.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "net/http_server.h"

namespace vodlift::net {

// Appends status line and headers, empty line included, to `out`; the body follows as it is, where may_have_body() says
// so. A header of the handler that would break the framing (CR, LF, Content-Length …) is left out and logged. `date` as
// http_date() gives it; `close` adds Connection: close.
void append_head(std::string& out, const Response& response, std::string_view date, bool close);

// Whether HTTP lets an answer of this status carry a body (all but 204 and 304).
bool may_have_body(const Response& response);

// "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date(std::time_t when);

}  // namespace vodlift::net
