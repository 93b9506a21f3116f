// The command line, and a daemon that answers what a test sets.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <utility>

#include "base/temporary_folder_test.h"
#include "cli/cli.h"
#include "net/http_server.h"

namespace vodlift::cli {

using boost::json::object;
using boost::json::value;

// What the fake daemon was asked, and the answers it gives in turn (the last one again and again).
class CliTest : public testing::Test {
 protected:
  void SetUp() override {
    socket_ = directory_ / "admin.sock";
    ::unsetenv("VODLIFT_SOCKET");
    const auto listening = server_.listen_unix(socket_);
    ASSERT_TRUE(listening) << listening.error().message;
    server_.start();
  }
  void TearDown() override { server_.stop(std::chrono::milliseconds(0)); }

  void answer(const value& data) { answers_.emplace_back(200, data); }
  void answer_list(const boost::json::array& objects) { answer({{"items", objects}, {"next", nullptr}}); }
  void refuse(const char* code, const char* detail) {
    answers_.emplace_back(400, object{{"code", code}, {"detail", detail}});
  }

  // Runs the program; what it printed is in out_ and err_.
  int run_without_socket(std::vector<std::string> words) {
    words.insert(words.begin(), "vodlift");
    std::vector<const char*> argv;
    for (const std::string& word : words) argv.push_back(word.c_str());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int exit_code = run(static_cast<int>(argv.size()), argv.data(), services_);
    out_ = testing::internal::GetCapturedStdout();
    err_ = testing::internal::GetCapturedStderr();
    return exit_code;
  }
  int run_with_socket(std::vector<std::string> words) {
    words.insert(words.end(), {"--socket", socket_.string()});
    return run_without_socket(std::move(words));
  }

  std::string write_file(const char* name, const std::string& text) {
    const auto path = directory_ / name;
    std::ofstream(path) << text;
    return path.string();
  }

  std::vector<std::string> asked() {
    const std::scoped_lock lock(mutex_);
    return asked_;
  }

  net::Response handle(const net::Request& request) {
    const std::scoped_lock lock(mutex_);
    asked_.push_back(request.method + " " + request.target + (request.body.empty() ? "" : " " + request.body));
    net::Response fixed;
    const auto page = pages_.find(request.target.substr(0, request.target.find('?')));
    if (page != pages_.end()) {
      fixed.status = page->second.first;
      fixed.body = page->second.second;
      return fixed;
    }
    const std::size_t turn = std::min(asked_.size(), answers_.size()) - 1;
    net::Response response;
    response.body = answers_.empty() ? "?" : boost::json::serialize(answers_[turn].second);
    if (!answers_.empty()) response.status = answers_[turn].first;
    return response;
  }

  const TemporaryFolder temporary_;
  const std::filesystem::path directory_ = temporary_.path();
  std::filesystem::path socket_;
  std::filesystem::path served_config_;
  object tried_;  // settings of a bucket
  RestoreRequest restored_;
  Result<RestoreReport> restore_outcome_{RestoreReport()};
  std::pair<std::filesystem::path, std::filesystem::path> migrated_;
  Result<std::vector<TableSum>> migrate_outcome_{std::vector<TableSum>()};
  Services services_{.serve =
                         [this](const std::filesystem::path& config) {
                           served_config_ = config;
                           return 7;
                         },
                     .init = [](const std::filesystem::path&) { return 8; },
                     .accept_loss = [](const std::filesystem::path&) { return 9; },
                     .restore = [this](const RestoreRequest& request) -> Result<RestoreReport> {
                       restored_ = request;
                       return restore_outcome_;
                     },
                     .migrate_store = [this](const std::filesystem::path& from, const std::filesystem::path& to,
                                             const CopyProgress&) -> Result<std::vector<TableSum>> {
                       migrated_ = {from, to};
                       return migrate_outcome_;
                     },
                     .check_audit = [](const std::filesystem::path& config,
                                       const std::string& kept) { return config == "x.toml" && kept == "ab" ? 10 : 0; },
                     .check_config = [](const std::filesystem::path& file) { return file == "x.toml" ? 11 : 0; },
                     .try_bucket = [this](const object& settings) -> Result<boost::json::value> {
                       tried_ = settings;
                       return boost::json::value(object{{"result", "FAIL"},
                                                        {"access_denied", true},
                                                        {"policy", "{a policy}\n"},
                                                        {"findings", boost::json::array{}}});
                     },
                     .admin_socket_of = [this](const std::filesystem::path& config) -> Result<std::filesystem::path> {
                       if (config == "good.toml") return socket_;
                       return Error{Errc::config_invalid, "the configuration has a fault:\nbad.toml:3: what"};
                     },
                     .database_of = [this](const std::filesystem::path& config) -> Result<std::filesystem::path> {
                       if (config == "good.toml") return directory_ / "vodlift.db";
                       return Error{Errc::not_found, "there is no such file"};
                     }};
  std::mutex mutex_;
  std::vector<std::string> asked_;
  std::vector<std::pair<int, value>> answers_;                // HTTP status and body
  std::map<std::string, std::pair<int, std::string>> pages_;  // the same of a path, whenever it is asked for
  net::HttpServer server_{
      "http",
      {},
      1,
      [this](const net::Request& request, const net::Responder& respond) { respond(handle(request)); },
      [](Errc, std::string_view) { return net::Response(); }};
  std::string out_;
  std::string err_;
};

// One page of a list of the REST API.
inline value page_of(const boost::json::array& items, const value& next) {
  return {{"items", items}, {"next", next}, {"complete", true}, {"searched_to", nullptr}};
}

}  // namespace vodlift::cli
