// The running daemon, as seen from the command line: commands go in through its Unix socket.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <filesystem>
#include <string_view>

#include "base/error.h"
#include "net/http_client.h"

namespace vodlift::cli {

// Talks to one daemon. One thread.
class Daemon {
 public:
  explicit Daemon(std::filesystem::path socket) : socket_(std::move(socket)), client_("admin-client", 1) {}

  // Runs a command ("account.add") and answers its data. Errors: network (no daemon answers there; the message says
  // what to do), timeout, or what the daemon refused with.
  Result<boost::json::value> call(std::string_view command, const boost::json::object& fields);

 private:
  // A plain connect, whose errno tells more than the HTTP client can.
  [[nodiscard]] Result<> probe() const;

  const std::filesystem::path socket_;
  net::HttpClient client_;
};

// What an answer of the daemon means. Errors: internal (not an answer of vodlift), or the failure it tells.
Result<boost::json::value> read_answer(std::string_view body);

}  // namespace vodlift::cli
