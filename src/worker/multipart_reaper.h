// Gets rid of multipart uploads that no upload of ours uses any more.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <tuple>

#include "core/account_store.h"
#include "core/multipart_ledger.h"
#include "core/object_store.h"

namespace vodlift::worker {

struct ReaperOptions {
  std::chrono::milliseconds retry{60'000};                   // before the second try; doubled each time, 6 h at most
  std::chrono::milliseconds grace{600'000};                  // before what may have been opened is looked for
  std::chrono::milliseconds give_up{std::chrono::days{14}};  // after it was left: told in the log, and forgotten
};

// Aborts what the ledger has the id of until it is gone. Where only a Create without an answer is known, it aborts the
// multipart uploads for exactly that key that can be nobody else's: not known to the ledger, begun while such a Create
// could have been under way, without any part, of our own principal where the store tells, and not more of them than
// there were Creates. Whatever it cannot tell apart it leaves alone.
// At most 1,000 entries a round, 100 of one bucket; a bucket that cannot be worked on is left for later as a whole.
class MultipartReaper {
 public:
  // Everything given must outlive it.
  MultipartReaper(MultipartLedger& ledger, const AccountStore& accounts, ObjectStore& objects, ReaperOptions options);
  MultipartReaper(const MultipartReaper&) = delete;
  MultipartReaper& operator=(const MultipartReaper&) = delete;
  // Like stop().
  ~MultipartReaper();

  // start() and stop() from one thread. stop() waits for the request under way: interrupt the object store before.
  void start();
  void stop();

  // Deals once with everything that is due; for the thread of start(), and for tests without one. Never throws.
  void round() noexcept;

 private:
  using Bucket = std::tuple<AccountId, std::string, std::string>;  // with endpoint and name

  void loop();
  void deal_with_all();
  bool stopping();
  Result<> deal_with(const AbandonedMultipart& entry);
  Result<> search(const AbandonedMultipart& entry, const ObjectTarget& target);
  Result<bool> is_empty(const ObjectTarget& target, const std::string& multipart_id);
  Result<std::string> own_principal(const AbandonedMultipart& entry, const ObjectTarget& target);
  Result<std::string> probe(const AbandonedMultipart& entry, const ObjectTarget& target);
  bool give_up_or_postpone(const AbandonedMultipart& entry, const Error& error);

  MultipartLedger& ledger_;
  const AccountStore& accounts_;
  ObjectStore& objects_;
  const ReaperOptions options_;
  // Who we are at the store of a bucket, as found in this round: credentials may change. For the thread of round().
  std::map<Bucket, std::string> principals_;

  std::mutex mutex_;  // guards stopping_
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace vodlift::worker
