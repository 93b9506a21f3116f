// The configuration file: what may stand in it, and how it is judged as a whole.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "base/network.h"
#include "base/secret.h"
#include "core/nodes.h"
#include "core/upload_decisions.h"
#include "net/address_guard.h"

namespace vodlift::app {

// One sestore: the first segment of a source path, and the directory it stands for.
struct StorageConfig {
  std::string name;
  std::filesystem::path root;
  bool cross_mounts = false;
  bool deny_hardlinks = false;
  bool drain = false;

  bool operator==(const StorageConfig&) const = default;
};

// A configuration without fault; all paths are absolute. docs/configuration.md describes every key.
struct Config {
  struct Server {
    std::string listen = "127.0.0.1:8080";  // "ADDRESS:PORT"; port 0: any free one
    NodeRoles roles;                        // all with SQLite; without `panel`, Panel::enabled is false
    int threads = 2;                        // 1..64, network threads of the public listener
    std::filesystem::path admin_socket;     // Unix socket, 107 bytes at most
    std::filesystem::path master_key_file;
    std::filesystem::path tls_certificate;  // PEM; empty: plain HTTP
    std::filesystem::path tls_key;          // set where the other is
    std::optional<int> connections;         // 1..1000000; none: 20000, or as many as there is room for
    int connections_per_address = 1000;     // 0..1000000; 0: any number
    std::vector<Network> trusted_proxies;
    std::chrono::seconds timestamp_window{300};  // 1..900, to both sides of the server's clock
  };
  // The database: a file of SQLite, or one in PostgreSQL that several nodes share.
  struct Store {
    std::filesystem::path path;    // of the file; empty: url is given
    Secret url;                    // "postgresql://…"; empty: path is given
    std::filesystem::path folder;  // of this node's own files: that of path, if that is given
    std::string node;              // its name among the nodes of the database; empty: the machine's
    int connections = 16;          // 2..100, of this node to the database
    bool accept_unsafe = false;    // postgres/pg_server_check.h
  };
  struct Worker {
    int uploads = 8;                          // 1..256
    int parts_per_upload = 4;                 // 1..64
    int transfer_threads = 0;                 // 0..64; 0: one for each core, 8 at most
    std::chrono::seconds turn{30};            // 1..3600
    std::chrono::seconds source_quiet{5};     // 0..3600; 0: sources are taken as they are
    std::chrono::seconds source_wait{86400};  // 0..604800
  };
  struct Litter {
    std::chrono::seconds retry{60};   // 1..3600
    std::chrono::seconds grace{600};  // 1..86400
    std::chrono::days give_up{14};    // 1..90
  };
  // How long uploads are kept after their end; 0: for ever.
  struct Retention {
    std::chrono::days ended{0};      // what the next three are where the file does not say
    std::chrono::days completed{0};  // each 0..36500
    std::chrono::days failed{0};
    std::chrono::days cancelled{0};
    std::filesystem::path archive;  // a folder, or its place; empty: none
  };
  struct Callback {
    std::vector<net::Network> allow_networks;
    std::vector<net::PortRange> allow_ports;
    std::chrono::days disable_after{5};  // 0..365; 0: never
    int per_receiver_per_s = 100;        // 0..100,000; 0: no limit
  };
  struct Audit {
    std::filesystem::path path;
    int max_mib = 64;  // 1..10240, of one file
    int keep = 15;     // 0..1000, older files in the same folder
  };
  struct Limits {
    int key_requests_per_s = 0;                                // 0..1,000,000; 0: no limit
    int key_burst = 0;                                         // 1..1,000,000; as many as a second's, if not given
    int failures_per_s = 10;                                   // 0..10,000; 0: no limit
    int failure_burst = 100;                                   // 1..1,000,000
    int memory_mib = 64;                                       // 16..65536, of requests and answers
    std::int64_t open_uploads_per_account = kMostOpenUploads;  // 1..1,000,000,000
  };
  // The Control Panel with the REST API, for people and programs.
  struct Panel {
    bool enabled = true;
    std::string listen;  // "ADDRESS:PORT"; empty: where the API listens if that is loopback, else nowhere
    std::string url;     // "https://panel.example.com", where people find it; empty: by the listener's address
  };
  // For monitoring systems and load balancers.
  struct Metrics {
    std::string listen;  // "ADDRESS:PORT"; empty: on the administration's socket alone
  };
  // Who is told unasked what needs a person.
  struct Alerts {
    std::vector<std::string> webhooks;  // URLs, 4 at most
    std::filesystem::path webhook_secret_file;
    std::string body = "json";               // alert::check_body() has passed it
    std::vector<std::string> command;        // a program with its whole path, and its arguments; empty: none
    std::chrono::seconds command_limit{30};  // 1..40
    std::chrono::hours repeat{4};            // 1..168
    std::chrono::seconds queue_age{3600};    // 1..604800
    std::int64_t disk_free_mib = 1024;       // 1..1,000,000,000
    std::optional<int> digest_minute;        // of the day, 0..1439; none: no digest
    std::string time_zone = "UTC";           // of the machine's database

    bool operator==(const Alerts&) const = default;
  };
  // A collector of OpenTelemetry that is told how long each step of an upload took.
  struct Traces {
    std::string url;                     // of OTLP over HTTP; empty: none
    std::filesystem::path headers_file;  // a "Name: value" in each line; empty: none
  };
  struct Log {
    log::Format format = log::Format::console;
    log::Level level = log::Level::info;
  };

  std::filesystem::path file;  // that it was read from
  Server server;
  Store store;
  std::vector<StorageConfig> storages;  // one at least for a worker, names unique
  Worker worker;
  Litter litter;
  Retention retention;
  Callback callback;
  Audit audit;
  Limits limits;
  Panel panel;
  Metrics metrics;
  Alerts alerts;
  Traces traces;
  Log log;
};

// Judges `text`; `file` is what faults name and what relative paths start from. Touches no file.
// Errors: config_invalid; the message lists every fault on a line of its own as "FILE:LINE: what: what is expected".
// A fault in TOML's own grammar is reported alone, because nothing after it can be read.
Result<Config> parse_config(std::string_view text, const std::filesystem::path& file);

// Reads and judges a configuration file of at most 1 MiB; one with a password must be closed to others. Errors:
// config_invalid, not_found, io_error.
Result<Config> load_config(const std::filesystem::path& file);

// Whether "ADDRESS:PORT" is reached from this host alone.
bool is_loopback(std::string_view address);

// The file of SQLite. Errors: as load_config(), wrong_state (it is in PostgreSQL; the message says where, without
// password).
Result<std::filesystem::path> database_file_of(const std::filesystem::path& file);

// Only [server] admin_socket of such a file, for programs that look for the daemon. Errors: as load_config().
Result<std::filesystem::path> admin_socket_of(const std::filesystem::path& file);

}  // namespace vodlift::app
