#include "postgres/pg_remote_storages.h"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <span>
#include <utility>
#include <variant>

#include "base/encoding.h"
#include "base/random.h"

namespace vodlift::postgres {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kGatherQuestions{2};
constexpr milliseconds kReconnect{500};
constexpr milliseconds kNodesTrusted{1'000};
constexpr milliseconds kServerPatience{3'000};
constexpr std::size_t kLooksAtOnce = 4;
constexpr std::size_t kLooksWaiting = 256;

Error not_here(const std::string& storage) {
  return {Errc::storage_unavailable,
          fmt::format("storage {} is on other nodes, and none of them answers; nothing was queued, try again later",
                      printable(storage, 64))};
}

// What another node has looked at.
class RemoteFile final : public SourceFile {
 public:
  explicit RemoteFile(SourceIdentity identity) : identity_(identity) {}
  [[nodiscard]] const SourceIdentity& identity() const override { return identity_; }
  Result<std::size_t> read_cached(std::int64_t /*offset*/, std::span<std::uint8_t> /*buffer*/) const override {
    return elsewhere();
  }
  void read_async(std::int64_t /*offset*/, std::span<std::uint8_t> /*buffer*/,
                  std::function<void(Result<>)> done) const override {
    done(elsewhere());
  }
  [[nodiscard]] Result<bool> settle(std::int64_t /*offset*/, std::int64_t /*size*/) const override {
    return elsewhere();
  }
  [[nodiscard]] Result<SourceIdentity> check_unchanged() const override { return elsewhere(); }

 private:
  static Error elsewhere() { return {Errc::storage_unavailable, "the storage is on another node"}; }

  const SourceIdentity identity_;
};

}  // namespace

PgRemoteStorages::PgRemoteStorages(Storages& local, Nodes& nodes, NodeTerm self, PgDatabase& database)
    : local_(local),
      nodes_(nodes),
      self_(self),
      database_(database),
      number_(static_cast<std::int64_t>(random_unit() * 9e15)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      looks_("storage-looks", kLooksAtOnce, kLooksWaiting) {
  loop_.start("db-storages", [this] { work(); });
}

PgRemoteStorages::~PgRemoteStorages() {
  loop_.request_stop();
  ::eventfd_write(wake_, 1);
  loop_.stop();
  looks_.stop();
  ::close(wake_);
}

Result<std::unique_ptr<SourceFile>> PgRemoteStorages::open(const SourcePath& path) {
  auto here = local_.open(path);
  if (here || here.error().code != Errc::storage_unknown) return here;
  const auto nodes = nodes_with(path.storage);
  if (!nodes) return nodes.error();
  if (!*nodes) return here;
  if (**nodes == 0) return not_here(path.storage);
  const auto found = ask(path, **nodes);
  if (!found) return found.error();
  return std::unique_ptr<SourceFile>(std::make_unique<RemoteFile>(*found));
}

std::optional<Result<std::unique_ptr<SourceFile>>> PgRemoteStorages::open_cached(const SourcePath& path) {
  return local_.open_cached(path);
}

bool PgRemoteStorages::takes_uploads(std::string_view storage) { return local_.takes_uploads(storage); }

std::vector<StorageInfo> PgRemoteStorages::list() { return local_.list(); }

void PgRemoteStorages::list_files(FileQuery query, std::function<void(Result<FileList>)> done) {
  local_.list_files(std::move(query), std::move(done));
}

Result<std::optional<std::size_t>> PgRemoteStorages::nodes_with(const std::string& storage) {
  const std::lock_guard lock(list_mutex_);
  if (steady_clock::now() >= listed_until_) {
    auto listed = nodes_.list();
    if (!listed) return listed.error();
    listed_ = std::move(*listed);
    listed_until_ = steady_clock::now() + kNodesTrusted;
  }
  std::optional<std::size_t> running;
  for (const NodeInfo& node : listed_) {
    const auto& names = node.about.storages;
    if (node.self.node == self_.node || std::ranges::find(names, storage) == names.end()) continue;
    const bool runs = node.state == NodeState::alive || node.state == NodeState::draining;
    running = running.value_or(0) + (runs ? 1 : 0);
  }
  return running;
}

Result<SourceIdentity> PgRemoteStorages::ask(const SourcePath& path, std::size_t nodes) {
  Question question{.left = nodes};
  std::unique_lock lock(mutex_);
  const auto now = steady_clock::now();
  std::erase_if(silent_until_, [now](const auto& one) { return one.second <= now; });
  if (silent_until_.contains(path.storage)) return not_here(path.storage);
  if (!answered_.wait_until(lock, now + kTurn, [this] { return questions_.size() < kMostWaiting; })) {
    return Error{Errc::overloaded,
                 "more traffic than usual for storages on other nodes; nothing was queued, try again later"};
  }
  const std::int64_t id = ++last_id_;
  questions_.emplace(id, &question);
  outgoing_.push_back(talk_text(StorageQuestion{{number_, id}, path}));
  ::eventfd_write(wake_, 1);
  answered_.wait_until(lock, steady_clock::now() + kPatience, [&] { return question.ended; });
  questions_.erase(id);
  answered_.notify_all();
  if (question.answer) return *question.answer;
  silent_until_[path.storage] = steady_clock::now() + kSilence;
  return not_here(path.storage);
}

void PgRemoteStorages::work() {
  while (!loop_.stopping()) {
    if (!connection_ && !connect()) {
      loop_.wait_for(kReconnect);
      continue;
    }
    if (connection_->wait_for_news(std::chrono::seconds(1), wake_)) {
      eventfd_t count = 0;
      ::eventfd_read(wake_, &count);
      loop_.wait_for(kGatherQuestions);
    }
    for (const std::string& text : connection_->take_news()) hear(text);
    if (!send() || connection_->is_lost()) connection_.reset();
  }
}

bool PgRemoteStorages::connect() {
  auto opened = database_.open_apart();
  if (!opened) return false;
  (*opened)->set_patience(kServerPatience);
  (*opened)->execute("LISTEN vodlift_storages");
  if ((*opened)->take_failure()) return false;
  connection_ = std::move(*opened);
  return true;
}

bool PgRemoteStorages::send() {
  std::vector<std::string> texts;
  {
    const std::lock_guard lock(mutex_);
    texts.swap(outgoing_);
  }
  if (texts.empty()) return true;
  connection_->run("SELECT pg_notify('vodlift_storages', one) FROM unnest($1) AS one", texts);
  return !connection_->take_failure();
}

void PgRemoteStorages::hear(std::string_view text) {
  StorageTalk talk = storage_talk_from(text);
  if (const auto* answer = std::get_if<StorageAnswer>(&talk)) hear_answer(*answer);
  auto* question = std::get_if<StorageQuestion>(&talk);
  if (question == nullptr || question->id.asker == number_) return;
  const QuestionId id = question->id;
  if (!looks_.post([this, question = std::move(*question)] { look(question); })) {
    post(StorageAnswer{id, Error{Errc::overloaded, "the node that has the storage is busy; try again later"}});
  }
}

void PgRemoteStorages::look(const StorageQuestion& question) {
  const SourcePath& path = question.path;
  auto opened = local_.open(path);
  if (!opened && opened.error().code == Errc::storage_unknown) return;  // not this node's
  if (opened && !local_.takes_uploads(path.storage)) {
    opened = Error{Errc::storage_unknown,
                   "path: storage " + printable(path.storage) + " is being removed and takes no new uploads"};
  }
  if (!opened) return post({question.id, opened.error()});
  post({question.id, (*opened)->identity().size});
}

void PgRemoteStorages::hear_answer(const StorageAnswer& answer) {
  if (answer.id.asker != number_) return;
  const std::lock_guard lock(mutex_);
  const auto found = questions_.find(answer.id.number);
  if (found == questions_.end() || found->second->ended) return;
  Question& question = *found->second;
  if (answer.size) {
    question.answer = SourceIdentity{.size = *answer.size};
    question.ended = true;
  } else {
    question.left -= std::min<std::size_t>(question.left, 1);
    question.answer = answer.size.error();
    // Another node may do better than one that only cannot look now.
    question.ended = question.left == 0 || !answer.size.error().retryable();
  }
  if (question.ended) answered_.notify_all();
}

void PgRemoteStorages::post(const StorageAnswer& answer) {
  {
    const std::lock_guard lock(mutex_);
    outgoing_.push_back(talk_text(answer));
  }
  ::eventfd_write(wake_, 1);
}

}  // namespace vodlift::postgres
