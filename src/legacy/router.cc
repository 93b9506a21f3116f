#include "legacy/router.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/string.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "base/log.h"
#include "base/text.h"
#include "legacy/json_request.h"
#include "legacy/php_request.h"

namespace vodlift::legacy {
namespace {

constexpr std::size_t kMaxShownBytes = 64;
constexpr std::size_t kKeyBuckets = 16384;  // 256 KiB
constexpr int kTooManyRequests = 429;
constexpr std::size_t kTreeBytes = std::size_t{16} * 1024;  // holds an ordinary request without the heap

// The path of a request target, which may be absolute ("http://host/stable/"), without its query. Slashes in a row are
// one: clients put base addresses and paths together.
std::string path_of(std::string_view target) {
  if (const std::size_t scheme = target.find("://"); !target.starts_with('/') && scheme != std::string_view::npos) {
    const std::size_t slash = target.find('/', scheme + 3);
    target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
  }
  std::string path(target.substr(0, target.find('?')));
  const auto are_slashes = [](char a, char b) { return a == '/' && b == '/'; };
  path.erase(std::unique(path.begin(), path.end(), are_slashes), path.end());
  return path;
}

std::optional<Error> transport_fault(const net::Request& request) {
  const std::string path = path_of(request.target);
  if (path != "/stable/" && path != "/stable" && path != "/dev/" && path != "/dev") {
    return Error{Errc::path_not_found, "there is nothing here; the API is at POST /stable/"};
  }
  if (request.method != "POST") return Error{Errc::method_not_allowed, "only POST is allowed here"};
  const auto types = std::ranges::count(request.headers, "content-type",
                                        [](const auto& header) -> const std::string& { return header.first; });
  if (types > 1) return Error{Errc::bad_request, "more than one Content-Type header"};
  const std::string_view encoding = request.header("content-encoding");
  if (!encoding.empty() && to_lower(encoding) != "identity") {
    return Error{Errc::unsupported_media_type, "Content-Encoding is not supported; send the body unencoded"};
  }
  return std::nullopt;
}

Result<const Command*> command_of(const boost::json::object& fields) {
  const boost::json::value* value = fields.if_contains("command");
  if (value == nullptr) return Error{Errc::unknown_command, "unrecognized API command: the field command is missing"};
  const boost::json::string* name = value->if_string();
  if (name == nullptr) return Error{Errc::unknown_command, "unrecognized API command: command must be a string"};
  const std::string_view text(name->data(), name->size());
  if (const Command* command = find_command(text)) return command;
  return Error{Errc::unknown_command, "unrecognized API command: " + printable(text, kMaxShownBytes)};
}

Result<> check_permission(const Command& command, const Caller& caller) {
  if (caller.permissions.has(command.permission)) return {};
  return Error{Errc::permission_denied,
               fmt::format("unauthorized access to this API: {} needs the permission {}, which "
                           "this key lacks; ask the operator for a key that has it",
                           command.name, to_string(command.permission))};
}

AuditEntry audit_entry(const Command& command, const Caller& caller, std::string_view peer) {
  AuditEntry entry;
  entry.door = "api";
  entry.address = peer;
  entry.cdn = caller.account->cdn;
  entry.key_id = caller.key_id;
  entry.command = command.name;
  return entry;
}

}  // namespace

std::span<const Command> commands() {
  static const std::vector<Command> kCommands = [] {
    std::vector<Command> all;
    for (const auto some : {upload_commands(), file_commands()}) all.insert(all.end(), some.begin(), some.end());
    return all;
  }();
  return kCommands;
}

Router::Router(const AccountDirectory& accounts, KeyUsage& usage, UploadStore& uploads, Storages& storages,
               const UploadIntake& intake, const Clock& clock, door::FairPool& blocking, AuditLog& audit,
               Options options)
    : services_{uploads, storages, intake, clock, blocking, audit},
      authentication_(accounts, usage, clock, options.timestamp_window, options.failures),
      key_requests_(options.key_requests, kKeyBuckets) {}

void Router::handle(net::Request request, net::Responder respond) {
  const auto reply = std::make_shared<Reply>(std::move(respond), request.received, metrics_);
  reply->guard([&] { judge(request, reply); });
}

void Router::judge(net::Request& request, const std::shared_ptr<Reply>& reply) {
  if (const auto problem = transport_fault(request)) return reply->failure(*problem);
  std::optional<Form::Field> seen;
  const auto form = parse_form(request.header("content-type"), request.body, seen);
  if (seen == Form::Field::php) reply->use(Encoding::php);
  if (!form) return reply->failure(form.error());
  judge_form(*form, {request.peer, request.received, request.header("traceparent")}, reply);
}

void Router::judge_form(const Form& form, const Origin& origin, const std::shared_ptr<Reply>& reply) {
  std::array<unsigned char, kTreeBytes> memory;
  boost::json::monotonic_resource resource(memory.data(), memory.size());
  const auto request = form.field == Form::Field::php ? parse_php_request(form.value, &resource)
                                                      : parse_json_request(form.value, &resource);
  if (!request) return reply->failure(request.error());
  auto caller = authentication_.judge(*request, origin);
  if (!caller) {
    const Refused& refused = caller.error();
    if (refused.wait == std::chrono::nanoseconds::zero()) return reply->failure(refused.error);
    return reply->throttled(kTooManyRequests, refused.error, refused.wait);
  }
  if (!within_limit(*caller, origin, *reply)) return;
  caller->trace = parse_traceparent(origin.traceparent);
  const auto command = command_of(request->fields());
  if (!command) return reply->failure(command.error());
  reply->count_as((*command)->name);
  log::debug("request", {{"command", (*command)->name}, {"cdn", caller->account->cdn}, {"key", caller->key_id}});
  reply->charge_to(caller->key_id, !(*command)->mutating);
  if ((*command)->mutating) {
    reply->audit(
        {services_.audit, audit_entry(**command, *caller, origin.peer), (*command)->fields, request->fields()});
  }
  if (auto permitted = check_permission(**command, *caller); !permitted) return reply->failure(permitted.error());
  const auto fields = Fields::read((*command)->fields, request->fields(), door::Dialect::lenient, kCommonFields);
  if (!fields) return reply->failure(fields.error());
  (*command)->run(services_, *caller, *fields, reply);
}

bool Router::within_limit(const Caller& caller, const Origin& origin, Reply& reply) {
  const auto wait = key_requests_.take(std::to_string(caller.key_id), origin.received);
  if (wait == std::chrono::nanoseconds::zero()) return true;
  limited_.note("too many requests of a key", origin.peer, caller.key_id, origin.received);
  reply.throttled(200, {Errc::overloaded, "more traffic than usual with this key; nothing was queued, try again later"},
                  wait);
  return false;
}

}  // namespace vodlift::legacy
