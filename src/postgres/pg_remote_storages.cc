#include "postgres/pg_remote_storages.h"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <future>
#include <iterator>
#include <span>
#include <variant>

#include "base/encoding.h"
#include "base/random.h"

namespace vodlift::postgres {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kBetweenSends{2};  // what comes meanwhile is sent together
constexpr milliseconds kReconnect{500};
constexpr milliseconds kTrusted{1'000};  // what was heard of nodes and storages
constexpr milliseconds kServerPatience{3'000};
constexpr milliseconds kLongestWait{1'000};
constexpr std::size_t kLooksAtOnce = 4;
constexpr std::size_t kLooksWaiting = 256;
constexpr std::size_t kMostOutgoing = 4'096;  // texts, some 32 MB; who asked for more hears nothing
constexpr std::size_t kTextsAtOnce = 256;
constexpr const char* kManyLists = "more listings than usual; try again in a few minutes";

Error nobody_answers(const std::string& storage, std::string_view what_to_do) {
  return {Errc::storage_unavailable,
          fmt::format("storage {} is on other nodes, and none of them answers; {}", printable(storage, 64), what_to_do),
          "vodlift node list shows which nodes have it, and whether they run"};
}

Error no_file(const std::string& storage) { return nobody_answers(storage, "nothing was queued, try again later"); }

Error no_files(const std::string& storage) {
  return nobody_answers(storage, "try again later, or list a smaller folder");
}

// Another node may do better than one that only cannot look now.
bool is_firm(const StorageFacts& facts) {
  const Error* why = std::get_if<Error>(&facts);
  return why == nullptr || !why->retryable();
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

class PgRemoteStorages::Outbox {
 public:
  Outbox() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;
  ~Outbox() { ::close(wake_); }

  void post(const StorageAnswer& answer) { post(talk_texts(answer)); }
  void post(std::vector<std::string> texts) {
    {
      const std::lock_guard lock(mutex_);
      if (texts_.size() + texts.size() > kMostOutgoing) return;
      std::ranges::move(texts, std::back_inserter(texts_));
    }
    wake();
  }
  // The oldest of them.
  std::vector<std::string> take() {
    const std::lock_guard lock(mutex_);
    const auto end = texts_.begin() + static_cast<std::ptrdiff_t>(std::min(texts_.size(), kTextsAtOnce));
    std::vector<std::string> taken(std::move_iterator(texts_.begin()), std::move_iterator(end));
    texts_.erase(texts_.begin(), end);
    return taken;
  }
  void wake() const { ::eventfd_write(wake_, 1); }
  void rest() const {
    eventfd_t count = 0;
    ::eventfd_read(wake_, &count);
  }
  [[nodiscard]] int event() const { return wake_; }

 private:
  const int wake_;  // an eventfd
  std::mutex mutex_;
  std::vector<std::string> texts_;
};

PgRemoteStorages::PgRemoteStorages(Storages& local, Nodes& nodes, NodeTerm self, PgDatabase& database,
                                   const Patience& patience)
    : local_(local),
      nodes_(nodes),
      self_(self),
      database_(database),
      patience_(patience),
      number_(static_cast<std::int64_t>(random_unit() * 9e15)),
      outbox_(std::make_shared<Outbox>()),
      looks_("storage-looks", kLooksAtOnce, kLooksWaiting) {
  loop_.start("db-storages", [this] { work(); });
}

PgRemoteStorages::~PgRemoteStorages() {
  loop_.request_stop();
  outbox_->wake();
  loop_.stop();
  looks_.stop();
  for (auto& [number, question] : questions_) {
    question.done(Error{Errc::shutting_down, "the server stops; ask again in a moment"});
  }
}

Result<std::unique_ptr<SourceFile>> PgRemoteStorages::open(const SourcePath& path) {
  auto here = local_.open(path);
  if (here || here.error().code != Errc::storage_unknown) return here;
  auto elsewhere = storages_elsewhere();
  if (!elsewhere) return elsewhere.error();
  const auto nodes = elsewhere->find(path.storage);
  if (nodes == elsewhere->end()) return here;
  {
    const std::lock_guard lock(mutex_);
    if (nodes->second.empty() || is_silent(path.storage)) return no_file(path.storage);
  }
  const auto told = ask_and_wait(path, nodes->second);
  if (!told) return told.error();
  if (told->empty()) {
    const std::lock_guard lock(mutex_);
    silence(path.storage);
    return no_file(path.storage);
  }
  const StorageFacts& last = told->back().second;
  if (const auto* why = std::get_if<Error>(&last)) return *why;
  const auto* size = std::get_if<std::int64_t>(&last);
  if (size == nullptr) return no_file(path.storage);
  return std::unique_ptr<SourceFile>(std::make_unique<RemoteFile>(SourceIdentity{.size = *size}));
}

std::optional<Result<std::unique_ptr<SourceFile>>> PgRemoteStorages::open_cached(const SourcePath& path) {
  return local_.open_cached(path);
}

bool PgRemoteStorages::takes_uploads(std::string_view storage) { return local_.takes_uploads(storage); }

std::vector<StorageInfo> PgRemoteStorages::list() { return local_.list(); }

Result<std::vector<StorageInfo>> PgRemoteStorages::list_everywhere() {
  auto all = local_.list();
  auto elsewhere = storages_elsewhere();
  if (!elsewhere) return elsewhere.error();
  for (const StorageInfo& one : all) elsewhere->erase(one.name);
  if (elsewhere->empty()) return all;
  const auto told = told_storages(*elsewhere);
  if (!told) return told.error();
  for (const auto& [name, nodes] : *elsewhere) {
    const auto found = told->find(name);
    all.push_back(found == told->end() ? StorageInfo{.name = name} : found->second);
  }
  std::ranges::sort(all, {}, &StorageInfo::name);
  return all;
}

Result<std::map<std::string, StorageInfo>> PgRemoteStorages::told_storages(const NodesOfStorages& elsewhere) {
  NodeIds nodes;
  {
    const std::lock_guard lock(mutex_);
    if (steady_clock::now() < told_until_) return told_storages_;
    for (const auto& [name, having] : elsewhere) {
      if (!is_silent(name)) nodes.insert(having.begin(), having.end());
    }
  }
  if (nodes.empty()) return std::map<std::string, StorageInfo>();
  const auto told = ask_and_wait(AllStorages{}, nodes);
  if (!told) return told.error();
  std::map<std::string, StorageInfo> found;
  for (const auto& [node, facts] : *told) {
    nodes.erase(node);
    const auto* storages = std::get_if<std::vector<StorageInfo>>(&facts);
    if (storages == nullptr) continue;
    for (const StorageInfo& one : *storages) {
      if (one.available || !found.contains(one.name)) found.insert_or_assign(one.name, one);
    }
  }
  const std::lock_guard lock(mutex_);
  for (const auto& [name, having] : elsewhere) {
    if (!having.empty() && std::ranges::includes(nodes, having)) silence(name);
  }
  told_storages_ = found;
  told_until_ = steady_clock::now() + kTrusted;
  return found;
}

void PgRemoteStorages::list_files(FileQuery query, std::function<void(Result<FileList>)> done) {
  FileQuery asked = query;
  local_.list_files(std::move(query), [this, asked = std::move(asked), done = std::move(done)](Result<FileList> found) {
    if (found || found.error().code != Errc::storage_unknown) return done(std::move(found));
    // Who has it is read from the database.
    if (!looks_.post([this, asked, done, unknown = found.error()] { list_elsewhere(asked, unknown, done); })) {
      done(Error{Errc::overloaded, kManyLists});
    }
  });
}

void PgRemoteStorages::list_elsewhere(const FileQuery& query, const Error& unknown,
                                      const std::function<void(Result<FileList>)>& done) {
  auto elsewhere = storages_elsewhere();
  if (!elsewhere) return done(elsewhere.error());
  const std::string& storage = query.folder.storage;
  const auto nodes = elsewhere->find(storage);
  if (nodes == elsewhere->end()) return done(unknown);
  if (auto refusal = ask_for_files(query, nodes->second, done)) done(std::move(*refusal));
}

std::optional<Error> PgRemoteStorages::ask_for_files(const FileQuery& query, const NodeIds& nodes,
                                                     const std::function<void(Result<FileList>)>& done) {
  const std::string& storage = query.folder.storage;
  const std::lock_guard lock(mutex_);
  if (nodes.empty() || is_silent(storage)) return no_files(storage);
  std::size_t lists = 0;
  std::size_t of_account = 0;
  for (const auto& [number, question] : questions_) {
    const auto* other = std::get_if<FileQuery>(&question.matter);
    if (other == nullptr) continue;
    ++lists;
    if (other->folder.user == query.folder.user) ++of_account;
  }
  if (lists >= kMostLists) return Error{Errc::overloaded, kManyLists};
  if (of_account >= kMostListsOfAccount) {
    return Error{Errc::overloaded, fmt::format("{} listings of storages on other nodes are under way for this account "
                                               "already; wait for their answers",
                                               kMostListsOfAccount)};
  }
  // The one that has answered before has the other pages, too.
  const auto last = lists_from_.find(storage);
  const bool knows = last != lists_from_.end() && nodes.contains(last->second);
  ask(query, knows ? NodeIds{last->second} : nodes, patience_.files,
      [this, storage, done](Result<Told> told) { done(take_files(storage, std::move(told))); });
  return std::nullopt;
}

Result<FileList> PgRemoteStorages::take_files(const std::string& storage, Result<Told> told) {
  if (!told) return told.error();
  const std::lock_guard lock(mutex_);
  if (told->empty() || !is_firm(told->back().second)) {
    lists_from_.erase(storage);
  } else {
    lists_from_[storage] = told->back().first;
  }
  if (told->empty()) return no_files(storage);
  auto& [node, facts] = told->back();
  if (const auto* why = std::get_if<Error>(&facts)) return *why;
  auto* files = std::get_if<FileList>(&facts);
  if (files == nullptr) return no_files(storage);
  return std::move(*files);
}

Result<PgRemoteStorages::NodesOfStorages> PgRemoteStorages::storages_elsewhere() {
  const std::lock_guard lock(known_mutex_);
  if (steady_clock::now() < known_until_) return known_;
  const auto listed = nodes_.list();
  if (!listed) return listed.error();
  known_.clear();
  for (const NodeInfo& node : *listed) {
    if (node.self.node == self_.node) continue;
    const bool runs = node.state == NodeState::alive || node.state == NodeState::draining;
    for (const std::string& storage : node.about.storages) {
      NodeIds& nodes = known_[storage];
      if (runs) nodes.insert(node.self.node);
    }
  }
  known_until_ = steady_clock::now() + kTrusted;
  return known_;
}

Result<PgRemoteStorages::Told> PgRemoteStorages::ask_and_wait(StorageMatter matter, NodeIds nodes) {
  struct Place {
    explicit Place(PgRemoteStorages& owner) : of(owner) { ++of.waiting_; }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() {
      const std::lock_guard lock(of.mutex_);
      --of.waiting_;
      of.turn_.notify_one();
    }
    PgRemoteStorages& of;
  };
  const auto promise = std::make_shared<std::promise<Result<Told>>>();
  auto told = promise->get_future();
  std::optional<Place> place;
  {
    std::unique_lock lock(mutex_);
    if (!turn_.wait_for(lock, kTurn, [this] { return waiting_ < kMostWaiting; })) {
      return Error{Errc::overloaded,
                   "more traffic than usual for storages on other nodes; nothing was queued, try again later"};
    }
    place.emplace(*this);
    ask(std::move(matter), std::move(nodes), patience_.look,
        [promise](Result<Told> heard) { promise->set_value(std::move(heard)); });
  }
  // The thread may be held up by a database that is away.
  if (told.wait_for(patience_.look) != std::future_status::ready) return Told();
  return told.get();
}

void PgRemoteStorages::ask(StorageMatter matter, NodeIds nodes, milliseconds patience, Done done) {
  const std::int64_t number = ++last_number_;
  const std::int64_t node = nodes.size() == 1 ? *nodes.begin() : 0;
  const StorageQuestion question{{number_, number}, node, matter};
  questions_.emplace(
      number, Question{std::move(matter), std::move(nodes), steady_clock::now() + patience, {}, {}, std::move(done)});
  outbox_->post({talk_text(question)});
}

bool PgRemoteStorages::is_silent(const std::string& storage) {
  const auto now = steady_clock::now();
  std::erase_if(silent_until_, [now](const auto& one) { return one.second <= now; });
  return silent_until_.contains(storage);
}

void PgRemoteStorages::silence(const std::string& storage) { silent_until_[storage] = steady_clock::now() + kSilence; }

void PgRemoteStorages::work() {
  while (!loop_.stopping()) {
    const milliseconds patience = end_late_questions();
    if (!connection_ && !connect()) {
      loop_.wait_for(kReconnect);
      continue;
    }
    hear_all();  // what came with the answer to the last statement, of which the socket tells nothing any more
    if (connection_->wait_for_news(patience, outbox_->event())) {
      outbox_->rest();
      loop_.wait_until(sent_ + kBetweenSends);
    }
    hear_all();
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
  for (;;) {
    const std::vector<std::string> texts = outbox_->take();
    if (texts.empty()) return true;
    sent_ = steady_clock::now();
    connection_->run("SELECT pg_notify('vodlift_storages', one) FROM unnest($1) AS one", texts);
    if (connection_->take_failure()) return false;
  }
}

void PgRemoteStorages::hear_all() {
  for (const std::string& text : connection_->take_news()) hear(text);
}

void PgRemoteStorages::hear(std::string_view text) {
  StorageTalk talk = storage_talk_from(text, number_);
  if (auto* piece = std::get_if<AnswerPiece>(&talk)) hear_piece(std::move(*piece));
  auto* question = std::get_if<StorageQuestion>(&talk);
  if (question == nullptr) return;
  if (question->node == 0 || question->node == self_.node) answer(std::move(*question));
}

void PgRemoteStorages::answer(StorageQuestion question) {
  const QuestionId id = question.id;
  const auto say = [outbox = outbox_, id, node = self_.node](StorageFacts facts) {
    outbox->post({id, node, std::move(facts)});
  };
  if (auto* query = std::get_if<FileQuery>(&question.matter)) {
    return local_.list_files(std::move(*query), [say](Result<FileList> list) {
      if (list) return say(std::move(*list));
      if (list.error().code != Errc::storage_unknown) say(list.error());
    });
  }
  const bool taken = looks_.post([this, say, matter = std::move(question.matter)] {
    const auto* path = std::get_if<SourcePath>(&matter);
    if (auto facts = path != nullptr ? look(*path) : StorageFacts(local_.list())) say(std::move(*facts));
  });
  if (!taken) say(Error{Errc::overloaded, "the node that has the storage is busy; try again later"});
}

std::optional<StorageFacts> PgRemoteStorages::look(const SourcePath& path) {
  const auto opened = local_.open(path);
  if (!opened && opened.error().code == Errc::storage_unknown) return std::nullopt;  // not this node's
  if (!opened) return opened.error();
  if (!local_.takes_uploads(path.storage)) {
    return Error{Errc::storage_unknown,
                 "path: storage " + printable(path.storage) + " is being removed and takes no new uploads"};
  }
  return (*opened)->identity().size;
}

void PgRemoteStorages::hear_piece(AnswerPiece piece) {
  decltype(questions_)::node_type ended;
  {
    const std::lock_guard lock(mutex_);
    const auto found = questions_.find(piece.id.number);
    if (found == questions_.end() || !found->second.left.contains(piece.node)) return;
    Question& question = found->second;
    Gathered& gathered = question.gathered[piece.node];
    if (piece.at != gathered.pieces) return;  // one is lost
    gathered.bytes += piece.bytes;
    if (++gathered.pieces < piece.of) return;
    auto facts = storage_facts_from(gathered.bytes);
    question.left.erase(piece.node);
    question.gathered.erase(piece.node);
    const bool asks_all = std::holds_alternative<AllStorages>(question.matter);
    const bool enough = question.left.empty() || (!asks_all && facts && is_firm(*facts));
    if (facts) question.told.emplace_back(piece.node, std::move(*facts));
    if (!enough) return;
    ended = questions_.extract(found);
  }
  ended.mapped().done(std::move(ended.mapped().told));
}

milliseconds PgRemoteStorages::end_late_questions() {
  const auto now = steady_clock::now();
  SteadyTime next = now + kLongestWait;
  std::vector<Question> late;
  {
    const std::lock_guard lock(mutex_);
    for (auto one = questions_.begin(); one != questions_.end();) {
      if (one->second.until > now) {
        next = std::min(next, one->second.until);
        ++one;
      } else {
        late.push_back(std::move(one->second));
        one = questions_.erase(one);
      }
    }
  }
  for (Question& question : late) question.done(std::move(question.told));
  return std::chrono::ceil<milliseconds>(next - now);
}

}  // namespace vodlift::postgres
