#include "legacy/command.h"

#include <algorithm>
#include <array>
#include <utility>

#include "legacy/aws_change.h"
#include "legacy/aws_status.h"
#include "legacy/aws_upload.h"
#include "legacy/files_getstorage.h"
#include "legacy/files_list.h"

namespace vodlift::legacy {
namespace {

constexpr std::array kCommands = {
    Command{.name = "aws.upload",
            .permission = Permission::upload,
            .mutating = true,
            .fields = kAwsUploadFields,
            .about = "queues a file for upload to S3",
            .answer = "the upload's id, an integer from 1; ids are never used twice",
            .run = aws_upload},
    Command{.name = "aws.status",
            .permission = Permission::status,
            .mutating = false,
            .fields = kAwsStatusFields,
            .about = "tells how uploads stand",
            .answer = "a list of [upload objects](#the-upload-object), newest first",
            .run = aws_status},
    Command{.name = "aws.cancel",
            .permission = Permission::manage,
            .mutating = true,
            .fields = kAwsChangeFields,
            .about = "ends an upload before it is done",
            .answer = "the [upload object](#the-upload-object)",
            .run = aws_cancel},
    Command{.name = "aws.pause",
            .permission = Permission::manage,
            .mutating = true,
            .fields = kAwsChangeFields,
            .about = "holds an upload back",
            .answer = "the [upload object](#the-upload-object)",
            .run = aws_pause},
    Command{.name = "aws.resume",
            .permission = Permission::manage,
            .mutating = true,
            .fields = kAwsChangeFields,
            .about = "lets a paused upload go on",
            .answer = "the [upload object](#the-upload-object)",
            .run = aws_resume},
    Command{.name = "aws.retry",
            .permission = Permission::manage,
            .mutating = true,
            .fields = kAwsChangeFields,
            .about = "tries an upload again now, or queues an ended one anew",
            .answer = "the new [upload object](#the-upload-object), or that of the upload itself",
            .run = aws_retry},
    Command{.name = "files.getstorage",
            .permission = Permission::files,
            .mutating = false,
            .fields = {},
            .about = "tells where your files may lie",
            .answer = "a list of the storages with your folder on each",
            .run = files_getstorage},
    Command{.name = "files.list",
            .permission = Permission::files,
            .mutating = false,
            .fields = kFilesListFields,
            .about = "lists your files on a storage",
            .answer = "a list of at most 100 files; `total`, `complete` and `skipped` stand beside `data`",
            .run = files_list},
};

}  // namespace

std::span<const Command> commands() { return kCommands; }

const Command* find_command(std::string_view name) {
  const auto found = std::ranges::find(kCommands, name, &Command::name);
  return found == kCommands.end() ? nullptr : &*found;
}

void run_blocking(const Services& services, const std::shared_ptr<Reply>& reply, std::function<void()> work) {
  const bool queued = services.blocking.post([reply, work = std::move(work)] { reply->guard(work); });
  if (!queued) {
    reply->failure({Errc::overloaded, "more traffic than usual; nothing was queued, try again in a few minutes"});
  }
}

}  // namespace vodlift::legacy
