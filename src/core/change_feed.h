// Port: news of changes that other parts of the program, or other nodes, wait for.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <shared_mutex>

#include "core/upload.h"

namespace vodlift {

// What has changed, or may have. Notices may be repeated or arrive late. They say only where to look: the store
// has the rest.
struct Change {
  enum class Kind {
    uploads_due,       // an upload may be ready to be claimed
    callbacks_due,     // a callback may be ready to be claimed
    upload_recalled,   // its client wants an upload that runs to be paused or cancelled
    accounts,          // accounts, keys or buckets
    upload_changed,    // anything of an upload: it was made, moved, got a part, ended
    callback_changed,  // the same of a callback
  };
  Kind kind = Kind::uploads_due;
  AccountId account = 0;      // 0: any
  UploadId upload = 0;        // 0: any
  std::int64_t callback = 0;  // its id; 0: any
};

class ChangeFeed {
 public:
  using Listener = std::function<void(const Change&)>;
  // Ends the subscription when it goes; waits for a call of the listener that is under way.
  using Subscription = std::shared_ptr<void>;

  ChangeFeed() = default;
  ChangeFeed(const ChangeFeed&) = delete;
  ChangeFeed& operator=(const ChangeFeed&) = delete;
  virtual ~ChangeFeed() = default;

  // Calls `listener` for each change of this kind, on any thread, after its commit. It must not block, and must not
  // subscribe or end a subscription. Any thread. The feed must outlive the subscription.
  [[nodiscard]] virtual Subscription subscribe(Change::Kind kind, Listener listener) = 0;
};

// The feed of a store that one process uses. Internally locked.
class LocalChangeFeed final : public ChangeFeed {
 public:
  [[nodiscard]] Subscription subscribe(Change::Kind kind, Listener listener) override;
  // Calls the listeners of the change's kind.
  void publish(const Change& change);
  // Whether anybody listens. Costs next to nothing: for what happens often.
  [[nodiscard]] bool is_followed(Change::Kind kind) const { return followers_[static_cast<std::size_t>(kind)] > 0; }

 private:
  static constexpr std::size_t kKinds = 6;

  std::array<std::atomic<int>, kKinds> followers_{};
  std::shared_mutex mutex_;  // shared while listeners are called
  std::multimap<Change::Kind, std::shared_ptr<Listener>> listeners_;
};

}  // namespace vodlift
