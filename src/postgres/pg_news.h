// News between the nodes of a database.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "base/worker_thread.h"
#include "core/change_feed.h"
#include "postgres/node_news.h"
#include "postgres/pg_connection.h"
#include "postgres/pg_pool.h"

namespace vodlift::postgres {

// Changes after which every follower looks at everything.
std::vector<Change> anything();

// Tells other nodes what this one changed, and the feed of this node what they changed: with LISTEN and NOTIFY on a
// connection of its own. What comes within kGather is told together. A notification may get lost with a connection; so
// the feed hears each kPoll, and after each loss, that uploads and callbacks may be due and accounts may have changed.
// It asks the server each kPoll too, whether it still answers, and looks for another one if it does not: so the pool
// hears of a new primary, while what waits for the old one waits. Internally locked.
class PgNews {
 public:
  static constexpr std::chrono::milliseconds kGather{10};
  static constexpr std::chrono::milliseconds kPoll{1000};
  static constexpr std::chrono::milliseconds kPatience{3000};  // with a server that hangs

  // Both must outlive it. Starts the thread.
  PgNews(PgPool& pool, LocalChangeFeed& feed);
  PgNews(const PgNews&) = delete;
  PgNews& operator=(const PgNews&) = delete;
  ~PgNews();

  // After a commit. Never blocks.
  void tell(const std::vector<Change>& changes);

 private:
  void work();
  bool connect();
  // False: the connection is lost.
  bool send();
  bool receive(std::chrono::milliseconds patience);
  void publish_received();
  bool ask();
  void poll_feed();

  PgPool& pool_;
  LocalChangeFeed& feed_;
  std::unique_ptr<PgConnection> connection_;
  SteadyTime polled_;
  const int wake_;  // an eventfd
  std::mutex mutex_;
  std::vector<Change> waiting_;
  WorkerThread loop_;
};

}  // namespace vodlift::postgres
