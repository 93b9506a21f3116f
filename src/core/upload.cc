#include "core/upload.h"

#include <algorithm>
#include <array>

#include "base/words.h"

namespace vodlift {
namespace {

constexpr Words<UploadChange> kUploadChanges = {
    {UploadChange::cancel, "cancel"},
    {UploadChange::pause, "pause"},
    {UploadChange::resume, "resume"},
    {UploadChange::retry, "retry"},
    {UploadChange::set_priority, "set_priority"},
};

constexpr Words<ChecksumMode> kChecksumModes = {
    {ChecksumMode::unknown, "unknown"},
    {ChecksumMode::crc32c, "crc32c"},
    {ChecksumMode::crc32c_composite, "crc32c-composite"},
    {ChecksumMode::md5, "md5"},
};

constexpr Words<CallbackState> kCallbackStates = {
    {CallbackState::none, "none"},           {CallbackState::waiting, "waiting"}, {CallbackState::pending, "pending"},
    {CallbackState::delivered, "delivered"}, {CallbackState::failed, "failed"},   {CallbackState::stopped, "stopped"},
};

struct Move {
  UploadState from;
  UploadState to;
};

// docs/upload-states.md shows this table as a picture.
constexpr std::array kMoves = {
    Move{UploadState::queued, UploadState::uploading},     // claimed by a worker
    Move{UploadState::queued, UploadState::paused},        // on request
    Move{UploadState::queued, UploadState::cancelled},     // on request
    Move{UploadState::paused, UploadState::queued},        // on request
    Move{UploadState::paused, UploadState::cancelled},     // on request
    Move{UploadState::uploading, UploadState::queued},     // try again later, or the worker went away
    Move{UploadState::uploading, UploadState::completed},  // the store confirmed every byte
    Move{UploadState::uploading, UploadState::failed},     // for good
    Move{UploadState::uploading, UploadState::cancelled},  // on request
};

}  // namespace

std::string_view to_string(UploadState state) { return kUploadStates.word(state); }
std::optional<UploadState> upload_state_from(std::string_view word) { return kUploadStates.value(word); }

bool may_move(UploadState from, UploadState to) {
  for (const Move& move : kMoves) {
    if (move.from == from && move.to == to) return true;
  }
  return false;
}

bool is_end(UploadState state) {
  for (const Move& move : kMoves) {
    if (move.from == state) return false;
  }
  return true;
}

std::string_view to_string(UploadChange change) { return kUploadChanges.word(change); }

std::string_view to_string(Acl acl) { return kAcls.word(acl); }
std::optional<Acl> acl_from(std::string_view word) { return kAcls.value(word); }

std::string_view to_string(ChecksumMode mode) { return kChecksumModes.word(mode); }
std::optional<ChecksumMode> checksum_mode_from(std::string_view word) { return kChecksumModes.value(word); }

std::string_view to_string(Overwrite overwrite) { return kOverwrites.word(overwrite); }
std::optional<Overwrite> overwrite_from(std::string_view word) { return kOverwrites.value(word); }

std::string_view to_string(CallbackState state) { return kCallbackStates.word(state); }
std::optional<CallbackState> callback_state_from(std::string_view word) { return kCallbackStates.value(word); }

int Upload::percent() const {
  if (state == UploadState::completed) return 100;
  if (size <= 0) return 0;
  // 99 at most: every byte sent is not yet an object confirmed.
  return static_cast<int>(std::min(99.0, 100.0 * static_cast<double>(bytes_sent) / static_cast<double>(size)));
}

}  // namespace vodlift
