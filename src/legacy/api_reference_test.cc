// docs/api.md against the command table: what stands between its markers is written from the rows.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>

#include "legacy/command.h"

namespace vodlift::legacy {
namespace {

constexpr std::string_view kEnd = "<!-- end -->\n";

std::string begin_marker(std::string_view block) { return fmt::format("<!-- from the command table: {} -->\n", block); }

std::string with_commas(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string type_of(const FieldSpec& field) {
  switch (field.type) {
    case FieldType::text:
      return fmt::format("string, at most {} bytes", with_commas(field.high));
    case FieldType::number:
      if (field.high == std::numeric_limits<std::int64_t>::max()) return fmt::format("integer from {}", field.low);
      return fmt::format("integer, {} to {}", with_commas(field.low), with_commas(field.high));
    case FieldType::ids:
      return fmt::format("integer, or a list of 1 to {} integers", with_commas(field.high));
    case FieldType::word:
      return fmt::format("`{}`", fmt::join(field.words, "`, `"));
    case FieldType::words:
      return fmt::format("`{}`; or a list of 1 to {} of them", fmt::join(field.words, "`, `"), field.words.size());
    case FieldType::flag:
      return "true or false";
    case FieldType::texts:
      return fmt::format("a list of at most {} strings", field.high);
    case FieldType::objects:
      return fmt::format("a list of at most {} objects", field.high);
    case FieldType::pairs:
      return "object";
  }
  return {};
}

std::string presence_of(const FieldSpec& field) {
  if (field.required) return "required";
  return field.otherwise.empty() ? "" : fmt::format("`{}`", field.otherwise);
}

std::string overview() {
  std::string out = "| command | permission | changes something | what it does |\n|---|---|---|---|\n";
  for (const Command& command : commands()) {
    std::string anchor(command.name);
    std::erase(anchor, '.');
    out += fmt::format("| [{}](#{}) | {} | {} | {} |\n", command.name, anchor, to_string(command.permission),
                       command.mutating ? "yes" : "no", command.about);
  }
  return out;
}

std::string reference(const Command& command) {
  std::string rows;
  for (const FieldSpec& field : command.fields) {
    rows += fmt::format("| `{}` | {} | {} | {} |\n", field.name, type_of(field), presence_of(field), field.about);
  }
  const std::string out =
      rows.empty() ? "No fields.\n" : "| field | type | default | meaning |\n|---|---|---|---|\n" + rows;
  return out + fmt::format("\nPermission: `{}`. `data` is {}.\n", to_string(command.permission), command.answer);
}

// Puts `text` between the markers of `block`; false when the document has no such block.
bool renew(std::string& document, std::string_view block, const std::string& text) {
  const std::string marker = begin_marker(block);
  const std::size_t at = document.find(marker);
  const std::size_t end = at == std::string::npos ? at : document.find(kEnd, at);
  if (end == std::string::npos) return false;
  document.replace(at + marker.size(), end - at - marker.size(), text);
  return true;
}

TEST(ApiReference, TheDocumentSaysWhatTheTableSays) {
  std::ifstream in(VODLIFT_API_DOCUMENT);
  const std::string document{std::istreambuf_iterator<char>(in), {}};
  ASSERT_FALSE(document.empty());

  std::string renewed = document;
  EXPECT_TRUE(renew(renewed, "commands", overview()));
  for (const Command& command : commands()) {
    EXPECT_TRUE(renew(renewed, command.name, reference(command)))
        << "docs/api.md has no section for it: add a heading and the lines\n"
        << begin_marker(command.name) << kEnd;
  }
  if (std::getenv("VODLIFT_RENEW_DOCS") != nullptr) std::ofstream(VODLIFT_API_DOCUMENT) << renewed;
  EXPECT_EQ(document, renewed) << "docs/api.md differs from the command table (src/legacy/*_commands.cc, "
                                  "src/core/upload_fields.cc). Renew it with\n"
                                  "VODLIFT_RENEW_DOCS=1 build/release/legacy_test --gtest_filter='ApiReference.*'";
}

// Callbacks and leases have errors of their own, which no upload shows.
constexpr std::array kNotOfUploads = {Errc::address_denied, Errc::lease_lost, Errc::interrupted};

TEST(ApiReference, EveryErrorOfAnUploadIsExplainedAndSaysWhetherItIsTriedAgain) {
  std::ifstream in(VODLIFT_API_DOCUMENT);
  std::map<std::string, std::string, std::less<>> again;
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("| `")) continue;
    const std::size_t words_end = line.find(" | ");
    const std::size_t again_end = line.find(" | ", words_end + 3);
    if (again_end == std::string::npos) continue;
    for (std::size_t at = line.find('`'); at < words_end; at = line.find('`', line.find('`', at + 1) + 1)) {
      again[line.substr(at + 1, line.find('`', at + 1) - at - 1)] =
          line.substr(words_end + 3, again_end - words_end - 3);
    }
  }
  for (auto code = Errc::source_missing; code <= Errc::crashed_repeatedly;
       code = static_cast<Errc>(static_cast<int>(code) + 1)) {
    if (std::ranges::find(kNotOfUploads, code) != kNotOfUploads.end()) continue;
    const ErrcInfo& row = info(code);
    EXPECT_EQ(again[std::string(row.name)], row.retryable ? "yes" : "no") << row.name << " in docs/api.md";
  }
}

TEST(ApiReference, EveryRowIsWhole) {
  for (const Command& command : commands()) {
    EXPECT_FALSE(command.about.empty()) << command.name;
    EXPECT_FALSE(command.answer.empty()) << command.name;
    EXPECT_NE(command.run, nullptr) << command.name;
    EXPECT_EQ(find_command(command.name), &command) << "the name is there twice";
    for (const FieldSpec& field : command.fields) {
      const std::string name = std::string(command.name) + "." + std::string(field.name);
      EXPECT_FALSE(field.about.empty()) << name;
      const bool of_words = field.type == FieldType::word || field.type == FieldType::words;
      EXPECT_EQ(field.words.empty(), !of_words) << name;
      EXPECT_TRUE(field.high > 0 || of_words || field.type == FieldType::pairs) << name << " has no upper limit";
      const bool of_lists = field.type == FieldType::ids || field.type == FieldType::words;
      EXPECT_TRUE(field.required || field.otherwise.empty() || !of_lists) << name;
      EXPECT_EQ(std::ranges::count(command.fields, field.name, &FieldSpec::name), 1) << name;
    }
  }
}

}  // namespace
}  // namespace vodlift::legacy
