#include "cli/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <cstdlib>

#include "base/encoding.h"
#include "base/file.h"

namespace vodlift::cli {
namespace {

constexpr const char* kUsualSocket = "/run/vodlift/admin.sock";
constexpr const char* kSocketVariable = "VODLIFT_SOCKET";
constexpr std::size_t kMaxSecretBytes = 4096;
constexpr std::size_t kMaxMessageBytes = 4096;

int exit_code_of(Errc code) {
  switch (code) {
    case Errc::network:         // no daemon
    case Errc::config_invalid:  // the --config file
    case Errc::missing_field:   // an option that only the daemon knew to be needed
      return kUsage;
    default:
      return kFailed;
  }
}

// Several lines stay several lines (the faults of a configuration); each is made safe for the terminal.
std::string printable_lines(std::string_view text) {
  std::string safe;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    safe += printable(text.substr(0, end), kMaxMessageBytes);
    if (end < text.size()) safe += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return safe;
}

}  // namespace

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void Session::attach(CLI::App& command, std::function<int()> body) {
  command.add_flag("--json", json_, "Print JSON instead of text");
  auto* socket =
      command.add_option("--socket", socket_option_, "The daemon's administration socket")->type_name("PATH");
  command.add_option("--config", config_option_, "A configuration file that names the daemon's socket")
      ->type_name("FILE")
      ->excludes(socket);
  command.callback([this, body = std::move(body)] { exit_code_ = body(); });
}

Result<std::filesystem::path> Session::socket() const {
  if (!socket_option_.empty()) return std::filesystem::path(socket_option_);
  if (!config_option_.empty()) return services_.admin_socket_of(config_option_);
  const char* variable = std::getenv(kSocketVariable);
  if (variable != nullptr && *variable != '\0') return std::filesystem::path(variable);
  return std::filesystem::path(kUsualSocket);
}

Result<boost::json::value> Session::call(std::string_view command, const boost::json::object& fields) {
  if (!daemon_) {
    auto found = socket();
    if (!found) return found.error();
    daemon_ = std::make_unique<Daemon>(std::move(*found));
  }
  return daemon_->call(command, fields);
}

int Session::call_and_show(std::string_view command, const boost::json::object& fields,
                           const std::function<std::string(const boost::json::value& data)>& show) {
  const auto data = call(command, fields);
  if (!data) return fail(data.error());
  print(json_ ? boost::json::serialize(*data) + "\n" : show(*data));
  return kDone;
}

int Session::fail(const Error& error) const {
  if (json_) {
    const boost::json::object told = {{"code", info(error.code).name}, {"message", error.message}};
    fmt::print(stderr, "{}\n", boost::json::serialize(told));
  } else {
    fmt::print(stderr, "vodlift: {}\n", printable_lines(error.message));
  }
  return exit_code_of(error.code);
}

Result<Secret> read_secret(const std::string& file) {
  auto text = file == "-" ? read_standard_input(kMaxSecretBytes) : read_small_file(file, kMaxSecretBytes);
  if (!text) return with_context("the secret", text.error());
  if (text->ends_with('\n')) text->pop_back();
  if (text->ends_with('\r')) text->pop_back();
  if (text->empty()) {
    return Error{Errc::invalid_value, fmt::format("the secret: {} is empty", file == "-" ? "standard input" : file)};
  }
  return Secret(std::move(*text));
}

}  // namespace vodlift::cli
