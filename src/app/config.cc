#include "app/config.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "app/config_alerts.h"
#include "app/config_reader.h"
#include "app/config_store.h"
#include "app/traces.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/near_miss.h"
#include "base/text.h"
#include "panel/front.h"

namespace vodlift::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFileBytes = std::size_t{1024} * 1024;
constexpr std::size_t kMaxSocketPathBytes = sizeof(sockaddr_un::sun_path) - 1;
constexpr std::size_t kMaxStorageNameBytes = 64;
constexpr std::size_t kMaxStorages = 1000;
constexpr std::size_t kMaxNetworks = 1000;
constexpr std::size_t kMaxPortRanges = 100;
constexpr std::int64_t kMaxConnections = 1000000;
constexpr std::int64_t kMaxRetentionDays = 36500;
// A request may be repeated for twice the window; its signature is remembered for an hour (worker/dispatcher.cc).
constexpr std::int64_t kMaxTimestampWindowSeconds = 900;
constexpr std::array<std::string_view, 14> kSections = {"server",    "store",    "storage", "worker", "litter",
                                                        "retention", "callback", "audit",   "log",    "limits",
                                                        "panel",     "metrics",  "alerts",  "traces"};

struct NamedLevel {
  std::string_view name;
  log::Level level;
};
constexpr std::array kLevels = {NamedLevel{"debug", log::Level::debug}, NamedLevel{"info", log::Level::info},
                                NamedLevel{"warn", log::Level::warn}, NamedLevel{"error", log::Level::error}};

fs::path absolute_to(const fs::path& directory, const std::string& text) {
  return (directory / fs::path(text)).lexically_normal();
}

bool is_listen_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view port = text.substr(colon + 1);
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc{} || end != port.data() + port.size() || number > 65535) return false;

  std::string host(text.substr(0, colon));
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    return ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
  }
  return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1;
}

// "8443" or "1024-65535"
std::optional<net::PortRange> parse_ports(std::string_view text) {
  const std::size_t dash = text.find('-');
  const std::string_view first = text.substr(0, dash);
  const std::string_view last = dash == std::string_view::npos ? first : text.substr(dash + 1);
  net::PortRange range;
  for (const auto& [digits, port] : {std::pair(first, &range.first), std::pair(last, &range.last)}) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), *port);
    if (!is_number(digits) || error != std::errc{} || *port < 1 || *port > 65535) return std::nullopt;
  }
  return range.first <= range.last ? std::optional(range) : std::nullopt;
}

bool is_storage_name(std::string_view name) {
  const auto inner = [](char c) { return is_lower(c) || is_digit(c) || c == '_' || c == '-'; };
  return !name.empty() && name.size() <= kMaxStorageNameBytes && is_lower(name.front()) &&
         std::ranges::all_of(name, inner);
}

// Judges the root table section by section; every step continues after a fault, so that all faults are reported
// together.
class ConfigJudge {
 public:
  ConfigJudge(const toml::table& root, const fs::path& file, ConfigFaults& faults)
      : root_(root), directory_(fs::absolute(file).parent_path()), faults_(faults) {}

  Config run() {
    refuse_unknown_sections();
    ConfigSection store = section("store");
    config_.store = read_store(store, directory_);  // first: the server's default paths lie in its folder
    read_server();
    read_storages();
    read_worker();
    read_litter();
    read_retention();
    read_callback();
    read_audit();
    read_limits();
    read_panel();
    read_metrics();
    ConfigSection alerts = section("alerts");
    config_.alerts = read_alerts(alerts, directory_);
    ConfigSection traces = section("traces");
    config_.traces = read_traces(traces, directory_);
    read_log();
    return std::move(config_);
  }

 private:
  ConfigSection section(std::string_view name) {
    const toml::node* node = root_.get(name);
    const toml::table* table = node == nullptr ? nullptr : node->as_table();
    if (node != nullptr && table == nullptr) {
      faults_.add(node->source().begin.line, fmt::format("{}: expected a section, written [{}]", name, name));
    }
    return {table, fmt::format("[{}]", name), faults_};
  }

  void refuse_unknown_sections() {
    for (const auto& [key, value] : root_) {
      if (std::ranges::find(kSections, key.str()) != kSections.end()) continue;
      const std::string_view meant = near_miss_of(key.str(), kSections);
      faults_.add(key.source().begin.line,
                  fmt::format("{}: unknown section; {}", printable(key.str(), 80),
                              meant.empty() ? fmt::format("the sections are: {}", fmt::join(kSections, ", "))
                                            : fmt::format("did you mean [{}]?", meant)));
    }
  }

  std::optional<fs::path> path(ConfigSection& section, std::string_view key) {
    const auto text = section.text(key);
    if (!text) return std::nullopt;
    if (text->empty()) {
      section.fault(key, "expected a path, found an empty string");
      return std::nullopt;
    }
    return absolute_to(directory_, *text);
  }

  std::vector<Network> networks(ConfigSection& section, std::string_view section_name, std::string_view key) {
    std::vector<Network> out;
    const auto items = section.texts(key);
    if (items.size() > kMaxNetworks) section.fault(key, fmt::format("{} at most", kMaxNetworks));
    for (const ConfigSection::Item& item : items) {
      if (const auto network = parse_network(item.text)) {
        out.push_back(*network);
      } else {
        faults_.add(item.line, fmt::format("[{}] {}: {}; expected networks such as \"10.0.0.0/8\" or \"fd00::/8\"",
                                           section_name, key, network.error().message));
      }
    }
    return out;
  }

  static std::optional<std::string> listen_address(ConfigSection& section) {
    auto text = section.text("listen");
    if (text && !is_listen_address(*text)) {
      section.fault("listen", fmt::format("expected \"ADDRESS:PORT\" with an IP address, such as \"127.0.0.1:8080\" "
                                          "or \"[::1]:8080\", found \"{}\"",
                                          printable(*text, 80)));
    }
    return text;
  }

  NodeRoles read_roles(ConfigSection& server) {
    NodeRoles roles{.api = false, .worker = false, .callback = false, .panel = false};
    const auto items = server.texts("roles");
    for (const ConfigSection::Item& item : items) {
      const auto row = std::ranges::find(kNodeRoleWords, std::string_view(item.text), &NodeRoleWord::word);
      if (row != kNodeRoleWords.end()) {
        roles.*row->role = true;
      } else {
        faults_.add(item.line,
                    fmt::format("[server] roles: expected \"api\", \"worker\", \"callback\" or \"panel\", found "
                                "\"{}\"",
                                printable(item.text, 64)));
      }
    }
    if (items.empty()) server.fault("roles", "expected one role at least, such as [\"api\", \"panel\"]");
    if (roles != NodeRoles{} && config_.store.url.empty()) {
      server.fault("roles",
                   "with [store] path this server is alone and does everything: leave roles out. Several nodes share a "
                   "database in PostgreSQL ([store] url)");
    }
    return roles;
  }

  void read_server() {
    ConfigSection server = section("server");
    Config::Server& out = config_.server;
    if (const auto address = listen_address(server)) out.listen = *address;
    if (server.has("roles")) out.roles = read_roles(server);
    if (const auto number = server.integer("threads", 1, 64)) out.threads = static_cast<int>(*number);
    if (const auto number = server.integer("connections", 1, kMaxConnections)) {
      out.connections = static_cast<int>(*number);
    }
    if (const auto number = server.integer("connections_per_address", 0, kMaxConnections)) {
      out.connections_per_address = static_cast<int>(*number);
    }
    out.trusted_proxies = networks(server, "server", "trusted_proxies");
    out.tls_certificate = path(server, "tls_certificate").value_or("");
    out.tls_key = path(server, "tls_key").value_or("");
    if (out.tls_certificate.empty() != out.tls_key.empty()) {
      server.fault(out.tls_key.empty() ? "tls_certificate" : "tls_key",
                   "tls_certificate and tls_key belong together: give both, or neither for plain HTTP");
    }
    const fs::path& folder = config_.store.folder;
    out.admin_socket = path(server, "admin_socket").value_or(folder / "admin.sock");
    out.master_key_file = path(server, "master_key_file").value_or(folder / "master.key");
    if (out.admin_socket.native().size() > kMaxSocketPathBytes) {
      server.fault("admin_socket", fmt::format("a Unix socket's path has {} bytes at most; give a shorter one than {}",
                                               kMaxSocketPathBytes, out.admin_socket.string()));
    }
    if (const auto seconds = server.integer("timestamp_window_s", 1, kMaxTimestampWindowSeconds)) {
      out.timestamp_window = std::chrono::seconds(*seconds);
    }
    server.refuse_unknown();
  }

  void read_storages() {
    const toml::node* node = root_.get("storage");
    if (node == nullptr && !config_.server.roles.worker) return;  // other nodes have them
    const toml::array* list = node == nullptr ? nullptr : node->as_array();
    if (list == nullptr || list->empty()) {
      faults_.add(node == nullptr ? 1 : node->source().begin.line,
                  "[[storage]]: required: one section or more, in double brackets, each with name and root");
      return;
    }
    if (list->size() > kMaxStorages) {
      faults_.add(list->source().begin.line, fmt::format("[[storage]]: {} at most", kMaxStorages));
      return;
    }
    for (const toml::node& element : *list) {
      if (const toml::table* table = element.as_table()) {
        read_storage(*table);
      } else {
        faults_.add(element.source().begin.line, "[[storage]]: expected sections with name and root");
      }
    }
  }

  void read_storage(const toml::table& table) {
    ConfigSection storage(&table, "[[storage]]", faults_);
    StorageConfig out;
    const auto name = storage.text("name");
    if (!table.contains("name"))
      storage.fault("name", "required: the first segment of source paths, such as \"sestore4\"");
    if (name && !is_storage_name(*name)) {
      storage.fault("name", fmt::format("expected a lower-case letter, then up to 63 of a-z 0-9 _ -, found \"{}\"",
                                        printable(*name, 80)));
    }
    if (name && std::ranges::find(config_.storages, *name, &StorageConfig::name) != config_.storages.end()) {
      storage.fault("name",
                    fmt::format("\"{}\" is the name of an earlier storage; give each its own", printable(*name, 80)));
    }
    if (!table.contains("root")) storage.fault("root", "required: the storage's directory, such as \"/mnt/sestore4\"");
    out.name = name.value_or("");
    out.root = path(storage, "root").value_or("");
    out.cross_mounts = storage.flag("cross_mounts").value_or(false);
    out.deny_hardlinks = storage.flag("deny_hardlinks").value_or(false);
    out.drain = storage.flag("drain").value_or(false);
    storage.refuse_unknown();
    config_.storages.push_back(std::move(out));
  }

  void read_worker() {
    ConfigSection worker = section("worker");
    if (const auto number = worker.integer("uploads", 1, 256)) config_.worker.uploads = static_cast<int>(*number);
    if (const auto number = worker.integer("parts_per_upload", 1, 64)) {
      config_.worker.parts_per_upload = static_cast<int>(*number);
    }
    if (const auto number = worker.integer("transfer_threads", 0, 64)) {
      config_.worker.transfer_threads = static_cast<int>(*number);
    }
    if (const auto number = worker.integer("turn_s", 1, 3600)) config_.worker.turn = std::chrono::seconds(*number);
    if (const auto number = worker.integer("source_quiet_s", 0, 3600)) {
      config_.worker.source_quiet = std::chrono::seconds(*number);
    }
    if (const auto number = worker.integer("source_wait_s", 0, 604800)) {
      config_.worker.source_wait = std::chrono::seconds(*number);
    }
    worker.refuse_unknown();
  }

  void read_litter() {
    ConfigSection litter = section("litter");
    Config::Litter& out = config_.litter;
    if (const auto number = litter.integer("retry_s", 1, 3600)) out.retry = std::chrono::seconds(*number);
    if (const auto number = litter.integer("grace_s", 1, 86400)) out.grace = std::chrono::seconds(*number);
    if (const auto number = litter.integer("give_up_days", 1, 90)) {
      out.give_up = std::chrono::days(static_cast<int>(*number));
    }
    litter.refuse_unknown();
  }

  void read_retention() {
    ConfigSection retention = section("retention");
    Config::Retention& out = config_.retention;
    const auto days = [&retention](std::string_view key, std::chrono::days usual) {
      const auto number = retention.integer(key, 0, kMaxRetentionDays);
      return number ? std::chrono::days(static_cast<int>(*number)) : usual;
    };
    out.ended = days("ended_days", std::chrono::days(0));
    out.completed = days("completed_days", out.ended);
    out.failed = days("failed_days", out.ended);
    out.cancelled = days("cancelled_days", out.ended);
    if (const auto text = retention.text("archive"); text && !text->empty())
      out.archive = absolute_to(directory_, *text);
    retention.refuse_unknown();
  }

  void read_callback() {
    ConfigSection callback = section("callback");
    config_.callback.allow_networks = networks(callback, "callback", "allow_networks");
    const auto ports = callback.texts("allow_ports");
    if (ports.size() > kMaxPortRanges) callback.fault("allow_ports", fmt::format("{} at most", kMaxPortRanges));
    for (const ConfigSection::Item& item : ports) {
      if (const auto range = parse_ports(item.text)) {
        config_.callback.allow_ports.push_back(*range);
      } else {
        faults_.add(item.line, fmt::format("[callback] allow_ports: {} is no port; expected ports and ranges such as "
                                           "\"8443\" or \"1024-65535\"",
                                           printable(item.text, 64)));
      }
    }
    if (const auto days = callback.integer("disable_after_days", 0, 365)) {
      config_.callback.disable_after = std::chrono::days(static_cast<int>(*days));
    }
    if (const auto number = callback.integer("per_receiver_per_s", 0, 100'000)) {
      config_.callback.per_receiver_per_s = static_cast<int>(*number);
    }
    callback.refuse_unknown();
  }

  void read_audit() {
    ConfigSection audit = section("audit");
    config_.audit.path = path(audit, "path").value_or(config_.store.folder / "audit.log");
    if (const auto number = audit.integer("max_mib", 1, 10240)) config_.audit.max_mib = static_cast<int>(*number);
    if (const auto number = audit.integer("keep", 0, 1000)) config_.audit.keep = static_cast<int>(*number);
    audit.refuse_unknown();
  }

  void read_limits() {
    ConfigSection limits = section("limits");
    Config::Limits& out = config_.limits;
    const auto read = [&limits](std::string_view key, int& value, std::int64_t min, std::int64_t max) {
      if (const auto number = limits.integer(key, min, max)) value = static_cast<int>(*number);
    };
    read("key_requests_per_s", out.key_requests_per_s, 0, 1'000'000);
    out.key_burst = std::max(out.key_requests_per_s, 1);
    read("key_burst", out.key_burst, 1, 1'000'000);
    read("failures_per_s", out.failures_per_s, 0, 10'000);
    read("failure_burst", out.failure_burst, 1, 1'000'000);
    read("memory_mib", out.memory_mib, 16, 65536);
    if (const auto most = limits.integer("open_uploads_per_account", 1, 1'000'000'000)) {
      out.open_uploads_per_account = *most;
    }
    limits.refuse_unknown();
  }

  void read_panel() {
    ConfigSection panel = section("panel");
    Config::Panel& out = config_.panel;
    const NodeRoles& roles = config_.server.roles;
    out.enabled = panel.flag("enabled").value_or(true) && roles.panel;
    if (const auto address = listen_address(panel)) {
      out.listen = *address;
      if (is_listen_address(*address) && !is_loopback(*address) && config_.server.tls_certificate.empty()) {
        panel.fault("listen",
                    "passwords would cross the network unencrypted: give [server] tls_certificate and tls_key, or "
                    "listen on loopback (127.0.0.1) behind a proxy that speaks TLS");
      }
    }
    if (const auto text = panel.text("url")) {
      out.url = *text;
      if (!panel::is_panel_url(*text)) {
        panel.fault("url", fmt::format("expected scheme and host, such as \"https://panel.example.com\", found \"{}\"",
                                       printable(*text, 80)));
      } else if (out.listen.empty()) {
        panel.fault("url", "a name of its own needs a listener of its own: give [panel] listen as well");
      }
    }
    if (out.enabled && !roles.api && out.listen.empty()) {
      panel.fault("listen", "required: without the role \"api\" there is no other listener for the panel");
    }
    panel.refuse_unknown();
  }

  void read_metrics() {
    ConfigSection metrics = section("metrics");
    if (const auto address = listen_address(metrics)) config_.metrics.listen = *address;
    metrics.refuse_unknown();
  }

  void read_log() {
    ConfigSection section_log = section("log");
    if (const auto format = section_log.text("format")) {
      if (*format == "json") config_.log.format = log::Format::json;
      if (*format != "json" && *format != "console") {
        section_log.fault("format",
                          fmt::format("expected \"console\" or \"json\", found \"{}\"", printable(*format, 80)));
      }
    }
    if (const auto level = section_log.text("level")) {
      const auto found = std::ranges::find(kLevels, *level, &NamedLevel::name);
      if (found == kLevels.end()) {
        section_log.fault("level", fmt::format("expected \"debug\", \"info\", \"warn\" or \"error\", found \"{}\"",
                                               printable(*level, 80)));
      } else {
        config_.log.level = found->level;
      }
    }
    section_log.refuse_unknown();
  }

  const toml::table& root_;
  const fs::path directory_;
  ConfigFaults& faults_;
  Config config_;
};

}  // namespace

bool is_loopback(std::string_view address) { return panel::is_loopback_name(address.substr(0, address.rfind(':'))); }

Result<Config> parse_config(std::string_view text, const fs::path& file) {
  ConfigFaults faults(file);
  const auto parsed = parse_toml(text);
  if (const auto* fault = std::get_if<TomlFault>(&parsed)) {
    faults.add(fault->line, fmt::format("not TOML: {}", printable(fault->what, 512)));
  } else {
    Config config = ConfigJudge(std::get<toml::table>(parsed), file, faults).run();
    config.file = fs::absolute(file);
    if (faults.empty()) return config;
  }
  return faults.error();
}

Result<Config> load_config(const fs::path& file) {
  auto text = read_small_file(file, kMaxFileBytes);
  if (!text) return with_context("the configuration", text.error());
  auto config = parse_config(*text, file);
  if (!config) return config;
  if (auto closed = check_password_is_closed(config->store, file); !closed) return closed.error();
  return config;
}

Result<fs::path> database_file_of(const fs::path& file) {
  auto config = load_config(file);
  if (!config) return config.error();
  if (config->store.url.empty()) return std::move(config->store.path);
  return Error{Errc::wrong_state, shown_database(config->store)};
}

Result<fs::path> admin_socket_of(const fs::path& file) {
  auto config = load_config(file);
  if (!config) return config.error();
  return std::move(config->server.admin_socket);
}

}  // namespace vodlift::app
