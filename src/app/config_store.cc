#include "app/config_store.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <array>

#include "base/text.h"
#include "postgres/pg_connection.h"

namespace vodlift::app {
namespace {

constexpr std::size_t kMaxNodeNameBytes = 255;

bool is_node_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNodeNameBytes && is_ascii(name) && !has_control(name);
}

// What only a database with several nodes has.
void read_shared(ConfigSection& section, const std::filesystem::path& directory, std::string url,
                 Config::Store& store) {
  const bool has_scheme = url.starts_with("postgresql://") || url.starts_with("postgres://");
  store.url = Secret(std::move(url));
  if (!has_scheme || !postgres::shown_url(store.url)) {
    section.fault("url",
                  "expected \"postgresql://USER@HOST:PORT/DATABASE?OPTIONS\"; characters of a name or a password that "
                  "have a meaning in a URL are written as %XX");
  }
  if (const auto folder = section.text("folder"); folder && !folder->empty()) {
    store.folder = (directory / std::filesystem::path(*folder)).lexically_normal();
  } else {
    section.fault("folder",
                  "required with url: the folder of this node's own files (master.key, admin.sock, audit.log), such as "
                  "\"/var/lib/vodlift\"");
  }
  if (const auto node = section.text("node")) {
    store.node = *node;
    if (!is_node_name(*node)) {
      section.fault("node", fmt::format("expected 1 to {} printable characters of ASCII", kMaxNodeNameBytes));
    }
  }
  if (const auto number = section.integer("connections", 2, 100)) store.connections = static_cast<int>(*number);
  store.accept_unsafe = section.flag("accept_unsafe").value_or(false);
}

void read_file(ConfigSection& section, const std::filesystem::path& directory, const std::optional<std::string>& path,
               Config::Store& store) {
  if (path && path->empty()) section.fault("path", "expected a path, found an empty string");
  if (!path || path->empty()) return;
  store.path = (directory / std::filesystem::path(*path)).lexically_normal();
  store.folder = store.path.parent_path();
}

}  // namespace

Config::Store read_store(ConfigSection& section, const std::filesystem::path& directory) {
  Config::Store store;
  const bool has_path = section.has("path");
  auto url = section.text("url");
  const auto path = section.text("path");
  if (has_path && section.has("url")) {
    section.fault("url",
                  "path and url exclude one another: path is an SQLite file of one server, url a PostgreSQL database "
                  "that several nodes may share");
  } else if (url) {
    read_shared(section, directory, std::move(*url), store);
  } else if (has_path) {
    read_file(section, directory, path, store);
    for (const std::string_view key : {"folder", "node", "connections", "accept_unsafe"}) {
      if (section.has(key)) section.fault(key, "belongs to a database in PostgreSQL (url)");
    }
  } else if (!section.has("url")) {
    section.fault("path", "required: the database file, such as \"/var/lib/vodlift/vodlift.db\"");
  }
  section.refuse_unknown();
  return store;
}

Result<> check_password_is_closed(const Config::Store& store, const std::filesystem::path& file) {
  if (!postgres::has_password(store.url)) return {};
  struct stat about {};
  if (::stat(file.c_str(), &about) != 0 || (about.st_mode & S_IRWXO) == 0) return {};
  return Error{Errc::config_invalid,
               fmt::format("{}: [store] url has a password, and everybody on this machine may read the file (mode "
                           "{:04o}): run chmod o= {}, or leave the password out and name a file with it: "
                           "?passfile=/etc/vodlift/pgpass",
                           file.string(), about.st_mode & 07777U, file.string())};
}

std::string shown_database(const Config::Store& store) {
  if (store.url.empty()) return store.path.string();
  return postgres::shown_url(store.url).value_or("postgresql://");
}

}  // namespace vodlift::app
