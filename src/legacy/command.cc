#include "legacy/command.h"

#include <array>
#include <utility>

#include "legacy/aws_status.h"
#include "legacy/aws_upload.h"
#include "legacy/files_getstorage.h"

namespace vodlift::legacy {
namespace {

constexpr std::array kCommands = {
    Command{"aws.upload", true, aws_upload},
    Command{"aws.status", false, aws_status},
    Command{"files.getstorage", false, files_getstorage},
};

}  // namespace

const Command* find_command(std::string_view name) {
  for (const Command& command : kCommands) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

void run_blocking(const Services& services, const std::shared_ptr<Reply>& reply, std::function<void()> work) {
  const bool queued = services.blocking.post([reply, work = std::move(work)] { reply->guard(work); });
  if (!queued) {
    reply->failure({Errc::overloaded, "more traffic than usual; nothing was queued, try again in a few minutes"});
  }
}

}  // namespace vodlift::legacy
