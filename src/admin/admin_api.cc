#include "admin/admin_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <exception>
#include <memory>

#include "admin/audit.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/random.h"

namespace vodlift::admin {
namespace {

constexpr std::string_view kPrefix = "/admin/";

const Command* find_command(std::string_view name) {
  for (const auto commands :
       {account_commands(), key_commands(), bucket_commands(), upload_commands(), limit_commands()}) {
    const auto found = std::ranges::find(commands, name, &Command::name);
    if (found != commands.end()) return &*found;
  }
  return nullptr;
}

net::Response to_response(const Result<boost::json::value>& outcome) {
  if (!outcome) return AdminApi::fault(outcome.error().code, outcome.error().message);
  net::Response response;
  response.body = boost::json::serialize(boost::json::object{{"status", "success"}, {"data", *outcome}});
  return response;
}

Result<boost::json::object> parse_object(std::string_view body) {
  boost::system::error_code error;
  boost::json::value parsed = boost::json::parse(body, error);
  if (error) return Error{Errc::bad_request, fmt::format("the body is not JSON: {}", error.message())};
  if (!parsed.is_object()) return Error{Errc::bad_request, "the body must be a JSON object"};
  return std::move(parsed.as_object());
}

// A reply that answers once, however the command ends: a second call (say, an exception after the answer) is dropped.
Reply answering_once(Reply reply) {
  auto answered = std::make_shared<std::atomic<bool>>(false);
  return [reply = std::move(reply), answered](const Result<boost::json::value>& outcome) {
    if (!answered->exchange(true)) reply(outcome);
  };
}

void run_command(const Command& command, const Context& context, const net::Request& request, Reply reply) {
  try {
    auto object = parse_object(request.body);
    if (!object) return reply(object.error());
    if (!command.audited.empty()) {
      reply = audited_reply(command, context, request.peer, *object, std::move(reply));
    }
    reply = answering_once(std::move(reply));
    Fields fields(std::move(*object));
    command.run(context, fields, reply);
  } catch (const std::exception& error) {
    const std::string reference = random_hex(4);
    log::error("administration command failed",
               {{"command", command.name}, {"reference", reference}, {"error", error.what()}});
    reply(Error{Errc::internal, fmt::format("unexpected error; the log has it under reference {}", reference)});
  }
}

}  // namespace

AdminApi::AdminApi(AccountStore& accounts, UploadStore& uploads, const UploadIntake& intake, const Clock& clock,
                   AuditLog& audit, BucketDoctor& doctor, BucketDefaults bucket_defaults, MultipartLedger& ledger,
                   BandwidthControl& bandwidth, ThreadPool& blocking)
    : context_{accounts, uploads, intake, clock, audit, doctor, std::move(bucket_defaults), ledger, bandwidth},
      blocking_(blocking) {}

void AdminApi::handle(net::Request request, net::Responder respond) {
  const std::string_view target = request.target;
  const Command* command = target.starts_with(kPrefix) ? find_command(target.substr(kPrefix.size())) : nullptr;
  if (command == nullptr) {
    return respond(fault(Errc::path_not_found, fmt::format("there is no command at {}", printable(target, 100))));
  }
  if (request.method != "POST") {
    net::Response response = fault(Errc::method_not_allowed, "commands are sent with POST");
    response.headers.emplace_back("Allow", "POST");
    return respond(std::move(response));
  }
  const Reply reply = [respond = std::move(respond)](const Result<boost::json::value>& outcome) {
    respond(to_response(outcome));
  };
  const bool posted = blocking_.post(
      [this, command, reply, request = std::move(request)] { run_command(*command, context_, request, reply); });
  if (!posted) reply(Error{Errc::overloaded, "the server is busy or stopping; try again in a moment"});
}

net::Response AdminApi::fault(Errc code, std::string_view message) {
  net::Response response;
  response.status = info(code).http_status;
  response.body = boost::json::serialize(
      boost::json::object{{"status", "failure"}, {"code", info(code).name}, {"message", message}});
  return response;
}

}  // namespace vodlift::admin
