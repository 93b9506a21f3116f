#include "alert/alert_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <charconv>
#include <system_error>
#include <utility>

#include "alert/command_receiver.h"
#include "alert/webhook_receiver.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random.h"

namespace vodlift::alert {
namespace {

constexpr std::size_t kConnections = 8;
constexpr std::size_t kMaxFileBytes = std::size_t{1024} * 1024;
constexpr std::size_t kMessageIdBytes = 12;

std::string new_message_id() { return "alert_" + random_hex(kMessageIdBytes); }

bool same_receivers(const Options& one, const Options& other) {
  return one.webhooks == other.webhooks && one.webhook_secret.reveal() == other.webhook_secret.reveal() &&
         one.body == other.body && one.command == other.command && one.command_limit == other.command_limit &&
         one.server == other.server;
}

// Whole, or not at all.
Result<> replace_file(const std::filesystem::path& file, std::string_view bytes) {
  const std::filesystem::path fresh = file.string() + ".new";
  std::error_code ignored;
  std::filesystem::remove(fresh, ignored);
  if (auto made = create_private_file(fresh, bytes); !made) return made;
  std::error_code failed;
  std::filesystem::rename(fresh, file, failed);
  if (failed) return Error{Errc::io_error, fmt::format("cannot write {}: {}", file.string(), failed.message())};
  return {};
}

}  // namespace

AlertWatch::AlertWatch(Ports ports, Options options)
    : ports_(std::move(ports)),
      options_(std::move(options)),
      book_(options_.repeat),
      post_(make_post(options_)),
      client_("alert-http", kConnections) {}

std::shared_ptr<AlertPost> AlertWatch::make_post(const Options& options) {
  std::vector<std::unique_ptr<Receiver>> receivers;
  for (const std::string& url : options.webhooks) {
    receivers.push_back(std::make_unique<WebhookReceiver>(
        client_, ports_.clock, Webhook{url, options.body, options.webhook_secret, options.server}));
  }
  if (!options.command.empty()) {
    receivers.push_back(
        std::make_unique<CommandReceiver>(Command{options.command, options.command_limit, options.server}));
  }
  return std::make_shared<AlertPost>(std::move(receivers), ports_.clock, ports_.steady, [this] { loop_.wake(); });
}

void AlertWatch::start() {
  restore();
  loop_.start("alerts", [this] {
    while (!loop_.stopping()) {
      const bool idle = [this] {
        const std::lock_guard lock(mutex_);
        return !options_.has_receivers();
      }();
      if (idle) {
        loop_.wait();
      } else {
        loop_.wait_until(look());
      }
    }
  });
}

void AlertWatch::stop() {
  loop_.stop();
  client_.stop();
  std::shared_ptr<AlertPost> post;
  const std::lock_guard lock(mutex_);
  post = std::move(post_);  // goes after the lock, with the command that runs, unless a test waits for it
  if (post) post->stop();
}

void AlertWatch::use(Options options) {
  std::shared_ptr<AlertPost> before;
  {
    const std::lock_guard lock(mutex_);
    if (!same_receivers(options_, options)) before = std::exchange(post_, make_post(options));
    book_.set_repeat(options.repeat);
    options_ = std::move(options);
  }
  loop_.wake();
}

void AlertWatch::note(AlertCause cause, std::chrono::seconds lasts) {
  const std::lock_guard lock(mutex_);
  std::erase_if(noted_, [&](const Noted& one) { return one.cause.key == cause.key; });
  if (noted_.size() < kMostNoted) noted_.push_back({std::move(cause), ports_.steady() + lasts});
}

std::vector<OpenAlert> AlertWatch::open() const {
  const std::lock_guard lock(mutex_);
  return options_.has_receivers() ? book_.open() : std::vector<OpenAlert>();
}

std::vector<AlertReceiver> AlertWatch::receivers() const {
  const std::lock_guard lock(mutex_);
  return post_ ? post_->receivers() : std::vector<AlertReceiver>();
}

std::vector<AlertAnswer> AlertWatch::test() {
  AlertMessage message{.state = AlertState::test};
  message.cause.key = message.cause.code = "test";
  message.cause.severity = "info";
  message.cause.title = "This is a test of the alerts.";
  message.cause.detail = "Nothing has happened.";
  message.cause.fix = "Nothing: somebody has asked for this message.";
  message.at = ports_.clock.now();
  message.id = new_message_id();
  std::shared_ptr<AlertPost> post;
  {
    const std::lock_guard lock(mutex_);
    post = post_;
  }
  return post ? post->test(message, kTestLimit) : std::vector<AlertAnswer>();
}

SteadyTime AlertWatch::look() {
  Thresholds thresholds;
  std::shared_ptr<AlertPost> post;
  {
    const std::lock_guard lock(mutex_);
    thresholds = options_.thresholds;
    post = post_;
  }
  const SteadyTime next_look = ports_.steady() + kLook;
  if (!post) return next_look;
  const Findings found = find(thresholds);
  std::vector<AlertMessage> news = news_of(found);
  if (auto digest = digest_if_due()) news.push_back(std::move(*digest));
  for (AlertMessage& one : news) {
    one.id = new_message_id();
    post->add(one);
  }
  const auto next_try = post->run();
  // Last: if the disk is the trouble, the messages go out all the same.
  if (!news.empty()) write_file();
  return next_try ? std::min(*next_try, next_look) : next_look;
}

Findings AlertWatch::find(const Thresholds& thresholds) {
  Findings found = ports_.find(thresholds);
  const std::lock_guard lock(mutex_);
  std::erase_if(noted_, [now = ports_.steady()](const Noted& one) { return one.until <= now; });
  for (const Noted& one : noted_) found.causes.push_back(one.cause);
  return found;
}

std::vector<AlertMessage> AlertWatch::news_of(const Findings& found) {
  const std::lock_guard lock(mutex_);
  return book_.look(found.causes, found.complete, ports_.steady(), ports_.clock.now());
}

bool AlertWatch::is_digest_due(WallTime now) const {
  const std::lock_guard lock(mutex_);
  if (!options_.digest_minute) return false;
  if (last_digest_ && std::chrono::abs(now - *last_digest_) < kBetweenDigests) return false;
  constexpr int kMinutesOfDay = 24 * 60;
  const int late = (options_.time_zone.at(now).minute - *options_.digest_minute + kMinutesOfDay) % kMinutesOfDay;
  return std::chrono::minutes(late) < kLateDigest;
}

std::optional<AlertMessage> AlertWatch::digest_if_due() {
  const WallTime now = ports_.clock.now();
  if (!is_digest_due(now)) return std::nullopt;
  Day day = ports_.day();
  AlertMessage message{.state = AlertState::digest, .at = now};
  message.cause.key = message.cause.code = "digest";
  message.cause.severity = "info";
  message.cause.title = std::move(day.title);
  message.cause.detail = std::move(day.detail);
  message.figures = std::move(day.figures);
  const std::lock_guard lock(mutex_);
  last_digest_ = now;
  constexpr std::size_t kShown = 10;
  const auto open = book_.open();
  boost::json::array titles;
  for (const OpenAlert& one : open) {
    if (titles.size() == kShown) break;
    titles.push_back(boost::json::value(one.cause.title));
    message.cause.detail += "\n- " + one.cause.title;
  }
  message.figures["open"] = open.size();
  message.figures["open_titles"] = std::move(titles);
  message.cause.detail = fmt::format("{} {}{}", open.size(), open.size() == 1 ? "alert is open." : "alerts are open.",
                                     message.cause.detail);
  return message;
}

// "DIGEST\nALERTS": the time of the last digest in ms, 0 if there was none, and what the book keeps.
void AlertWatch::restore() {
  if (ports_.file.empty()) return;
  const auto text = read_small_file(ports_.file, kMaxFileBytes);
  if (!text) return;
  const std::size_t end = text->find('\n');
  if (end == std::string::npos) return;
  std::int64_t digest_ms = 0;
  (void)std::from_chars(text->data(), text->data() + end, digest_ms);
  const std::lock_guard lock(mutex_);
  if (digest_ms != 0) last_digest_ = from_unix_ms(digest_ms);
  book_.restore(std::string_view(*text).substr(end + 1), ports_.steady(), ports_.clock.now());
}

void AlertWatch::write_file() {
  if (ports_.file.empty()) return;
  std::string text;
  {
    const std::lock_guard lock(mutex_);
    text = fmt::format("{}\n{}", last_digest_ ? to_unix_ms(*last_digest_) : 0,
                       book_.save(ports_.steady(), ports_.clock.now()));
  }
  if (auto written = replace_file(ports_.file, text); !written) {
    log::warn("what was told cannot be kept; after a restart it is told again",
              {{"error", written.error().for_operator()}});
  }
}

}  // namespace vodlift::alert
