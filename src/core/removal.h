// Removing an account, an API key or a bucket: what it is, and what still uses it.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "base/words.h"
#include "core/upload.h"

namespace vodlift {

enum class RemovableKind { account, key, bucket };
inline constexpr Words<RemovableKind> kRemovableKinds = {
    {RemovableKind::account, "account"},
    {RemovableKind::key, "key"},
    {RemovableKind::bucket, "bucket"},
};

// One thing that can be removed.
struct Removable {
  RemovableKind kind{};
  AccountId cdn = 0;   // the account that it is, or is of
  std::string name{};  // api_key, or the bucket's name; empty for an account

  bool operator==(const Removable&) const = default;
};

// "account 158", "API key ABC", "bucket videos of account 158"; safe for a terminal.
std::string to_text(const Removable& one);

// Uploads that one request cancels at most; further requests cancel the others.
inline constexpr int kMostCancelled = 500;

// Each number of Uses is kMostUses at most: then there may be more.
inline constexpr int kMostUses = 100'000;

// What uses it. Uploads that have ended are history, and use nothing.
struct Uses {
  std::int64_t queued = 0;
  std::int64_t paused = 0;
  std::int64_t uploading = 0;
  std::int64_t callbacks = 0;   // of its uploads, that are not delivered or given up yet
  std::int64_t multiparts = 0;  // left open at the store; they are aborted with the bucket's credentials
  std::int64_t keys = 0;        // of an account
  std::int64_t buckets = 0;     // of an account
  std::int64_t tokens = 0;      // bearer tokens that are bound to an account

  // Whether nothing waits for an end. Keys, buckets and tokens end with their account.
  [[nodiscard]] bool ended() const { return queued + paused + uploading + callbacks + multiparts == 0; }
  [[nodiscard]] bool none() const { return ended() && keys + buckets + tokens == 0; }

  bool operator==(const Uses&) const = default;
};

// "3 uploads (2 queued, 1 uploading) and 1 callback"; empty: nothing uses it.
std::string to_text(const Uses& uses);

// How it is refused that something new is made for what is being removed. Code: wrong_state.
Error being_removed(const Removable& one);

}  // namespace vodlift
