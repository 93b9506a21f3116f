#include "admin/admin_api.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <memory>

#include "base/encoding.h"

namespace vodlift::admin {
namespace {

constexpr std::string_view kPrefix = "/admin/";

const Command* find_command(std::string_view name) {
  for (const auto commands :
       {account_commands(), key_commands(), bucket_commands(), upload_commands(), limit_commands()}) {
    if (const Command* found = door::find_command(commands, name)) return found;
  }
  return nullptr;
}

// Answers in this door's form.
class AdminReply final : public Reply {
 public:
  using Reply::Reply;

 private:
  [[nodiscard]] net::Response success_response(std::string_view /*message*/, const boost::json::value& data,
                                               const boost::json::object& /*members*/) const override {
    net::Response response;
    response.body = boost::json::serialize(boost::json::object{{"status", "success"}, {"data", data}});
    return response;
  }
  [[nodiscard]] net::Response failure_response(const Error& error) const override {
    return AdminApi::fault(error.code, error.for_operator());
  }
  // Every text is for the operator, who is the caller.
  [[nodiscard]] bool is_internal(Errc /*code*/) const override { return false; }
};

Result<boost::json::object> parse_object(std::string_view body) {
  boost::system::error_code error;
  boost::json::value parsed = boost::json::parse(body, error);
  if (error) return Error{Errc::bad_request, fmt::format("the body is not JSON: {}", error.message())};
  if (!parsed.is_object()) return Error{Errc::bad_request, "the body must be a JSON object"};
  return std::move(parsed.as_object());
}

AuditEntry audit_entry(const Command& command, std::string address, const boost::json::object& request) {
  AuditEntry entry;
  entry.door = "administration";
  entry.address = std::move(address);
  entry.command = command.name;
  const boost::json::value* cdn = request.if_contains("cdn");
  if (const std::int64_t* number = cdn == nullptr ? nullptr : cdn->if_int64()) entry.cdn = *number;
  return entry;
}

void run_command(const Command& command, const Context& context, const net::Request& request,
                 const std::shared_ptr<Reply>& reply) {
  const auto object = parse_object(request.body);
  if (!object) return reply->failure(object.error());
  if (command.mutating) {
    reply->audit(
        {context.audit, audit_entry(command, request.peer, *object), command.fields, *object, command.audited_answer});
  }
  const auto fields = Fields::read(command.fields, *object, door::Dialect::strict);
  if (!fields) return reply->failure(fields.error());
  command.run(context, *fields, reply);
}

}  // namespace

Result<std::shared_ptr<const Account>> existing_account(const Context& context, AccountId cdn) {
  if (auto account = context.accounts.find_account(cdn)) return account;
  return Error{Errc::not_found, fmt::format("there is no account {}; see: vodlift account list", cdn)};
}

AdminApi::AdminApi(AccountDirectory& accounts, UploadStore& uploads, const UploadIntake& intake, const Clock& clock,
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
  const auto reply = std::make_shared<AdminReply>(std::move(respond));
  door::run_on(blocking_, reply, [this, command, reply, request = std::move(request)] {
    run_command(*command, context_, request, reply);
  });
}

net::Response AdminApi::fault(Errc code, std::string_view message) {
  net::Response response;
  response.status = info(code).http_status;
  response.body = boost::json::serialize(
      boost::json::object{{"status", "failure"}, {"code", info(code).name}, {"message", message}});
  return response;
}

}  // namespace vodlift::admin
