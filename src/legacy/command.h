// The commands of the legacy API, and what they work with.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string_view>

#include "base/clock.h"
#include "core/api_key.h"
#include "core/audit_log.h"
#include "core/storage.h"
#include "core/upload_intake.h"
#include "core/upload_store.h"
#include "door/fair_pool.h"
#include "door/fields.h"
#include "legacy/authentication.h"
#include "legacy/reply.h"

namespace vodlift::legacy {

struct Services {
  UploadStore& uploads;
  Storages& storages;
  const UploadIntake& intake;
  const Clock& clock;
  door::FairPool& blocking;
  AuditLog& audit;
};

using door::Fields;

// Answers one request whose caller, permission and fields have been checked. Called on a network thread, so work that
// may block goes to Services::blocking; `fields` is gone when it returns. Answers through `reply` exactly once, from
// any thread. A mutating command keeps Caller::signature with what it did, because a repeat of the same signed bytes
// must not act twice.
using Run = void (*)(const Services& services, const Caller& caller, const Fields& fields,
                     const std::shared_ptr<Reply>& reply);

// One row of the table of commands.
struct Command {
  std::string_view name;
  Permission permission{};              // that the caller's key needs
  bool mutating = false;                // the command changes something: the audit log records each call
  std::span<const FieldSpec> fields{};  // besides those that every request has
  std::string_view about{};             // for docs/api.md; one line of Markdown
  std::string_view answer{};            // what the answer's data is, likewise
  Run run = nullptr;
};

// The fields of every request, which authentication and the router check.
inline constexpr std::array kCommonFields = {
    FieldSpec{.name = "command", .required = true, .about = "the command"},
    FieldSpec{.name = "api_key", .required = true, .about = "your key"},
    FieldSpec{.name = "cdn", .type = FieldType::number, .required = true, .about = "your account's number"},
    FieldSpec{.name = "cdn_id",
              .type = FieldType::number,
              .about = "another name of `cdn`; send both only when they are equal"},
    FieldSpec{.name = "timestamp", .type = FieldType::number, .required = true, .about = "now, in Unix seconds"},
    FieldSpec{.name = "signature", .required = true, .about = "see Signing"},
};

std::span<const Command> upload_commands();
std::span<const Command> file_commands();

// All commands, in the order of docs/api.md: the table that the router checks requests by.
std::span<const Command> commands();

// The command of exactly that name; null when there is none.
inline const Command* find_command(std::string_view name) {
  const auto found = std::ranges::find(commands(), name, &Command::name);
  return found == commands().end() ? nullptr : &*found;
}

}  // namespace vodlift::legacy
