// The REST API on the fakes, and calls of it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <future>

#include "base/encoding.h"
#include "memory/memory_people.h"
#include "rest/fakes_test.h"
#include "rest/rest_api.h"
#include "rest/route_table.h"

namespace vodlift::rest {

using boost::json::object;
using boost::json::value;

class RestApiTest : public testing::Test {
 protected:
  net::Response send(std::string_view method, const std::string& target, std::string_view body = {},
                     std::string_view content_type = "application/json") {
    net::Request request;
    request.method = method;
    request.target = target;
    request.body = body;
    if (!body.empty()) request.headers.emplace_back("content-type", content_type);
    if (!idempotency_key_.empty()) request.headers.emplace_back("idempotency-key", idempotency_key_);
    std::promise<net::Response> answered;
    api_.handle({who_}, std::move(request), [&](net::Response response) { answered.set_value(std::move(response)); });
    return answered.get_future().get();
  }

  // Calls the route of that name. The fields of its path go there, the others into the query or the body.
  value call(std::string_view name, object fields) {
    const auto found = std::ranges::find(routes(), name, &Route::name);
    if (found == routes().end()) throw std::invalid_argument(std::string(name));
    const Route& route = **found;
    std::string target = path_of(route.path, fields);
    for (const FieldSpec& spec : route.fields) {
      if (route.path.find("{" + std::string(spec.name) + "}") != std::string_view::npos) fields.erase(spec.name);
    }
    std::string body;
    if (route.method == "GET" || route.method == "DELETE") {
      for (const auto& [field, given] : fields) {
        target += (target.find('?') == std::string::npos ? "?" : "&") + std::string(field) + "=" + query_text(given);
      }
    } else {
      body = boost::json::serialize(fields);
    }
    last_response_ = send(route.method, target, body);
    last_status_ = last_response_.status;
    last_body_ = last_response_.body;
    return last_response_.stream ? value() : boost::json::parse(last_body_);
  }

  value succeed(std::string_view name, const object& fields) {
    value answer = call(name, fields);
    EXPECT_LT(last_status_, 300) << last_body_;
    return answer;
  }

  // Of a collection.
  boost::json::array items(std::string_view name, const object& fields) {
    return succeed(name, fields).at("items").as_array();
  }

  // The failure's text; its code must be `code`.
  std::string fail(std::string_view name, const object& fields, std::string_view code) {
    const value answer = call(name, fields);
    EXPECT_GE(last_status_, 400) << last_body_;
    EXPECT_EQ(last_response_.content_type, "application/problem+json");
    EXPECT_EQ(std::string_view(answer.at("code").as_string()), code) << last_body_;
    return std::string(answer.at("detail").as_string());
  }

  void add_account() { succeed("account.add", {{"cdn", 158}, {"user", "jb"}}); }

  object bucket_fields() const {
    return {{"cdn", 158},
            {"bucket", "my_bucket"},
            {"endpoint", "https://s3.example.com"},
            {"region", "eu-west-1"},
            {"access_key", "AKIA"},
            {"secret_key", "very-secret"}};
  }

  FixedClock clock_;
  memory::MemoryAccounts account_rows_;
  AccountDirectory accounts_{account_rows_};
  memory::WatchedUploads uploads_{clock_};
  MemoryStorages storages_;
  UploadIntake intake_{accounts_, storages_, [](const std::string&, int) { return std::nullopt; }};
  ThreadPool pool_{"test", 2, 16};
  MemoryAudit audit_;
  ScriptedAuditLines audit_lines_;
  memory::MemoryMultipartLedger ledger_{uploads_.database()};
  ScriptedDoctor doctor_;
  memory::MemoryBandwidthLimits limits_{uploads_.database()};
  memory::MemoryAttemptHistory attempts_{uploads_.database()};
  memory::MemoryCallbackHistory callback_history_{uploads_.database()};
  DisabledReceivers disabled_receivers_{std::chrono::days(5)};
  PleasedReceiver receiver_;
  CallbackTester callback_tester_{accounts_, receiver_, clock_, [](const std::string&, int) { return std::nullopt; }};
  memory::MemoryStatistics statistics_{uploads_.database()};
  memory::MemoryPeople people_{clock_};
  QuickHasher hasher_;
  SteadyTime steady_{};
  SignIn sign_in_{people_, people_, hasher_, [this] { return steady_; }};
  ScriptedMonitor monitor_;
  memory::MemoryNodes nodes_{uploads_.database()};
  ScriptedSettings settings_;
  ScriptedAlerts alerts_;
  ScriptedBackups backups_;
  std::string api_url_;
  std::string panel_url_;
  net::HttpServerLoad api_load_;
  Bandwidth bandwidth_{clock_};
  BandwidthControl bandwidth_control_{limits_, bandwidth_, {"sestore4"}};
  StatisticsCollector traffic_{statistics_};
  AttentionWatch attention_watch_{[this](auto views) { return find_needs(context_, views); }};
  EventHub events_{{uploads_.database().feed(), uploads_, callback_history_, traffic_, attention_watch_, clock_}};
  Context context_{accounts_,
                   uploads_,
                   storages_,
                   intake_,
                   clock_,
                   audit_,
                   audit_lines_,
                   doctor_,
                   {"https://s3.from.env", "from-env"},
                   ledger_,
                   bandwidth_control_,
                   attempts_,
                   callback_history_,
                   disabled_receivers_,
                   callback_tester_,
                   statistics_,
                   events_,
                   people_,
                   people_,
                   sign_in_,
                   monitor_,
                   nodes_,
                   nodes_.join("here").value(),
                   settings_,
                   alerts_,
                   backups_,
                   [this] { return api_url_; },
                   [this] { return panel_url_; },
                   [this] { return api_load_; },
                   pool_};
  RestApi api_{context_};
  Principal who_ = socket_principal();  // who makes the next calls
  std::string idempotency_key_;         // of the next calls
  net::Response last_response_;
  int last_status_ = 0;
  std::string last_body_;

 private:
  static std::string query_text(const value& given) {
    if (const auto* text = given.if_string()) return uri_encode({text->data(), text->size()});
    if (!given.is_array()) return boost::json::serialize(given);
    std::string list;
    for (const value& one : given.get_array()) list += (list.empty() ? "" : ",") + query_text(one);
    return list;
  }
};

}  // namespace vodlift::rest
