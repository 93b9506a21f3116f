#include "core/callback_tester.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <memory>
#include <utility>

#include "base/random.h"
#include "base/surely_called.h"
#include "core/callback_url.h"
#include "core/upload_json.h"

namespace vodlift {
namespace {

namespace json = boost::json;

constexpr std::size_t kWebhookIdBytes = 16;
constexpr std::int64_t kShownBytes = 1'048'576;

std::string test_body(const Account& account, const std::string& url, WallTime now) {
  Upload shown;
  shown.account = account.cdn;
  shown.state = UploadState::completed;
  shown.request.path = "sestore1/" + account.user + "/test.mp4";
  shown.request.destination_path = "test.mp4";
  shown.request.bucket = "test";
  shown.request.callback = url;
  shown.acl_applied = Acl::private_acl;
  shown.size = shown.bytes_sent = kShownBytes;
  shown.attempts = 1;
  shown.created = now;
  shown.started = shown.finished = now;
  shown.callback_state = CallbackState::pending;
  json::object body = json::parse(callback_body(shown, now)).as_object();
  body["message"] = "This is a test: it tells of no upload";
  body["test"] = true;
  return json::serialize(body);
}

}  // namespace

// One test under way, which makes others wait.
class CallbackTester::Place {
 public:
  Place(Shared& shared, AccountId account) : shared_(shared), account_(account) {}
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    const std::lock_guard lock(shared_.mutex);
    if (taken_) shared_.under_way.erase(account_);
  }

  Result<> take() {
    const std::lock_guard lock(shared_.mutex);
    if (shared_.under_way.contains(account_)) {
      return Error{Errc::overloaded, "another test for this account is under way; wait until it has ended"};
    }
    if (shared_.under_way.size() >= kMostAtOnce) {
      return Error{Errc::overloaded, "too many tests are under way; try again in a few seconds"};
    }
    taken_ = shared_.under_way.insert(account_).second;
    return {};
  }

 private:
  Shared& shared_;
  const AccountId account_;
  bool taken_ = false;
};

CallbackTester::CallbackTester(const AccountDirectory& accounts, CallbackSender& sender, const Clock& clock,
                               HostRefusal refuse_host)
    : accounts_(accounts), sender_(sender), clock_(clock), refuse_host_(std::move(refuse_host)) {}

Result<CallbackTest> CallbackTester::send(AccountId account, const std::string& url) {
  const auto owner = accounts_.find_account(account);
  if (!owner) return Error{Errc::not_found, fmt::format("there is no account {}", account)};
  const auto checked = parse_callback_url(url);
  if (!checked) return checked.error();
  if (auto taken = check_callback(*owner, checked->url); !taken) return taken.error();
  if (const auto refusal = refuse_host_(checked->host, checked->port)) {
    return Error{Errc::invalid_value, "callback: " + *refusal};
  }
  Place place(*shared_, account);
  if (auto taken = place.take(); !taken) return taken.error();

  CallbackTest test;
  test.webhook_id = "msg_test_" + random_hex(kWebhookIdBytes);
  test.body = test_body(*owner, checked->url, clock_.now());
  const auto started = std::chrono::steady_clock::now();
  const auto answer = answer_to(callback_message(*owner, checked->url, test.webhook_id, test.body));
  test.took = std::chrono::ceil<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started);
  if (answer) {
    test.http_status = answer->http_status;
  } else if (answer.error().code == Errc::interrupted) {
    return answer.error();
  } else {
    test.failure = answer.error();
  }
  return test;
}

Result<CallbackAnswer> CallbackTester::answer_to(CallbackMessage message) {
  const auto answer = std::make_shared<std::optional<Result<CallbackAnswer>>>();
  const auto note = [shared = shared_, answer](Result<CallbackAnswer> given) {
    {
      const std::lock_guard lock(shared->mutex);
      *answer = std::move(given);
    }
    shared->changed.notify_all();
  };
  sender_.send(std::move(message), surely_called<CallbackAnswer>(note, Errc::internal));
  std::unique_lock lock(shared_->mutex);
  shared_->changed.wait(lock, [&] { return answer->has_value() || shared_->stopping; });
  if (!*answer) return Error{Errc::interrupted, "the server stops"};
  return std::move(**answer);
}

void CallbackTester::stop() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->stopping = true;
  }
  shared_->changed.notify_all();
}

}  // namespace vodlift
