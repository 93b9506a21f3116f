#include "admin/audit.h"

#include <boost/json/serialize.hpp>
#include <memory>
#include <utility>

namespace vodlift::admin {
namespace {

std::string text_of(const boost::json::value& value) {
  const auto* text = value.if_string();
  return text != nullptr ? std::string(text->data(), text->size()) : boost::json::serialize(value);
}

const boost::json::value* find(const boost::json::object* object, std::string_view name) {
  return object == nullptr ? nullptr : object->if_contains(name);
}

std::int64_t number_of(const boost::json::value* value) {
  const std::int64_t* number = value == nullptr ? nullptr : value->if_int64();
  return number == nullptr ? 0 : *number;
}

// The next word of `list`, which loses it and the comma behind it.
std::string_view take_word(std::string_view& list) {
  const std::string_view word = list.substr(0, list.find(','));
  list.remove_prefix(std::min(word.size() + 1, list.size()));
  return word;
}

// What is kept of a request until its outcome is known: the secrets are not among it.
boost::json::object kept_of(const Command& command, const boost::json::object& request) {
  boost::json::object kept;
  for (std::string_view names = command.audited; !names.empty();) {
    const std::string_view name = take_word(names);
    if (const auto* value = request.if_contains(name)) kept[name] = *value;
  }
  return kept;
}

AuditEntry entry_of(const Command& command, const boost::json::object& kept,
                    const Result<boost::json::value>& outcome) {
  const boost::json::object* answer = outcome ? outcome->if_object() : nullptr;
  AuditEntry entry;
  entry.door = "administration";
  entry.command = command.name;
  entry.cdn = number_of(find(&kept, "cdn"));
  if (!outcome) entry.failure = outcome.error().code;
  if (command.name.starts_with("upload.")) entry.upload = number_of(find(answer, "id"));
  for (std::string_view names = command.audited; !names.empty();) {
    const std::string_view name = take_word(names);
    if (name == "cdn") continue;
    const boost::json::value* value = find(&kept, name);
    if (value == nullptr) value = find(answer, name);
    if (value != nullptr) entry.what.emplace_back(name, text_of(*value));
  }
  return entry;
}

}  // namespace

Reply audited_reply(const Command& command, const Context& context, std::string address,
                    const boost::json::object& request, Reply reply) {
  return [&command, &audit = context.audit, address = std::move(address), kept = kept_of(command, request),
          reply = std::move(reply)](const Result<boost::json::value>& outcome) {
    AuditEntry entry = entry_of(command, kept, outcome);
    entry.address = address;
    audit.record(entry);
    reply(outcome);
  };
}

}  // namespace vodlift::admin
