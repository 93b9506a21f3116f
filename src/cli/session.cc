#include "cli/session.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/encoding.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/text.h"

namespace vodlift::cli {
namespace {

constexpr const char* kUsualSocket = "/run/vodlift/admin.sock";
constexpr const char* kUsualConfig = "/etc/vodlift/vodlift.toml";
constexpr const char* kSocketVariable = "VODLIFT_SOCKET";
constexpr std::size_t kMaxSecretBytes = 4096;
constexpr std::size_t kMaxMessageBytes = 4096;

int exit_code_of(Errc code) {
  switch (code) {
    case Errc::network:         // no daemon
    case Errc::config_invalid:  // the --config file
    case Errc::missing_field:   // an option that only the daemon knows to be required
      return kUsage;
    default:
      return kFailed;
  }
}

// Makes each line safe for the terminal. Several lines stay several lines: the faults of a configuration.
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

void print_json(const Error& error) {
  const boost::json::object failure = {{"code", info(error.code).name}, {"message", error.message}};
  fmt::print(stderr, "{}\n", boost::json::serialize(failure));
}

constexpr std::chrono::seconds kPageTimeout{60};
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
        "no daemon answers at {}; start it with \"vodlift serve --config FILE\", or name its socket "
        "with --socket PATH, --config FILE or VODLIFT_SOCKET",
        socket.string());
  } else {
    message = fmt::format("cannot reach the daemon at {}: {}", socket.string(), errno_text(error_number));
  }
  return {Errc::network, std::move(message)};
}

// A list is written with commas between its entries.
std::string query_text(const boost::json::value& value) {
  if (const auto* text = value.if_string()) return uri_encode({text->data(), text->size()});
  const auto* list = value.if_array();
  if (list == nullptr) return boost::json::serialize(value);
  std::string entries;
  for (const auto& entry : *list) entries += (entries.empty() ? "" : ",") + query_text(entry);
  return entries;
}

// "?limit=25&state=failed,queued"; empty without fields.
std::string query_of(const boost::json::object& fields) {
  std::string query;
  for (const auto& [name, value] : fields) {
    query += fmt::format("{}{}={}", query.empty() ? '?' : '&', std::string_view(name), query_text(value));
  }
  return query;
}

std::string text_of(const boost::json::object& object, std::string_view name) {
  const boost::json::value* value = object.if_contains(name);
  const boost::json::string* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string() : std::string(text->data(), text->size());
}

}  // namespace

int connect_error(const std::filesystem::path& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& path = socket.native();
  if (path.empty() || path.size() >= sizeof address.sun_path) return ENAMETOOLONG;
  std::memcpy(address.sun_path, path.data(), path.size());
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return errno;
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

Result<net::HttpResponse> Daemon::send(net::HttpRequest request, std::chrono::seconds timeout) {
  if (const int error_number = connect_error(socket_); error_number != 0) return no_daemon(socket_, error_number);
  request.unix_socket = socket_.string();
  request.total_timeout = timeout;
  request.max_response_bytes = kMaxAnswerBytes;
  auto response = client_.perform(std::move(request));
  if (!response) return with_context("the daemon did not answer", response.error());
  return response;
}

Result<net::HttpResponse> Daemon::get(const std::string& path) {
  net::HttpRequest request;
  request.url = "http://vodlift" + path;
  return send(std::move(request), kPageTimeout);
}

Result<boost::json::value> Daemon::call(const Call& call) {
  net::HttpRequest request;
  request.method = call.method;
  request.url = "http://vodlift/api/v1" + call.path;
  if (call.method == "GET" || call.method == "DELETE") {
    request.url += query_of(call.fields);
  } else {
    request.headers = {"Content-Type: application/json"};
    request.body = boost::json::serialize(call.fields);
  }
  const auto response = send(std::move(request), call.timeout);
  if (!response) return response.error();
  return read_answer(response->status, response->body);
}

Result<boost::json::value> read_answer(int status, std::string_view body) {
  boost::system::error_code error;
  boost::json::value answer = boost::json::parse(body, error);
  if (!error && status >= 200 && status < 300) return answer;
  if (const boost::json::object* problem = error ? nullptr : answer.if_object()) {
    const Error refusal{errc_from_name(text_of(*problem, "code")), text_of(*problem, "detail"),
                        text_of(*problem, "operator_detail")};
    if (!refusal.message.empty()) return Error{refusal.code, refusal.for_operator()};
  }
  return Error{Errc::internal, "the answer is not valid; is this the socket of a vodlift daemon of this version?"};
}

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void Session::attach(CLI::App& command, std::function<int()> body) {
  command.add_flag("--json", json_, "Print JSON instead of text");
  command.add_flag("-q,--quiet", quiet_, "Print only what a script needs of a change: new ids and secrets");
  command.add_flag_callback(
      "--no-color", [] { ::setenv("NO_COLOR", "1", 1); }, "No colors, as with NO_COLOR set");
  auto* socket =
      command.add_option("--socket", socket_option_, "The daemon's administration socket")->type_name("PATH");
  command.add_option("--config", config_option_, "A configuration file that names the daemon's socket")
      ->type_name("FILE")
      ->excludes(socket);
  command.callback([this, body = std::move(body)] { exit_code_ = body(); });
}

void Session::attach_without_daemon(CLI::App& command, std::function<int()> body) {
  command.add_flag("--json", json_, "Print JSON instead of text");
  command.callback([this, body = std::move(body)] { exit_code_ = body(); });
}

Result<std::filesystem::path> Session::socket() const {
  if (!socket_option_.empty()) return std::filesystem::path(socket_option_);
  if (!config_option_.empty()) return services_.admin_socket_of(config_option_);
  const char* variable = std::getenv(kSocketVariable);
  if (variable != nullptr && *variable != '\0') return std::filesystem::path(variable);
  return std::filesystem::path(kUsualSocket);
}

Result<std::filesystem::path> Session::database() const {
  if (!config_option_.empty()) return services_.database_of(config_option_);
  if (!socket_option_.empty() || std::getenv(kSocketVariable) != nullptr) {
    return Error{Errc::not_found, "no configuration file is named; --config FILE names it"};
  }
  return services_.database_of(kUsualConfig);
}

Result<> Session::find_daemon() {
  if (daemon_) return {};
  auto found = socket();
  if (!found) return found.error();
  daemon_ = std::make_unique<Daemon>(std::move(*found));
  return {};
}

Result<boost::json::value> Session::call(const Call& call) {
  if (auto found = find_daemon(); !found) return found.error();
  return daemon_->call(call);
}

Result<net::HttpResponse> Session::get(const std::string& path) {
  if (auto found = find_daemon(); !found) return found.error();
  return daemon_->get(path);
}

Result<boost::json::array> Session::list(const Call& call) {
  auto answer = this->call(call);
  if (!answer) return answer.error();
  boost::json::object* collection = answer->if_object();
  boost::json::value* items = collection == nullptr ? nullptr : collection->if_contains("items");
  if (items == nullptr || !items->is_array()) return read_answer(0, {}).error();
  return std::move(items->get_array());
}

void Session::say(std::string_view text) const {
  if (!quiet_) print(text);
}

int Session::call_and_show(const Call& call, const std::function<std::string(const boost::json::value& data)>& show,
                           std::initializer_list<std::string_view> brief) {
  const auto data = this->call(call);
  if (!data) return fail(data.error());
  if (json_) {
    print(boost::json::serialize(*data) + "\n");
  } else if (quiet_ && call.method != "GET") {
    for (const std::string_view name : brief) {
      if (const std::string text = cell(*data, name); text != "-") print(text + "\n");
    }
  } else {
    print(show(*data));
  }
  return kDone;
}

int Session::list_and_show(const Call& call,
                           const std::function<std::string(const boost::json::array& objects)>& show) {
  const auto objects = list(call);
  if (!objects) return fail(objects.error());
  print(json_ ? boost::json::serialize(*objects) + "\n" : show(*objects));
  return kDone;
}

int Session::fail_usage(const std::string& message) {
  print_json({Errc::invalid_value, message});
  return kUsage;
}

int Session::fail(const Error& error) const {
  if (json_) {
    print_json(error);
  } else {
    fmt::print(stderr, "{} {}\n", colored("vodlift:", Color::red, STDERR_FILENO), printable_lines(error.message));
  }
  return exit_code_of(error.code);
}

Result<Secret> read_secret(const std::string& file) {
  auto text = file == "-" ? read_standard_input(kMaxSecretBytes) : read_small_file(file, kMaxSecretBytes);
  if (!text) return with_context("the secret", text.error());
  const Secret whole(std::move(*text));
  std::string_view secret = without_byte_order_mark(whole.reveal());
  if (secret.ends_with('\n')) secret.remove_suffix(1);
  if (secret.ends_with('\r')) secret.remove_suffix(1);
  if (secret.empty()) {
    return Error{Errc::invalid_value, fmt::format("the secret: {} is empty", file == "-" ? "standard input" : file)};
  }
  return Secret(std::string(secret));
}

}  // namespace vodlift::cli
