// The text of an alert, as each kind of receiver takes it.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "core/alert.h"

namespace vodlift::alert {

inline constexpr std::size_t kMaxTemplateBytes = 16384;
inline constexpr std::size_t kMaxTextBytes = 1900;  // of the text for a chat; Discord takes 2000 characters

// Checks `[alerts] body`: "json", "slack", "teams", "discord", or a template: JSON, in whose strings placeholders such
// as {{title}} stand. Pure. Errors: invalid_value, saying what is wrong.
Result<> check_body(std::string_view body);

// The body of a message, always JSON. `body` has been checked; `server` names this one. Pure.
std::string body_of(std::string_view body, const AlertMessage& message, std::string_view server);

// The lines for a person: "[CRITICAL] host: title", what it means, and what to do. kMaxTextBytes at most. Pure.
std::string text_of(const AlertMessage& message, std::string_view server);

// What incident systems call it: "trigger", or "resolve" where nothing is to be done (a digest too). Pure.
std::string_view action_of(AlertState state);

}  // namespace vodlift::alert
