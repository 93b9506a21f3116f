// The commands of the administration. The file of each noun has its commands; admin_api.cc looks them up.
#pragma once

#include <boost/json/value.hpp>
#include <limits>
#include <memory>
#include <span>
#include <string>

#include "base/clock.h"
#include "core/account_directory.h"
#include "core/audit_log.h"
#include "core/bandwidth.h"
#include "core/bucket_doctor.h"
#include "core/multipart_ledger.h"
#include "core/upload_intake.h"
#include "core/upload_store.h"
#include "door/command.h"
#include "door/fields.h"
#include "door/reply.h"

namespace vodlift::admin {

// The values that `bucket.add` uses for fields that the request lacks; either may be empty.
struct BucketDefaults {
  std::string endpoint;
  std::string region;
};

// What the commands use. All internally locked.
struct Context {
  AccountDirectory& accounts;
  UploadStore& uploads;
  const UploadIntake& intake;
  const Clock& clock;
  AuditLog& audit;
  BucketDoctor& doctor;
  BucketDefaults bucket_defaults;
  MultipartLedger& ledger;
  BandwidthControl& bandwidth;
};

using door::Fields;
using door::Reply;

// Runs on a thread that may block. Answers through `reply` exactly once, from any thread.
using Run = void (*)(const Context& context, const Fields& fields, const std::shared_ptr<Reply>& reply);
using Command = door::Command<Run>;

inline void answer(Reply& reply, const Result<boost::json::value>& outcome) {
  outcome ? reply.success({}, *outcome) : reply.failure(outcome.error());
}

// Makes a Command's `run` of a function that has its answer when it returns.
template <Result<boost::json::value> (*function)(const Context&, const Fields&)>
void run_at_once(const Context& context, const Fields& fields, const std::shared_ptr<Reply>& reply) {
  answer(*reply, function(context, fields));
}

// The account, or not_found with the command that lists the accounts.
Result<std::shared_ptr<const Account>> existing_account(const Context& context, AccountId cdn);

inline constexpr std::int64_t kMaxTextBytes = 8192;  // of a text that has a rule of its own (admin/rules.h)

// The number of an account.
inline constexpr FieldSpec kCdnIfGiven = {
    .name = "cdn", .type = FieldType::number, .low = 1, .high = std::numeric_limits<AccountId>::max()};
inline constexpr FieldSpec kCdn = {.name = "cdn",
                                   .type = FieldType::number,
                                   .required = true,
                                   .low = 1,
                                   .high = std::numeric_limits<AccountId>::max()};

std::span<const Command> account_commands();
std::span<const Command> key_commands();
std::span<const Command> bucket_commands();
std::span<const Command> upload_commands();
std::span<const Command> limit_commands();

}  // namespace vodlift::admin
