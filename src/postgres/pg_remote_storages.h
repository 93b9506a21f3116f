// Storages that other nodes of the database have.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/thread_pool.h"
#include "base/worker_thread.h"
#include "core/nodes.h"
#include "core/storage.h"
#include "core/upload_request.h"
#include "postgres/pg_connection.h"
#include "postgres/pg_database.h"
#include "postgres/storage_talk.h"

namespace vodlift::postgres {

// This node's storages, and what other nodes tell of theirs. For a storage that this node does not have, open() and
// list_files() ask the nodes that have it, with NOTIFY on a connection of its own, and believe the first that has
// looked; list_everywhere() asks all. A file of another node tells its size and cannot be read here. This node answers
// the others in the same way, from its own storages. It asks nobody about a storage that it has. Internally locked;
// open() and list_everywhere() block.
class PgRemoteStorages final : public Storages {
 public:
  // With other nodes.
  struct Patience {
    std::chrono::milliseconds look{7'000};    // the other node gives its storage 5 s
    std::chrono::milliseconds files{12'000};  // and searches a folder for 8 s at most
  };
  // So many callers wait at the same time, so that calls for local files have threads left. Another one waits for its
  // turn, and is then told to come later.
  static constexpr std::size_t kMostWaiting = 6;
  static constexpr std::chrono::milliseconds kTurn{1'000};
  // So long nobody waits for a storage that did not answer in time.
  static constexpr std::chrono::milliseconds kSilence{5'000};
  // Lists of files under way. They hold no thread.
  static constexpr std::size_t kMostLists = 32;
  static constexpr std::size_t kMostListsOfAccount = 4;

  // All must outlive it. Starts the thread.
  PgRemoteStorages(Storages& local, Nodes& nodes, NodeTerm self, PgDatabase& database, const Patience& patience);
  PgRemoteStorages(const PgRemoteStorages&) = delete;
  PgRemoteStorages& operator=(const PgRemoteStorages&) = delete;
  // Answers the lists that wait. No other call may run any more.
  ~PgRemoteStorages() override;

  // Errors also: storage_unavailable (no node that runs has it now, or none has answered in time), overloaded.
  Result<std::unique_ptr<SourceFile>> open(const SourcePath& path) override;
  std::optional<Result<std::unique_ptr<SourceFile>>> open_cached(const SourcePath& path) override;
  [[nodiscard]] bool takes_uploads(std::string_view storage) override;
  std::vector<StorageInfo> list() override;
  // What nobody tells of a storage is that it is not available. What was told is told again for a second.
  Result<std::vector<StorageInfo>> list_everywhere() override;
  // Errors also: as open().
  void list_files(FileQuery query, std::function<void(Result<FileList>)> done) override;

 private:
  using NodeIds = std::set<std::int64_t>;
  using NodesOfStorages = std::map<std::string, NodeIds>;
  // Who said what, in the order in which it came.
  using Told = std::vector<std::pair<std::int64_t, StorageFacts>>;
  using Done = std::function<void(Result<Told>)>;

  // An answer of which some pieces have come.
  struct Gathered {
    std::size_t pieces = 0;
    std::string bytes;
  };
  struct Question {
    StorageMatter matter;
    NodeIds left;  // that may still answer
    SteadyTime until;
    std::map<std::int64_t, Gathered> gathered;
    Told told;
    Done done;  // is called once, on the thread
  };
  // Texts for other nodes. Answers of storages may come when the rest is gone.
  class Outbox;

  // Storages of other nodes, each with those that run and have it. Errors: store_failed.
  Result<NodesOfStorages> storages_elsewhere();
  Result<std::map<std::string, StorageInfo>> told_storages(const NodesOfStorages& elsewhere);
  // Nothing: none has answered.
  Result<Told> ask_and_wait(StorageMatter matter, NodeIds nodes);
  void list_elsewhere(const FileQuery& query, const Error& unknown, const std::function<void(Result<FileList>)>& done);
  // Why nobody is asked; nothing: `done` will be called.
  std::optional<Error> ask_for_files(const FileQuery& query, const NodeIds& nodes,
                                     const std::function<void(Result<FileList>)>& done);
  Result<FileList> take_files(const std::string& storage, Result<Told> told);
  // These three under the lock.
  void ask(StorageMatter matter, NodeIds nodes, std::chrono::milliseconds patience, Done done);
  [[nodiscard]] bool is_silent(const std::string& storage);
  void silence(const std::string& storage);

  void work();
  bool connect();
  bool send();
  void hear_all();
  void hear(std::string_view text);
  void answer(StorageQuestion question);
  // Nothing: the storage is not of this node.
  std::optional<StorageFacts> look(const SourcePath& path);
  void hear_piece(AnswerPiece piece);
  std::chrono::milliseconds end_late_questions();

  Storages& local_;
  Nodes& nodes_;
  const NodeTerm self_;
  PgDatabase& database_;
  const Patience patience_;
  const std::int64_t number_;  // of this object among all nodes; random
  const std::shared_ptr<Outbox> outbox_;
  std::unique_ptr<PgConnection> connection_;  // of the thread, as is the next
  SteadyTime sent_{};
  std::mutex known_mutex_;  // guards the next two
  NodesOfStorages known_;   // what storages_elsewhere() found
  SteadyTime known_until_{};
  std::mutex mutex_;  // guards the rest
  std::condition_variable turn_;
  std::size_t waiting_ = 0;  // callers that wait for an answer
  std::int64_t last_number_ = 0;
  std::map<std::int64_t, Question> questions_;
  std::map<std::string, SteadyTime> silent_until_;
  std::map<std::string, std::int64_t> lists_from_;  // the node that has listed a storage's files last
  std::map<std::string, StorageInfo> told_storages_;
  SteadyTime told_until_{};
  ThreadPool looks_;
  WorkerThread loop_;
};

}  // namespace vodlift::postgres
