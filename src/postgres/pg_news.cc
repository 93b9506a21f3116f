#include "postgres/pg_news.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <thread>
#include <utility>

#include "base/log.h"
#include "base/random.h"

namespace vodlift::postgres {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Changes that wait to be told at most; with more, one of each kind stands for all.
constexpr std::size_t kMostToldAtOnce = 4096;

}  // namespace

std::vector<Change> anything() {
  return {{.kind = Change::Kind::uploads_due},     {.kind = Change::Kind::callbacks_due},
          {.kind = Change::Kind::upload_recalled}, {.kind = Change::Kind::accounts},
          {.kind = Change::Kind::upload_changed},  {.kind = Change::Kind::callback_changed}};
}

PgNews::PgNews(PgPool& pool, LocalChangeFeed& feed)
    : pool_(pool), feed_(feed), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  loop_.start("db-news", [this] { work(); });
}

PgNews::~PgNews() {
  loop_.request_stop();
  ::eventfd_write(wake_, 1);
  loop_.stop();
  ::close(wake_);
}

void PgNews::tell(const std::vector<Change>& changes) {
  if (changes.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    waiting_.insert(waiting_.end(), changes.begin(), changes.end());
    if (waiting_.size() > kMostToldAtOnce) waiting_ = anything();
  }
  ::eventfd_write(wake_, 1);
}

void PgNews::work() {
  while (!loop_.stopping()) {
    if (!connection_ && !connect()) {
      loop_.wait_for(std::chrono::duration_cast<milliseconds>(kPoll * (0.5 + random_unit())));
      poll_feed();
      continue;
    }
    bool alive = receive(kPoll) && send();
    if (steady_clock::now() - polled_ >= kPoll) {
      poll_feed();
      alive = alive && ask();
    }
    if (!alive) connection_.reset();
  }
}

bool PgNews::connect() {
  auto opened = pool_.open_apart();
  if (!opened) return false;
  (*opened)->set_patience(kPatience);
  (*opened)->execute("LISTEN vodlift");
  if ((*opened)->take_failure()) return false;
  connection_ = std::move(*opened);
  polled_ = steady_clock::now();
  for (const Change& change : anything()) feed_.publish(change);  // what was told before is missed
  return true;
}

void PgNews::poll_feed() {
  polled_ = steady_clock::now();
  for (const Change::Kind kind : {Change::Kind::uploads_due, Change::Kind::callbacks_due, Change::Kind::accounts}) {
    feed_.publish({.kind = kind});
  }
}

bool PgNews::ask() {
  connection_->execute("SELECT 1");
  return !connection_->take_failure();
}

bool PgNews::send() {
  std::vector<Change> changes;
  {
    const std::lock_guard lock(mutex_);
    changes.swap(waiting_);
  }
  if (changes.empty()) return true;
  connection_->run("SELECT pg_notify('vodlift', $1)", news_text({connection_->lane(), std::move(changes)}));
  if (!connection_->take_failure()) return true;
  const std::lock_guard lock(mutex_);
  waiting_ = anything();
  return false;
}

bool PgNews::receive(milliseconds patience) {
  publish_received();  // what came with the answer to the last statement
  const bool woken = connection_->wait_for_news(patience, wake_);
  if (woken) {
    eventfd_t count = 0;
    ::eventfd_read(wake_, &count);
    std::this_thread::sleep_for(kGather);
  }
  publish_received();
  return !connection_->is_lost();
}

void PgNews::publish_received() {
  for (const std::string& text : connection_->take_news()) {
    const auto news = node_news_from(text);
    if (!news || news->sender == connection_->lane()) continue;
    for (const Change& change : news->changes) feed_.publish(change);
  }
}

}  // namespace vodlift::postgres
