// What --help says of every command and option, and that docs/reference.md says the same.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>

#include "base/text.h"
#include "cli/examples.h"
#include "cli/session.h"

namespace vodlift::cli {
namespace {

class CliHelp : public testing::Test {
 protected:
  void SetUp() override {
    add_all_commands(app_, session_, services_);
    visit(app_, "vodlift");
    ASSERT_GT(commands_.size(), 25U);
  }

  struct Command {
    std::string words;  // "vodlift account add"
    const CLI::App* app = nullptr;
    std::vector<const CLI::Option*> options;
    bool has_verbs = false;
  };

  void visit(const CLI::App& app, const std::string& words) {
    commands_.push_back({words, &app, app.get_options(), false});
    const std::size_t at = commands_.size() - 1;
    for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; })) {
      if (child->get_name().empty()) {  // a group of options
        const auto options = child->get_options();
        commands_[at].options.insert(commands_[at].options.end(), options.begin(), options.end());
      } else {
        commands_[at].has_verbs = true;
        visit(*child, words + " " + child->get_name());
      }
    }
  }

  // One phrase: it begins with a capital letter or a digit and has no full stop at its end.
  static void expect_phrase(const std::string& text, const std::string& of) {
    ASSERT_FALSE(text.empty()) << of;
    EXPECT_FALSE(is_lower(text.front()) || text.front() == ' ') << of << ": " << text;
    EXPECT_EQ(std::string_view(" .,:;").find(text.back()), std::string_view::npos) << of << ": " << text;
    EXPECT_EQ(text.find("  "), std::string::npos) << of << ": " << text;
  }

  // The options that belong to this command alone, positional ones first, each after a space.
  static std::string own_options(const Command& command) {
    std::vector<std::string> own;
    for (const CLI::Option* option : command.options) {
      const std::string name = option->get_positional() ? option->get_name(true) : option->get_name();
      const bool is_shared = name == "--json" || name == "--quiet" || name == "--no-color" || name == "--socket" ||
                             name.ends_with("--help") ||
                             (name == "--config" && command.app->get_option_no_throw("--socket") != nullptr);
      if (is_shared) continue;
      own.insert(option->get_positional() ? own.begin() : own.end(), fmt::format("`{}`", name));
    }
    return own.empty() ? "" : fmt::format(" {}", fmt::join(own, " "));
  }

  const Services services_{};
  Session session_{services_};
  CLI::App app_;
  std::vector<Command> commands_;
};

TEST_F(CliHelp, EveryCommandAndOptionIsExplainedInOnePhrase) {
  for (const Command& command : commands_) {
    if (command.app != &app_) expect_phrase(command.app->get_description(), command.words);
    for (const CLI::Option* option : command.options) {
      expect_phrase(option->get_description(), command.words + " " + option->get_name());
    }
  }
}

TEST_F(CliHelp, EveryHelpFitsATerminal) {
  for (const Command& command : commands_) {
    std::istringstream lines(command.app->help());
    for (std::string line; std::getline(lines, line);)
      EXPECT_LE(line.size(), line.starts_with("  vodlift ") ? 92U : 80U) << line;
  }
}

TEST_F(CliHelp, EveryExampleIsACommandLineThatCanBeRead) {
  for (const std::string_view example : examples()) {
    EXPECT_LE(example.size(), 90U) << example;
    std::istringstream text{std::string(example)};
    std::vector<std::string> words{std::istream_iterator<std::string>(text), {}};
    words.insert(words.end(), {"--socket", "/nonexistent/a.sock"});
    std::vector<const char*> argv;
    argv.reserve(words.size());
    for (const std::string& word : words) argv.push_back(word.c_str());
    testing::internal::CaptureStderr();
    run(static_cast<int>(argv.size()), argv.data(), services_);
    // A file that is named is read first.
    EXPECT_THAT(testing::internal::GetCapturedStderr(),
                testing::AnyOf(testing::HasSubstr("no daemon answers at"), testing::HasSubstr("cannot open old.csv")))
        << example;
  }
  const CLI::App* upload = app_.get_subcommand("upload");
  EXPECT_NE(upload->get_subcommand("list")->help().find("\n  vodlift upload list --state failed"), std::string::npos);
}

TEST_F(CliHelp, TheReferenceListsEveryCommandWithItsOptions) {
  std::string expected;
  for (const Command& command : commands_) {
    if (command.has_verbs && command.words != "vodlift upload" && command.words != "vodlift alerts") continue;
    expected += fmt::format("| `{}` | {} |{} |\n", command.words, command.app->get_description(), own_options(command));
  }
  std::string found;
  std::ifstream document(VODLIFT_REFERENCE);
  for (std::string line; std::getline(document, line);) {
    if (line.starts_with("| `vodlift ")) found += line + "\n";
  }
  EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace vodlift::cli
