// Tells who follows it what needs a person, whenever that changes.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/worker_thread.h"
#include "core/upload.h"
#include "rest/attention.h"

namespace vodlift::rest {

struct AttentionNews {
  std::vector<Need> needs;  // all that there are now, the gravest first
  std::vector<Need> began;  // those of them that were not there with the news before
  std::vector<Need> ended;  // those of the news before that are no more
};

// Looks each kLook, and only while somebody follows it. Needs are the same while their marks are.
//
// Internally locked. look() is called by the thread that start() makes, or by a test.
class AttentionWatch {
 public:
  static constexpr std::chrono::seconds kLook{3};
  static constexpr std::size_t kMostViews = 64;  // of one look; the next one goes on with the others

  // Finds what needs a person in each of these views. May block.
  using Find = std::function<Result<std::vector<std::vector<Need>>>(std::span<const NeedView>)>;
  // Must not block, and must not call the watch.
  using Listener = std::function<void(const AttentionNews&)>;
  // Ends when it goes; waits for a call of the listener that is under way.
  using Subscription = std::shared_ptr<void>;

  explicit AttentionWatch(Find find) : find_(std::move(find)) {}
  AttentionWatch(const AttentionWatch&) = delete;
  AttentionWatch& operator=(const AttentionWatch&) = delete;
  ~AttentionWatch() { stop(); }

  void start();
  // Waits for the look that is under way. May be called twice.
  void stop();

  // Calls `listener` after the next look, and then after each that finds something else than the one before. What
  // cannot be found at a look is not told: the next one does. The watch must outlive the subscription.
  [[nodiscard]] Subscription follow(NeedView view, Listener listener);

  void look();

 private:
  struct Follower {
    NeedView view;
    Listener listener;
    std::optional<std::vector<Need>> known{};  // nothing: it was told nothing yet
  };

  std::vector<NeedView> next_views();
  static void tell(Follower& follower, const std::vector<Need>& needs);

  const Find find_;
  std::mutex mutex_;  // guards the next block; held while listeners are called
  std::list<Follower> followers_;
  NeedView last_;  // that was looked at

  WorkerThread loop_;
};

}  // namespace vodlift::rest
