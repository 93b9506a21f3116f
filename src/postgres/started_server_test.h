// A real PostgreSQL server for the tests of one program, on a private Unix socket.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/secret.h"
#include "base/temporary_folder_test.h"
#include "postgres/pg_connection.h"

namespace vodlift::postgres {

// PostgreSQL 15 in a folder of its own. It keeps nothing safe from a crash, which makes it fast; what a test says on
// its command line comes on top. A server does not run as root: then it runs as the user postgres or nobody.
class StartedServer {
 public:
  // The one that the tests of this program share: started at the first call, stopped when the program ends.
  static StartedServer& shared() {
    static StartedServer server;
    return server;
  }

  explicit StartedServer(std::vector<std::string> more = {"-cfsync=off", "-csynchronous_commit=off"}) {
    if (::geteuid() == 0) {
      user_ = ::getpwnam("postgres");
      if (user_ == nullptr) user_ = ::getpwnam("nobody");
      if (user_ == nullptr || ::chown(folder_.path().c_str(), user_->pw_uid, user_->pw_gid) != 0) {
        throw std::runtime_error("no user for the database server");
      }
    }
    const int made = wait_for(spawn({program("initdb"), "-D", data(), "-A", "trust", "-U", "vodlift", "-E", "UTF8",
                                     "--locale=C", "--no-sync", "--no-instructions"}));
    if (made != 0) throw std::runtime_error("initdb failed: is the package postgresql-15 installed?");
    arguments_ = {program("postgres"),
                  "-D",
                  data(),
                  "-k",
                  folder_.path(),
                  "-clisten_addresses=",
                  "-cautovacuum=off",
                  "-cjit=off",
                  "-cmax_connections=200"};
    arguments_.insert(arguments_.end(), more.begin(), more.end());
    start();
  }
  // A standby of `primary`, which runs, on the same machine. It follows the primary's log.
  struct StandbyOf {
    const StartedServer& primary;
  };
  explicit StartedServer(StandbyOf of) : user_(of.primary.user_) {
    const StartedServer& primary = of.primary;
    if (user_ != nullptr && ::chown(folder_.path().c_str(), user_->pw_uid, user_->pw_gid) != 0) {
      throw std::runtime_error("no folder for the standby");
    }
    const int copied = wait_for(spawn({program("pg_basebackup"), "-D", data(), "-h", primary.folder_.path(), "-U",
                                       "vodlift", "-R", "-c", "fast", "-X", "stream"}));
    if (copied != 0) throw std::runtime_error("pg_basebackup failed");
    arguments_ = primary.arguments_;
    arguments_[2] = data();
    arguments_[4] = folder_.path();
    process_ = spawn(arguments_);
    const auto connection = PgConnection::open(primary.url_of("postgres"));
    for (int tries = 0; connection && (*connection)->execute("SELECT count(*) FROM pg_stat_replication") != "1";
         ++tries) {
      if (tries == 300) throw std::runtime_error("the standby does not follow");
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
  StartedServer(const StartedServer&) = delete;
  StartedServer& operator=(const StartedServer&) = delete;
  ~StartedServer() { stop(SIGINT); }

  // Starts it after stop().
  void start() {
    process_ = spawn(arguments_);
    for (int tries = 0; !PgConnection::open(url_of("postgres")); ++tries) {
      if (tries == 300) throw std::runtime_error("the database server does not start");
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }

  // SIGINT: in order, without waiting for clients; SIGQUIT: as a crash.
  void stop(int signal) {
    if (process_ <= 0) return;
    ::kill(process_, signal);
    wait_for(process_);
    process_ = 0;
  }

  // Makes a standby the primary.
  void promote() {
    const int done = wait_for(spawn({program("pg_ctl"), "promote", "-D", data(), "-s"}));
    if (done != 0) throw std::runtime_error("the standby is not promoted");
  }

  // A signal to the process that takes connections; the others go on.
  void send(int signal) const { ::kill(process_, signal); }

  [[nodiscard]] std::string folder() const { return folder_.path().string(); }

  // The name of a new database, without our schema.
  std::string make_database() {
    const std::string name = fmt::format("test{}", ++databases_);
    command(fmt::format("CREATE DATABASE {}", name));
    return name;
  }

  [[nodiscard]] Secret url_of(const std::string& database) const {
    return Secret(fmt::format("postgresql:///{}?host={}&user=vodlift", database, folder_.path().string()));
  }

 private:
  [[nodiscard]] std::string data() const { return folder_.file("data"); }
  static std::string program(const std::string& name) { return "/usr/lib/postgresql/15/bin/" + name; }

  void command(const std::string& sql) {
    auto connection = PgConnection::open(url_of("postgres"));
    if (!connection) throw std::runtime_error(connection.error().for_operator());
    (*connection)->execute(sql);
    if (const auto failure = (*connection)->take_failure()) throw std::runtime_error(failure->error.message);
  }

  pid_t spawn(const std::vector<std::string>& arguments) const {
    const pid_t child = ::fork();
    if (child < 0) throw std::runtime_error("no process for the database server");
    if (child > 0) return child;
    if (user_ != nullptr &&
        (::setgroups(0, nullptr) != 0 || ::setgid(user_->pw_gid) != 0 || ::setuid(user_->pw_uid) != 0)) {
      ::_exit(126);
    }
    ::prctl(PR_SET_PDEATHSIG, SIGQUIT);  // not longer than this program
    ::setpgid(0, 0);
    const int log = ::open(folder_.file("log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(log, 1);
    ::dup2(log, 2);
    std::vector<char*> words;
    words.reserve(arguments.size() + 1);
    for (const std::string& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    ::execv(words.front(), words.data());
    ::_exit(127);
  }

  static int wait_for(pid_t process) {
    int status = 0;
    while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  const TemporaryFolder folder_;
  const passwd* user_ = nullptr;
  std::vector<std::string> arguments_;
  pid_t process_ = 0;
  std::atomic<int> databases_{0};
};

}  // namespace vodlift::postgres
