// `vodlift doctor`: everything that somebody who helps would ask, without secrets.
#include "cli/doctor.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <boost/json/serialize.hpp>
#include <cerrno>
#include <iterator>
#include <utility>

#include "base/file.h"

namespace vodlift::cli {
namespace {

bool is_there_but_no_socket(const std::filesystem::path& path) {
  struct stat about {};
  return ::stat(path.c_str(), &about) == 0 && !S_ISSOCK(about.st_mode);
}

DoctorSection examine_socket(const Session& session) {
  DoctorSection section{.name = "socket"};
  const auto socket = session.socket();
  if (!socket) {
    section.troubles.push_back(
        {socket.error().message, "Correct the configuration, or name the socket: --socket PATH"});
    return section;
  }
  section.facts["path"] = socket->string();
  if (const int error_number = connect_error(*socket); error_number != 0) {
    section.troubles.push_back(socket_trouble(*socket, error_number));
  }
  return section;
}

int run_doctor(Session& session) {
  std::vector<DoctorSection> sections = {examine_socket(session)};
  const bool reached = sections.front().troubles.empty();
  const auto add = [&sections](std::vector<DoctorSection> more) {
    sections.insert(sections.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  };
  if (reached) add(examine_server(session));
  add(examine_machine(session));
  const boost::json::value report = doctor_report(sections, reached);
  print(session.json() ? boost::json::serialize(report) + "\n" : doctor_text(report));
  if (!reached) return kUsage;
  return report.at("ok").as_bool() ? kDone : kFailed;
}

}  // namespace

DoctorTrouble socket_trouble(const std::filesystem::path& socket, int error_number) {
  constexpr const char* kElsewhere = "name its socket with --socket PATH, --config FILE or VODLIFT_SOCKET";
  switch (error_number) {
    case EACCES:
    case EPERM:
      return {fmt::format("The server's socket {} is closed to this user.", socket.string()),
              "Run the command as the user who runs the server: sudo -u vodlift vodlift doctor"};
    case ENOENT:
    case ENOTDIR:
      return {fmt::format("There is no socket {}: the server does not run, or listens elsewhere.", socket.string()),
              fmt::format("See why it ended (journalctl -u vodlift) and start it (systemctl start vodlift), or {}.",
                          kElsewhere)};
    case ECONNREFUSED:
      if (is_there_but_no_socket(socket)) {
        return {fmt::format("{} is no socket.", socket.string()), fmt::format("If the server runs, {}.", kElsewhere)};
      }
      return {fmt::format("Nobody listens at the socket {}: the server has ended.", socket.string()),
              "See why it ended (journalctl -u vodlift), and start it: systemctl start vodlift"};
    default:
      return {fmt::format("The socket {} cannot be reached: {}.", socket.string(), errno_text(error_number)),
              fmt::format("If the server listens elsewhere, {}.", kElsewhere)};
  }
}

void add_doctor_command(CLI::App& app, Session& session) {
  CLI::App* doctor =
      app.add_subcommand("doctor", "Report the state of server and machine, and what to do; holds no secret");
  session.attach(*doctor, [&session] { return run_doctor(session); });
}

}  // namespace vodlift::cli
