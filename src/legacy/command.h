// The commands of the legacy API, and what they work with.
#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <memory>
#include <string_view>

#include "base/clock.h"
#include "base/thread_pool.h"
#include "core/storage.h"
#include "core/upload_intake.h"
#include "core/upload_store.h"
#include "legacy/authentication.h"
#include "legacy/reply.h"

namespace vodlift::legacy {

struct Services {
  UploadStore& uploads;
  Storages& storages;
  const UploadIntake& intake;
  const Clock& clock;
  ThreadPool& blocking;
};

// Answers one authenticated request. Called on a network thread, so it hands what may block to Services::blocking;
// `fields` is gone when it returns. Answers through `reply` exactly once, from any thread.
using Run = void (*)(const Services& services, const Caller& caller, const boost::json::object& fields,
                     const std::shared_ptr<Reply>& reply);

struct Command {
  std::string_view name;
  // A repeat of the same signed bytes must not act twice: the command keeps Caller::mac with what it did.
  bool mutating = false;
  Run run = nullptr;
};

// The command of exactly that name; null when there is none.
const Command* find_command(std::string_view name);

// Runs `work` on the pool, exceptions guarded; answers `overloaded` when the pool is full.
void run_blocking(const Services& services, const std::shared_ptr<Reply>& reply, std::function<void()> work);

}  // namespace vodlift::legacy
