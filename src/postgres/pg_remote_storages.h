// Storages that other nodes of the database have.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
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

// This node's storages, and a look at files that only other nodes have. For a storage that this node does not have,
// open() asks the nodes that have it, with NOTIFY on a connection of its own. It believes the first that has looked.
// Such a file tells its size and cannot be read here. This node answers the others in the same way, from its own
// storages. It asks nobody about a storage that it has. Internally locked; open() blocks.
class PgRemoteStorages final : public Storages {
 public:
  // For an answer; the other node gives its storage 5 s.
  static constexpr std::chrono::milliseconds kPatience{7'000};
  // So many callers wait at the same time, so that calls for local files have threads left. Another one waits for its
  // turn, and is then told to come later.
  static constexpr std::size_t kMostWaiting = 6;
  static constexpr std::chrono::milliseconds kTurn{1'000};
  // So long nobody waits for a storage that did not answer in time.
  static constexpr std::chrono::milliseconds kSilence{5'000};

  // All must outlive it. Starts the thread.
  PgRemoteStorages(Storages& local, Nodes& nodes, NodeTerm self, PgDatabase& database);
  PgRemoteStorages(const PgRemoteStorages&) = delete;
  PgRemoteStorages& operator=(const PgRemoteStorages&) = delete;
  // No other call may run any more.
  ~PgRemoteStorages() override;

  // Errors also: storage_unavailable (no node that runs has it now, or none has answered in time), overloaded.
  Result<std::unique_ptr<SourceFile>> open(const SourcePath& path) override;
  std::optional<Result<std::unique_ptr<SourceFile>>> open_cached(const SourcePath& path) override;
  [[nodiscard]] bool takes_uploads(std::string_view storage) override;
  // These two are of this node alone.
  std::vector<StorageInfo> list() override;
  void list_files(FileQuery query, std::function<void(Result<FileList>)> done) override;

 private:
  struct Question {
    std::size_t left = 0;  // nodes that may still answer
    std::optional<Result<SourceIdentity>> answer{};
    bool ended = false;
  };

  // How many nodes that run have the storage; nothing: no node has it, running or away. Errors: store_failed.
  Result<std::optional<std::size_t>> nodes_with(const std::string& storage);
  Result<SourceIdentity> ask(const SourcePath& path, std::size_t nodes);
  void work();
  bool connect();
  bool send();
  void hear(std::string_view text);
  void look(const StorageQuestion& question);
  void hear_answer(const StorageAnswer& answer);
  void post(const StorageAnswer& answer);

  Storages& local_;
  Nodes& nodes_;
  const NodeTerm self_;
  PgDatabase& database_;
  const std::int64_t number_;                 // of this object among all nodes; random
  const int wake_;                            // an eventfd
  std::unique_ptr<PgConnection> connection_;  // of the thread
  std::mutex list_mutex_;                     // guards the next two
  std::vector<NodeInfo> listed_;
  SteadyTime listed_until_{};
  std::mutex mutex_;  // guards the rest
  std::condition_variable answered_;
  std::int64_t last_id_ = 0;
  std::map<std::int64_t, Question*> questions_;
  std::map<std::string, SteadyTime> silent_until_;
  std::vector<std::string> outgoing_;
  ThreadPool looks_;
  WorkerThread loop_;
};

}  // namespace vodlift::postgres
