// Ports that live in memory: two accounts, a queue, a storage with one file, an audit log, a clock that stands.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "core/audit_log.h"
#include "legacy/fake_accounts_test.h"
#include "legacy/fake_storages_test.h"
#include "legacy/fake_uploads_test.h"

namespace vodlift::legacy {

inline constexpr std::int64_t kNow = 1700000000;

class ManualClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return from_unix_ms(unix_ms.load()); }
  std::atomic<std::int64_t> unix_ms{kNow * 1000};
};

class FakeAudit final : public AuditLog {
 public:
  void record(const AuditEntry& entry) noexcept override {
    const std::lock_guard lock(mutex_);
    std::string line(entry.command);
    line += " " + std::to_string(entry.cdn) + "/" + std::to_string(entry.key_id) + " from " + entry.address;
    for (const auto& [name, value] : entry.what) line += " " + std::string(name) + "=" + value;
    line += entry.failure ? " " + std::string(info(*entry.failure).name) : " success";
    lines.push_back(line + " " + std::to_string(entry.upload));
  }
  std::vector<std::string> lines;

 private:
  std::mutex mutex_;
};

}  // namespace vodlift::legacy
