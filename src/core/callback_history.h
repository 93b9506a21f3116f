// Port of the doors: callbacks as people see them, with their attempts, and sending one again.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/callback_receivers.h"
#include "core/upload.h"

namespace vodlift {

// Of each callback so many attempts are kept, the last ones.
inline constexpr int kKeptCallbackAttempts = 100;
// A list looks at so many callbacks at most. Where it ends because of that, it says how far it has come.
inline constexpr int kMostCallbacksSearched = 10'000;

// Which callbacks to list.
struct CallbackQuery {
  AccountId account = 0;                 // 0: of all accounts
  std::optional<CallbackState> state{};  // pending, delivered, failed or stopped; empty: in any
  std::string receiver{};                // "host" or "host:port", in any case of letters; empty: to any
  std::int64_t before = 0;               // only lower ids: `next` of the page before; 0: from the newest on
  int limit = 25;                        // 1..100
};

// One delivery that was tried.
struct CallbackTry {
  int number = 0;  // from 1, counted over all of the callback's life
  WallTime at;
  std::chrono::milliseconds took{0};
  int http_status = 0;  // 0: no answer
  std::string error;    // empty on success

  bool operator==(const CallbackTry&) const = default;
};

struct CallbackView {
  std::int64_t id = 0;
  UploadId upload = 0;
  AccountId account = 0;  // it never changes
  std::string webhook_id;
  std::string url;
  std::string receiver;  // of the URL, see callback_receiver()
  CallbackState state = CallbackState::pending;
  int attempts = 0;                        // all that were made
  bool under_way = false;                  // a worker delivers it now
  WallTime created;                        // when its upload ended
  std::optional<WallTime> next_attempt{};  // while pending and not under way
  std::optional<CallbackTry> last{};       // the last attempt
};

struct CallbackPage {
  std::vector<CallbackView> callbacks;  // newest first
  std::int64_t next = 0;                // for CallbackQuery::before; 0: there are no more
  // Set if the search stopped after kMostCallbacksSearched callbacks. It has looked at all that are younger than this.
  // Older ones may match; `next` continues with them.
  std::optional<WallTime> searched_to{};
};

struct CallbackStory {
  CallbackView callback;
  std::string body;                   // JSON, the same at each attempt
  std::vector<CallbackTry> attempts;  // the last kKeptCallbackAttempts, oldest first
};

// Puts a page together from callbacks that are shown to it newest first, all of the query's account and below
// `before`. Pure; one thread.
class CallbackSearch {
 public:
  explicit CallbackSearch(const CallbackQuery& query);

  // Returns false when it wants to see no more.
  bool look(std::int64_t id, WallTime created, CallbackState state, std::string_view receiver);

  // What belongs to the page, newest first.
  [[nodiscard]] const std::vector<std::int64_t>& ids() const { return ids_; }
  // The page, but for its callbacks.
  [[nodiscard]] CallbackPage page() const { return {{}, next_, searched_to_}; }

 private:
  [[nodiscard]] bool is_wanted(CallbackState state, std::string_view receiver) const;

  const std::optional<CallbackState> state_;
  const std::string receiver_;  // in lower case
  const std::size_t limit_;
  int looked_at_ = 0;
  std::int64_t last_ = 0;
  WallTime last_created_;
  std::vector<std::int64_t> ids_;
  std::int64_t next_ = 0;
  std::optional<WallTime> searched_to_;
};

// Whether a callback may be sent again: a pending one is then due at once, and one that is over is pending again.
// Errors: wrong_state (it is under way). Pure.
Result<> may_send_again(bool under_way);

// Both: not_found.
Error no_such_callback(std::int64_t id);
Error no_callback_of(UploadId upload);

// Any thread; calls block, and changes are on the disk before they are answered. Times are of the store's clock. Errors
// of all: store_failed (nothing was changed), internal.
class CallbackHistory {
 public:
  CallbackHistory() = default;
  CallbackHistory(const CallbackHistory&) = delete;
  CallbackHistory& operator=(const CallbackHistory&) = delete;
  virtual ~CallbackHistory() = default;

  virtual Result<CallbackPage> list(const CallbackQuery& query) = 0;

  // Errors also: not_found.
  virtual Result<CallbackStory> find(std::int64_t id) = 0;

  // The one of this upload. Errors also: not_found (also where the upload has not ended, or has no callback).
  virtual Result<CallbackStory> find_of(UploadId upload) = 0;

  // How the receivers of an account do, or (account 0) of all: those that fail first, from the longest failing on, then
  // those with most waiting. kMostReceiversListed at most.
  virtual Result<std::vector<CallbackReceiver>> receivers(AccountId account) = 0;

  // Makes the callback due now, with the same webhook id and body. The schedule of its attempts starts again. A worker
  // that lost its lease cannot record anything. Errors also: not_found, and those of may_send_again().
  virtual Result<> send_again(std::int64_t id) = 0;
};

}  // namespace vodlift
