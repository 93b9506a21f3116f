// Port: the record of every call that changes something: who, what, and what came of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "core/upload.h"

namespace vodlift {

struct AuditEntry {
  std::string_view door;     // "api", "administration" (over the socket), "panel" (in a session), "token"
  std::string address;       // of the client, or "unix"
  AccountId cdn = 0;         // 0: none
  std::int64_t key_id = 0;   // the API key that signed; 0: none
  std::string who{};         // the person, or the owner of the token; empty: not known
  std::string token{};       // its label; empty: none
  std::string_view command;  // "aws.upload", "key.revoke"
  // What the call was about, by field name. Never a secret, a signature, a callback URL or metadata.
  std::vector<std::pair<std::string_view, std::string>> what;
  // Of a change that has two entries: one before it is begun, and one with its outcome. Both have the same `call`.
  bool begun = false;  // it is the first of the two, and nothing is known of the outcome
  std::string call{};  // empty: the only entry
  // Which state the changed object was in before the change and after it; empty: there was no object, or the change is
  // of none.
  std::string before{};
  std::string after{};
  std::optional<Errc> failure;  // nothing: it succeeded
  UploadId upload = 0;          // the upload that was made or changed; 0: none
};

// Port of the audit log. Any thread.
class AuditLog {
 public:
  AuditLog() = default;
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;
  virtual ~AuditLog() = default;

  // Records `entry`. To be called when the outcome is known and before it is answered, so that nobody hears of a change
  // that the log does not know; an entry that is `begun` before the change. Takes microseconds; a log that cannot be
  // written is told to the operator, and work goes on: what was done is done.
  virtual void record(const AuditEntry& entry) noexcept = 0;
};

}  // namespace vodlift
