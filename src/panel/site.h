// The pages of the Control Panel, as an HTTP server answers them.
#pragma once

#include <span>
#include <string_view>

#include "net/http_server.h"
#include "panel/asset.h"

namespace vodlift::panel {

inline constexpr std::string_view kPath = "/panel/";

// Answers GET and HEAD below kPath. Every path that is no file is a page of the panel, which finds it in the browser;
// below assets/, where a word begins with a dot, and where the only word has one, it is 404. A client that does not
// take Brotli gets the file uncompressed. Keeps nothing: any thread.
class Site {
 public:
  // `assets` must outlive this.
  explicit Site(std::span<const Asset> assets) : assets_(assets) {}

  // `target`: the path, with or without a query.
  [[nodiscard]] net::Response answer(const net::Request& request) const;

 private:
  [[nodiscard]] const Asset* find(std::string_view path) const;

  const std::span<const Asset> assets_;
};

// Adds what a browser must be told with every answer of panel and API: no foreign scripts, no frames, no sniffing, no
// referrer. An answer that says nothing about caches is kept by none.
void protect(net::Response& response);

}  // namespace vodlift::panel
