#include "door/reply.h"

#include <string>
#include <utility>

#include "base/log.h"
#include "base/random.h"

namespace vodlift::door {
namespace {

constexpr std::size_t kReferenceBytes = 8;

void refuse(Reply& reply) {
  reply.failure({Errc::overloaded, "more traffic than usual; nothing was queued, try again in a few minutes"});
}

}  // namespace

void Reply::answer(net::Response response, std::optional<Errc> failure, const boost::json::value& data) {
  if (answered_.exchange(true)) return;
  if (audited_) failure ? audited_->failed(*failure) : audited_->succeeded(data);
  if (audited_ && !failure && succeeded_) succeeded_(data);
  answered(failure);
  std::exchange(respond_, nullptr)(std::move(response));
}

void Reply::success(std::string_view message, const boost::json::value& data, const boost::json::object& members) {
  answer(success_response(message, data, members), std::nullopt, data);
}

void Reply::respond(net::Response response) { answer(std::move(response), std::nullopt, nullptr); }

void Reply::fail(Errc code, net::Response response) { answer(std::move(response), code, nullptr); }

void Reply::failure(const Error& error) {
  if (is_internal(error.code)) return fail_internally(info(error.code).name, error.for_operator());
  fail(error.code, failure_response(error));
}

void Reply::fail_internally(std::string_view code, std::string_view detail) {
  const std::string reference = random_hex(kReferenceBytes);
  log::error("request failed unexpectedly", {{"reference", reference}, {"code", code}, {"detail", detail}});
  fail(Errc::internal,
       failure_response(
           {Errc::internal,
            "unexpected error; try again, and if it happens again give the operator the reference " + reference}));
}

void Reply::broken(std::string_view what) noexcept {
  try {
    fail_internally("exception", what);
  } catch (...) {
    // No memory is left: the responder, dropped uncalled, answers 500.
  }
}

void run_on(ThreadPool& pool, const std::shared_ptr<Reply>& reply, std::function<void()> work) {
  if (!pool.post([reply, work = std::move(work)] { reply->guard(work); })) refuse(*reply);
}

void run_on(FairPool& pool, std::int64_t account, const std::shared_ptr<Reply>& reply, std::function<void()> work) {
  if (!pool.post(account, [reply, work = std::move(work)] { reply->guard(work); })) refuse(*reply);
}

}  // namespace vodlift::door
