// Ports that forward every call to a store. Before that, a test may look, wait, or let the call fail.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/callback_queue.h"
#include "core/multipart_journal.h"
#include "core/work_queue.h"

namespace vodlift::worker {

class Watched {
 public:
  using Hook = std::function<Result<>()>;

  // Called on the caller's thread before a call of this name is forwarded. May block. An error is answered instead.
  // Set while nobody calls.
  std::map<std::string, Hook, std::less<>> before;

 protected:
  [[nodiscard]] Result<> look(std::string_view name) const {
    const auto hook = before.find(name);
    return hook != before.end() ? hook->second() : Result<>();
  }
  template <class Call>
  auto forward(std::string_view name, const Call& call) const -> decltype(call()) {
    if (auto allowed = look(name); !allowed) return allowed.error();
    return call();
  }
};

inline Error disk_full() { return {Errc::store_failed, "disk full"}; }

// The next `times` calls fail, and `times` counts down.
inline Watched::Hook without_room(int& times) {
  return [&times]() -> Result<> {
    if (times == 0) return {};
    --times;
    return disk_full();
  };
}

class WatchedQueue final : public WorkQueue, public Watched {
 public:
  explicit WatchedQueue(WorkQueue& queue) : queue_(queue) {}

  Result<Candidates> candidates(const CandidateQuery& query) override {
    return forward("candidates", [&] { return queue_.candidates(query); });
  }
  Result<std::vector<ClaimedUpload>> claim(const std::vector<UploadId>& ids, std::chrono::milliseconds lease) override {
    return forward("claim", [&] { return queue_.claim(ids, lease); });
  }
  Result<std::vector<HeldLease>> renew(const std::vector<Lease>& leases, std::chrono::milliseconds lease) override {
    return forward("renew", [&] { return queue_.renew(leases, lease); });
  }
  void finish(const Lease& lease, UploadEnding ending, Done done) override {
    end("finish", done, [this, lease, ending, done] { queue_.finish(lease, ending, done); });
  }
  void requeue(const Lease& lease, Requeue how, Done done) override {
    end("requeue", done, [this, lease, how, done] { queue_.requeue(lease, how, done); });
  }
  Result<int> rescue(int max_crashes) override {
    return forward("rescue", [&] { return queue_.rescue(max_crashes); });
  }
  Result<std::optional<Suspect>> next_suspect() override { return queue_.next_suspect(); }
  Result<int> reclaim(int max_crashes) override { return queue_.reclaim(max_crashes); }
  Result<std::optional<std::chrono::milliseconds>> next_due() override { return queue_.next_due(); }

  // From now on finish() and requeue() wait for answer().
  void hold_ends() { holds_ = true; }
  [[nodiscard]] std::size_t held() const { return held_.size(); }
  // The ends that wait are forwarded, or fail with this error.
  void answer(const Result<>& outcome = {}) {
    for (const auto& [done, call] : std::exchange(held_, {})) outcome ? call() : done(outcome);
  }

 private:
  void end(std::string_view name, const Done& done, std::function<void()> call) {
    if (auto allowed = look(name); !allowed) return done(std::move(allowed));
    if (holds_) return held_.push_back({done, std::move(call)});
    call();
  }

  WorkQueue& queue_;
  bool holds_ = false;
  std::vector<std::pair<Done, std::function<void()>>> held_;
};

class WatchedJournal final : public MultipartJournal, public Watched {
 public:
  explicit WatchedJournal(MultipartJournal& journal) : journal_(journal) {}

  Result<> intend(const Lease& lease, const MultipartPlace& place) override {
    return forward("intend", [&] { return journal_.intend(lease, place); });
  }
  Result<> withdraw(const Lease& lease) override {
    return forward("withdraw", [&] { return journal_.withdraw(lease); });
  }
  Result<> record_multipart(const Lease& lease, const OpenMultipart& open) override {
    return forward("record_multipart", [&] { return journal_.record_multipart(lease, open); });
  }
  Result<> record_part(const Lease& lease, const Part& part) override {
    return forward("record_part", [&] { return journal_.record_part(lease, part); });
  }
  Result<> abandon(const Lease& lease) override {
    return forward("abandon", [&] { return journal_.abandon(lease); });
  }

 private:
  MultipartJournal& journal_;
};

class WatchedCallbacks final : public CallbackQueue, public Watched {
 public:
  explicit WatchedCallbacks(CallbackQueue& queue) : queue_(queue) {}

  Result<std::vector<AccountId>> due_accounts(AccountId from, int limit) override {
    return forward("due_accounts", [&] { return queue_.due_accounts(from, limit); });
  }
  Result<std::vector<DueReceiver>> due_receivers(AccountId account, const std::string& after, int limit,
                                                 int depth) override {
    return forward("due_receivers", [&] { return queue_.due_receivers(account, after, limit, depth); });
  }
  Result<std::vector<ClaimedCallback>> claim(const std::vector<std::int64_t>& ids,
                                             std::chrono::milliseconds lease) override {
    return forward("claim", [&] { return queue_.claim(ids, lease); });
  }
  Result<std::vector<std::int64_t>> record(const std::vector<RecordedAttempt>& attempts) override {
    return forward("record", [&] { return queue_.record(attempts); });
  }
  Result<int> refuse(AccountId account, const std::string& receiver, const std::string& reason, int limit) override {
    return forward("refuse", [&] { return queue_.refuse(account, receiver, reason, limit); });
  }
  Result<> reclaim() override { return queue_.reclaim(); }
  Result<std::optional<std::chrono::milliseconds>> next_due() override {
    return forward("next_due", [&] { return queue_.next_due(); });
  }

 private:
  CallbackQueue& queue_;
};

}  // namespace vodlift::worker
