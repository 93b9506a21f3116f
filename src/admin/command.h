// The commands of the administration: each noun's file offers its own; admin_api.cc puts them into one table.
#pragma once

#include <boost/json/value.hpp>
#include <functional>
#include <span>
#include <string_view>

#include "admin/fields.h"
#include "base/clock.h"
#include "core/account_store.h"
#include "core/audit_log.h"
#include "core/bandwidth.h"
#include "core/bucket_doctor.h"
#include "core/multipart_ledger.h"
#include "core/upload_intake.h"
#include "core/upload_store.h"

namespace vodlift::admin {

// What `bucket.add` takes where the request says nothing; either may be empty.
struct BucketDefaults {
  std::string endpoint;
  std::string region;
};

// What commands work on. All internally locked.
struct Context {
  AccountStore& accounts;
  UploadStore& uploads;
  const UploadIntake& intake;
  const Clock& clock;
  AuditLog& audit;
  BucketDoctor& doctor;
  BucketDefaults bucket_defaults;
  MultipartLedger& ledger;
  BandwidthControl& bandwidth;
};

// Takes the answer's `data` or the failure; to be called exactly once, from any thread.
using Reply = std::function<void(Result<boost::json::value>)>;

// Runs on a thread that may block.
struct Command {
  std::string_view name;  // "account.add"
  void (*run)(const Context& context, Fields& fields, const Reply& reply);
  // For a command that changes something: the members of the request or its answer that the audit log names, with
  // commas between. Never one that holds a secret.
  std::string_view audited{};
};

// Makes a Command's `run` of a function that has its answer when it returns.
template <Result<boost::json::value> (*function)(const Context&, Fields&)>
void run_at_once(const Context& context, Fields& fields, const Reply& reply) {
  reply(function(context, fields));
}

std::span<const Command> account_commands();
std::span<const Command> key_commands();
std::span<const Command> bucket_commands();
std::span<const Command> upload_commands();
std::span<const Command> limit_commands();

// A number of an account: any integer of 1 and above.
std::int64_t read_cdn(Fields& fields);
// The same where it may be left out.
std::optional<std::int64_t> read_cdn_if_given(Fields& fields);

}  // namespace vodlift::admin
