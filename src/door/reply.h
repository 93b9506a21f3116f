// The one answer to one request, whatever form the door writes it in.
#pragma once

#include <atomic>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/thread_pool.h"
#include "door/audited_call.h"
#include "door/fair_pool.h"
#include "net/http_server.h"

namespace vodlift::door {

// Answers once; later answers are dropped. A door derives from it and says how an answer is written. Any thread, but
// audit() and guard() only from the thread that has the request.
class Reply {
 public:
  explicit Reply(net::Responder respond) : respond_(std::move(respond)) {}
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;
  virtual ~Reply() = default;

  // Called with the answer.
  using Succeeded = std::function<void(const boost::json::value&)>;

  // Has the outcome recorded before it is answered, and calls `succeeded` then where it is a success; it must not
  // throw. Before the answer only.
  void audit(AuditedCall call, Succeeded succeeded = {}) {
    audited_.emplace(std::move(call));
    succeeded_ = std::move(succeeded);
  }

  // Has it recorded now that the change is begun (AuditedCall::begin), if anything is recorded.
  void begin_audited(AuditedCall::State state) {
    if (audited_) audited_->begin(std::move(state));
  }

  // `members`: more members of the answer that stand next to `data`.
  void success(std::string_view message, const boost::json::value& data, const boost::json::object& members = {});

  // Answers with a response that is no JSON, as a stream.
  void respond(net::Response response);

  // The text of an error that is_internal() goes to the log only; the caller gets a reference to it.
  void failure(const Error& error);

  // Runs `work`; an exception becomes an internal failure.
  template <class Work>
  void guard(Work&& work) noexcept {
    try {
      work();
    } catch (const std::exception& unexpected) {
      broken(unexpected.what());
    } catch (...) {
      broken("unknown exception");
    }
  }

 protected:
  [[nodiscard]] virtual net::Response success_response(std::string_view message, const boost::json::value& data,
                                                       const boost::json::object& members) const = 0;
  [[nodiscard]] virtual net::Response failure_response(const Error& error) const = 0;
  // Whether the error's text is for the operator only.
  [[nodiscard]] virtual bool is_internal(Errc code) const = 0;

  // The answer is about to be sent: once. Nothing: the request succeeded. Must not throw.
  virtual void answered(std::optional<Errc> /*failure*/) {}

  // Nothing is recorded. Before the answer only.
  void withdraw_audit() { audited_.reset(); }

  // Sends `response` as the answer to a request that failed with `code`.
  void fail(Errc code, net::Response response);

 private:
  void broken(std::string_view what) noexcept;
  void fail_internally(std::string_view code, std::string_view detail);
  void answer(net::Response response, std::optional<Errc> failure, const boost::json::value& data);

  std::atomic<bool> answered_{false};
  std::optional<AuditedCall> audited_;
  Succeeded succeeded_;
  net::Responder respond_;
};

// Runs `work` on the pool, guarded by `reply`; answers `overloaded` when the pool is full or stopped.
void run_on(ThreadPool& pool, const std::shared_ptr<Reply>& reply, std::function<void()> work);
// The same, on the account's share of the threads.
void run_on(FairPool& pool, std::int64_t account, const std::shared_ptr<Reply>& reply, std::function<void()> work);

}  // namespace vodlift::door
