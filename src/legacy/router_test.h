// A router on the fakes, and requests to ask it with.
#pragma once

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <future>

#include "base/encoding.h"
#include "legacy/fakes_test.h"
#include "legacy/router.h"
#include "memory/memory_accounts.h"

namespace vodlift::legacy {

inline std::string hmac_base64(std::string_view text, std::string_view secret) {
  return to_base64(hmac_sha256(bytes_of(secret), bytes_of(text)));
}

// `text` with its signature spliced in before the last brace, as PHP and Perl clients end up with.
inline std::string signed_json(std::string text, std::string_view secret = kSecret) {
  const std::string member = (text == "{}" ? R"("signature":")" : R"(,"signature":")") + hmac_base64(text, secret);
  text.insert(text.rfind('}'), member + "\"");
  return text;
}

inline net::Request form_request(std::string_view json, std::string target = "/stable/") {
  net::Request request;
  request.method = "POST";
  request.target = std::move(target);
  request.headers = {{"host", "localhost"}, {"content-type", "application/x-www-form-urlencoded"}};
  request.body = "json=" + uri_encode(json);
  request.peer = "192.0.2.7";
  request.received = std::chrono::steady_clock::now();
  return request;
}

// The members every request begins with, and `more` behind them ("" or `,"name":value…`).
inline std::string call_text(std::string_view command, std::string_view more = "") {
  return R"({"command":")" + std::string(command) + R"(","api_key":")" + std::string(kApiKey) + R"(","timestamp":)" +
         std::to_string(kNow) + R"(,"cdn":158)" + std::string(more) + "}";
}

inline constexpr std::string_view kUploadFields =
    R"(,"path":"sestore4\/jb\/path\/to\/file.mp4","destination_path":"path\/to\/file.mp4","metadata":{"param1":"value1"},)"
    R"("acl":"private","bucket":"my_bucket","callback":"www.mycallbackurl.com\/")";

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    add_customer(accounts_, 158, "jb", kApiKey, kSecret, "my_bucket");
    add_customer(accounts_, 159, "eve", kOtherKey, kOtherSecret, "eves-bucket");
  }

  // Changes the key kApiKey.
  void change_key(const std::function<void(ApiKey&)>& edit) {
    accounts_
        .change_key(kApiKey,
                    [&](ApiKey& key) -> Result<> {
                      edit(key);
                      return {};
                    })
        .value();
  }

  net::Response ask(net::Request request) {
    std::promise<net::Response> promise;
    auto answer = promise.get_future();
    router_.handle(std::move(request), [&promise](net::Response response) { promise.set_value(std::move(response)); });
    return answer.get();
  }

  // The envelope of the answer to this JSON text; checks what every envelope has.
  boost::json::value ask_json(std::string_view text) {
    const net::Response response = ask(form_request(text));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.content_type, "application/json");
    return envelope_of(response);
  }
  boost::json::value ask_signed(const std::string& text) { return ask_json(signed_json(text)); }

  static boost::json::value envelope_of(const net::Response& response) {
    boost::json::value envelope = boost::json::parse(response.body);
    EXPECT_TRUE(envelope.at("message").is_string());
    EXPECT_TRUE(envelope.at("handle_time").is_double());
    const bool success = envelope.at("status") == "success";
    EXPECT_EQ(envelope.as_object().contains("code"), !success);
    if (!success) {
      EXPECT_EQ(envelope.at("status"), "failure");
      EXPECT_EQ(envelope.at("data"), 0);
    }
    return envelope;
  }
  static std::string text_at(const boost::json::value& envelope, std::string_view name) {
    return std::string(envelope.at(name).as_string());
  }
  // "0001: message", or "success".
  static std::string verdict(const boost::json::value& envelope) {
    if (envelope.at("status") == "success") return "success";
    return text_at(envelope, "code") + ": " + text_at(envelope, "message");
  }

  ManualClock clock_;
  memory::MemoryAccounts account_rows_;
  AccountDirectory accounts_{account_rows_};
  memory::WatchedUploads uploads_{clock_};
  FakeStorages storages_;
  UploadIntake intake_{accounts_, storages_, [](const std::string& host, int) -> std::optional<std::string> {
                         return host == "127.0.0.1" ? std::optional<std::string>("127.0.0.1 is a loopback address")
                                                    : std::nullopt;
                       }};
  FakeAudit audit_;
  door::FairPool fair_pool_{pool_, {2, 2}, 64};  // before the pool, whose threads use it to their end
  ThreadPool pool_{"blocking", 2, 64};
  KeyUsage usage_{accounts_};
  Router router_{accounts_, usage_, uploads_, storages_, intake_, clock_, fair_pool_, audit_, Options{}};
};

}  // namespace vodlift::legacy
