// The commands of the legacy API, and what they work with.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "base/clock.h"
#include "base/thread_pool.h"
#include "core/audit_log.h"
#include "core/permission.h"
#include "core/storage.h"
#include "core/upload_intake.h"
#include "core/upload_store.h"
#include "legacy/authentication.h"
#include "legacy/field_spec.h"
#include "legacy/fields.h"
#include "legacy/reply.h"

namespace vodlift::legacy {

struct Services {
  UploadStore& uploads;
  Storages& storages;
  const UploadIntake& intake;
  const Clock& clock;
  ThreadPool& blocking;
  AuditLog& audit;
};

// Answers one request whose caller, permission and fields are judged. Called on a network thread, so it hands what may
// block to Services::blocking; `fields` is gone when it returns. Answers through `reply` exactly once, from any thread.
using Run = void (*)(const Services& services, const Caller& caller, const Fields& fields,
                     const std::shared_ptr<Reply>& reply);

// One row of the table that the router judges requests by and that docs/api.md is checked against.
struct Command {
  std::string_view name;
  Permission permission;  // what the key needs
  // A repeat of the same signed bytes must not act twice: the command keeps Caller::mac with what it did.
  bool mutating = false;
  std::span<const FieldSpec> fields;  // beside kCommonFields
  std::string_view about;             // for docs/api.md; one line of Markdown
  std::string_view answer;            // what `data` is, likewise
  Run run = nullptr;
};

std::span<const Command> commands();
// The command of exactly that name; null when there is none.
const Command* find_command(std::string_view name);

// Runs `work` on the pool, exceptions guarded; answers `overloaded` when the pool is full.
void run_blocking(const Services& services, const std::shared_ptr<Reply>& reply, std::function<void()> work);

}  // namespace vodlift::legacy
