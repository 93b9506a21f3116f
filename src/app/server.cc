#include "app/server.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "alert/alert_watch.h"
#include "app/alert_source.h"
#include "app/capacity.h"
#include "app/config.h"
#include "app/doors.h"
#include "app/node_description.h"
#include "app/part_options.h"
#include "app/pools.h"
#include "app/process.h"
#include "app/reload.h"
#include "app/service_manager.h"
#include "app/stores.h"
#include "app/traces.h"
#include "app/upkeep.h"
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
#include "legacy/router.h"
#include "net/http_client.h"
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

constexpr std::size_t kCredentialConnections = 8;

// How long each step of the stop may take; with those of Doors and the 15 s of a callback under way the sum stays below
// the whole.
constexpr seconds kWorkerGrace{8};
constexpr seconds kStorageGrace{1};
constexpr seconds kStopDeadline{30};

constexpr seconds kClockLook{1};
constexpr seconds kClockAlertLasts{1800};  // how long it is open that the clock was set
constexpr int kLooksForACertificate = 10;  // of those

// Why no callback may go to a host and port.
UploadIntake::HostRefusal refusals_of(std::shared_ptr<const net::AddressGuard> guard) {
  return [guard = std::move(guard)](const std::string& host, int port) {
    auto refusal = guard->port_refusal(port);
    return refusal ? refusal : guard->literal_refusal(host);
  };
}

// All that runs, each member built from those above it and gone before them.
class Server {
 public:
  // `connections` of clients.
  Server(const Config& config, std::size_t connections, Stores stores, std::unique_ptr<audit::FileAuditLog> audit,
         alert::Options alerts, telemetry::Collector collector, const Clock& clock, const Build& build)
      : config_(config),
        stores_(std::move(stores)),
        described_(*stores_.nodes, stores_.self, {std::string(build.version), config.server.roles}),
        audit_(std::move(audit)),
        audit_lines_(config.audit.path, config.audit.keep),
        storages_(roots_of(config.storages)),
        guard_(std::make_shared<net::AddressGuard>(config.callback.allow_networks, config.callback.allow_ports)),
        environment_(s3::AwsEnvironment::of_process()),
        credentials_client_("credentials-net", kCredentialConnections),
        credential_loader_(credentials_client_, environment_, clock),
        credentials_(credential_loader_, clock),
        s3_client_("s3-http", s3_connections(config.worker), transfer_threads(config)),
        callback_client_("callback-http", worker::CallbackPlaces::kAll),
        bandwidth_(clock, std::chrono::steady_clock::now,
                   stores_.bandwidth_shares ? Bandwidth::Renew([this] { upkeep_.renew_shares_soon(); }) : nullptr),
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
        dispatcher_({*stores_.queue, *stores_.journal, *stores_.feed, *stores_.accounts, storages_, objects_, clock,
                     &collector_, &spans_,
                     stores_.bandwidth_shares ? worker::AccountPlaces::Renew([this] { upkeep_.renew_shares_soon(); })
                                              : nullptr},
                    worker_options(config.worker)),
        settings_(config, {check_room, [this] { return doors_.reload_certificates(); },
                           [this](const std::string& storage) {
                             return unfinished_on(storage, *stores_.nodes, stores_.self, *stores_.uploads);
                           },
                           [this](const Config& next) { return use(next); },
                           [this](alert::Options fresh) { alerts_.use(std::move(fresh)); },
                           [this](telemetry::Collector fresh) { spans_.use(std::move(fresh)); }}),
        sources_(stores_.all_storages ? stores_.all_storages(storages_) : nullptr),
        intake_(*stores_.accounts, all_storages(), refusals_of(guard_)),
        callback_tester_(*stores_.accounts, callbacks_, clock, refusals_of(guard_)),
        alerts_({[this, &clock](const alert::Thresholds& limits) {
                   return find_alerts(rest_context(pools_.admin, clock), limits);
                 },
                 [this, &clock] { return last_day(rest_context(pools_.admin, clock)); }, clock,
                 std::chrono::steady_clock::now, alerts_file(config.store)},
                std::move(alerts)),
        attention_([this, &clock](auto views) { return rest::find_needs(rest_context(pools_.admin, clock), views); }),
        events_({*stores_.feed, *stores_.uploads, *stores_.callback_history, collector_, attention_, clock}),
        sign_in_(*stores_.people, *stores_.sessions, hasher_, std::chrono::steady_clock::now),
        rest_(rest_context(pools_.admin, clock)),
        panel_rest_(rest_context(pools_.panel, clock)),
        gate_(panel_rest_, *stores_.sessions, {pools_.panel, pools_.sign_in, pools_.outside, pools_.fair_panel},
              gate_options(config)),
        removals_(*stores_.accounts, *stores_.uploads, bandwidth_control_, *audit_, clock),
        usage_(*stores_.accounts),
        upkeep_({stores_, bandwidth_control_, dispatcher_, removals_, usage_, collector_, pools_.admin}),
        router_(*stores_.accounts, usage_, *stores_.uploads, all_storages(), intake_, clock, pools_.fair_requests,
                *audit_, router_options(config)),
        metrics_context_(rest_context(pools_.admin, clock)),
        doors_(config, connections,
               {router_,
                gate_,
                rest_,
                {metrics_context_, collector_, router_.metrics(), dispatcher_, callback_run_, retention_, endpoints_,
                 *stores_.engine, spans_},
                *stores_.monitor},
               build) {}
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() { stop(); }

  // All addresses are taken before any work begins, so that a failure leaves nothing half done.
  Result<> start(PassedSockets sockets) {
    if (auto listening = doors_.listen(std::move(sockets)); !listening) return listening;
    if (auto loaded = bandwidth_control_.load(); !loaded) return with_context("bandwidth limits", loaded.error());
    for (const StorageInfo& one : storages_.list()) {
      if (!one.available) log::warn("a storage is not available; its uploads wait", {{"storage", one.name}});
    }
    if (auto told = described_.tell(names_of(config_.storages)); !told) return told;
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
    doors_.start();
    return {};
  }

  // To be called every second or so, from one thread.
  void tick() {
    doors_.tick();
    upkeep_.tick();
  }

  // May be called twice. False when a storage hangs: threads that wait for it then use this as long as the process
  // lasts.
  bool stop() {
    (void)pools_.admin.post([this] { described_.tell_draining(); });
    doors_.stop_clients();
    stores_.engine->stop_backups();  // its client hears of it
    doors_.stop();
    callback_tester_.stop();
    alerts_.stop();
    pools_.stop();
    events_.stop();
    attention_.stop();
    upkeep_.write_usage();
    dispatcher_.stop(kWorkerGrace);
    upkeep_.write_statistics();
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
  [[nodiscard]] const Doors& doors() const { return doors_; }
  // Where the first admin chooses a name and a password. Empty: there is an admin, or no panel. Errors: store_failed.
  Result<Secret> set_up_url() {
    const std::string panel = doors_.panel_url();
    if (panel.empty()) return Secret();
    const auto link = first_admin_link(*stores_.people);
    if (!link) return link.error();
    // Behind #, where no browser sends it to a server and no log has it.
    return *link ? Secret(fmt::format("{}setup#{}", panel, (*link)->reveal())) : Secret();
  }

  void reload_certificate() {
    if (auto loaded = doors_.reload_certificates(); !loaded) {
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
            [this] { return config_.panel.listen.empty() || !roles().api ? std::string() : doors_.api_url(); },
            [this] { return doors_.known_panel_url(); },
            [this] { return doors_.api_load(); },
            pool};
  }

  [[nodiscard]] static Result<> check_room(const Config& next) {
    if (auto fits = client_connections(next, open_files_limit()); !fits) return fits.error();
    return {};
  }

  Result<> use(const Config& next) {
    std::vector<std::string> before = described_.storages();
    if (auto told = described_.tell(names_of(next.storages)); !told) return told;
    if (auto used = storages_.use(roots_of(next.storages)); !used) {
      (void)described_.tell(std::move(before));
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
    doors_.use(next);
    return {};
  }

  const Config& config_;
  Stores stores_;
  NodeDescription described_;
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
  Pools pools_;
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
  Upkeep upkeep_;
  legacy::Router router_;
  const rest::Context metrics_context_;
  Doors doors_;
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
    const bool due = server.doors().has_tls() && ++looks % kLooksForACertificate == 0 && files.changed();
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
  if (server.roles().api && !server.doors().has_tls() && !is_loopback(server.doors().api_address())) {
    log::warn(
        "requests come in unencrypted; give a certificate ([server] tls_certificate, tls_key), or put a proxy that "
        "speaks TLS in front",
        {{"listen", server.doors().api_address()}});
  }
  log::info("started", {{"listen", server.doors().api_address()},
                        {"roles", to_text(server.roles())},
                        {"admin_socket", config.server.admin_socket.string()}});
  if (server.roles().api) fmt::print("listening on {}\n", server.doors().api_url());
  if (server.roles() != NodeRoles{}) fmt::print("roles: {}\n", to_text(server.roles()));
  if (const std::string url = server.doors().panel_url(); !url.empty()) fmt::print("control panel: {}\n", url);
  if (const std::string url = server.doors().metrics_url(); !url.empty()) fmt::print("monitoring: {}\n", url);
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
