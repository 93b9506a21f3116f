// Lists that the daemon gives page by page.
#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "cli/session.h"

namespace vodlift::cli {

// The largest --limit of a list.
inline constexpr int kMostListed = 100'000;

// Asks for pages until it has as many items as `limit` (1..kMostListed) says. A search that finds little ends after 50
// calls. Answers the last page, with the items of all. Errors: those of Session::call().
Result<boost::json::value> read_pages(Session& session, Call call, int limit);

// How the list goes on behind such a page, as a line; empty: it does not.
std::string rest_of(const boost::json::value& page);

}  // namespace vodlift::cli
