#include "app/server.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "alert/alert_watch.h"
#include "app/alert_source.h"
#include "app/capacity.h"
#include "app/config.h"
#include "app/metrics_page.h"
#include "app/monitoring_door.h"
#include "app/panel_door.h"
#include "app/process.h"
#include "app/reload.h"
#include "app/service_manager.h"
#include "app/stores.h"
#include "app/traces.h"
#include "audit/file_audit_log.h"
#include "audit/file_audit_reader.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread_pool.h"
#include "callback/http_callback_sender.h"
#include "core/callback_tester.h"
#include "core/key_usage.h"
#include "core/removals.h"
#include "core/statistics_collector.h"
#include "core/upload_intake.h"
#include "legacy/reply.h"
#include "legacy/router.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "rest/gate.h"
#include "rest/rest_api.h"
#include "s3/aws_credential_loader.h"
#include "s3/credential_cache.h"
#include "s3/endpoint_state.h"
#include "s3/s3_bucket_doctor.h"
#include "s3/s3_object_store.h"
#include "storage/confined_storages.h"
#include "store/argon2_hasher.h"
#include "worker/callback_run.h"
#include "worker/dispatcher.h"
#include "worker/multipart_reaper.h"
#include "worker/retention_run.h"

namespace vodlift::app {
namespace {

using std::chrono::seconds;

constexpr int kExitFailed = 1;
constexpr int kExitConfigInvalid = 2;

constexpr std::size_t kBlockingThreads = 8;
constexpr std::size_t kBlockingQueue = 4096;
// Of these threads, one account has fewer than the database has readers, so that it can take neither all of.
constexpr std::size_t kBlockingThreadsOfOne = 3;
constexpr std::size_t kAdminThreads = 4;
constexpr std::size_t kAdminQueue = 256;
// Fewer than the database has readers.
constexpr std::size_t kPanelThreads = 3;
constexpr std::size_t kPanelThreadsOfOne = 2;
constexpr std::size_t kPanelQueue = 256;
constexpr std::size_t kOutsideThreads = 4;
constexpr std::size_t kOutsideQueue = 16;
// Each needs 64 MiB meanwhile (store/argon2_hasher.h); as many as SignIn::Limits has.
constexpr std::size_t kHashesAtOnce = 2;
constexpr std::size_t kSignInQueue = 16;  // two seconds' worth or so
constexpr std::size_t kCredentialConnections = 8;

// How long each step of the stop may take; with the 15 s of a callback under way the sum stays below the whole.
constexpr seconds kPublicGrace{3};
constexpr seconds kAdminGrace{1};
constexpr seconds kWorkerGrace{8};
constexpr seconds kStorageGrace{1};
constexpr seconds kStopDeadline{30};

constexpr seconds kClockLook{1};
constexpr seconds kClockAlertLasts{1800};  // how long it is open that the clock was set
constexpr seconds kBeatEvery{60};          // how often the node records that it is alive
constexpr seconds kRemovalsEvery{2};       // how often it is looked whether removals can be finished
constexpr seconds kUsageEvery{60};         // how often it is written when keys were used
constexpr seconds kStatisticsEvery{10};    // how often they are written
constexpr seconds kStatusEvery{10};        // how often systemd is told what goes on
constexpr seconds kLimitsEvery{10};        // how often bandwidth limits are read that other nodes may have set
constexpr int kLooksForACertificate = 10;  // of those

std::vector<storage::StorageRoot> roots_of(const Config& config) {
  std::vector<storage::StorageRoot> roots;
  for (const StorageConfig& one : config.storages)
    roots.push_back({one.name, one.root.string(), one.cross_mounts, one.deny_hardlinks, one.drain});
  return roots;
}

std::vector<std::string> names_of(const std::vector<StorageConfig>& storages) {
  std::vector<std::string> names;
  names.reserve(storages.size());
  for (const StorageConfig& one : storages) names.push_back(one.name);
  return names;
}

worker::Options worker_options(const Config::Worker& worker) {
  worker::Options options;
  options.uploads = worker.uploads;
  options.parts_per_upload = worker.parts_per_upload;
  options.turn = worker.turn;
  options.readiness = {worker.source_quiet, worker.source_wait};
  return options;
}

worker::RetentionOptions retention_options(const Config::Retention& retention) {
  worker::RetentionOptions options;
  options.completed = retention.completed;
  options.failed = retention.failed;
  options.cancelled = retention.cancelled;
  options.archive = retention.archive;
  return options;
}

std::size_t transfer_threads(const Config& config) {
  constexpr unsigned kMostByDefault = 8;
  if (!config.server.roles.worker) return 1;
  if (config.worker.transfer_threads > 0) return static_cast<std::size_t>(config.worker.transfer_threads);
  return std::clamp(std::thread::hardware_concurrency(), 1U, kMostByDefault);
}

// For its requests that may block; lists are the dearest of them.
double processors_of_one_account() {
  constexpr double kShare = 0.125;
  return kShare * std::max(std::thread::hardware_concurrency(), 1U);
}

// Half of them; a batch of files is the dearest request.
double processors_of_one_caller() { return 0.5 * std::max(std::thread::hardware_concurrency(), 1U); }

net::HttpServerLimits admin_limits() {
  net::HttpServerLimits limits;
  limits.streams = 128;
  limits.connections = 64 + limits.streams;
  return limits;
}

std::size_t memory_bytes(const Config::Limits& limits) {
  return static_cast<std::size_t>(limits.memory_mib) * 1024 * 1024;
}

net::HttpServerLimits public_limits(const Config& config, std::size_t connections) {
  net::HttpServerLimits limits;
  limits.connections = connections;
  limits.connections_per_address = static_cast<std::size_t>(config.server.connections_per_address);
  limits.memory_bytes = memory_bytes(config.limits);
  return limits;
}

rest::Gate::Options gate_options(const Config& config) {
  rest::Gate::Options options;
  options.secure = !config.server.tls_certificate.empty() || config.panel.url.starts_with("https:");
  options.origin = config.panel.url;
  return options;
}

// What was told is kept there, over restarts.
std::filesystem::path alerts_file(const Config::Store& store) {
  if (store.path.empty()) return store.folder / "vodlift.alerts";
  return store.path.string() + ".alerts";
}

worker::ReaperOptions reaper_options(const Config::Litter& litter) {
  return {litter.retry, litter.grace, litter.give_up};
}

legacy::Options router_options(const Config& config) {
  return {config.server.timestamp_window,
          {config.limits.key_requests_per_s, config.limits.key_burst},
          {config.limits.failures_per_s, config.limits.failure_burst}};
}

// Why no callback may go to a host and port.
UploadIntake::HostRefusal refusals_of(std::shared_ptr<const net::AddressGuard> guard) {
  return [guard = std::move(guard)](const std::string& host, int port) {
    auto refusal = guard->port_refusal(port);
    return refusal ? refusal : guard->literal_refusal(host);
  };
}

// The sockets that systemd holds and passed on; one that is not valid was not.
struct PassedSockets {
  UniqueFd api;
  UniqueFd panel;
  UniqueFd metrics;
};

// Takes the sockets that were passed on. The configuration says their addresses from then on, for what is served where
// depends on it. Errors: config_invalid.
Result<PassedSockets> take_sockets(ServiceManager& manager, Config& config) {
  PassedSockets sockets;
  struct Row {
    std::string_view name;
    UniqueFd& socket;
    std::string& listen;
  };
  for (const Row& one :
       {Row{"api", sockets.api, config.server.listen}, Row{"panel", sockets.panel, config.panel.listen},
        Row{"metrics", sockets.metrics, config.metrics.listen}}) {
    one.socket = manager.take_socket(one.name);
    if (!one.socket.valid()) continue;
    auto address = net::listening_address(one.socket);
    if (!address) return with_context(fmt::format("socket {}", one.name), address.error());
    one.listen = std::move(*address);
  }
  if (const std::string left = manager.sockets_left(); !left.empty()) {
    return Error{
        Errc::config_invalid,
        fmt::format("sockets of unknown names were passed on: {}; FileDescriptorName= is one of api, panel, metrics",
                    left)};
  }
  if (sockets.api.valid() && !config.server.roles.api) {
    return Error{
        Errc::config_invalid,
        "socket api was passed on, but [server] roles has no \"api\": disable the unit vodlift.socket, or add the "
        "role"};
  }
  if (sockets.panel.valid() && !is_loopback(config.panel.listen) && config.server.tls_certificate.empty()) {
    return Error{
        Errc::config_invalid,
        "socket panel: passwords would cross the network unencrypted: give [server] tls_certificate and tls_key"};
  }
  return sockets;
}

// All that runs, each member built from those above it and gone before them.
class Server {
 public:
  // `connections` of clients.
  Server(const Config& config, std::size_t connections, Stores stores, std::unique_ptr<audit::FileAuditLog> audit,
         alert::Options alerts, telemetry::Collector collector, const Clock& clock, const Build& build)
      : config_(config),
        about_{std::string(build.version), config.server.roles},
        stores_(std::move(stores)),
        audit_(std::move(audit)),
        audit_lines_(config.audit.path, config.audit.keep),
        storages_(roots_of(config)),
        guard_(std::make_shared<net::AddressGuard>(config.callback.allow_networks, config.callback.allow_ports)),
        environment_(s3::AwsEnvironment::of_process()),
        credentials_client_("credentials-net", kCredentialConnections),
        credential_loader_(credentials_client_, environment_, clock),
        credentials_(credential_loader_, clock),
        s3_client_("s3-http", s3_connections(config.worker), transfer_threads(config)),
        callback_client_("callback-http", worker::CallbackPlaces::kAll),
        bandwidth_(clock, std::chrono::steady_clock::now,
                   stores_.bandwidth_shares ? Bandwidth::Renew([this] { renew_shares_soon(); }) : nullptr),
        bandwidth_control_(*stores_.bandwidth_limits, bandwidth_, names_of(config.storages)),
        objects_(s3_client_, credentials_, environment_, bandwidth_, clock, endpoints_),
        doctor_(credentials_client_, credentials_, environment_, clock, endpoints_),
        callbacks_(callback_client_, guard_, clock),
        reaper_(*stores_.ledger, *stores_.accounts, objects_, reaper_options(config.litter)),
        retention_(*stores_.retention, clock, retention_options(config.retention)),
        disabled_(config.callback.disable_after),
        callback_run_(*stores_.callbacks, *stores_.feed, *stores_.accounts, callbacks_, disabled_),
        collector_(*stores_.statistics),
        spans_(std::move(collector)),
        dispatcher_(
            {*stores_.queue, *stores_.journal, *stores_.feed, *stores_.accounts, storages_, objects_, clock,
             &collector_, &spans_,
             stores_.bandwidth_shares ? worker::AccountPlaces::Renew([this] { renew_shares_soon(); }) : nullptr},
            worker_options(config.worker)),
        settings_(config, {check_room, [this] { return use_certificates(); },
                           [this](const std::string& storage) { return unfinished_on(storage); },
                           [this](const Config& next) { return use(next); },
                           [this](alert::Options fresh) { alerts_.use(std::move(fresh)); },
                           [this](telemetry::Collector fresh) { spans_.use(std::move(fresh)); }}),
        blocking_("requests", kBlockingThreads, kBlockingQueue),
        fair_blocking_(blocking_, {kBlockingThreadsOfOne, processors_of_one_account()}, kBlockingQueue),
        admin_blocking_("admin-requests", kAdminThreads, kAdminQueue),
        panel_blocking_("panel-requests", kPanelThreads, kPanelQueue),
        fair_panel_(panel_blocking_, {kPanelThreadsOfOne, processors_of_one_caller()}, kPanelQueue),
        sign_in_blocking_("sign-in", kHashesAtOnce, kSignInQueue),
        outside_blocking_("panel-outside", kOutsideThreads, kOutsideQueue),
        sources_(stores_.all_storages ? stores_.all_storages(storages_) : nullptr),
        intake_(*stores_.accounts, all_storages(), refusals_of(guard_)),
        callback_tester_(*stores_.accounts, callbacks_, clock, refusals_of(guard_)),
        alerts_({[this, &clock](const alert::Thresholds& limits) {
                   return find_alerts(rest_context(admin_blocking_, clock), limits);
                 },
                 [this, &clock] { return last_day(rest_context(admin_blocking_, clock)); }, clock,
                 std::chrono::steady_clock::now, alerts_file(config.store)},
                std::move(alerts)),
        attention_(
            [this, &clock](auto views) { return rest::find_needs(rest_context(admin_blocking_, clock), views); }),
        events_({*stores_.feed, *stores_.uploads, *stores_.callback_history, collector_, attention_, clock}),
        sign_in_(*stores_.people, *stores_.sessions, hasher_, std::chrono::steady_clock::now),
        rest_(rest_context(admin_blocking_, clock)),
        panel_rest_(rest_context(panel_blocking_, clock)),
        gate_(panel_rest_, *stores_.sessions, {panel_blocking_, sign_in_blocking_, outside_blocking_, fair_panel_},
              gate_options(config)),
        removals_(*stores_.accounts, *stores_.uploads, bandwidth_control_, *audit_, clock),
        usage_(*stores_.accounts),
        router_(*stores_.accounts, usage_, *stores_.uploads, all_storages(), intake_, clock, fair_blocking_, *audit_,
                router_options(config)),
        admin_server_(
            "admin-http", admin_limits(), 1,
            [this](net::Request request, net::Responder respond) {
              if (MonitoringDoor::takes(request)) return monitoring_.handle(request, std::move(respond));
              rest_.handle({socket_principal()}, std::move(request), std::move(respond));
            },
            rest::RestApi::fault),
        panel_door_(config, [this](net::Request request,
                                   net::Responder respond) { gate_.handle(std::move(request), std::move(respond)); }),
        public_server_(
            "http", public_limits(config, connections), static_cast<std::size_t>(config.server.threads),
            [this](net::Request request, net::Responder respond) {
              if (panel_door_.takes(request)) return panel_door_.handle(std::move(request), std::move(respond));
              router_.handle(std::move(request), std::move(respond));
            },
            legacy::fault, config.server.trusted_proxies),
        metrics_context_(rest_context(admin_blocking_, clock)),
        metrics_({metrics_context_,
                  collector_,
                  router_.metrics(),
                  dispatcher_,
                  callback_run_,
                  retention_,
                  endpoints_,
                  *stores_.engine,
                  spans_,
                  {{"api", public_server_}, {"administration", admin_server_}}},
                 build),
        monitoring_(config.metrics.listen, metrics_, *stores_.monitor) {}
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() { stop(); }

  // All addresses are taken before any work begins, so that a failure leaves nothing half done.
  Result<> start(PassedSockets sockets) {
    if (auto listening = admin_server_.listen_unix(config_.server.admin_socket.string()); !listening) {
      return with_context("[server] admin_socket", listening.error());
    }
    if (roles().api && has_tls()) {
      auto tls = public_server_.use_tls(config_.server.tls_certificate.string(), config_.server.tls_key.string());
      if (!tls) return with_context("[server] tls_certificate and tls_key", tls.error());
    }
    Result<> listening;
    if (roles().api) {
      listening = sockets.api.valid() ? public_server_.adopt(std::move(sockets.api))
                                      : public_server_.listen(config_.server.listen);
    }
    if (!listening) return with_context("[server] listen", listening.error());
    if (listening = panel_door_.listen(std::move(sockets.panel)); !listening)
      return with_context("[panel] listen", listening.error());
    if (listening = monitoring_.listen(std::move(sockets.metrics)); !listening) {
      return with_context("[metrics] listen", listening.error());
    }
    if (auto loaded = bandwidth_control_.load(); !loaded) return with_context("bandwidth limits", loaded.error());
    for (const StorageInfo& one : storages_.list()) {
      if (!one.available) log::warn("a storage is not available; its uploads wait", {{"storage", one.name}});
    }
    if (auto told = tell_storages(names_of(config_.storages)); !told) return told;
    spans_.start();
    if (roles().worker) dispatcher_.start();
    callback_run_.use(config_.callback.per_receiver_per_s);
    if (roles().callback) callback_run_.start();
    if (roles().worker) reaper_.start();
    retention_.start();
    stores_.engine->start();
    attention_.start();
    events_.start();
    alerts_.start();
    admin_server_.start();
    panel_door_.start();
    if (roles().api) public_server_.start();
    monitoring_.start();
    return {};
  }

  // To be called every second or so, from one thread.
  void tick() {
    const auto now = std::chrono::steady_clock::now();
    monitoring_.tick();
    stop_if_outdated();
    if (now >= beat_due_ && admin_blocking_.post([this] { beat(); })) beat_due_ = now + kBeatEvery;
    if (now >= status_due_ && admin_blocking_.post([this] { tell_status(); })) status_due_ = now + kStatusEvery;
    if (stores_.accounts->is_behind()) (void)admin_blocking_.post([this] { refresh_accounts(); });
    if (now >= removals_due_ && admin_blocking_.post([this] { removals_.sweep(); })) {
      removals_due_ = now + kRemovalsEvery;
    }
    if (now >= statistics_due_ && admin_blocking_.post([this] { write_statistics(); })) {
      statistics_due_ = now + kStatisticsEvery;
    }
    if (stores_.bandwidth_shares) renew_shares_soon();
    const bool limits_due = stores_.engine->is_shared() && now >= limits_due_;
    if (limits_due && admin_blocking_.post([this] { load_limits(); })) limits_due_ = now + kLimitsEvery;
    if (now < usage_due_) return;
    // A full pool: with the next tick then.
    if (admin_blocking_.post([this] { write_usage(); })) usage_due_ = now + kUsageEvery;
  }

  // May be called twice. False when a storage hangs: threads that wait for it then use this as long as the process
  // lasts.
  bool stop() {
    (void)admin_blocking_.post([this] { tell_draining(); });
    monitoring_.begin_stop();
    public_server_.stop(kPublicGrace);
    panel_door_.stop(kAdminGrace);
    stores_.engine->stop_backups();  // its client hears of it
    admin_server_.stop(kAdminGrace);
    monitoring_.stop(kAdminGrace);
    callback_tester_.stop();
    alerts_.stop();
    fair_blocking_.hurry();
    blocking_.stop();
    sign_in_blocking_.stop();
    outside_blocking_.stop();
    fair_panel_.hurry();
    panel_blocking_.stop();
    admin_blocking_.stop();
    events_.stop();
    attention_.stop();
    write_usage();
    dispatcher_.stop(kWorkerGrace);
    write_statistics();
    spans_.stop();
    callback_run_.stop();
    reaper_.stop();
    retention_.stop();
    stores_.engine->stop();
    callback_client_.stop();
    s3_client_.stop();
    credentials_.stop();
    // Answers to inserts under way reach into the router and the administration.
    stores_.engine->drain();
    (void)stores_.nodes->leave(stores_.self);
    sources_.reset();  // nobody calls the intake any more
    // Reads that end late still call into the transfers' client.
    return storages_.stop_within(kStorageGrace);
  }

  // After stop(), whose threads are the last to use it: nothing of this may be called any more. The file is whole
  // without its log then.
  void close_database() { stores_.engine.reset(); }

  [[nodiscard]] const NodeRoles& roles() const { return config_.server.roles; }
  // Of the API, where the node has that role. After start().
  [[nodiscard]] std::string address() const { return public_server_.address(); }
  // After start().
  [[nodiscard]] std::string api_url() const { return fmt::format("{}://{}", has_tls() ? "https" : "http", address()); }
  // Empty: the Control Panel is not served.
  [[nodiscard]] std::string panel_url() const { return panel_door_.url(address()); }
  // Empty: only the administration's socket has them. After start().
  [[nodiscard]] std::string metrics_url() const {
    const std::string own = monitoring_.address();
    return own.empty() ? own : fmt::format("http://{}/metrics", own);
  }
  // Where the first admin chooses a name and a password. Empty: there is an admin, or no panel. Errors: store_failed.
  Result<Secret> set_up_url() {
    const std::string panel = panel_url();
    if (panel.empty()) return Secret();
    const auto link = first_admin_link(*stores_.people);
    if (!link) return link.error();
    // Behind #, where no browser sends it to a server and no log has it.
    return *link ? Secret(fmt::format("{}setup#{}", panel, (*link)->reveal())) : Secret();
  }
  [[nodiscard]] bool has_tls() const { return !config_.server.tls_certificate.empty(); }

  void reload_certificate() {
    if (auto loaded = use_certificates(); !loaded) {
      return log::error("the certificate was not read again; the one before stays in use",
                        {{"why", loaded.error().for_operator()}});
    }
    log::info("the certificate was read again", {{"certificate", config_.server.tls_certificate.string()}});
  }

  [[nodiscard]] seconds timestamp_window() const { return router_.timestamp_window(); }

  void tell_clock_step(std::chrono::milliseconds step, WallTime now) {
    alerts_.note(clock_stepped(step, now), kClockAlertLasts);
  }

  // Blocks for the disk. What is wrong with the files is told once, with every fault, and changes nothing.
  void reload_settings() {
    if (auto done = settings_.reload(); !done) {
      log::error("the settings were not read again; those before stay in use", {{"why", done.error().for_operator()}});
    }
  }

 private:
  Storages& all_storages() { return sources_ ? *sources_ : storages_; }

  rest::Context rest_context(ThreadPool& pool, const Clock& clock) {
    return {*stores_.accounts,
            *stores_.uploads,
            all_storages(),
            intake_,
            clock,
            *audit_,
            audit_lines_,
            doctor_,
            {environment_.endpoint("S3"), environment_.region()},
            *stores_.ledger,
            bandwidth_control_,
            *stores_.attempt_history,
            *stores_.callback_history,
            disabled_,
            callback_tester_,
            *stores_.statistics,
            events_,
            *stores_.people,
            *stores_.sessions,
            sign_in_,
            *stores_.monitor,
            *stores_.nodes,
            stores_.self,
            settings_,
            alerts_,
            stores_.engine->backups(),
            [this] { return config_.panel.listen.empty() || !roles().api ? std::string() : api_url(); },
            [this] { return panel_door_.known_url(address()); },
            [this] { return public_server_.load(); },
            pool};
  }

  Result<> use_certificates() {
    if (!has_tls()) return {};
    if (auto loaded = roles().api ? public_server_.reload_certificate() : Result<>(); !loaded) return loaded;
    return panel_door_.reload_certificate();
  }

  [[nodiscard]] static Result<> check_room(const Config& next) {
    if (auto fits = client_connections(next, open_files_limit()); !fits) return fits.error();
    return {};
  }

  // What the node has decides what it is offered. It is told before it is used, so that nothing is taken for gone.
  Result<> tell_storages(std::vector<std::string> storages) {
    const std::lock_guard lock(about_mutex_);
    if (told_ && storages == about_.storages) return {};
    NodeAbout about = about_;
    about.storages = std::move(storages);
    return tell(std::move(about));
  }

  std::vector<std::string> told_storages() {
    const std::lock_guard lock(about_mutex_);
    return about_.storages;
  }

  void tell_draining() {
    const std::lock_guard lock(about_mutex_);
    if (!told_ || about_.draining) return;
    NodeAbout about = about_;
    about.draining = true;
    (void)tell(std::move(about));
  }

  // With the lock.
  Result<> tell(NodeAbout about) {
    if (auto told = stores_.nodes->describe(stores_.self, about); !told) return told;
    about_ = std::move(about);
    told_ = true;
    return {};
  }

  Result<> use(const Config& next) {
    std::vector<std::string> before = told_storages();
    if (auto told = tell_storages(names_of(next.storages)); !told) return told;
    if (auto used = storages_.use(roots_of(next)); !used) {
      (void)tell_storages(std::move(before));
      return used;
    }
    bandwidth_control_.use_storages(names_of(next.storages));
    s3_client_.use_connections(s3_connections(next.worker));
    if (roles().worker) dispatcher_.use(worker_options(next.worker));
    reaper_.use(reaper_options(next.litter));
    retention_.use(retention_options(next.retention));
    guard_->use(next.callback.allow_networks, next.callback.allow_ports);
    disabled_.use(next.callback.disable_after);
    callback_run_.use(next.callback.per_receiver_per_s);
    router_.use(router_options(next));
    stores_.engine->limit_open_uploads(next.limits.open_uploads_per_account);
    public_server_.limit_memory(memory_bytes(next.limits));
    public_server_.trust(next.server.trusted_proxies);
    // Where the file does not say the number, it is what other work leaves.
    if (const auto clients = client_connections(next, open_files_limit())) public_server_.limit_connections(*clients);
    panel_door_.trust(next.server.trusted_proxies);
    return {};
  }

  // Reload::kMostCounted at most; none where another node, which runs, takes them.
  Result<int> unfinished_on(const std::string& storage) {
    const auto nodes = stores_.nodes->list();
    if (!nodes) return nodes.error();
    const auto takes_them = [&](const NodeInfo& node) {
      return node.self.node != stores_.self.node && node.state == NodeState::alive && node.about.roles.worker &&
             std::ranges::find(node.about.storages, storage) != node.about.storages.end();
    };
    if (std::ranges::any_of(*nodes, takes_them)) return 0;
    UploadSearch search;
    search.filter.states = {UploadState::queued, UploadState::paused, UploadState::uploading};
    search.filter.storage = storage;
    search.limit = 100;
    int count = 0;
    do {
      const auto page = stores_.uploads->search(search);
      if (!page) return page.error();
      count += static_cast<int>(page->uploads.size());
      search.before = page->next;
    } while (search.before != 0 && count < Reload::kMostCounted);
    return std::min(count, Reload::kMostCounted);
  }

  void stop_if_outdated() {
    const auto why = outdated_ ? std::nullopt : stores_.engine->outdated();
    if (!why) return;
    outdated_ = true;
    log::error("this version cannot use the database any more, so it stops; upgrade this node",
               {{"why", why->for_operator()}});
    ::kill(::getpid(), SIGTERM);
  }

  void beat() {
    auto beaten = stores_.nodes->beat(stores_.self);
    if (!beaten && beaten.error().code == Errc::lease_lost) {
      log::error("another process uses this node's name, so this one stops; give each node its own: [store] node",
                 {{"error", beaten.error().for_operator()}});
      ::kill(::getpid(), SIGTERM);
      return;
    }
    if (!beaten) {
      log::warn("could not record that this node is alive; it is tried again",
                {{"error", beaten.error().for_operator()}});
    }
    // By a clock that was wrong for a moment, too: nobody may have seen that.
    if (auto shortened = shorten_waits(stores_); !shortened) {
      log::warn("waits that are too long cannot be shortened; it is tried again",
                {{"error", shortened.error().message}});
    }
  }

  void load_limits() {
    if (auto loaded = bandwidth_control_.load(); !loaded) {
      log::warn("could not read the bandwidth limits; those before stay", {{"error", loaded.error().for_operator()}});
    }
  }

  // One renewal at a time. Any thread; does not block.
  void renew_shares_soon() {
    if (renewing_shares_.exchange(true)) return;
    if (!admin_blocking_.post([this] { renew_shares(); })) renewing_shares_ = false;
  }

  void renew_shares() {
    const std::unique_ptr<std::atomic<bool>, void (*)(std::atomic<bool>*)> done(
        &renewing_shares_, [](std::atomic<bool>* renewing) { *renewing = false; });
    const auto renewed =
        bandwidth_control_.renew(*stores_.bandwidth_shares, stores_.self, dispatcher_.wishes_for_accounts());
    if (renewed) dispatcher_.grant_to_accounts(renewed->shares, renewed->until);
    if (!renewed && shares_renewed_) {
      log::warn("this node's shares of limits cannot be renewed; it is tried again",
                {{"error", renewed.error().for_operator()}});
    }
    shares_renewed_ = renewed.has_value();
  }

  void refresh_accounts() {
    if (auto loaded = stores_.accounts->refresh(); !loaded) {
      log::warn("could not load accounts that have changed; it is tried again",
                {{"error", loaded.error().for_operator()}});
    }
  }

  void write_usage() {
    if (auto written = usage_.flush(); !written) {
      log::warn("could not write when API keys were used; it is tried again",
                {{"error", written.error().for_operator()}});
    }
  }

  void write_statistics() {
    if (auto written = collector_.flush(); !written) {
      log::warn("could not write statistics; it is tried again", {{"error", written.error().for_operator()}});
    }
  }

  // A line for `systemctl status`.
  void tell_status() {
    const auto counts = stores_.uploads->counts();
    if (!counts) return ServiceManager::status("the database cannot be read: " + counts.error().for_operator());
    std::int64_t running = 0;
    std::int64_t waiting = 0;
    for (const UploadCount& one : *counts) {
      if (one.state == UploadState::uploading) running += one.uploads;
      if (one.state == UploadState::queued) waiting += one.uploads;
    }
    const auto reasons = not_ready_for(stores_.monitor->look(), false);
    ServiceManager::status(fmt::format("{} running, {} waiting{}{}", running, waiting,
                                       reasons.empty() ? "" : "; NOT READY: ", fmt::join(reasons, "; ")));
  }

  const Config& config_;
  std::mutex about_mutex_;  // guards the next two
  NodeAbout about_;         // what was told last
  bool told_ = false;
  Stores stores_;
  std::unique_ptr<audit::FileAuditLog> audit_;
  audit::FileAuditReader audit_lines_;
  storage::ConfinedStorages storages_;
  const std::shared_ptr<net::AddressGuard> guard_;
  const s3::AwsEnvironment environment_;
  net::HttpClient credentials_client_;
  s3::AwsCredentialLoader credential_loader_;
  s3::CredentialCache credentials_;
  net::HttpClient s3_client_;
  net::HttpClient callback_client_;
  std::atomic<bool> renewing_shares_{false};
  bool shares_renewed_ = true;  // at the last try; of whoever renews
  Bandwidth bandwidth_;
  BandwidthControl bandwidth_control_;
  s3::EndpointStates endpoints_;
  s3::S3ObjectStore objects_;
  s3::S3BucketDoctor doctor_;
  callback::HttpCallbackSender callbacks_;
  worker::MultipartReaper reaper_;
  worker::RetentionRun retention_;
  DisabledReceivers disabled_;
  worker::CallbackRun callback_run_;
  StatisticsCollector collector_;
  telemetry::OtlpExporter spans_;
  worker::Dispatcher dispatcher_;
  Reload settings_;
  ThreadPool blocking_;
  door::FairPool fair_blocking_;
  ThreadPool admin_blocking_;
  ThreadPool panel_blocking_;
  door::FairPool fair_panel_;
  ThreadPool sign_in_blocking_;
  ThreadPool outside_blocking_;
  std::unique_ptr<Storages> sources_;  // of all nodes; null: storages_ are all
  UploadIntake intake_;
  CallbackTester callback_tester_;
  alert::AlertWatch alerts_;
  rest::AttentionWatch attention_;
  rest::EventHub events_;
  const store::Argon2Hasher hasher_;
  SignIn sign_in_;
  rest::RestApi rest_;
  rest::RestApi panel_rest_;
  rest::Gate gate_;
  const Removals removals_;
  KeyUsage usage_;
  legacy::Router router_;
  net::HttpServer admin_server_;
  PanelDoor panel_door_;
  net::HttpServer public_server_;
  const rest::Context metrics_context_;
  const MetricsPage metrics_;
  MonitoringDoor monitoring_;
  bool outdated_ = false;
  std::chrono::steady_clock::time_point beat_due_ = std::chrono::steady_clock::now() + kBeatEvery;
  std::chrono::steady_clock::time_point statistics_due_ = std::chrono::steady_clock::now() + kStatisticsEvery;
  std::chrono::steady_clock::time_point status_due_;
  std::chrono::steady_clock::time_point removals_due_;
  std::chrono::steady_clock::time_point limits_due_;
  std::chrono::steady_clock::time_point usage_due_ = std::chrono::steady_clock::now() + kUsageEvery;
};

// Clients feel a clock that was set before anybody else does: every request carries a time.
void tell_step(std::chrono::milliseconds step, seconds window) {
  log::warn(
      "the clock was set; requests are judged by its new time",
      {{"by_s", std::chrono::round<seconds>(step).count()},
       {"window_s", window.count()},
       {"hint", "requests whose timestamp is outside the window are refused (0002): see that the clock is right"}});
}

void wait_for_stop(StopSignals& signals, const Clock& clock, const Config::Server& config, Server& server,
                   ServiceManager& manager) {
  ClockWatch watch(clock);
  FileWatch files({config.tls_certificate, config.tls_key});
  int looks = 0;
  for (;;) {
    const StopSignals::Event event = signals.wait_for(kClockLook);
    if (event == StopSignals::Event::stop) return;
    if (const auto step = watch.look()) {
      tell_step(*step, server.timestamp_window());
      server.tell_clock_step(*step, clock.now());
    }
    server.tick();
    manager.alive();
    const bool asked = event == StopSignals::Event::reload;
    if (asked) manager.reloading();
    const bool due = server.has_tls() && ++looks % kLooksForACertificate == 0 && files.changed();
    if (due) server.reload_certificate();
    if (asked) server.reload_settings();
    if (asked) manager.ready();
  }
}

int run(Config config, StopSignals& signals, ServiceManager& manager, const Build& build) {
  const SystemClock clock;
  auto sockets = take_sockets(manager, config);
  if (!sockets) return fail(with_context("cannot start", sockets.error()));
  const auto connections = client_connections(config, open_files_limit());
  if (!connections) return fail(with_context("cannot start", connections.error()));
  if (!config.server.connections && *connections < kUsualConnections) {
    log::warn("the limit of open files leaves room for fewer connections of clients than usual",
              {{"connections", *connections}, {"hint", "raise LimitNOFILE= of the unit, or ulimit -n"}});
  }
  auto alerts = alert_options(config);
  if (!alerts) return fail(with_context("cannot start", alerts.error()));
  auto collector = collector_of(config.traces);
  if (!collector) return fail(with_context("cannot start", collector.error()));
  auto stores = open_stores(config, clock, build.version);
  if (!stores) return fail(with_context("cannot start", stores.error()));
  auto audit = audit::FileAuditLog::open(
      {config.audit.path, std::int64_t{config.audit.max_mib} * 1024 * 1024, config.audit.keep}, clock);
  if (!audit) return fail(with_context("cannot start: [audit] path", audit.error()));
  Server server(config, *connections, std::move(*stores), std::move(*audit), std::move(*alerts), std::move(*collector),
                clock, build);
  if (auto started = server.start(std::move(*sockets)); !started)
    return fail(with_context("cannot start", started.error()));
  if (server.roles().api && !server.has_tls() && !is_loopback(server.address())) {
    log::warn(
        "requests come in unencrypted; give a certificate ([server] tls_certificate, tls_key), or put a proxy that "
        "speaks TLS in front",
        {{"listen", server.address()}});
  }
  log::info("started", {{"listen", server.address()},
                        {"roles", to_text(server.roles())},
                        {"admin_socket", config.server.admin_socket.string()}});
  if (server.roles().api) fmt::print("listening on {}\n", server.api_url());
  if (server.roles() != NodeRoles{}) fmt::print("roles: {}\n", to_text(server.roles()));
  if (const std::string url = server.panel_url(); !url.empty()) fmt::print("control panel: {}\n", url);
  if (const std::string url = server.metrics_url(); !url.empty()) fmt::print("monitoring: {}\n", url);
  if (const auto link = server.set_up_url(); !link) {
    log::error("no link for the first admin can be made", {{"error", link.error().for_operator()}});
  } else if (!link->empty()) {
    fmt::print("set up the first admin within {} h: {}\n", kLinkLife.count(), link->reveal());
  }
  std::fflush(stdout);
  manager.ready();

  wait_for_stop(signals, clock, config.server, server, manager);
  manager.stopping();
  signals.end_process_on_next(kStopDeadline);
  log::info("stopping");
  const bool stopped = server.stop();
  log::info("stopped");
  if (!stopped) {
    // Only threads in a dead storage are left, which nobody can end but the end of the process.
    server.close_database();
    std::_Exit(0);
  }
  return 0;
}

}  // namespace

int fail(const Error& error) {
  fmt::print(stderr, "vodlift: {}\n", error.for_operator());
  return error.code == Errc::config_invalid ? kExitConfigInvalid : kExitFailed;
}

int serve(const std::filesystem::path& config, const Build& build) {
  prepare_process();
  StopSignals signals;
  ServiceManager manager;
  const auto loaded = load_config(config);
  if (!loaded) {
    fail(loaded.error());
    return kExitConfigInvalid;
  }
  log::configure(loaded->log.format, loaded->log.level);
  return run(*loaded, signals, manager, build);
}

}  // namespace vodlift::app
