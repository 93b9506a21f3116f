#include "postgres/pg_server_check.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>

#include "base/log.h"

namespace vodlift::postgres {
namespace {

constexpr int kOldestServer = 150000;

Result<> refuse(const std::string& message, bool accept_unsafe) {
  if (!accept_unsafe) return Error{Errc::config_invalid, message + "; [store] accept_unsafe = true starts anyway"};
  log::warn("the database is used although it is not safe", {{"why", message}});
  return {};
}

std::string shown_setting(PgConnection& connection, std::string_view name) {
  return connection.execute(fmt::format("SHOW {}", name)).value_or("");
}

bool is_on_this_machine(std::string_view host) {
  return host.empty() || host.front() == '/' || host.front() == '@' || host == "localhost" || host == "127.0.0.1" ||
         host == "::1";
}

}  // namespace

Result<> check_server(PgConnection& connection, bool accept_unsafe) {
  const std::string version = shown_setting(connection, "server_version_num");
  const std::string encoding = shown_setting(connection, "server_encoding");
  const std::string fsync = shown_setting(connection, "fsync");
  const std::string pages = shown_setting(connection, "full_page_writes");
  const std::string commits = shown_setting(connection, "synchronous_commit");
  if (auto failure = connection.take_failure()) return failure->error;
  if (std::stoi("0" + version) < kOldestServer) {
    return Error{Errc::config_invalid,
                 fmt::format("the database server is PostgreSQL {}: 15 is the oldest that vodlift "
                             "works with",
                             std::stoi("0" + version) / 10000)};
  }
  if (encoding != "UTF8") {
    return Error{Errc::config_invalid, fmt::format("the database is in {}: make one with ENCODING 'UTF8'", encoding)};
  }
  if (fsync == "off" || pages == "off" || commits == "off") {
    return refuse(fmt::format("the database server has fsync = {}, full_page_writes = {}, synchronous_commit = {}: a "
                              "crash may lose uploads that were accepted",
                              fsync, pages, commits),
                  accept_unsafe);
  }
  return {};
}

Result<> check_encryption(const Secret& url, bool accept_unsafe) {
  char* failed = nullptr;
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(
      PQconninfoParse(std::string(url.reveal()).c_str(), &failed), PQconninfoFree);
  PQfreemem(failed);
  if (!options) return Error{Errc::config_invalid, "[store] url cannot be understood"};
  // What the URL leaves open comes from the environment.
  const auto value = [&](std::string_view keyword) -> std::string {
    for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
      if (keyword != option->keyword) continue;
      if (option->val != nullptr) return option->val;
      const char* set = option->envvar == nullptr ? nullptr : std::getenv(option->envvar);
      return set == nullptr ? "" : set;
    }
    return {};
  };
  if (value("sslmode") == "verify-full") return {};
  // A service may name any host.
  const std::string hosts =
      value("service").empty() ? value("host") + "," + value("hostaddr") : "that the service names";
  for (std::size_t at = 0; at <= hosts.size();) {
    const std::size_t end = std::min(hosts.find(',', at), hosts.size());
    const std::string_view host = std::string_view(hosts).substr(at, end - at);
    if (!is_on_this_machine(host)) {
      return refuse(fmt::format("the connection to the database server {} is not protected: add sslmode=verify-full to "
                                "[store] url",
                                host),
                    accept_unsafe);
    }
    at = end + 1;
  }
  return {};
}

}  // namespace vodlift::postgres
