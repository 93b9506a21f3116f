// The administration API on the fakes, and calls of it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <future>

#include "admin/admin_api.h"
#include "admin/fakes_test.h"

namespace vodlift::admin {

using boost::json::object;
using boost::json::value;

class AdminApiTest : public testing::Test {
 protected:
  net::Response send(std::string_view method, std::string_view target, std::string_view body) {
    net::Request request;
    request.method = method;
    request.target = target;
    request.body = body;
    std::promise<net::Response> answered;
    api_.handle(std::move(request), [&](net::Response response) { answered.set_value(std::move(response)); });
    return answered.get_future().get();
  }

  object call(std::string_view command, const object& fields) {
    const net::Response response =
        send("POST", "/admin/" + std::string(command), boost::json::serialize(value(fields)));
    last_status_ = response.status;
    last_body_ = response.body;
    return boost::json::parse(response.body).as_object();
  }

  value succeed(std::string_view command, const object& fields) {
    object answer = call(command, fields);
    EXPECT_EQ(answer["status"], "success") << last_body_;
    return answer["data"];
  }

  // The failure's message; its code must be `code`.
  std::string fail(std::string_view command, const object& fields, std::string_view code) {
    object answer = call(command, fields);
    EXPECT_EQ(answer["status"], "failure") << last_body_;
    EXPECT_EQ(std::string_view(answer["code"].as_string()), code) << last_body_;
    return std::string(answer["message"].as_string());
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
  memory::MemoryMultipartLedger ledger_{uploads_.database()};
  ScriptedDoctor doctor_;
  memory::MemoryBandwidthLimits limits_{uploads_.database()};
  Bandwidth bandwidth_{clock_};
  BandwidthControl bandwidth_control_{limits_, bandwidth_, {"sestore4"}};
  AdminApi api_{accounts_, uploads_,           intake_, clock_, audit_, doctor_, {"https://s3.from.env", "from-env"},
                ledger_,   bandwidth_control_, pool_};
  int last_status_ = 0;
  std::string last_body_;
};

}  // namespace vodlift::admin
