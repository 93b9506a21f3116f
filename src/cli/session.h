// What all commands that talk to the daemon share: its options, the daemon, and how results and failures are reported.
#pragma once

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"
#include "cli/cli.h"
#include "net/http_client.h"

namespace vodlift::cli {

// One request of the REST API. The fields go into the query of a GET or DELETE, else into the body.
struct Call {
  std::string_view method;
  std::string path;  // below /api/v1, its words percent-encoded: "/keys/K"
  boost::json::object fields{};
  std::chrono::seconds timeout{60};  // the check of a source file may wait for a storage that hangs; no person longer
};

// The running daemon. Talks to one daemon through its Unix socket. One thread.
class Daemon {
 public:
  explicit Daemon(std::filesystem::path socket) : socket_(std::move(socket)), client_("admin-client", 1) {}

  // Errors: network (no daemon answers there; the message says what to do), timeout, or the daemon's refusal.
  Result<boost::json::value> call(const Call& call);
  // A page beside the REST API, such as "/metrics", whatever its status is. Errors: network, timeout.
  Result<net::HttpResponse> get(const std::string& path);

 private:
  Result<net::HttpResponse> send(net::HttpRequest request, std::chrono::seconds timeout);

  const std::filesystem::path socket_;
  net::HttpClient client_;
};

// Connects to a Unix socket and hangs up. Answers 0, or the errno, which says more than the HTTP client can.
int connect_error(const std::filesystem::path& socket);

// The data of an answer of the daemon. Errors: internal (not an answer of vodlift), or the problem in it.
Result<boost::json::value> read_answer(int status, std::string_view body);

// One run of the program. One thread.
class Session {
 public:
  explicit Session(const Services& services) : services_(services) {}

  // Adds --json, --quiet, --no-color, --socket and --config to a command, and runs `body` when the command is chosen.
  // The answer of `body` becomes the exit code.
  void attach(CLI::App& command, std::function<int()> body);

  // The same for a command that needs no daemon: adds --json alone.
  void attach_without_daemon(CLI::App& command, std::function<int()> body);

  [[nodiscard]] bool json() const { return json_; }
  [[nodiscard]] bool quiet() const { return quiet_; }
  // Prints what a person reads about a change that was made, unless --quiet is given.
  void say(std::string_view text) const;
  [[nodiscard]] int exit_code() const { return exit_code_; }
  void set_exit_code(int exit_code) { exit_code_ = exit_code; }

  // Daemon::call on the daemon that the options name. Errors also: config_invalid, not_found (the --config file).
  Result<boost::json::value> call(const Call& call);
  // The objects of a collection.
  Result<boost::json::array> list(const Call& call);
  // Daemon::get on the same daemon. Errors also: those of socket().
  Result<net::HttpResponse> get(const std::string& path);
  // The daemon's socket: --socket, else --config, else the environment, else the usual place. Errors: config_invalid,
  // not_found (the --config file).
  [[nodiscard]] Result<std::filesystem::path> socket() const;
  // The database of that daemon, by the configuration file: --config, or the usual one where no option and no variable
  // names a socket. Errors: config_invalid, not_found, io_error.
  [[nodiscard]] Result<std::filesystem::path> database() const;

  // Calls and prints: the data as one line of JSON, or what `show` makes of it for a person. Answers the exit code.
  // With --quiet only the members `brief` of the answer, a line each: what a script cannot do without.
  int call_and_show(const Call& call, const std::function<std::string(const boost::json::value& data)>& show,
                    std::initializer_list<std::string_view> brief = {});
  // The same for a collection: its objects as one JSON list, or what `show` makes of them.
  int list_and_show(const Call& call, const std::function<std::string(const boost::json::array& objects)>& show);

  // Reports a failure on standard error; answers the exit code for it.
  [[nodiscard]] int fail(const Error& error) const;
  // The same as JSON for a command line that cannot be read.
  [[nodiscard]] static int fail_usage(const std::string& message);

 private:
  Result<> find_daemon();

  const Services& services_;
  bool json_ = false;
  bool quiet_ = false;
  std::string socket_option_;
  std::string config_option_;
  std::unique_ptr<Daemon> daemon_;
  int exit_code_ = kDone;
};

// Writes to standard output at once.
void print(std::string_view text);

// The content of a file, or of standard input for "-", without one line break at its end.
// Errors: not_found, io_error, invalid_value (empty, or longer than any secret).
Result<Secret> read_secret(const std::string& file);

// Makes of `app` the whole command line of vodlift. `session` and `services` must outlive it.
void add_all_commands(CLI::App& app, Session& session, const Services& services);

// Each adds one noun with its verbs to the command line. `session` must outlive `app`.
void add_account_commands(CLI::App& app, Session& session);
void add_key_commands(CLI::App& app, Session& session);
void add_bucket_commands(CLI::App& app, Session& session, const Services& services);
void add_import_command(CLI::App& app, Session& session);
void add_limit_commands(CLI::App& app, Session& session);
void add_upload_commands(CLI::App& app, Session& session);
void add_callback_commands(CLI::App& app, Session& session);
void add_storage_commands(CLI::App& app, Session& session);
void add_node_commands(CLI::App& app, Session& session);
void add_people_commands(CLI::App& app, Session& session);
void add_token_commands(CLI::App& app, Session& session);
void add_audit_commands(CLI::App& app, Session& session, const Services& services);
void add_alert_commands(CLI::App& app, Session& session);
void add_backup_commands(CLI::App& app, Session& session, const Services& services);
void add_store_commands(CLI::App& app, Session& session, const Services& services);
void add_settings_commands(CLI::App& app, Session& session, const Services& services);
void add_overview_command(CLI::App& app, Session& session);
void add_doctor_command(CLI::App& app, Session& session);

}  // namespace vodlift::cli
