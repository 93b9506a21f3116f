// One row of a door's table of commands.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>

#include "core/api_key.h"
#include "core/field_spec.h"

namespace vodlift::door {

// `Run` is the door's pointer to the function that carries the command out.
template <class Run>
struct Command {
  std::string_view name;
  std::optional<Permission> permission{};  // what the caller's key needs; nothing: the door admits operators only
  bool mutating = false;                   // the command changes something: the audit log records each call
  std::span<const FieldSpec> fields{};     // besides those that every request of the door has
  std::string_view audited_answer{};       // a member of the answer that the audit log shows as well; empty: none
  std::string_view about{};                // for docs/api.md; one line of Markdown
  std::string_view answer{};               // what the answer's data is, likewise
  Run run = nullptr;
};

// The command of exactly that name; null when there is none.
template <class Run>
const Command<Run>* find_command(std::span<const Command<Run>> commands, std::string_view name) {
  const auto found = std::ranges::find(commands, name, &Command<Run>::name);
  return found == commands.end() ? nullptr : &*found;
}

}  // namespace vodlift::door
