// Reads the tables of a TOML file key by key and remembers every fault with its line. Only config*.cc know of TOML.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/toml.h"
#include "base/error.h"

namespace vodlift::app {

// All faults of one file. One thread.
class ConfigFaults {
 public:
  explicit ConfigFaults(std::filesystem::path file) : file_(std::move(file)) {}

  // `line` counts from 1; 0 (a place that was never written) is told as 1.
  void add(std::uint32_t line, std::string text);

  [[nodiscard]] bool empty() const { return faults_.empty(); }
  // config_invalid with all faults in the order of their lines.
  [[nodiscard]] Error error() const;

 private:
  struct Fault {
    std::uint32_t line;
    std::string text;
  };

  std::filesystem::path file_;
  std::vector<Fault> faults_;
};

// The one of `words` that `word` is most likely a slip for; empty when none is near.
std::string_view nearest_word(std::string_view word, std::span<const std::string_view> words);

// One table, read key by key. Each getter marks its key as known, answers nothing where the key is absent, and reports
// a value of the wrong kind. Keep no longer than the table and the faults.
class ConfigSection {
 public:
  // `title` is how faults call it: "[server]". A null `table` reads as an empty one.
  ConfigSection(const toml::table* table, std::string title, ConfigFaults& faults);

  std::optional<std::string> text(std::string_view key);
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t min, std::int64_t max);
  std::optional<bool> flag(std::string_view key);
  // Each string of a list, with its line.
  struct Item {
    std::string text;
    std::uint32_t line;
  };
  std::vector<Item> texts(std::string_view key);

  // Where `key` was written; the section's own line when it was not.
  [[nodiscard]] std::uint32_t line(std::string_view key) const;
  // Reports a fault of `key`: "[server] listen: <text>".
  void fault(std::string_view key, const std::string& text);
  // Reports every key that no getter asked for.
  void refuse_unknown();

 private:
  const toml::node* find(std::string_view key);

  const toml::table* table_;
  std::string title_;
  ConfigFaults& faults_;
  std::vector<std::string_view> known_;
};

}  // namespace vodlift::app
