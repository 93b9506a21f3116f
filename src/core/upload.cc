#include "core/upload.h"

#include <algorithm>
#include <array>

namespace vodlift {
namespace {

template <class Enum>
struct Word {
  Enum value;
  std::string_view word;
};
// clang 14 cannot deduce the argument of an aggregate by itself.
template <class Enum>
Word(Enum, std::string_view) -> Word<Enum>;

constexpr std::array kUploadStates = {
    Word{UploadState::queued, "queued"},       Word{UploadState::paused, "paused"},
    Word{UploadState::uploading, "uploading"}, Word{UploadState::completed, "completed"},
    Word{UploadState::failed, "failed"},       Word{UploadState::cancelled, "cancelled"},
};

constexpr std::array kUploadChanges = {
    Word{UploadChange::cancel, "cancel"},
    Word{UploadChange::pause, "pause"},
    Word{UploadChange::resume, "resume"},
    Word{UploadChange::retry, "retry"},
};

constexpr std::array kAcls = {
    Word{Acl::private_acl, "private"},
    Word{Acl::public_read, "public-read"},
};

constexpr std::array kOverwrites = {
    Word{Overwrite::replace, "replace"},
    Word{Overwrite::keep, "keep"},
    Word{Overwrite::fail, "fail"},
};

constexpr std::array kCallbackStates = {
    Word{CallbackState::none, "none"},       Word{CallbackState::waiting, "waiting"},
    Word{CallbackState::pending, "pending"}, Word{CallbackState::delivered, "delivered"},
    Word{CallbackState::failed, "failed"},   Word{CallbackState::stopped, "stopped"},
};

template <class Enum, std::size_t N>
std::string_view word_of(const std::array<Word<Enum>, N>& words, Enum value) {
  for (const auto& row : words) {
    if (row.value == value) return row.word;
  }
  return "?";
}

template <class Enum, std::size_t N>
std::optional<Enum> value_of(const std::array<Word<Enum>, N>& words, std::string_view word) {
  for (const auto& row : words) {
    if (row.word == word) return row.value;
  }
  return std::nullopt;
}

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

std::string_view to_string(UploadState state) { return word_of(kUploadStates, state); }
std::optional<UploadState> upload_state_from(std::string_view word) { return value_of(kUploadStates, word); }

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

std::string_view to_string(UploadChange change) { return word_of(kUploadChanges, change); }

std::string_view to_string(Acl acl) { return word_of(kAcls, acl); }
std::optional<Acl> acl_from(std::string_view word) { return value_of(kAcls, word); }

std::string_view to_string(Overwrite overwrite) { return word_of(kOverwrites, overwrite); }
std::optional<Overwrite> overwrite_from(std::string_view word) { return value_of(kOverwrites, word); }

std::string_view to_string(CallbackState state) { return word_of(kCallbackStates, state); }
std::optional<CallbackState> callback_state_from(std::string_view word) { return value_of(kCallbackStates, word); }

int Upload::percent() const {
  if (state == UploadState::completed) return 100;
  if (size <= 0) return 0;
  // 99 at most: every byte sent is not yet an object confirmed.
  return static_cast<int>(std::min(99.0, 100.0 * static_cast<double>(bytes_sent) / static_cast<double>(size)));
}

}  // namespace vodlift
