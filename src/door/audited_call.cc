#include "door/audited_call.h"

#include <boost/json/serialize.hpp>
#include <utility>

#include "base/random.h"

namespace vodlift::door {
namespace {

constexpr std::size_t kCallBytes = 8;

std::string text_of(const boost::json::value& value) {
  const auto* text = value.if_string();
  return text != nullptr ? std::string(text->data(), text->size()) : boost::json::serialize(value);
}

}  // namespace

AuditedCall::AuditedCall(AuditLog& log, AuditEntry entry, std::span<const FieldSpec> fields,
                         const boost::json::object& request, std::string_view answered, std::string_view upload)
    : log_(log), entry_(std::move(entry)), upload_(upload) {
  for (const FieldSpec& spec : fields) {
    if (!spec.audited) continue;
    const boost::json::value* value = request.if_contains(spec.name);
    values_.emplace_back(spec.name, value == nullptr ? std::nullopt : std::optional(text_of(*value)));
  }
  if (!answered.empty()) values_.emplace_back(answered, std::nullopt);
}

void AuditedCall::succeeded(const boost::json::value& data) {
  const boost::json::object* answer = data.if_object();
  const boost::json::value* id = answer == nullptr ? &data : answer->if_contains(upload_);
  if (const std::int64_t* number = id == nullptr ? nullptr : id->if_int64()) entry_.upload = *number;
  record(answer);
}

void AuditedCall::failed(Errc code) {
  entry_.failure = code;
  record(nullptr);
}

void AuditedCall::begin(State state) {
  state_ = std::move(state);
  entry_.call = random_hex(kCallBytes);
  entry_.before = state_({});
  entry_.begun = true;
  const auto values = values_;  // the second entry has them too
  take_what(nullptr);
  values_ = values;
  log_.record(entry_);
  entry_.begun = false;
}

void AuditedCall::take_what(const boost::json::object* answer) {
  entry_.what.clear();
  for (auto& [name, value] : values_) {
    const boost::json::value* answered = value || answer == nullptr ? nullptr : answer->if_contains(name);
    if (answered != nullptr) {
      entry_.what.emplace_back(name, text_of(*answered));
    } else if (value) {
      entry_.what.emplace_back(name, std::move(*value));
    }
  }
}

void AuditedCall::record(const boost::json::object* answer) {
  take_what(answer);
  if (answer != nullptr && state_) entry_.after = state_(*answer);
  const boost::json::value* who = answer == nullptr || who_.empty() ? nullptr : answer->if_contains(who_);
  if (who != nullptr) entry_.who = text_of(*who);
  log_.record(entry_);
}

}  // namespace vodlift::door
