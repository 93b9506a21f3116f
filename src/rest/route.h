// The routes of the REST API. The file of each noun has its routes; route_table.cc finds the one of a request.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/thread_pool.h"
#include "core/account_directory.h"
#include "core/alert.h"
#include "core/attempt_history.h"
#include "core/audit_log.h"
#include "core/audit_reader.h"
#include "core/backup.h"
#include "core/bandwidth.h"
#include "core/bucket_doctor.h"
#include "core/callback_history.h"
#include "core/callback_tester.h"
#include "core/multipart_ledger.h"
#include "core/nodes.h"
#include "core/settings.h"
#include "core/sign_in.h"
#include "core/statistics.h"
#include "core/storage.h"
#include "core/store_health.h"
#include "core/upload_intake.h"
#include "core/upload_store.h"
#include "door/fields.h"
#include "net/http_server.h"
#include "rest/event_hub.h"
#include "rest/reply.h"

namespace vodlift::rest {

// The values that a new bucket gets for fields that the request lacks; either may be empty.
struct BucketDefaults {
  std::string endpoint;
  std::string region;
};

// What the routes use. All internally locked.
struct Context {
  AccountDirectory& accounts;
  UploadStore& uploads;
  Storages& storages;
  const UploadIntake& intake;
  const Clock& clock;
  AuditLog& audit;
  AuditReader& audit_lines;
  BucketDoctor& doctor;
  BucketDefaults bucket_defaults;
  MultipartLedger& ledger;
  BandwidthControl& bandwidth;
  AttemptHistory& attempts;
  CallbackHistory& callbacks;
  const DisabledReceivers& disabled_receivers;
  CallbackTester& callback_tester;
  Statistics& statistics;
  EventHub& events;
  People& people;
  Sessions& sessions;
  SignIn& sign_in;
  const StoreMonitor& monitor;
  Nodes& nodes;
  NodeTerm self;  // among these
  Settings& settings;
  Alerts& alerts;
  Backups& backups;
  std::function<std::string()> api_url;           // where the legacy API is; empty: where this one is
  std::function<std::string()> panel_url;         // of the Control Panel, with a slash at its end; empty: not known
  std::function<net::HttpServerLoad()> api_load;  // what the legacy API's listener holds
  ThreadPool& blocking;
};

using door::Fields;

// Who sends a request, and what it says besides its fields.
struct Caller {
  Principal who;
  Secret session{};                   // the cookie's value; empty: none
  std::optional<WallTime> expires{};  // of the session
  bool secure = true;                 // the session's cookie is for HTTPS alone
  std::string
      idempotency_key{};  // checked, and the caller's own: others who send the same one get another; empty: none

  std::optional<Trace> trace{};  // that the request belongs to, as its header traceparent says
  std::string last_event_id{};   // what the client of a stream had last, as it says; empty: nothing
  // Whether the caller may still read what it reads, for an answer that goes on; may block. Empty: it may.
  std::function<bool()> still_valid{};

  // Whether the answer may have what is meant for operators alone.
  [[nodiscard]] bool is_operator() const { return vodlift::is_operator(who.role); }
};

// Runs on a thread that may block. Answers through `reply` exactly once, from any thread.
using Run = void (*)(const Context& context, const Caller& caller, const Fields& fields,
                     const std::shared_ptr<Reply>& reply);

// Whether the object that the fields name is one of the account's. Its error is that of an object that does not exist.
using IsOf = Result<> (*)(const Context& context, AccountId cdn, const Fields& fields);

// The object that a change is of, as the API shows it, without what changes by itself; null: there is none. `names`:
// the request's fields, and behind the change also members of its answer.
using StateOf = boost::json::value (*)(const Context& context, const boost::json::object& names);

// What keeps a thread busy with a request. rest::Gate has threads for each.
enum class Load : std::uint8_t {
  usual,
  hashes,   // the hash of a password, which takes long and much memory
  outside,  // the answer of another host for a minute at most, or much of a disk
};

// One method of one path. A caller who is bound to an account gets no further than to that: a field `cdn` that the
// request lacks is filled in, and another account's number is answered as if nothing had it. A route without such a
// field has `is_of`, or is `shared`.
//
// A change of settings is rare and matters for long. So it has `state_of`: the audit log has a first entry before the
// change, which a crash leaves alone, and tells by hashes which state was changed into which. Changes of uploads, of
// which there are thousands a second, have one entry.
struct Route {
  std::string_view name;         // "key.rotate": unique; the audit log has it
  Act act = Act::manage_people;  // what a caller's role must permit
  IsOf is_of = nullptr;          // asked where the caller is bound to an account
  bool shared = false;           // it shows what all share, or keeps to the caller's account by itself
  bool open = false;             // nobody need be signed in: it is how people come in
  Load load = Load::usual;
  std::string_view method;              // "POST"
  std::string_view path;                // below /api/v1: "/keys/{api_key}/rotate"; the word in braces is a field
  std::span<const FieldSpec> fields{};  // of the path, the query and the body
  bool mutating = false;                // it changes something: the audit log records each call but dry runs
  bool repeatable = false;              // it takes an Idempotency-Key
  std::string_view created{};           // the path of the object that it makes, of members of the answer; empty: none
  StateOf state_of =
      nullptr;  // set: the audit log has two entries of a call, before the change and after it; see below
  std::string_view audited_answer{};  // a member of the answer that the audit log shows as well; empty: none
  Run run = nullptr;
};

// For StateOf; 0 or empty: there is none.
inline std::int64_t number_in(const boost::json::object& names, std::string_view name) {
  const boost::json::value* found = names.if_contains(name);
  return found != nullptr && found->is_int64() ? found->get_int64() : 0;
}
inline std::string text_in(const boost::json::object& names, std::string_view name) {
  const boost::json::value* found = names.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string().data(), found->get_string().size())
                                                : std::string();
}

inline void answer(Reply& reply, const Result<boost::json::value>& outcome) {
  outcome ? reply.success({}, *outcome) : reply.failure(outcome.error());
}

// Makes a Route's `run` of a function that has its answer when it returns.
template <Result<boost::json::value> (*function)(const Context&, const Fields&)>
void run_at_once(const Context& context, const Caller& /*caller*/, const Fields& fields,
                 const std::shared_ptr<Reply>& reply) {
  answer(*reply, function(context, fields));
}
// The same, of a function that asks who the caller is.
template <Result<boost::json::value> (*function)(const Context&, const Caller&, const Fields&)>
void run_at_once(const Context& context, const Caller& caller, const Fields& fields,
                 const std::shared_ptr<Reply>& reply) {
  answer(*reply, function(context, caller, fields));
}

// The answer of a route that lists objects.
inline boost::json::value collection(boost::json::array items) {
  return boost::json::object{{"items", std::move(items)}, {"next", nullptr}};
}

// What to do, for who is no operator, about what only an operator can mend.
inline constexpr std::string_view kAskOperator = "Ask the operator of this server.";

// The account, or not_found with the command that lists the accounts.
Result<std::shared_ptr<const Account>> existing_account(const Context& context, AccountId cdn);

// Success also for an account that was removed, as long as uploads of it are kept. Errors: that of existing_account(),
// store_failed.
Result<> known_account(const Context& context, AccountId cdn);

inline constexpr std::int64_t kMaxTextBytes = 8192;  // of a text that has a rule of its own (rest/rules.h)

// The number of an account.
inline constexpr FieldSpec kCdnIfGiven = {
    .name = "cdn", .type = FieldType::number, .low = 1, .high = std::numeric_limits<AccountId>::max()};
inline constexpr FieldSpec kCdn = {.name = "cdn",
                                   .type = FieldType::number,
                                   .required = true,
                                   .low = 1,
                                   .high = std::numeric_limits<AccountId>::max()};

std::span<const Route> account_routes();
std::span<const Route> key_routes();
std::span<const Route> bucket_routes();
std::span<const Route> upload_routes();
std::span<const Route> removal_routes();
std::span<const Route> import_routes();
std::span<const Route> limit_routes();
std::span<const Route> storage_routes();
std::span<const Route> node_routes();
std::span<const Route> callback_routes();
std::span<const Route> statistics_routes();
std::span<const Route> session_routes();
std::span<const Route> person_routes();
std::span<const Route> token_routes();
std::span<const Route> overview_routes();
std::span<const Route> event_routes();
std::span<const Route> audit_routes();
std::span<const Route> alert_routes();
std::span<const Route> settings_routes();
std::span<const Route> store_routes();
std::span<const Route> index_routes();

}  // namespace vodlift::rest
