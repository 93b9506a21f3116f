// What the server keeps of an answer that is a stream: its place, and the bytes that wait for its client.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "net/body_stream.h"
#include "net/byte_budget.h"

namespace vodlift::net {

struct ServerShared;
class Session;

// How many streams there are, in all and of each holder. Internally locked. Has one entry for each holder that has any.
class StreamPlaces {
 public:
  StreamPlaces(std::size_t all, std::size_t each) : all_(all), each_(each) {}

  // An empty holder is not counted by itself. Errors, and no place is taken then: overloaded (all are),
  // too_many_connections (the holder has as many as one may have).
  Result<> take(const std::string& holder);
  // Each success needs one release() of the same holder.
  void release(const std::string& holder);
  [[nodiscard]] std::size_t taken() const {
    const std::lock_guard lock(mutex_);
    return taken_;
  }

 private:
  const std::size_t all_;
  const std::size_t each_;
  mutable std::mutex mutex_;  // guards the rest
  std::size_t taken_ = 0;
  std::unordered_map<std::string, std::size_t> holders_;
};

// The bytes between whoever writes and the session that sends. Internally locked. The session's methods are for its
// own thread.
class StreamQueue {
 public:
  // Takes a place and holds it until end(). Errors: those of StreamPlaces::take().
  static Result<std::shared_ptr<StreamQueue>> make(const std::shared_ptr<ServerShared>& shared,
                                                   const ByteHolders& holders, const std::weak_ptr<Session>& session);
  StreamQueue(const StreamQueue&) = delete;
  StreamQueue& operator=(const StreamQueue&) = delete;
  ~StreamQueue() { end(); }

  // As BodyStream has them.
  bool write(std::shared_ptr<const std::string> bytes);
  void close();

  // What is sent at once.
  struct Piece {
    std::vector<std::shared_ptr<const std::string>> texts;
    std::size_t bytes = 0;
    bool last = false;
  };
  // For the session: all that waits. It is counted until it was sent().
  Piece take();
  void sent(std::size_t bytes);
  // For the session: the connection must be closed without another byte.
  [[nodiscard]] bool failed() const { return failed_; }
  // For the session, which is over.
  void end();

 private:
  StreamQueue(std::shared_ptr<ServerShared> shared, ByteHolders holders, std::weak_ptr<Session> session)
      : shared_(std::move(shared)), holders_(std::move(holders)), session_(std::move(session)) {}

  // Has the session look, unless it will anyway.
  void wake(std::unique_lock<std::mutex> lock);

  const std::shared_ptr<ServerShared> shared_;
  const ByteHolders holders_;
  const std::weak_ptr<Session> session_;
  std::atomic<bool> failed_{false};

  std::mutex mutex_;  // guards all below
  std::vector<std::shared_ptr<const std::string>> texts_;
  std::size_t waiting_ = 0;  // bytes of texts_
  std::size_t held_ = 0;     // these, and those that are being sent
  bool closed_ = false;
  bool ended_ = false;
  bool woken_ = false;
};

// What the handler's side holds.
class StreamHandle final : public BodyStream {
 public:
  explicit StreamHandle(std::shared_ptr<StreamQueue> queue) : queue_(std::move(queue)) {}
  ~StreamHandle() override { queue_->close(); }

  bool write(std::shared_ptr<const std::string> bytes) override { return queue_->write(std::move(bytes)); }
  void close() override { queue_->close(); }

 private:
  const std::shared_ptr<StreamQueue> queue_;
};

}  // namespace vodlift::net
