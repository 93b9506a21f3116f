// Aborts multipart uploads that no upload uses any more.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "base/worker_thread.h"
#include "core/account_directory.h"
#include "core/multipart_ledger.h"
#include "core/object_store.h"

namespace vodlift::worker {

struct ReaperOptions {
  std::chrono::milliseconds retry{60'000};                   // before the second try; doubled each time, 6 h at most
  std::chrono::milliseconds grace{600'000};                  // before a search for what a Create may have opened
  std::chrono::milliseconds give_up{std::chrono::days{14}};  // after it was abandoned: logged, and forgotten
};

// Aborts a multipart upload whose id the ledger has, until it is gone. If the ledger only has a Create without an
// answer, it searches: it lists the multipart uploads for exactly that key and aborts those that must be ours. Such a
// multipart upload is unknown to the ledger, was begun while the Create could have been under way, has no part, and has
// our own principal if the store reports one; and there are no more of them than there were Creates. It leaves alone
// whatever it cannot tell apart. At most 1,000 entries a round, 100 of one bucket; if a bucket cannot be worked on, all
// of its entries are postponed.
class MultipartReaper {
 public:
  // Everything given must outlive it.
  MultipartReaper(MultipartLedger& ledger, const AccountDirectory& accounts, ObjectStore& objects,
                  ReaperOptions options);
  MultipartReaper(const MultipartReaper&) = delete;
  MultipartReaper& operator=(const MultipartReaper&) = delete;
  // Like stop().
  ~MultipartReaper();

  // start() and stop() from one thread. stop() waits for the request under way: interrupt the object store before.
  void start();
  void stop();

  // From the next round on. Any thread.
  void use(ReaperOptions options);

  // Works once on everything that is due. For the thread of start(), and for tests without one. Never throws.
  void round() noexcept;

 private:
  using Bucket = std::tuple<AccountId, std::string, std::string>;  // with endpoint and name

  void loop();
  void work_on_all();
  Result<> work_on(const AbandonedMultipart& entry);
  Result<> search(const AbandonedMultipart& entry, const ObjectTarget& target);
  Result<> keep_empty(std::vector<ListedMultipart>& candidates, const ObjectTarget& target);
  Result<std::string> own_principal(const AbandonedMultipart& entry, const ObjectTarget& target);
  Result<std::string> probe(const AbandonedMultipart& entry, const ObjectTarget& target);
  bool give_up_or_postpone(const AbandonedMultipart& entry, const Error& error);

  MultipartLedger& ledger_;
  const AccountDirectory& accounts_;
  ObjectStore& objects_;
  std::mutex mutex_;      // guards the next one
  ReaperOptions wanted_;  // from the next round on
  // Of round()'s thread.
  ReaperOptions options_;
  // Our own principal at the store of each bucket, as found in this round: credentials may change.
  std::map<Bucket, std::string> principals_;

  WorkerThread loop_;
};

}  // namespace vodlift::worker
