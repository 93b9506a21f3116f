#include "cli/daemon.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>

#include "base/file.h"

namespace vodlift::cli {
namespace {

// A storage that hangs may keep the check of a source file waiting; a person should not wait longer than this.
constexpr std::chrono::seconds kTimeout{60};
constexpr std::size_t kMaxAnswerBytes = std::size_t{16} * 1024 * 1024;

Error no_daemon(const std::filesystem::path& socket, int error_number) {
  std::string message;
  if (error_number == EACCES || error_number == EPERM) {
    message = fmt::format(
        "the daemon's socket {} is closed to this user; run the command as the user who runs vodlift "
        "(such as: sudo -u vodlift vodlift ...)",
        socket.string());
  } else if (error_number == ENOENT || error_number == ECONNREFUSED || error_number == ENOTDIR) {
    message = fmt::format(
        "no daemon answers at {}; start it with \"vodlift serve --config FILE\", or say where it is "
        "with --socket PATH, --config FILE or VODLIFT_SOCKET",
        socket.string());
  } else {
    message = fmt::format("cannot reach the daemon at {}: {}", socket.string(), errno_text(error_number));
  }
  return {Errc::network, std::move(message)};
}

}  // namespace

Result<> Daemon::probe() const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& path = socket_.native();
  if (path.empty() || path.size() >= sizeof address.sun_path) return no_daemon(socket_, ENAMETOOLONG);
  std::memcpy(address.sun_path, path.data(), path.size());
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return no_daemon(socket_, errno);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return no_daemon(socket_, errno);
  }
  return {};
}

Result<boost::json::value> Daemon::call(std::string_view command, const boost::json::object& fields) {
  if (auto reached = probe(); !reached) return reached.error();
  net::HttpRequest request;
  request.method = "POST";
  request.url = fmt::format("http://vodlift/admin/{}", command);
  request.headers = {"Content-Type: application/json"};
  request.body = boost::json::serialize(fields);
  request.unix_socket = socket_.string();
  request.total_timeout = kTimeout;
  request.max_response_bytes = kMaxAnswerBytes;
  auto response = client_.perform(std::move(request));
  if (!response) return with_context("the daemon did not answer", response.error());
  return read_answer(response->body);
}

Result<boost::json::value> read_answer(std::string_view body) {
  boost::system::error_code error;
  const boost::json::value answer = boost::json::parse(body, error);
  const boost::json::object* object = error ? nullptr : answer.if_object();
  const boost::json::value* status = object == nullptr ? nullptr : object->if_contains("status");
  if (status != nullptr && *status == "success" && object->contains("data")) return object->at("data");
  if (status != nullptr && *status == "failure") {
    const boost::json::value* code = object->if_contains("code");
    const boost::json::value* message = object->if_contains("message");
    if (code != nullptr && code->is_string() && message != nullptr && message->is_string()) {
      return Error{errc_from_name(code->get_string()), std::string(message->get_string())};
    }
  }
  return Error{Errc::internal,
               "the answer cannot be understood; is this the socket of a vodlift daemon of this version?"};
}

}  // namespace vodlift::cli
